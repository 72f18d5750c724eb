package ratatouille

import (
	"context"
	"fmt"
	"io"

	pb "ratatouille/v1"
)

// UploadBlob puts bytes into the catalog. What has arrived of an upload that broke, also of one of another process, is not sent again.
//
// Reasons: BLOB_MISMATCH (content changed while it was sent), NO_SPACE.
func (c *Client) UploadBlob(ctx context.Context, content io.ReaderAt, size int64, progress Progress) (Blob, error) {
	blob, err := BlobOf(content, size)
	if err != nil {
		return Blob{}, err
	}
	return blob, c.upload(ctx, content, blob, progress)
}

func (c *Client) upload(ctx context.Context, content io.ReaderAt, blob Blob, progress Progress) error {
	wait := newPatience(c.patience)
	sender := &blobSender{content: content, blob: blob, moved: func(done int64) {
		wait.moved()
		if progress != nil {
			progress(done, blob.Size)
		}
	}}
	for fresh := false; ; {
		offset, err := int64(0), error(nil)
		if !fresh {
			offset, err = c.received(ctx, blob)
		}
		if err == nil {
			err = sender.send(ctx, c.catalog, offset)
		}
		switch {
		case err == nil:
			return nil
		case ReasonOf(err) == "UPLOAD_MOVED":
		case ReasonOf(err) == "BLOB_MISMATCH" && offset > 0:
			fresh = true // what somebody else has left there was not the beginning of this
		default:
			if err := wait.wait(ctx, err); err != nil {
				return err
			}
		}
	}
}

// received is how much of a blob the catalog has of an upload that broke.
func (c *Client) received(ctx context.Context, blob Blob) (int64, error) {
	answer, err := c.catalog.GetUpload(ctx, &pb.GetUploadRequest{Digest: blob.Digest})
	return min(answer.GetReceivedBytes(), blob.Size), err
}

type blobSender struct {
	content io.ReaderAt
	blob    Blob
	moved   func(done int64)
	most    int64
}

// send sends all from an offset on.
func (s *blobSender) send(ctx context.Context, catalog pb.CatalogServiceClient, offset int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := catalog.UploadBlob(ctx)
	if err != nil {
		return err
	}
	header := &pb.BlobHeader{Digest: s.blob.Digest, SizeBytes: s.blob.Size, Keep: true, Offset: offset}
	err = stream.Send(&pb.UploadBlobRequest{Part: &pb.UploadBlobRequest_Header{Header: header}})
	buffer := make([]byte, min(chunkBytes, s.blob.Size))
	for err == nil && offset < s.blob.Size {
		chunk := buffer[:min(chunkBytes, s.blob.Size-offset)]
		if _, err := readAt(s.content, chunk, offset); err != nil {
			return err
		}
		if err = stream.Send(&pb.UploadBlobRequest{Part: &pb.UploadBlobRequest_Chunk{Chunk: chunk}}); err == nil {
			offset += int64(len(chunk))
			if offset > s.most {
				s.most = offset
				s.moved(offset)
			}
		}
	}
	if err != nil && err != io.EOF { // io.EOF: the server has ended the call, and says why
		return err
	}
	_, err = stream.CloseAndRecv()
	return err
}

// readAt fills a buffer.
func readAt(content io.ReaderAt, buffer []byte, offset int64) (int, error) {
	n, err := content.ReadAt(buffer, offset)
	if n == len(buffer) {
		return n, nil
	}
	return n, fmt.Errorf("ratatouille: cannot read byte %d of what is sent: %w", offset+int64(n), orUnexpectedEOF(err))
}
