package ratatouille_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"ratatouille"
	"ratatouille/internal/testsystem"
	pb "ratatouille/v1"
)

func TestBlobsComeBackAsTheyWereThroughCuts(t *testing.T) {
	ctx := testsystem.Context(t)
	content := make([]byte, 70*megabyte) // three ranges
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	proxy := testsystem.Cut(t, testsystem.Address(), 25*megabyte, 25*megabyte)
	client := testsystem.ClientOf(t, proxy.Address)
	sent := int64(0)
	blob, err := client.UploadBlob(ctx, bytes.NewReader(content), int64(len(content)), func(done, _ int64) { sent = done })
	if err != nil || blob.Digest != digestOf(content) || sent != int64(len(content)) {
		t.Fatalf("%v, %d bytes told: %v", blob, sent, err)
	}
	if proxy.Used() != 2 {
		t.Errorf("the upload was cut %d times", proxy.Used())
	}
	proxy = testsystem.Cut(t, testsystem.Address(), 25*megabyte, 25*megabyte)
	client = testsystem.ClientOf(t, proxy.Address)
	path := filepath.Join(t.TempDir(), "blob")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got := int64(0)
	if err := client.DownloadBlob(ctx, blob, file, func(done, _ int64) { got = done }); err != nil || got != blob.Size {
		t.Fatalf("%d bytes told: %v", got, err)
	}
	if found, err := os.ReadFile(path); err != nil || !bytes.Equal(found, content) {
		t.Errorf("other bytes came back: %v", err)
	}
	if proxy.Used() != 2 {
		t.Errorf("the download was cut %d times", proxy.Used())
	}
}

func TestPullLeavesNothingWhereItFails(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	directory := t.TempDir()
	path := filepath.Join(directory, "model.safetensors")
	_, err := client.Pull(ctx, digestOf(nil), path, nil)
	if ratatouille.CodeOf(err) != codes.NotFound || ratatouille.ReasonOf(err) != "ARTIFACT_NOT_FOUND" {
		t.Errorf("an unknown model: %v", err)
	}
	if _, err := client.Pull(ctx, "nobody/nothing", path, nil); ratatouille.ReasonOf(err) != "REF_NOT_FOUND" {
		t.Errorf("an unknown ref: %v", err)
	}
	file, err := os.Create(filepath.Join(directory, "blob"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := client.DownloadBlob(ctx, ratatouille.Blob{Digest: digestOf([]byte("x")), Size: 1}, file, nil); ratatouille.ReasonOf(err) != "BLOB_NOT_FOUND" {
		t.Errorf("an unknown blob: %v", err)
	}
	if entries, err := os.ReadDir(directory); err != nil || len(entries) != 1 {
		t.Errorf("it left %v (%v)", entries, err)
	}
}

func TestLineageAndEvents(t *testing.T) {
	ctx, client := testsystem.Context(t), testsystem.Client(t)
	began := time.Now().Add(-time.Second)
	digest := averageOfSession(t, client, 30)
	for event, err := range client.Watch(ctx, ratatouille.WatchOptions{Subjects: []string{"ratatouille.v1.artifact.published"}, Since: began}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.GetArtifactPublished().GetDigest() == digest {
			break
		}
	}
	lineage, err := client.Lineage(ctx, digest, ratatouille.LineageOptions{})
	if err != nil || len(lineage) == 0 || lineage[0].GetDigest() != digest || lineage[0].GetKind() != pb.ArtifactKind_ARTIFACT_KIND_MODEL {
		t.Errorf("the lineage is %v (%v)", lineage, err)
	}
	for _, err := range client.Watch(ctx, ratatouille.WatchOptions{Subjects: []string{"no.such.subject"}}) {
		if ratatouille.CodeOf(err) != codes.InvalidArgument {
			t.Errorf("an unknown subject: %v", err)
		}
	}
}

// averageOfSession is the digest of a model that a session has made.
func averageOfSession(t *testing.T, client *ratatouille.Client, seed uint64) string {
	t.Helper()
	ctx := testsystem.Context(t)
	session, err := client.OpenSession(ctx, &pb.OpenSessionRequest{Licence: "CC0-1.0"})
	if err != nil {
		t.Fatal(err)
	}
	content, _ := modelOf(t, seed, 100)
	if _, err := session.Contribute(ctx, "one", bytes.NewReader(content), int64(len(content)), ratatouille.ContributeOptions{}); err != nil {
		t.Fatal(err)
	}
	artifact, err := session.Close(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	return artifact.GetDigest()
}
