package trainer

import (
	"context"
	"math"

	pb "ratatouille/v1"
)

// A Training is one job of a [FineTune].
type Training struct {
	Recipe *Recipe
	Data   *Data
	// Start are the weights to begin with; nil: the recipe's seed draws them. Tensors of the head may be missing.
	Start Tensors
	// Resume is what to go on from; nil: the beginning.
	Resume *State

	attempt     *attempt
	ctx         context.Context
	sampler     *sampler
	checkpoints *checkpoints
	course      *course
}

// A State is what [Training.Step] was given after a step.
type State struct {
	Step    int
	Tensors Tensors
}

// First is the step to begin with: 1, or the one behind the checkpoint.
func (t *Training) First() int {
	if t.Resume != nil {
		return t.Resume.Step + 1
	}
	return 1
}

// Batch gives the rows of a step, which count from 1, as every trainer draws them: [Recipe.Batch] of each domain.
func (t *Training) Batch(step int) []int { return t.sampler.step(step) }

// Validated says how accurate the weights are on the validation rows, 0 to 1, after a step and before [Training.Step] of it.
func (t *Training) Validated(step int, accuracy float64) {
	t.course.Validation = append(t.course.Validation, measured{Step: step, Accuracy: &accuracy})
	best := t.course.best()
	t.attempt.lease.report(func(p *pb.TrainProgress) { p.ValidationAccuracy = &best }, 0, 0)
}

// Step says that a step is done, with its mean loss. Where it is time for a checkpoint, state is called for all that the training goes on from:
// it is written before Step returns. An error ends the training: return it.
func (t *Training) Step(step int, loss float64, state func() Tensors) error {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return Permanent("the loss of step %d is %v", step, loss)
	}
	t.course.add(step, loss, t.Recipe.Steps)
	t.attempt.lease.report(func(p *pb.TrainProgress) { p.Step = uint32(step) }, loss, 1)
	if t.ctx.Err() != nil {
		return ErrStopped
	}
	t.checkpoints.began(t.ctx)
	select {
	case <-t.attempt.draining.Done():
		t.checkpoints.last(t.ctx, step, state())
		return ErrStopped
	default:
		return t.checkpoints.maybe(t.ctx, step, state)
	}
}

// A Prediction is one job of a [Predict].
type Prediction struct {
	Recipe *Recipe
	Data   *Data
	// Weights are those of the model, or the mean of several.
	Weights Tensors
	// Rows to predict, ascending.
	Rows []int

	attempt *attempt
	ctx     context.Context
}

// Step says how many rows are done. An error ends the prediction: return it.
func (p *Prediction) Step(done int) error {
	p.attempt.lease.report(func(said *pb.TrainProgress) { said.Step = uint32(done) }, 0, 0)
	if p.ctx.Err() != nil || p.attempt.draining.Err() != nil {
		return ErrStopped
	}
	return nil
}
