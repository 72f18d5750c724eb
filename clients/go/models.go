package ratatouille

import (
	"context"
	"os"
	"path/filepath"

	pb "ratatouille/v1"
)

// PushOptions say what a model is.
type PushOptions struct {
	// Licence is an SPDX expression. Empty: unknown, and so is that of all that is made of the model.
	Licence string
	// Source says where it comes from, for people. Empty: the name of the file.
	Source string
	// Architecture is the kind of network, such as "resnet18". Empty: unknown.
	Architecture string
	// Base is the digest of the model that it is a fine-tuning of.
	Base     string
	Progress Progress
}

// Push puts a model, a safetensors file, into the catalog. Of a fine-tuning only what it has changed is sent; what breaks goes on where it was.
//
// Reasons: INVALID_FIELD (no safetensors file, a wrong licence), ARTIFACT_NOT_FOUND (of Base), NO_SPACE.
func (c *Client) Push(ctx context.Context, path string, options PushOptions) (artifact *pb.Artifact, err error) {
	if options.Source == "" {
		options.Source = filepath.Base(path)
	}
	err = withFile(path, func(file *os.File, size int64) error {
		blob, err := BlobOf(file, size)
		if err != nil {
			return err
		}
		pieces, err := tensorPieces(file, size)
		if err != nil {
			return err
		}
		if err := c.upload(ctx, file, blob, pieces, options.Progress); err != nil {
			return err
		}
		answer, err := c.catalog.ImportModel(ctx, &pb.ImportModelRequest{
			Files: []*pb.ImportedFile{{Digest: blob.Digest}}, Licence: options.Licence, Source: options.Source,
			Architecture: options.Architecture, Base: options.Base,
		})
		artifact = answer.GetArtifact()
		return err
	})
	return artifact, err
}

// Pull fetches the weights of a model, as [Client.Artifact] finds it, into a safetensors file. The file appears when it is whole and its
// SHA-256 is right.
func (c *Client) Pull(ctx context.Context, name, path string, progress Progress) (*pb.Artifact, error) {
	model, err := c.Artifact(ctx, name)
	if err != nil {
		return nil, err
	}
	weights, err := WeightsOf(model)
	if err != nil {
		return nil, err
	}
	return model, replaceFile(path, func(file *os.File) error { return c.DownloadBlob(ctx, weights, file, progress) })
}
