package trainer

import (
	"context"
	"os"
	"slices"
	"strconv"

	"ratatouille"
	"ratatouille/safetensors"
	pb "ratatouille/v1"
)

// Tensors are arrays by name.
type Tensors map[string]safetensors.Tensor

const (
	datasetMediaType = "application/vnd.cncf.model.dataset.v1.raw"
	splitMediaType   = "application/vnd.ratatouille.split.v1.safetensors"
)

// Inputs of an attempt, on the disk.
type inputs struct {
	ctx    context.Context
	client *ratatouille.Client
	cache  *cache
	roles  map[string][]*pb.InputArtifact
	open   []*os.File
}

func (a *attempt) inputs(ctx context.Context) *inputs {
	in := &inputs{ctx: ctx, client: a.client, cache: a.cache, roles: map[string][]*pb.InputArtifact{}}
	for _, input := range a.begun.GetInputs() {
		in.roles[input.GetRole()] = input.GetArtifacts()
	}
	return in
}

func (in *inputs) close() {
	for _, file := range in.open {
		file.Close()
	}
}

func (in *inputs) file(blob ratatouille.Blob) (*os.File, error) {
	file, err := in.cache.open(in.ctx, in.client, blob)
	if err == nil {
		in.open = append(in.open, file)
	}
	return file, err
}

// layers are the files of a role, one of each artifact.
func (in *inputs) layers(role, mediaType string) ([]*safetensors.File, error) {
	var files []*safetensors.File
	for _, artifact := range in.roles[role] {
		place := slices.IndexFunc(artifact.GetLayers(), func(layer *pb.InputLayer) bool { return layer.GetMediaType() == mediaType })
		if place < 0 {
			return nil, Permanent("inputs.%s has no layer of type %s", role, mediaType)
		}
		layer := artifact.GetLayers()[place]
		file, err := in.file(ratatouille.Blob{Digest: layer.GetDigest(), Size: layer.GetSizeBytes()})
		if err != nil {
			return nil, err
		}
		opened, err := safetensors.Open(file, layer.GetSizeBytes())
		if err != nil {
			return nil, Permanent("inputs.%s: %w", role, err)
		}
		files = append(files, opened)
	}
	return files, nil
}

// data reads the data set and its split, and brings the shards that the domains need.
func (in *inputs) data(recipe *Recipe) (*Data, error) {
	indices, err := in.layers("dataset", datasetMediaType)
	if err != nil {
		return nil, err
	}
	splits, err := in.layers("split", splitMediaType)
	if err != nil {
		return nil, err
	}
	if len(indices) != 1 || len(splits) > 1 {
		return nil, Permanent("there are %d data sets and %d splits; expected 1 and at most 1", len(indices), len(splits))
	}
	data, err := readIndex(indices[0])
	if err != nil {
		return nil, err
	}
	if len(data.Classes) != recipe.Classes {
		return nil, Permanent("parameters.classes is %d; the data set has %d", recipe.Classes, len(data.Classes))
	}
	for _, domain := range recipe.Domains {
		if !slices.Contains(data.Domains, domain) {
			return nil, Permanent("parameters.domains has %q; the data set has %q", domain, data.Domains)
		}
	}
	splits = append(splits, nil)
	if recipe.Part != "all" && splits[0] == nil {
		return nil, Permanent("parameters.part is %q, and there is no split", recipe.Part)
	}
	if err := data.readSplit(splits[0]); err != nil {
		return nil, err
	}
	for row, shard := range data.shard {
		if data.files[shard] != nil || !slices.Contains(recipe.Domains, data.Domains[data.Domain[row]]) {
			continue
		}
		if data.files[shard], err = in.file(data.shards[shard]); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// models reads the weights of a role.
func (in *inputs) models(role string) ([]Tensors, error) {
	files, err := in.layers(role, ratatouille.WeightsMediaType)
	if err != nil {
		return nil, err
	}
	models := make([]Tensors, len(files))
	for i, file := range files {
		if models[i], err = file.Tensors(); err != nil {
			return nil, err
		}
	}
	return models, nil
}

// start are the weights to begin with, with the head of another model where there is one; nil: the seed draws them.
func (in *inputs) start(recipe *Recipe) (Tensors, error) {
	models, err := in.models("weights")
	if err != nil || len(models) == 0 {
		return nil, err
	}
	heads, err := in.models("head")
	if err != nil {
		return nil, err
	}
	for _, head := range heads {
		for _, name := range recipe.Head {
			tensor, there := head[name]
			if !there {
				return nil, Permanent("inputs.head has no tensor %s", name)
			}
			models[0][name] = tensor
		}
	}
	return models[0], nil
}

func itoa(number int) string { return strconv.Itoa(number) }
