package ratatouille

import (
	"context"
	"crypto/sha256"
	"io"

	"google.golang.org/grpc/codes"

	"ratatouille/safetensors"
	pb "ratatouille/v1"
)

const (
	// leastPiece is the size from which on a piece of a tensor is asked for before it is sent.
	leastPiece = 4 << 10
	// mostPieces are asked for at once.
	mostPieces = 1 << 16
)

// A piece of a file is sent, or copied by the catalog from another file where sum says so.
type piece struct {
	offset, size int64
	// sum is the SHA-256 of a piece of a tensor that the catalog may have; nil: it is sent.
	sum []byte
}

// tensorPieces cuts a model as the catalog does: each tensor from its first byte on. What is no safetensors file has none.
func tensorPieces(content io.ReaderAt, size int64) ([]piece, error) {
	file, err := safetensors.Open(content, size)
	if err != nil {
		return nil, nil //nolint:nilerr // the server says what is wrong with it
	}
	var pieces []piece
	buffer := make([]byte, chunkBytes)
	for _, entry := range file.Entries {
		for offset, end := entry.Offset, entry.Offset+entry.Size; offset < end; offset += chunkBytes {
			part := buffer[:min(chunkBytes, end-offset)]
			if len(part) < leastPiece {
				continue
			}
			if _, err := readAt(content, part, offset); err != nil {
				return nil, err
			}
			sum := sha256.Sum256(part)
			pieces = append(pieces, piece{offset, int64(len(part)), sum[:]})
		}
	}
	return pieces, nil
}

// missing asks the catalog which of a file it has: the whole, or pieces of it, which it gives as what is to be done, in the order of the file.
func (c *Client) missing(ctx context.Context, blob Blob, known []piece) (isThere bool, todo []piece, err error) {
	var there []piece
	for begin := 0; begin == 0 || begin < len(known); begin += mostPieces {
		asked := known[begin:min(begin+mostPieces, len(known))]
		request := &pb.FindMissingRequest{Blobs: []string{blob.Digest}}
		for _, piece := range asked {
			request.Chunks = append(request.Chunks, piece.sum)
		}
		answer, err := c.catalog.FindMissing(ctx, request)
		if CodeOf(err) == codes.Unimplemented { // a server of before
			there = nil
			break
		}
		if err != nil {
			return false, nil, err
		}
		if len(answer.GetBlobs()) == 0 {
			return true, nil, nil
		}
		lacking := make(map[int32]bool, len(answer.GetChunks()))
		for _, place := range answer.GetChunks() {
			lacking[place] = true
		}
		for i, piece := range asked {
			if !lacking[int32(i)] {
				there = append(there, piece)
			}
		}
	}
	return false, between(there, blob.Size), nil
}

// between puts what is to be sent between what is to be copied.
func between(there []piece, size int64) []piece {
	var all []piece
	done := int64(0)
	for _, piece := range append(there, piece{offset: size}) {
		if piece.offset > done {
			all = append(all, sent(done, piece.offset))
		}
		if piece.size > 0 {
			all = append(all, piece)
		}
		done = piece.offset + piece.size
	}
	return all
}

func sent(begin, end int64) piece { return piece{begin, end - begin, nil} }
