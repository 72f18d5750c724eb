package ratatouille

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	pb "ratatouille/v1"
)

// WeightsMediaType is that of the layer of a model that has its weights, one safetensors file.
const WeightsMediaType = "application/vnd.cncf.model.weight.v1.raw"

const pageSize = 200

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

// LineageOptions say which way to walk, and how far.
type LineageOptions struct {
	// Depth is how many steps are walked; 0: all.
	Depth int32
	// Descendants are what was made of an artifact; else it is what the artifact was made of.
	Descendants bool
	// MembersOnly follows only what was put together: from a model to its members, or to the models that contain it.
	MembersOnly bool
}

// Lineage is an artifact and all that it was made of, or that was made of it, each once, the artifact first.
//
// Reasons: those of [Client.Artifact].
func (c *Client) Lineage(ctx context.Context, name string, options LineageOptions) ([]*pb.Artifact, error) {
	artifact, err := c.Artifact(ctx, name)
	if err != nil {
		return nil, err
	}
	request := &pb.GetLineageRequest{Digest: artifact.GetDigest(), Depth: options.Depth, MembersOnly: options.MembersOnly, PageSize: pageSize}
	if options.Descendants {
		request.Direction = pb.LineageDirection_LINEAGE_DIRECTION_DESCENDANTS
	}
	var all []*pb.Artifact
	for {
		answer, err := c.catalog.GetLineage(ctx, request)
		if err != nil {
			return nil, err
		}
		all = append(all, answer.GetArtifacts()...)
		if request.PageToken = answer.GetNextPageToken(); request.PageToken == "" {
			return all, nil
		}
	}
}

// An artifactEvent is a message of a stream whose last one is an artifact.
type artifactEvent interface {
	GetProgress() *pb.AverageProgress
	GetArtifact() *pb.Artifact
}

// made reads such a stream to its end, and opens it again where it breaks: the work that was done before is not done twice.
func made[E artifactEvent](ctx context.Context, c *Client, progress Progress, open func(context.Context) (func() (E, error), error)) (artifact *pb.Artifact, err error) {
	err = follow(ctx, newPatience(c.patience), open, func(event E) bool {
		if said := event.GetProgress(); said != nil && progress != nil {
			progress(said.GetReadBytes(), said.GetTotalBytes())
		}
		artifact = event.GetArtifact()
		return artifact == nil
	})
	if err == nil && artifact == nil {
		err = fmt.Errorf("ratatouille: the server ended the work without an artifact: %w", io.ErrUnexpectedEOF)
	}
	return artifact, err
}
