package trainer

import (
	"encoding/json"
)

// A Recipe says what is to be made. Fields that it leaves out have their usual values here.
type Recipe struct {
	// Kind is "train" or "predict".
	Kind       string
	Seed       uint32
	Arithmetic string
	Network    Network
	// Classes is how many there are.
	Classes int
	// Domains by name; their order counts.
	Domains []string
	// Head are the tensors of the head, where the recipe names them.
	Head []string

	// Of a training.

	// HeadOnlySteps are the first of Steps, which train the head alone.
	HeadOnlySteps, Steps               int
	Batch                              int // rows of each domain in a step
	WithReplacement                    bool
	LearningRate, WeightDecay, Dropout float64
	TrainHeadOnly                      bool
	ValidateEvery                      int // 0: never
	KeepBest                           bool
	TrainingTransform, OtherTransform  string

	// Of a prediction: "all", "training", "validation" or "test" rows.
	Part string
	// Weights of the models whose mean predicts; nil: equal ones.
	Weights []float64

	// Parameters are all of the recipe's, as they are.
	Parameters json.RawMessage
}

// A Network is one by its name, and what it takes where that is not what the name says; 0: nothing is said.
type Network struct {
	Name           string `json:"name"`
	Channels, Size int
	Options        map[string]json.RawMessage `json:"options"`
}

// parseRecipe reads a recipe.
func parseRecipe(text string) (*Recipe, error) {
	var whole struct {
		Kind       string
		Seed       uint32
		Arithmetic string
		Parameters json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		return nil, Permanent("the recipe cannot be read: %w", err)
	}
	var said struct {
		Network       *Network
		Classes       int
		Domains       []string
		Head          []string
		Steps         int
		HeadOnlySteps int
		Batch         int
		Sampling      string
		Optimiser     struct {
			Name                      string
			LearningRate, WeightDecay float64
		}
		Dropout   float64
		Trainable string
		Validate  struct{ Every int }
		Keep      string
		Transform json.RawMessage
		Part      string
		Weights   []float64
	}
	if err := json.Unmarshal(whole.Parameters, &said); err != nil {
		return nil, Permanent("parameters of the recipe cannot be read: %w", err)
	}
	recipe := &Recipe{
		Kind: whole.Kind, Seed: whole.Seed, Arithmetic: whole.Arithmetic, Classes: said.Classes, Domains: said.Domains, Head: said.Head,
		HeadOnlySteps: said.HeadOnlySteps, Steps: said.HeadOnlySteps + said.Steps, Batch: said.Batch,
		WithReplacement: said.Sampling == "with-replacement", LearningRate: said.Optimiser.LearningRate, WeightDecay: said.Optimiser.WeightDecay,
		Dropout: said.Dropout, TrainHeadOnly: said.Trainable == "head", ValidateEvery: said.Validate.Every, KeepBest: said.Keep == "best",
		Part: firstOf(said.Part, "all"), Weights: said.Weights, Parameters: whole.Parameters,
	}
	if said.Network == nil {
		return nil, Permanent("parameters.network is missing")
	}
	recipe.Network = *said.Network
	var both struct{ Training, Validation string }
	if json.Unmarshal(said.Transform, &recipe.OtherTransform) != nil && json.Unmarshal(said.Transform, &both) == nil {
		recipe.TrainingTransform, recipe.OtherTransform = both.Training, both.Validation
	}
	switch {
	case recipe.Kind != "train" && recipe.Kind != "predict":
		return nil, Permanent("kind is %q; this trainer makes train and predict", recipe.Kind)
	case recipe.Classes < 1:
		return nil, Permanent("parameters.classes is %d; expected at least 1", recipe.Classes)
	case len(recipe.Domains) == 0:
		return nil, Permanent("parameters.domains is empty")
	case recipe.Kind == "train" && (recipe.Steps < 1 || recipe.Batch < 1):
		return nil, Permanent("parameters.steps is %d and parameters.batch %d; expected at least 1", said.Steps, recipe.Batch)
	case recipe.Kind == "train" && said.Optimiser.Name != "adam":
		return nil, Permanent("parameters.optimiser.name is %q; expected adam", said.Optimiser.Name)
	}
	return recipe, nil
}
