package ratatouille_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"ratatouille"
	"ratatouille/internal/testsystem"
	"ratatouille/safetensors"
	pb "ratatouille/v1"
)

func TestPushAveragePull(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	a, numbersOfA := modelOf(t, 40, 3*megabyte/2)
	b, numbersOfB := modelOf(t, 41, 3*megabyte/2)
	proxy := testsystem.Cut(t, testsystem.Address(), 3*megabyte)
	options := ratatouille.PushOptions{Licence: "CC0-1.0", Source: "a test", Architecture: "line"}
	first, err := testsystem.ClientOf(t, proxy.Address).Push(ctx, written(t, a), options)
	if err != nil || proxy.Used() != 1 {
		t.Fatalf("cut %d times: %v", proxy.Used(), err)
	}
	again, err := client.Push(ctx, written(t, a), options)
	if err != nil || again.GetDigest() != first.GetDigest() {
		t.Errorf("pushed twice it is %s and %s (%v)", first.GetDigest(), again.GetDigest(), err)
	}
	second, err := client.Push(ctx, written(t, b), options)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if _, err := client.Pull(ctx, first.GetDigest(), path, nil); err != nil {
		t.Fatal(err)
	}
	if found, err := os.ReadFile(path); err != nil || !bytes.Equal(found, a) {
		t.Errorf("another file was pulled: %v", err)
	}

	models := []string{first.GetDigest(), second.GetDigest()}
	mean, err := client.Average(ctx, &pb.AverageRequest{Models: models}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Pull(ctx, mean.GetDigest(), path, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(tensorIn(t, path, "w"), meanOf(numbersOfA, numbersOfB)) {
		t.Error("it is not the mean")
	}
	if !slices.Equal(mean.GetInputs(), models) {
		t.Errorf("its inputs are %v; expected %v", mean.GetInputs(), models)
	}
	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, model := range models {
		if _, err := session.ContributeModel(ctx, model[7:20], ratatouille.ContributeOptions{Artifact: model}); err != nil {
			t.Fatal(err)
		}
	}
	contributed, err := session.Close(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	if of, err := ratatouille.WeightsOf(contributed); err != nil {
		t.Error(err)
	} else if expected, err := ratatouille.WeightsOf(mean); err != nil || of != expected {
		t.Errorf("the session made %v; expected %v (%v)", of, expected, err)
	}
	lineage, err := client.Lineage(ctx, mean.GetDigest(), ratatouille.LineageOptions{MembersOnly: true})
	if err != nil || len(lineage) != 3 || lineage[0].GetDigest() != mean.GetDigest() {
		t.Errorf("the lineage is %v (%v)", lineage, err)
	}
	made, err := client.Lineage(ctx, first.GetDigest(), ratatouille.LineageOptions{Descendants: true})
	if err != nil || len(made) != 3 || made[1].GetDigest() != mean.GetDigest() {
		t.Errorf("it was made into %d artifacts (%v)", len(made), err)
	}
}

func TestOfAFineTuningOnlyWhatChangedIsSent(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	layers := func(head uint64) []byte {
		tensors := map[string]safetensors.Tensor{}
		for name, seed := range map[string]uint64{"body.0": 50, "body.1": 51, "head": head} {
			_, numbers := modelOf(t, seed, 700_000)
			tensors[name] = safetensors.Float32([]int64{700, 1000}, numbers)
		}
		content, err := safetensors.Bytes(tensors, nil)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	options := ratatouille.PushOptions{Licence: "CC0-1.0"}
	base, err := client.Push(ctx, written(t, layers(52)), options)
	if err != nil {
		t.Fatal(err)
	}
	proxy := testsystem.Cut(t, testsystem.Address())
	tuned := layers(53)
	options.Base = base.GetDigest()
	told := int64(0)
	options.Progress = func(done, _ int64) { told = done }
	artifact, err := testsystem.ClientOf(t, proxy.Address).Push(ctx, written(t, tuned), options)
	if err != nil || told != int64(len(tuned)) {
		t.Fatalf("%d bytes told: %v", told, err)
	}
	if sent := proxy.Sent(); sent > 2_800_000*11/10 {
		t.Errorf("%d bytes were sent of a head of 2,800,000", sent)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if _, err := client.Pull(ctx, artifact.GetDigest(), path, nil); err != nil {
		t.Fatal(err)
	}
	if found, err := os.ReadFile(path); err != nil || !bytes.Equal(found, tuned) {
		t.Errorf("another file was pulled: %v", err)
	}
}

func TestErrorsOfModelsSayWhatIsWrong(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	content, _ := modelOf(t, 60, 10)
	var refused *ratatouille.Error
	_, err := client.Push(ctx, written(t, []byte("no tensors")), ratatouille.PushOptions{})
	if !errors.As(err, &refused) || refused.Reason != "INVALID_FIELD" || len(refused.Violations) != 1 {
		t.Errorf("a file that is none: %v", err)
	}
	_, err = client.Push(ctx, written(t, content), ratatouille.PushOptions{Licence: "all mine!"})
	if !errors.As(err, &refused) || len(refused.Violations) != 1 || refused.Violations[0].Field != "licence" {
		t.Errorf("a licence that is none: %v", err)
	}
	if _, err = client.Push(ctx, written(t, content), ratatouille.PushOptions{Base: digestOf(nil)}); ratatouille.CodeOf(err) != codes.NotFound {
		t.Errorf("a base that is not there: %v", err)
	}
	_, err = client.Average(ctx, &pb.AverageRequest{Models: []string{digestOf(nil)}, Method: "medium"}, nil)
	if !errors.As(err, &refused) || refused.Code != codes.InvalidArgument || len(refused.Violations) == 0 {
		t.Errorf("a method that there is not: %v", err)
	}
	if methods, err := client.Methods(ctx); err != nil || !slices.ContainsFunc(methods, func(m *pb.MergeMethod) bool { return m.GetName() == "uniform" }) {
		t.Errorf("the methods are %v (%v)", methods, err)
	}
}
