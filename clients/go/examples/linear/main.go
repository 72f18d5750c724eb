// Linear is a trainer without any machine learning library: a linear classifier of the first bytes of each example.
//
//	go run ./examples/linear --server 127.0.0.1:7437
//
// What the bytes are does not matter: images, texts, rows of a table. The run file names the network and the tensors of its head:
//
//	foundation: { network: linear, head: [weight, bias] }
//	backend: own
package main

import (
	"context"
	"math"
	"math/rand/v2"

	"ratatouille/safetensors"
	"ratatouille/trainer"
)

const width = 512

func main() {
	trainer.Main(fineTune, predict, trainer.Networks("linear"))
}

// A model has a row of weights and a bias for each class.
type model struct {
	classes      int
	weight, bias []float32
}

func (m *model) tensors() trainer.Tensors {
	return trainer.Tensors{
		"weight": safetensors.Float32([]int64{int64(m.classes), width}, m.weight),
		"bias":   safetensors.Float32([]int64{int64(m.classes)}, m.bias),
	}
}

func modelOf(tensors trainer.Tensors, classes int) (*model, error) {
	weight, err := tensors["weight"].Float32s()
	if err != nil {
		return nil, trainer.Permanent("tensor weight: %w", err)
	}
	bias, err := tensors["bias"].Float32s()
	if err != nil {
		return nil, trainer.Permanent("tensor bias: %w", err)
	}
	if len(bias) != classes || len(weight) != classes*width {
		return nil, trainer.Permanent("there are %d weights and %d biases; expected %d and %d", len(weight), len(bias), classes*width, classes)
	}
	return &model{classes, weight, bias}, nil
}

// drawn is a model that a seed says.
func drawn(seed uint32, classes int) *model {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	m := &model{classes, make([]float32, classes*width), make([]float32, classes)}
	for i := range m.weight {
		m.weight[i] = float32(0.01 * random.NormFloat64())
	}
	return m
}

// features are the first bytes of an example, 0 to 1; 0 behind the end of a short one.
func features(data *trainer.Data, row int) ([]float32, error) {
	content, err := data.Read(row)
	if err != nil {
		return nil, err
	}
	values := make([]float32, width)
	for i := range min(width, len(content)) {
		values[i] = float32(content[i]) / 255
	}
	return values, nil
}

func (m *model) logits(input []float32) []float32 {
	logits := make([]float32, m.classes)
	for class := range logits {
		sum := m.bias[class]
		for i, weight := range m.weight[class*width : (class+1)*width] {
			sum += weight * input[i]
		}
		logits[class] = sum
	}
	return logits
}

// step moves the weights against the slope of the loss, and gives the mean loss before.
func (m *model) step(inputs [][]float32, labels []int, rate float32) float64 {
	weight, bias := make([]float32, len(m.weight)), make([]float32, len(m.bias))
	loss := 0.0
	for i, input := range inputs {
		shares := softmax(m.logits(input))
		loss -= math.Log(shares[labels[i]]) / float64(len(inputs))
		shares[labels[i]]--
		for class, slope := range shares {
			bias[class] += float32(slope)
			for j, value := range input {
				weight[class*width+j] += float32(slope) * value
			}
		}
	}
	for i, slope := range weight {
		m.weight[i] -= rate * slope
	}
	for i, slope := range bias {
		m.bias[i] -= rate * slope
	}
	return loss
}

func softmax(logits []float32) []float64 {
	most := math.Inf(-1)
	for _, logit := range logits {
		most = max(most, float64(logit))
	}
	shares, sum := make([]float64, len(logits)), 0.0
	for i, logit := range logits {
		shares[i] = math.Exp(float64(logit) - most)
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

func check(recipe *trainer.Recipe) error {
	if recipe.Network.Name != "linear" {
		return trainer.Permanent("there is no network %s here, only linear", recipe.Network.Name)
	}
	return nil
}

func fineTune(_ context.Context, t *trainer.Training) (trainer.Tensors, error) {
	if err := check(t.Recipe); err != nil {
		return nil, err
	}
	m, err := begin(t)
	if err != nil {
		return nil, err
	}
	for step := t.First(); step <= t.Recipe.Steps; step++ {
		rows := t.Batch(step)
		inputs, labels := make([][]float32, len(rows)), make([]int, len(rows))
		for i, row := range rows {
			if inputs[i], err = features(t.Data, row); err != nil {
				return nil, err
			}
			labels[i] = t.Data.Labels[row]
		}
		loss := m.step(inputs, labels, float32(t.Recipe.LearningRate))
		if err := t.Step(step, loss, m.tensors); err != nil {
			return nil, err
		}
	}
	return m.tensors(), nil
}

// begin is the model of a checkpoint, of the start, or of the seed.
func begin(t *trainer.Training) (*model, error) {
	switch {
	case t.Resume != nil:
		return modelOf(t.Resume.Tensors, t.Recipe.Classes)
	case t.Start["weight"].Data != nil && t.Start["bias"].Data != nil:
		return modelOf(t.Start, t.Recipe.Classes)
	default:
		return drawn(t.Recipe.Seed, t.Recipe.Classes), nil
	}
}

func predict(_ context.Context, p *trainer.Prediction) ([][]float32, error) {
	if err := check(p.Recipe); err != nil {
		return nil, err
	}
	m, err := modelOf(p.Weights, p.Recipe.Classes)
	if err != nil {
		return nil, err
	}
	logits := make([][]float32, len(p.Rows))
	for i, row := range p.Rows {
		input, err := features(p.Data, row)
		if err != nil {
			return nil, err
		}
		logits[i] = m.logits(input)
		if err := p.Step(i + 1); err != nil {
			return nil, err
		}
	}
	return logits, nil
}
