package ratatouille_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ratatouille"
	"ratatouille/internal/testsystem"
	pb "ratatouille/v1"
)

// A later version says more than this one knows: fields, kinds of events, values of enumerations.
func TestServersOfLaterVersions(t *testing.T) {
	ctx := testsystem.Context(t)
	client := testsystem.ClientOf(t, testsystem.Later(t, testsystem.Address(), testsystem.LaterState()))
	began := time.Now().Add(-time.Second)
	a, numbers := modelOf(t, 70, megabyte/2)
	b, others := modelOf(t, 71, megabyte/2)
	opened, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Licence: "CC0-1.0"})
	if err != nil {
		t.Fatal(err)
	}
	request := &pb.AverageRequest{}
	for name, content := range map[string][]byte{"anna": a, "berta": b} {
		if _, err := opened.Contribute(ctx, name, bytes.NewReader(content), int64(len(content)), ratatouille.ContributeOptions{}); err != nil {
			t.Fatal(err)
		}
		model, err := client.Push(ctx, written(t, content), ratatouille.PushOptions{Licence: "CC0-1.0"})
		if err != nil {
			t.Fatal(err)
		}
		request.Models = append(request.Models, model.GetDigest())
	}
	if found, err := opened.State(ctx); err != nil || found.GetState() != 99 || found.GetCommitted() != 2 {
		t.Errorf("the state is %v (%v)", found, err)
	}
	for found, err := range opened.Watch(ctx) {
		if err != nil || found.GetState() != 99 {
			t.Errorf("the state is %v (%v)", found, err)
		}
		break
	}
	snapshot, err := opened.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	average, err := client.Average(ctx, request, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	for _, model := range []*pb.Artifact{snapshot, average} {
		if _, err := client.Pull(ctx, model.GetDigest(), path, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(tensorIn(t, path, "w"), meanOf(numbers, others)) {
			t.Error("it is not the mean")
		}
	}
	for event, err := range client.Watch(ctx, ratatouille.WatchOptions{Since: began}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.GetArtifactPublished().GetDigest() == average.GetDigest() {
			break
		}
	}
	if _, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Method: "median"}); ratatouille.ReasonOf(err) != "SESSION_INVALID" {
		t.Errorf("an error: %v", err)
	}
}
