package ratatouille_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"ratatouille"
	"ratatouille/internal/testsystem"
	pb "ratatouille/v1"
)

const megabyte = 1 << 20

func TestAverageOfASessionIsTheMeanOfItsContributions(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Architecture: "line", Licence: "CC0-1.0"})
	if err != nil {
		t.Fatal(err)
	}
	a, numbersOfA := modelOf(t, 1, 3*megabyte/2)
	b, numbersOfB := modelOf(t, 2, 3*megabyte/2)

	// The connection is cut in the middle of the file; the server has what came.
	proxy := testsystem.Cut(t, testsystem.Address(), 3*megabyte, 2*megabyte)
	cut := testsystem.ClientOf(t, proxy.Address).Session(session.ID, session.Secret)
	last := int64(-1)
	options := ratatouille.ContributeOptions{Progress: func(done, total int64) {
		if done <= last || total != int64(len(a)) {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last = done
	}}
	if existed, err := cut.Contribute(ctx, "anna", bytes.NewReader(a), int64(len(a)), options); err != nil || existed {
		t.Fatalf("existed: %v, %v", existed, err)
	}
	if proxy.Used() != 2 || last != int64(len(a)) {
		t.Errorf("the connection was cut %d times, and %d bytes were told of", proxy.Used(), last)
	}
	if existed, err := session.ContributeFile(ctx, "anna", written(t, a), ratatouille.ContributeOptions{}); err != nil || !existed {
		t.Errorf("a second time: existed: %v, %v", existed, err)
	}
	if _, err := session.ContributeFile(ctx, "anna", written(t, b), ratatouille.ContributeOptions{}); ratatouille.ReasonOf(err) != "CONTRIBUTOR_COUNTED" {
		t.Errorf("another file of the same contributor: %v", err)
	}
	if _, err := session.ContributeFile(ctx, "berta", written(t, b), ratatouille.ContributeOptions{}); err != nil {
		t.Fatal(err)
	}
	state, err := session.State(ctx)
	if err != nil || state.GetCommitted() != 2 || state.GetState() != pb.SessionState_SESSION_STATE_OPEN {
		t.Fatalf("the state is %v (%v)", state, err)
	}
	artifact, err := session.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mean.safetensors")
	if _, err := client.Pull(ctx, artifact.GetDigest(), path, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tensorIn(t, path, "w"), meanOf(numbersOfA, numbersOfB)) {
		t.Error("the snapshot is not the mean")
	}

	if err := session.Withdraw(ctx, "berta", bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
	artifact, err = session.Close(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Pull(ctx, artifact.GetDigest(), path, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tensorIn(t, path, "w"), numbersOfA) {
		t.Error("what is left is not the first contribution")
	}
	if _, err := session.Close(ctx, false); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := session.Contribute(ctx, "carla", bytes.NewReader(b), int64(len(b)), ratatouille.ContributeOptions{}); ratatouille.ReasonOf(err) != "SESSION_OVER" {
		t.Errorf("after the end: %v", err)
	}
}

func TestContributionOfAnEndedProcessGoesOn(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Licence: "CC0-1.0"})
	if err != nil {
		t.Fatal(err)
	}
	content, numbers := modelOf(t, 3, 3*megabyte/2)
	given, giveUp := context.WithCancel(ctx)
	_, err = session.Contribute(given, "dora", bytes.NewReader(content), int64(len(content)), ratatouille.ContributeOptions{
		Progress: func(done, _ int64) {
			if done > 3*megabyte {
				giveUp()
			}
		},
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("given up: %v", err)
	}
	first := int64(-1)
	_, err = session.Contribute(ctx, "dora", bytes.NewReader(content), int64(len(content)), ratatouille.ContributeOptions{
		Progress: func(done, _ int64) {
			if first < 0 {
				first = done
			}
		},
	})
	if err != nil || first < megabyte {
		t.Errorf("it went on at byte %d: %v", first, err)
	}
	artifact, err := session.Close(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if _, err := client.Pull(ctx, artifact.GetDigest(), path, nil); err != nil || !slices.Equal(tensorIn(t, path, "w"), numbers) {
		t.Errorf("it is not what was contributed: %v", err)
	}
}

func TestErrorsOfSessionsSayWhatIsWrong(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	_, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Method: "ties"})
	var refused *ratatouille.Error
	if !errors.As(err, &refused) || refused.Code != codes.InvalidArgument || refused.Reason != "SESSION_INVALID" {
		t.Fatalf("a method that sessions do not have: %v", err)
	}
	if len(refused.Violations) != 1 || refused.Violations[0].Field != "method" {
		t.Errorf("the violations are %v", refused.Violations)
	}
	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Licence: "CC0-1.0"})
	if err != nil {
		t.Fatal(err)
	}
	content, _ := modelOf(t, 4, 10)
	if _, err := client.Session(session.ID, "guessed").Contribute(ctx, "eva", bytes.NewReader(content), int64(len(content)), ratatouille.ContributeOptions{}); ratatouille.CodeOf(err) != codes.PermissionDenied {
		t.Errorf("a wrong secret: %v", err)
	}
	if _, err := session.Snapshot(ctx); ratatouille.ReasonOf(err) != "NOTHING_COMMITTED" {
		t.Errorf("nothing to average: %v", err)
	}
	if err := session.Withdraw(ctx, "eva", nil, 0); ratatouille.ReasonOf(err) != "CONTRIBUTION_NOT_FOUND" {
		t.Errorf("nothing to withdraw: %v", err)
	}
	if _, err := session.Contribute(ctx, "eva", bytes.NewReader(content[:20]), 20, ratatouille.ContributeOptions{}); ratatouille.ReasonOf(err) != "CONTRIBUTION_INVALID" {
		t.Errorf("a file that is none: %v", err)
	}
}

func TestWatchesASession(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Licence: "CC0-1.0"})
	if err != nil {
		t.Fatal(err)
	}
	content, _ := modelOf(t, 5, 10)
	var states []pb.SessionState
	for state, err := range session.Watch(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, state.GetState())
		switch {
		case len(states) == 1:
			_, err = session.Contribute(ctx, "frida", bytes.NewReader(content), int64(len(content)), ratatouille.ContributeOptions{})
		case state.GetCommitted() == 1 && state.GetState() == pb.SessionState_SESSION_STATE_OPEN:
			_, err = session.Close(ctx, false)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(states) < 3 || states[len(states)-1] != pb.SessionState_SESSION_STATE_CLOSED {
		t.Errorf("the states were %v", states)
	}
}
