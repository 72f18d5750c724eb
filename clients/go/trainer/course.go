package trainer

import (
	"encoding/json"
	"math"
)

// coursePlaces is how many losses a course has at most.
const coursePlaces = 1000

// A course is how a training went: what becomes training.json. A checkpoint has it too.
type course struct {
	Loss       []measured `json:"loss"`
	Validation []measured `json:"validation"`
	// Sum of the losses of the steps since the last place, and how many.
	Sum   float64 `json:"sum,omitempty"`
	Count int     `json:"count,omitempty"`
}

type measured struct {
	Step     int      `json:"step"`
	Loss     *float64 `json:"loss,omitempty"`
	Accuracy *float64 `json:"accuracy,omitempty"`
}

// add takes the loss of a step: each place is the mean of as many steps.
func (c *course) add(step int, loss float64, steps int) {
	c.Sum += loss
	c.Count++
	if c.Count >= (steps+coursePlaces-1)/coursePlaces || step >= steps {
		mean := c.Sum / float64(c.Count)
		c.Loss = append(c.Loss, measured{Step: step, Loss: &mean})
		c.Sum, c.Count = 0, 0
	}
}

// best is the best accuracy, NaN without one.
func (c *course) best() float64 {
	best := math.NaN()
	for _, one := range c.Validation {
		if !(*one.Accuracy <= best) {
			best = *one.Accuracy
		}
	}
	return best
}

// text is the JSON of training.json.
func (c *course) text() string {
	shown := course{Loss: append([]measured{}, c.Loss...), Validation: append([]measured{}, c.Validation...)}
	text, _ := json.Marshal(shown)
	return string(text)
}

// summary is what an artifact says of its training.
func (c *course) summary(recipe *Recipe) string {
	said := map[string]any{"steps": recipe.Steps, "bestStep": recipe.Steps}
	if n := len(c.Loss); n > 0 {
		said["finalLoss"] = *c.Loss[n-1].Loss
	}
	if best := c.best(); !math.IsNaN(best) {
		said["validationAccuracy"] = best
		for _, one := range c.Validation {
			if recipe.KeepBest && *one.Accuracy == best {
				said["bestStep"] = one.Step
				break
			}
		}
	}
	text, _ := json.Marshal(said)
	return string(text)
}
