package ratatouille

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"

	pb "ratatouille/v1"
)

// UploadBlob puts bytes into the catalog. What is there already is not sent, nor what has arrived of an upload that broke, also of one of
// another process.
//
// Reasons: BLOB_MISMATCH (content changed while it was sent), NO_SPACE.
func (c *Client) UploadBlob(ctx context.Context, content io.ReaderAt, size int64, progress Progress) (Blob, error) {
	blob, err := BlobOf(content, size)
	if err != nil {
		return Blob{}, err
	}
	return blob, c.upload(ctx, content, blob, nil, progress)
}

// upload sends what is missing of a blob, of which the catalog may have pieces.
func (c *Client) upload(ctx context.Context, content io.ReaderAt, blob Blob, known []piece, progress Progress) error {
	wait := newPatience(c.patience)
	sender := &blobSender{content: content, blob: blob, moved: func(done int64) {
		wait.moved()
		if progress != nil {
			progress(done, blob.Size)
		}
	}}
	for fresh := false; ; {
		offset, err := sender.round(ctx, c, known, fresh)
		switch reason := ReasonOf(err); {
		case err == nil:
			return nil
		case reason == "CHUNK_MISSING" && known != nil:
			known = nil // it goes faster than it is asked for
		case reason == "BLOB_MISMATCH" && offset > 0 && !fresh:
			fresh = true // what somebody else has left there was not the beginning of this
		default:
			if err := wait.wait(ctx, err); err != nil {
				return err
			}
		}
	}
}

type blobSender struct {
	content io.ReaderAt
	blob    Blob
	moved   func(done int64)
	most    int64
}

// round asks what is missing and sends it, from where an upload broke unless it is to be fresh. It says from where on it sent.
func (s *blobSender) round(ctx context.Context, c *Client, known []piece, fresh bool) (int64, error) {
	isThere, todo, err := c.missing(ctx, s.blob, known)
	if err != nil || isThere {
		s.reached(s.blob.Size, isThere)
		return 0, err
	}
	offset := int64(0)
	if !fresh {
		answer, err := c.catalog.GetUpload(ctx, &pb.GetUploadRequest{Digest: s.blob.Digest})
		if err != nil {
			return 0, err
		}
		offset = min(answer.GetReceivedBytes(), s.blob.Size)
	}
	return offset, s.send(ctx, c.catalog, todo, offset)
}

// send sends all pieces from an offset on.
func (s *blobSender) send(ctx context.Context, catalog pb.CatalogServiceClient, todo []piece, offset int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := catalog.UploadBlob(ctx)
	if err != nil {
		return err
	}
	header := &pb.BlobHeader{Digest: s.blob.Digest, SizeBytes: s.blob.Size, Keep: true, Offset: offset}
	err = stream.Send(&pb.UploadBlobRequest{Part: &pb.UploadBlobRequest_Header{Header: header}})
	buffer := make([]byte, min(chunkBytes, s.blob.Size))
	for i := 0; err == nil && i < len(todo); {
		end := todo[i].offset + todo[i].size
		if offset >= end {
			i++
			continue
		}
		length := end - offset
		if todo[i].sum != nil && offset == todo[i].offset {
			part := &pb.ChunkCopy{Sha256: todo[i].sum, SizeBytes: int32(length)}
			err = stream.Send(&pb.UploadBlobRequest{Part: &pb.UploadBlobRequest_Copy{Copy: part}})
		} else {
			length = min(length, chunkBytes)
			if _, err := readAt(s.content, buffer[:length], offset); err != nil {
				return err
			}
			part := &pb.CheckedChunk{Data: buffer[:length], Crc32: crc32.ChecksumIEEE(buffer[:length])}
			err = stream.Send(&pb.UploadBlobRequest{Part: &pb.UploadBlobRequest_Checked{Checked: part}})
		}
		if err == nil {
			offset += length
			s.reached(offset, true)
		}
	}
	if err != nil && err != io.EOF { // io.EOF: the server has ended the call, and says why
		return err
	}
	_, err = stream.CloseAndRecv()
	return err
}

// reached tells of bytes that have not been told of before.
func (s *blobSender) reached(offset int64, ok bool) {
	if ok && offset > s.most {
		s.most = offset
		s.moved(offset)
	}
}

// readAt fills a buffer.
func readAt(content io.ReaderAt, buffer []byte, offset int64) (int, error) {
	n, err := content.ReadAt(buffer, offset)
	if n == len(buffer) {
		return n, nil
	}
	return n, fmt.Errorf("ratatouille: cannot read byte %d of what is sent: %w", offset+int64(n), orUnexpectedEOF(err))
}
