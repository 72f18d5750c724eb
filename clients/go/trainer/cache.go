package trainer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ratatouille"
)

const (
	// cacheBytes is how large a cache may be before what was not used for longest goes.
	cacheBytes = 16 << 30
	// downloadTries is how often bytes are asked for that arrive as others.
	downloadTries = 3
)

// A cache has blobs on the disk, by their digests. Several trainers may share it.
type cache struct {
	directory string
	temporary bool
	moved     atomic.Int64
}

func openCache(directory string) (*cache, error) {
	if directory == "" {
		made, err := os.MkdirTemp("", "ratatouille-trainer-*")
		return &cache{directory: made, temporary: true}, err
	}
	return &cache{directory: directory}, os.MkdirAll(directory, 0o755)
}

func (c *cache) close() {
	if c.temporary {
		os.RemoveAll(c.directory)
	}
}

// open gives the file of a blob, downloaded where it is not there with the bytes that its name says.
func (c *cache) open(ctx context.Context, client *ratatouille.Client, blob ratatouille.Blob) (*os.File, error) {
	path := filepath.Join(c.directory, strings.TrimPrefix(blob.Digest, "sha256:"))
	if file, err := os.Open(path); err == nil {
		if holds(file, blob.Digest) {
			now := time.Now()
			_ = os.Chtimes(path, now, now)
			return file, nil
		}
		file.Close()
	}
	c.prune(blob.Size)
	file, err := os.CreateTemp(c.directory, ".download-*")
	if err != nil {
		return nil, err
	}
	// Where it is not renamed, it goes.
	defer os.Remove(file.Name()) //nolint:errcheck
	for try := 1; ; try++ {
		err = client.DownloadBlob(ctx, blob, file, nil)
		if ratatouille.ReasonOf(err) != "BLOB_CORRUPTED" || try == downloadTries {
			break
		}
	}
	if err == nil {
		c.moved.Add(blob.Size)
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func holds(file *os.File, digest string) bool {
	hash := sha256.New()
	_, err := io.Copy(hash, file)
	return err == nil && "sha256:"+hex.EncodeToString(hash.Sum(nil)) == digest
}

// prune makes room. Files that somebody has open stay readable.
func (c *cache) prune(need int64) {
	entries, err := os.ReadDir(c.directory)
	if err != nil {
		return
	}
	var files []os.FileInfo
	total := need
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(info.Name(), ".") {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, file := range files {
		if total <= cacheBytes {
			return
		}
		if err := os.Remove(filepath.Join(c.directory, file.Name())); err == nil || errors.Is(err, os.ErrNotExist) {
			total -= file.Size()
		}
	}
}
