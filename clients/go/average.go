package ratatouille

import (
	"context"

	pb "ratatouille/v1"
)

// Average averages models of the catalog there, by any method that it has, and publishes the result. What it has averaged before, it answers
// at once.
//
// Reasons: AVERAGE_INVALID (the violations name every wrong field), INCOMPATIBLE_MODELS, NOT_FINITE, NO_SPACE.
func (c *Client) Average(ctx context.Context, request *pb.AverageRequest, progress Progress) (*pb.Artifact, error) {
	return made(ctx, c, progress, func(ctx context.Context) (func() (*pb.AverageResponse, error), error) {
		stream, err := c.averaging.Average(ctx, request)
		if err != nil {
			return nil, err
		}
		return stream.Recv, nil
	})
}

// Methods are those of [Client.Average], with their parameters.
func (c *Client) Methods(ctx context.Context) ([]*pb.MergeMethod, error) {
	answer, err := c.averaging.ListMethods(ctx, &pb.ListMethodsRequest{})
	return answer.GetMethods(), err
}
