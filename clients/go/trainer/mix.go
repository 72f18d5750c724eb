package trainer

import (
	"slices"

	"ratatouille/safetensors"
)

// mix is the mean of models, tensor by tensor: Σ wᵢ tᵢ / Σ wᵢ, rounded once to the type of the tensor.
func mix(models []Tensors, weights []float64) (Tensors, error) {
	if len(models) == 0 {
		return nil, Permanent("inputs.models is empty")
	}
	if len(models) == 1 {
		return models[0], nil
	}
	if weights == nil {
		weights = slices.Repeat([]float64{1}, len(models))
	}
	if len(weights) != len(models) {
		return nil, Permanent("parameters.weights has %d numbers for %d models", len(weights), len(models))
	}
	total := 0.0
	for _, weight := range weights {
		total += weight
	}
	mixed := Tensors{}
	for name, first := range models[0] {
		var sums []float64
		for i, model := range models {
			tensor, there := model[name]
			if !there || tensor.DType != first.DType || !slices.Equal(tensor.Shape, first.Shape) {
				return nil, Permanent("inputs.models[%d] has no tensor %s of %s %v", i, name, first.DType, first.Shape)
			}
			values, err := tensor.Float64s()
			if err != nil {
				return nil, Permanent("tensor %s of inputs.models[%d]: %w", name, i, err)
			}
			if sums == nil {
				sums = make([]float64, len(values))
			}
			for j, value := range values {
				sums[j] += weights[i] * value
			}
		}
		for j := range sums {
			sums[j] /= total
		}
		tensor, err := safetensors.FromFloat64s(first.DType, first.Shape, sums)
		if err != nil {
			return nil, Permanent("tensor %s: %w", name, err)
		}
		mixed[name] = tensor
	}
	return mixed, nil
}
