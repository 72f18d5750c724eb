package ratatouille

import (
	"context"
	"os"

	pb "ratatouille/v1"
)

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
