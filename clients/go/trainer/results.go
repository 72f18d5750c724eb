package trainer

import (
	"context"
	"encoding/json"
	"math"
	"slices"

	"ratatouille/safetensors"
)

// checkWeights tells what a service would refuse: three refusals park a trainer.
func checkWeights(weights, start Tensors, recipe *Recipe) error {
	if len(weights) == 0 {
		return Permanent("the training gave no weights")
	}
	for _, name := range recipe.Head {
		tensor, there := weights[name]
		if !there || len(tensor.Shape) == 0 || tensor.Shape[0] != int64(recipe.Classes) {
			return Permanent("tensor %s of the head has the shape %v; expected a row for each of %d classes", name, tensor.Shape, recipe.Classes)
		}
	}
	for name, expected := range start {
		tensor, there := weights[name]
		if !there {
			return Permanent("the training gave no tensor %s, which its start has", name)
		}
		isHead := slices.Contains(recipe.Head, name) || len(recipe.Head) == 0 && len(tensor.Shape) > 0 && tensor.Shape[0] == int64(recipe.Classes)
		if !isHead && !slices.Equal(tensor.Shape, expected.Shape) {
			return Permanent("tensor %s has the shape %v; expected that of the start, %v", name, tensor.Shape, expected.Shape)
		}
	}
	for name, tensor := range weights {
		if _, there := start[name]; start != nil && !there && !slices.Contains(recipe.Head, name) {
			return Permanent("the training gave a tensor %s, which its start does not have", name)
		}
		values, err := tensor.Float32s()
		if err != nil {
			return Permanent("tensor %s: %w", name, err)
		}
		if place := slices.IndexFunc(values, isNotFinite); place >= 0 {
			return Permanent("number %d of tensor %s is %v", place, name, values[place])
		}
	}
	return nil
}

func isNotFinite(value float32) bool {
	return math.IsNaN(float64(value)) || math.IsInf(float64(value), 0)
}

// predictionFile is the result of a prediction, and what it says of itself.
func predictionFile(p *Prediction, logits [][]float32) (content []byte, summary string, err error) {
	n, classes := len(p.Rows), p.Recipe.Classes
	if len(logits) != n {
		return nil, "", Permanent("the prediction gave %d rows of logits for %d rows", len(logits), n)
	}
	all := make([]float32, 0, n*classes)
	labels, domains, rows := make([]int32, n), make([]int32, n), make([]int32, n)
	correct, loss := 0, 0.0
	for i, row := range p.Rows {
		if len(logits[i]) != classes {
			return nil, "", Permanent("row %d has %d logits; expected %d, one a class", row, len(logits[i]), classes)
		}
		if slices.ContainsFunc(logits[i], isNotFinite) {
			return nil, "", Permanent("the logits of row %d are not finite", row)
		}
		all = append(all, logits[i]...)
		label := p.Data.Labels[row]
		labels[i], rows[i] = int32(label), int32(row)
		domains[i] = int32(slices.Index(p.Recipe.Domains, p.Data.Domains[p.Data.Domain[row]]))
		if best := slices.Max(logits[i]); logits[i][label] == best && slices.Index(logits[i], best) == label {
			correct++
		}
		loss += crossEntropy(logits[i], label)
	}
	names, err := json.Marshal(p.Recipe.Domains)
	if err != nil {
		return nil, "", err
	}
	length := int64(n)
	content, err = safetensors.Bytes(Tensors{
		"logits":  safetensors.Float32([]int64{length, int64(classes)}, all),
		"labels":  safetensors.Int32([]int64{length}, labels),
		"domains": safetensors.Int32([]int64{length}, domains),
		"rows":    safetensors.Int32([]int64{length}, rows),
	}, map[string]string{"format": "ratatouille-prediction/1", "domains": string(names)})
	said := map[string]any{"rows": n}
	if n > 0 {
		said["accuracy"], said["loss"] = float64(correct)/float64(n), loss/float64(n)
	}
	text, _ := json.Marshal(said)
	return content, string(text), err
}

// crossEntropy is that of a label under the softmax of logits, in nats.
func crossEntropy(logits []float32, label int) float64 {
	most := float64(slices.Max(logits))
	sum := 0.0
	for _, logit := range logits {
		sum += math.Exp(float64(logit) - most)
	}
	return math.Log(sum) + most - float64(logits[label])
}

// A result is what an attempt has made.
type result struct {
	role           string
	content        []byte
	summary, curve string
}

// train runs the code of a training.
func (a *attempt) train(ctx context.Context, in *inputs) (*result, error) {
	recipe := a.recipe
	data, err := in.data(recipe)
	if err != nil {
		return nil, err
	}
	start, err := in.start(recipe)
	if err != nil {
		return nil, err
	}
	rows := make([][]int, len(recipe.Domains))
	for i, domain := range recipe.Domains {
		if rows[i] = data.Training(domain); len(rows[i]) == 0 {
			return nil, Permanent("the domain %q has no rows to train on", domain)
		}
	}
	state, course, skipped := a.resume(ctx)
	checkpoints := newCheckpoints(a, course)
	if skipped != "" {
		checkpoints.skip = a.skipped(state, skipped)
	}
	training := &Training{
		Recipe: recipe, Data: data, Start: start, Resume: state, attempt: a, ctx: ctx, checkpoints: checkpoints, course: course,
		sampler: newSampler(recipe.Seed, recipe.Batch, recipe.WithReplacement, rows),
	}
	a.lease.report(progressOf(training.First()-1, recipe.Steps, ""), 0, 0)
	weights, err := a.fineTune(ctx, training)
	checkpoints.saving.Wait()
	if err != nil {
		return nil, err
	}
	if err := checkWeights(weights, start, recipe); err != nil {
		return nil, err
	}
	content, err := safetensors.Bytes(weights, map[string]string{"format": "pt"})
	return &result{"weights", content, course.summary(recipe), course.text()}, err
}

// predictRows runs the code of a prediction.
func (a *attempt) predictRows(ctx context.Context, in *inputs) (*result, error) {
	data, err := in.data(a.recipe)
	if err != nil {
		return nil, err
	}
	models, err := in.models("models")
	if err != nil {
		return nil, err
	}
	weights, err := mix(models, a.recipe.Weights)
	if err != nil {
		return nil, err
	}
	prediction := &Prediction{Recipe: a.recipe, Data: data, Weights: weights, attempt: a, ctx: ctx}
	for _, domain := range a.recipe.Domains {
		prediction.Rows = append(prediction.Rows, data.rowsOf(a.recipe.Part, domain)...)
	}
	slices.Sort(prediction.Rows)
	a.lease.report(progressOf(0, len(prediction.Rows), "rows"), 0, 0)
	logits, err := a.predict(ctx, prediction)
	if err != nil {
		return nil, err
	}
	content, summary, err := predictionFile(prediction, logits)
	return &result{"prediction", content, summary, ""}, err
}
