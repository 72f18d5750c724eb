package ratatouille

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// chunkBytes is what one message carries.
const chunkBytes = 1 << 20

// A Blob names bytes of the catalog. They never change.
type Blob struct {
	// Digest is "sha256:" and 64 hexadecimal digits.
	Digest string
	Size   int64
}

// Progress is told how many bytes of how many have moved, by one goroutine at a time. What is sent again counts once.
type Progress func(done, total int64)

// BlobOf hashes the first size bytes of content.
func BlobOf(content io.ReaderAt, size int64) (Blob, error) {
	hash := sha256.New()
	if n, err := io.CopyBuffer(hash, io.NewSectionReader(content, 0, size), make([]byte, chunkBytes)); err != nil || n != size {
		return Blob{}, fmt.Errorf("ratatouille: hashed %d of %d bytes: %w", n, size, orUnexpectedEOF(err))
	}
	return Blob{digestOf(hash.Sum(nil)), size}, nil
}

func digestOf(sum []byte) string {
	return "sha256:" + hex.EncodeToString(sum)
}

func checkDigest(digest string) error {
	digits, ok := strings.CutPrefix(digest, "sha256:")
	if _, err := hex.DecodeString(digits); !ok || err != nil || len(digits) != 64 || strings.ToLower(digits) != digits {
		return fmt.Errorf("ratatouille: %q is no digest; expected sha256: and 64 hexadecimal digits", digest)
	}
	return nil
}

func orUnexpectedEOF(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
