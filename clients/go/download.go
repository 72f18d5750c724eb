package ratatouille

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	pb "ratatouille/v1"
)

const (
	// rangeBytes is what one call fetches of a blob.
	rangeBytes = 32 << 20
	// parallelRanges are fetched at once.
	parallelRanges = 4
)

// ReaderWriterAt is where a blob is put: a file, mostly.
type ReaderWriterAt interface {
	io.ReaderAt
	io.WriterAt
}

// Blob says how large a blob of the catalog is. Reason: BLOB_NOT_FOUND.
func (c *Client) Blob(ctx context.Context, digest string) (Blob, error) {
	answer, err := c.catalog.GetUpload(ctx, &pb.GetUploadRequest{Digest: digest})
	if err == nil && answer.SizeBytes == nil {
		err = newError(codes.NotFound, "BLOB_NOT_FOUND", "there is no blob %s", digest)
	}
	return Blob{digest, answer.GetSizeBytes()}, err
}

// DownloadBlob fetches a blob, several ranges at once, and compares its SHA-256. Ranges that break go on where they were.
//
// Reasons: BLOB_NOT_FOUND, BLOB_CORRUPTED (also where other bytes arrived: then what was written must not be used).
func (c *Client) DownloadBlob(ctx context.Context, blob Blob, to ReaderWriterAt, progress Progress) error {
	if err := checkDigest(blob.Digest); err != nil {
		return err
	}
	count := int((blob.Size + rangeBytes - 1) / rangeBytes)
	arrived := make([]chan struct{}, count)
	for i := range arrived {
		arrived[i] = make(chan struct{})
	}
	counter := &counter{total: blob.Size, progress: progress}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return verify(ctx, blob, to, arrived) })
	group.Go(func() error {
		ranges, ctx := errgroup.WithContext(ctx)
		ranges.SetLimit(parallelRanges)
		for i := range count {
			ranges.Go(func() error {
				offset := int64(i) * rangeBytes
				err := c.fetch(ctx, blob.Digest, offset, min(rangeBytes, blob.Size-offset), to, counter.add)
				if err == nil {
					close(arrived[i])
				}
				return err
			})
		}
		return ranges.Wait()
	})
	return group.Wait()
}

// fetch writes one range.
func (c *Client) fetch(ctx context.Context, digest string, offset, length int64, to io.WriterAt, moved func(int64)) error {
	wait := newPatience(c.patience)
	for end := offset + length; offset < end; {
		n, err := c.receive(ctx, digest, offset, end-offset, to, func(n int64) {
			wait.moved()
			moved(n)
		})
		offset += n
		if err != nil {
			if err := wait.wait(ctx, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// receive writes what comes of a range in one call, and says how much that was.
func (c *Client) receive(ctx context.Context, digest string, offset, length int64, to io.WriterAt, moved func(int64)) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.catalog.DownloadBlob(ctx, &pb.DownloadBlobRequest{Digest: digest, Offset: offset, Length: length})
	if err != nil {
		return 0, err
	}
	done := int64(0)
	for done < length {
		message, err := stream.Recv()
		if err == io.EOF {
			return done, dataLoss("%s ends at byte %d; expected %d more", digest, offset+done, length-done)
		}
		if err != nil {
			return done, err
		}
		chunk := message.GetChunk()
		if int64(len(chunk)) > length-done {
			return done, dataLoss("%s has more bytes than were asked for", digest)
		}
		if _, err := to.WriteAt(chunk, offset+done); err != nil {
			return done, err
		}
		done += int64(len(chunk))
		moved(int64(len(chunk)))
	}
	return done, nil
}

// verify hashes ranges in their order, as soon as they are there.
func verify(ctx context.Context, blob Blob, from io.ReaderAt, arrived []chan struct{}) error {
	hash := sha256.New()
	buffer := make([]byte, chunkBytes)
	for i, there := range arrived {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-there:
		}
		offset := int64(i) * rangeBytes
		if _, err := io.CopyBuffer(hash, io.NewSectionReader(from, offset, min(rangeBytes, blob.Size-offset)), buffer); err != nil {
			return err
		}
	}
	if found := digestOf(hash.Sum(nil)); found != blob.Digest {
		return dataLoss("%s arrived as %s", blob.Digest, found)
	}
	return nil
}

func dataLoss(format string, args ...any) error {
	return newError(codes.DataLoss, "BLOB_CORRUPTED", format, args...)
}

// A counter tells of the bytes of several goroutines.
type counter struct {
	mutex       sync.Mutex
	done, total int64
	progress    Progress
}

func (c *counter) add(n int64) {
	if c.progress == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.done += n
	c.progress(c.done, c.total)
}

// replaceFile makes a file that is there whole, or as it was before.
func replaceFile(path string, fill func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // it is gone where all went well
	if err := fill(file); err != nil {
		file.Close()
		return err
	}
	if err := file.Chmod(0o644); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
