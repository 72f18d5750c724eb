package ratatouille_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"ratatouille"
	"ratatouille/safetensors"
	pb "ratatouille/v1"
)

// Two machines contribute to a session, and the average is fetched.
func Example_session() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := ratatouille.Dial(os.Getenv("RATATOUILLE_SERVER"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	directory, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)

	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Licence: "CC0-1.0"})
	if err != nil {
		panic(err)
	}
	for name, values := range map[string][]float32{"north": {1, 2}, "south": {3, 6}} {
		path := filepath.Join(directory, name+".safetensors")
		tensors := map[string]safetensors.Tensor{"w": safetensors.Float32([]int64{2}, values)}
		if err := safetensors.WriteFile(path, tensors, nil); err != nil {
			panic(err)
		}
		if _, err := session.ContributeFile(ctx, name, path, ratatouille.ContributeOptions{}); err != nil {
			panic(err)
		}
	}
	average, err := session.Close(ctx, true)
	if err != nil {
		panic(err)
	}
	path := filepath.Join(directory, "average.safetensors")
	if _, err := client.Pull(ctx, average.GetDigest(), path, nil); err != nil {
		panic(err)
	}
	tensors, _, err := safetensors.ReadFile(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(tensors["w"].Float32s())
	// Output: [2 4] <nil>
}

func ExampleError() {
	client, err := ratatouille.Dial(os.Getenv("RATATOUILLE_SERVER"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	_, err = client.OpenSession(context.Background(), &pb.OpenSessionRequest{Method: "median"})
	var refused *ratatouille.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Code, refused.Reason, refused.Violations[0].Field)
	}
	// Output: InvalidArgument SESSION_INVALID method
}

func ExampleSession_Watch() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := ratatouille.Dial(os.Getenv("RATATOUILLE_SERVER"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Licence: "CC0-1.0"})
	if err != nil {
		panic(err)
	}
	for state, err := range session.Watch(ctx) {
		if err != nil {
			panic(err)
		}
		fmt.Println(state.GetState(), state.GetCommitted())
		break
	}
	// Output: SESSION_STATE_OPEN 0
}

// Two models are put into a catalog, averaged there, and the result is fetched.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := ratatouille.Dial(os.Getenv("RATATOUILLE_SERVER"))
	if err != nil {
		panic(err)
	}
	defer client.Close()
	directory, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)

	request := &pb.AverageRequest{Method: "linear", Weights: []float64{1, 3}}
	for i, values := range [][]float32{{0, 4}, {4, 8}} {
		path := filepath.Join(directory, fmt.Sprintf("model-%d.safetensors", i))
		tensors := map[string]safetensors.Tensor{"w": safetensors.Float32([]int64{2}, values)}
		if err := safetensors.WriteFile(path, tensors, nil); err != nil {
			panic(err)
		}
		model, err := client.Push(ctx, path, ratatouille.PushOptions{Licence: "CC0-1.0"})
		if err != nil {
			panic(err)
		}
		request.Models = append(request.Models, model.GetDigest())
	}
	average, err := client.Average(ctx, request, nil)
	if err != nil {
		panic(err)
	}
	path := filepath.Join(directory, "average.safetensors")
	if _, err := client.Pull(ctx, average.GetDigest(), path, nil); err != nil {
		panic(err)
	}
	tensors, _, err := safetensors.ReadFile(path)
	if err != nil {
		panic(err)
	}
	fmt.Println(tensors["w"].Float32s())
	// Output: [3 7] <nil>
}
