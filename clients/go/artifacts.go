package ratatouille

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	pb "ratatouille/v1"
)

// WeightsMediaType is that of the layer of a model that has its weights, one safetensors file.
const WeightsMediaType = "application/vnd.cncf.model.weight.v1.raw"

// A Manifest is what the manifest of an artifact says, an OCI image manifest.
type Manifest struct {
	ArtifactType string            `json:"artifactType"`
	Layers       []Layer           `json:"layers"`
	Annotations  map[string]string `json:"annotations"`
}

// A Layer is a blob of an artifact.
type Layer struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
}

// ManifestOf reads the manifest of an artifact.
func ManifestOf(artifact *pb.Artifact) (*Manifest, error) {
	manifest := new(Manifest)
	if err := json.Unmarshal(artifact.GetManifest(), manifest); err != nil {
		return nil, fmt.Errorf("ratatouille: the manifest of %s: %w", artifact.GetDigest(), err)
	}
	return manifest, nil
}

// WeightsOf is the blob with the weights of a model.
func WeightsOf(model *pb.Artifact) (Blob, error) {
	manifest, err := ManifestOf(model)
	if err != nil {
		return Blob{}, err
	}
	for _, layer := range manifest.Layers {
		if layer.MediaType == WeightsMediaType {
			return Blob{layer.Digest, layer.Size}, nil
		}
	}
	return Blob{}, fmt.Errorf("ratatouille: %s is no model: none of its layers has weights", model.GetDigest())
}

// Artifact finds one artifact: by digest ("sha256:…", or its first eight digits or more), or by a ref, such as "digits/champion".
//
// Reasons: ARTIFACT_NOT_FOUND, REF_NOT_FOUND, ARTIFACT_DAMAGED, AMBIGUOUS_DIGEST.
func (c *Client) Artifact(ctx context.Context, name string) (*pb.Artifact, error) {
	request := &pb.GetArtifactRequest{Name: &pb.GetArtifactRequest_Digest{Digest: name}}
	if strings.Contains(name, "/") {
		request.Name = &pb.GetArtifactRequest_Ref{Ref: name}
	}
	answer, err := c.catalog.GetArtifact(ctx, request)
	return answer.GetArtifact(), err
}

// Lineage is an artifact and all that it was made of: itself first, then its inputs, theirs, and so on, each once. Depth says how many steps
// are walked; 0: all.
//
// Reasons: those of [Client.Artifact]; LINEAGE_TOO_LARGE.
func (c *Client) Lineage(ctx context.Context, name string, depth int32) ([]*pb.Artifact, error) {
	artifact, err := c.Artifact(ctx, name)
	if err != nil {
		return nil, err
	}
	answer, err := c.catalog.GetLineage(ctx, &pb.GetLineageRequest{Digest: artifact.GetDigest(), Depth: depth})
	return answer.GetArtifacts(), err
}

// An artifactEvent is a message of a stream whose last one is an artifact.
type artifactEvent interface {
	GetProgress() *pb.AverageProgress
	GetArtifact() *pb.Artifact
}

// lastArtifact reads such a stream to its end.
func lastArtifact[E artifactEvent](next func() (E, error), progress Progress) (*pb.Artifact, error) {
	for {
		event, err := next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("ratatouille: the server ended the work without an artifact: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return nil, err
		}
		if artifact := event.GetArtifact(); artifact != nil {
			return artifact, nil
		}
		if said := event.GetProgress(); said != nil && progress != nil {
			progress(said.GetReadBytes(), said.GetTotalBytes())
		}
	}
}
