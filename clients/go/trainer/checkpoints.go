package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"ratatouille"
	"ratatouille/safetensors"
	pb "ratatouille/v1"
)

const (
	checkpointPause = 5 * time.Second
	// A checkpoint may take 2 % of the training time.
	checkpointShare = 50
	// courseKey is the metadata of a checkpoint that has the course so far.
	courseKey = "course"
)

// checkpoints saves states in the background, as often as that pays.
type checkpoints struct {
	attempt *attempt
	course  *course
	// skip is what is to be said after the first step, where the attempt did not go on at its checkpoint.
	skip *pb.SkipCheckpointRequest

	since  time.Time
	cost   time.Duration
	saving sync.WaitGroup
	busy   chan struct{} // holds a token while one is on its way
}

func newCheckpoints(a *attempt, course *course) *checkpoints {
	return &checkpoints{attempt: a, course: course, since: time.Now(), busy: make(chan struct{}, 1)}
}

// began says, once, that the training did not go on where it might have.
func (c *checkpoints) began(ctx context.Context) {
	if c.skip == nil {
		return
	}
	skip := c.skip
	c.skip = nil
	c.saving.Go(func() {
		if _, err := c.attempt.jobs.SkipCheckpoint(ctx, skip); err != nil {
			c.attempt.log.Warn("could not say that a checkpoint was skipped", "problem", err.Error())
		}
	})
}

// maybe saves a state where it is time.
func (c *checkpoints) maybe(ctx context.Context, step int, state func() Tensors) error {
	pause := max(checkpointPause, checkpointShare*c.cost)
	if c.attempt.checkpointEvery > 0 {
		pause = c.attempt.checkpointEvery
	}
	if time.Since(c.since) < pause {
		return nil
	}
	select {
	case c.busy <- struct{}{}:
	default: // the one before is still on its way
		return nil
	}
	began := time.Now()
	content, err := c.write(step, state())
	if err != nil {
		return err
	}
	c.cost, c.since = time.Since(began), time.Now()
	c.saving.Go(func() {
		defer func() { <-c.busy }()
		c.save(ctx, step, content)
	})
	return nil
}

// last saves a state before the trainer ends.
func (c *checkpoints) last(ctx context.Context, step int, state Tensors) {
	c.saving.Wait()
	if content, err := c.write(step, state); err == nil {
		c.save(ctx, step, content)
	}
}

func (c *checkpoints) write(step int, state Tensors) ([]byte, error) {
	text, err := json.Marshal(c.course)
	if err != nil {
		return nil, err
	}
	return safetensors.Bytes(state, map[string]string{courseKey: string(text), "step": itoa(step)})
}

// save sends a state. A training does without what cannot be sent.
func (c *checkpoints) save(ctx context.Context, step int, content []byte) {
	blob, err := c.attempt.client.UploadBlob(ctx, bytes.NewReader(content), int64(len(content)), nil)
	if err == nil {
		_, err = c.attempt.jobs.SaveCheckpoint(ctx, &pb.SaveCheckpointRequest{
			JobId: c.attempt.begun.GetJob().GetId(), Attempt: c.attempt.begun.GetAttempt(), Checkpoint: blob.Digest, Step: uint32(step), Format: c.attempt.format,
		})
	}
	switch {
	case err == nil:
	case isStale(err) != nil:
		c.attempt.lease.lose(err)
	case ctx.Err() == nil:
		c.attempt.log.Warn("a checkpoint was not saved", "step", step, "problem", err.Error())
	}
}

// resume reads the state to go on from and the course up to it; without one it says why.
func (a *attempt) resume(ctx context.Context) (*State, *course, string) {
	var problem string
	if a.begun.GetCheckpoint() == "" {
		return nil, new(course), ""
	}
	if format := a.begun.GetCheckpointFormat(); format != a.format {
		return nil, new(course), "it has the format " + format + ", and " + a.format + " is read here"
	}
	for _, digest := range []string{a.begun.GetCheckpoint(), a.begun.GetEarlierCheckpoint()} {
		if digest == "" {
			continue
		}
		state, course, err := a.readCheckpoint(ctx, digest)
		if err == nil {
			return state, course, problem
		}
		problem = firstOf(problem, err.Error())
	}
	return nil, new(course), problem
}

func (a *attempt) readCheckpoint(ctx context.Context, digest string) (*State, *course, error) {
	blob, err := a.client.Blob(ctx, digest)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.CreateTemp("", "ratatouille-checkpoint-*")
	if err != nil {
		return nil, nil, err
	}
	defer os.Remove(file.Name()) //nolint:errcheck
	defer file.Close()
	if err := a.client.DownloadBlob(ctx, blob, file, nil); err != nil {
		return nil, nil, err
	}
	return readState(file, blob)
}

func readState(file *os.File, blob ratatouille.Blob) (*State, *course, error) {
	opened, err := safetensors.Open(file, blob.Size)
	if err != nil {
		return nil, nil, err
	}
	tensors, err := opened.Tensors()
	if err != nil {
		return nil, nil, err
	}
	state, course := &State{Tensors: tensors}, new(course)
	if err := json.Unmarshal([]byte(opened.Metadata["step"]), &state.Step); err != nil {
		return nil, nil, err
	}
	return state, course, json.Unmarshal([]byte(opened.Metadata[courseKey]), course)
}
