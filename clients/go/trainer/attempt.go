package trainer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/grpc/metadata"

	"ratatouille"
	pb "ratatouille/v1"
)

// deliveryTime is how long a service that went away is waited for with a result.
const deliveryTime = time.Minute

// An attempt is one job while this trainer has it.
type attempt struct {
	*server
	begun    *pb.BeginAttemptResponse
	recipe   *Recipe
	lease    *lease
	draining context.Context
}

// attempt begins a job that was handed over, and sees it to its end. draining ends when the trainer is to end, life a moment later.
func (s *server) attempt(draining, life context.Context, job, traceparent string) {
	if traceparent != "" {
		life = metadata.AppendToOutgoingContext(life, "traceparent", traceparent)
	}
	begun, err := s.jobs.BeginAttempt(life, &pb.BeginAttemptRequest{
		JobId: job, Trainer: s.trainer.Name, TrainerId: s.trainer.Id, Environment: s.trainer.Environment,
	})
	if err != nil {
		s.log.Info("the job is another's", "job", job, "problem", err.Error())
		return
	}
	ctx, lose := context.WithCancelCause(life)
	defer lose(nil)
	a := &attempt{server: s, begun: begun, draining: draining, lease: &lease{
		jobs: s.jobs, job: job, attempt: begun.GetAttempt(), seconds: time.Duration(begun.GetLeaseSeconds()) * time.Second, lose: lose,
		progress: new(pb.TrainProgress), fresh: true, at: time.Now(),
	}}
	reporting := make(chan struct{})
	reports, stop := context.WithCancel(ctx)
	go func() {
		defer close(reporting)
		a.lease.keep(reports)
	}()
	log := s.log.With("job", job, "attempt", begun.GetAttempt())
	log.Info("begins", "label", begun.GetJob().GetLabel())
	before := cpuTime()
	result, err := a.work(ctx)
	if err == nil {
		err = a.deliver(ctx, result, cpuTime()-before)
	}
	err = a.end(life, ctx, err)
	stop()
	<-reporting
	if err != nil {
		log.Warn("ended", "problem", err.Error())
		return
	}
	log.Info("done")
}

// work runs the code in a goroutine of its own, which is left alone where it has not come back when the trainer has to end.
func (a *attempt) work(ctx context.Context) (*result, error) {
	type outcome struct {
		result *result
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		defer func() {
			if problem := recover(); problem != nil {
				a.log.Error("the code panicked", "problem", fmt.Sprint(problem), "stack", string(debug.Stack()))
				ended <- outcome{nil, fmt.Errorf("the code panicked: %v", problem)}
			}
		}()
		result, err := a.run(ctx)
		ended <- outcome{result, err}
	}()
	select {
	case out := <-ended:
		return out.result, out.err
	case <-a.life(ctx):
		return nil, ErrStopped
	}
}

// life is closed when no more may be said of the attempt: the code of a lost job is waited for, as its next step ends it.
func (a *attempt) life(ctx context.Context) <-chan struct{} {
	over := make(chan struct{})
	context.AfterFunc(a.draining, func() {
		<-ctx.Done()
		close(over)
	})
	return over
}

func (a *attempt) run(ctx context.Context) (*result, error) {
	recipe, err := parseRecipe(a.begun.GetJob().GetRecipe())
	if err != nil {
		return nil, err
	}
	a.recipe = recipe
	in := a.inputs(ctx)
	defer in.close()
	if recipe.Kind == "predict" {
		return a.predictRows(ctx, in)
	}
	return a.train(ctx, in)
}

// deliver sends a result, again while the service cannot be reached.
func (a *attempt) deliver(ctx context.Context, made *result, cpu time.Duration) error {
	pause := firstPause
	for deadline := time.Now().Add(deliveryTime); ; {
		err := a.deliverOnce(ctx, made, cpu)
		how, _, _ := endingOf(err)
		again := ratatouille.ReasonOf(err) == "BLOB_MISSING" || how == isReleased && ratatouille.ReasonOf(err) != "NO_SPACE"
		if err == nil || !again || ctx.Err() != nil || a.draining.Err() != nil || time.Now().After(deadline) {
			return err
		}
		sleep(ctx, pause)
		pause = min(2*pause, maxPause)
	}
}

func (a *attempt) deliverOnce(ctx context.Context, made *result, cpu time.Duration) error {
	size := int64(len(made.content))
	blob, err := a.client.UploadBlob(ctx, bytes.NewReader(made.content), size, nil)
	if err != nil {
		return err
	}
	_, err = a.jobs.CompleteAttempt(ctx, &pb.CompleteAttemptRequest{
		JobId: a.lease.job, Attempt: a.lease.attempt, CpuMs: cpu.Milliseconds(),
		Outputs: []*pb.Output{{Role: made.role, Digest: blob.Digest, SizeBytes: size}},
		Summary: made.summary, Curve: made.curve, Usage: &pb.Usage{PeakMemoryBytes: peakMemory(), DownloadedBytes: a.cache.moved.Swap(0), UploadedBytes: size},
	})
	return err
}

// end says how an attempt ended, where anything is to be said.
func (a *attempt) end(life, ctx context.Context, err error) error {
	if err == nil || ratatouille.ReasonOf(err) == "OUTPUTS_INVALID" {
		return err // the service knows
	}
	if cause := context.Cause(ctx); cause != nil && life.Err() == nil {
		return cause // the job is lost
	}
	life, cancel := context.WithTimeout(life, callTime)
	defer cancel()
	how, permanent, elsewhere := endingOf(err)
	if a.draining.Err() != nil && !permanent {
		how = isReleased
	}
	var said error
	switch how {
	case isLost:
		return err
	case isReleased:
		if !errors.Is(err, ErrStopped) {
			sleep(a.draining, maxPause)
		}
		_, said = a.jobs.ReleaseAttempt(life, &pb.ReleaseAttemptRequest{JobId: a.lease.job, Attempt: a.lease.attempt})
	case isFailed:
		_, said = a.jobs.FailAttempt(life, &pb.FailAttemptRequest{
			JobId: a.lease.job, Attempt: a.lease.attempt, Error: err.Error(), Permanent: permanent, Elsewhere: elsewhere,
		})
	}
	if said != nil {
		a.log.Warn("could not say how the attempt ended", "problem", said.Error())
	}
	return err
}

func (a *attempt) skipped(state *State, reason string) *pb.SkipCheckpointRequest {
	skip := &pb.SkipCheckpointRequest{JobId: a.lease.job, Attempt: a.lease.attempt, Reason: reason}
	if state != nil {
		skip.FromStep = uint32(state.Step)
	}
	return skip
}

func progressOf(step, steps int, unit string) func(*pb.TrainProgress) {
	return func(p *pb.TrainProgress) { p.Step, p.Steps, p.Unit = uint32(step), uint32(steps), unit }
}
