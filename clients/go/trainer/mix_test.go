package trainer

import (
	"slices"
	"testing"

	"ratatouille/safetensors"
)

func TestMixesModels(t *testing.T) {
	model := func(values ...float32) Tensors {
		return Tensors{"w": safetensors.Float32([]int64{int64(len(values))}, values)}
	}
	for _, test := range []struct {
		weights  []float64
		expected []float32
	}{{nil, []float32{2, 5}}, {[]float64{3, 1}, []float32{1.5, 3.5}}} {
		mixed, err := mix([]Tensors{model(1, 2), model(3, 8)}, test.weights)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := mixed["w"].Float32s(); err != nil || !slices.Equal(found, test.expected) {
			t.Errorf("by %v: %v (%v); expected %v", test.weights, found, err, test.expected)
		}
	}
	for what, models := range map[string][]Tensors{"shapes": {model(1), model(1, 2)}, "names": {model(1), {}}, "none": {}} {
		if _, err := mix(models, nil); err == nil {
			t.Errorf("models of other %s were mixed", what)
		}
	}
}
