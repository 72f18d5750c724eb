package trainer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ratatouille"
	pb "ratatouille/v1"
)

const (
	contract = 1
	// drainTime is what a trainer that is asked to end takes at most.
	drainTime   = 2500 * time.Millisecond
	callTime    = 10 * time.Second
	waitSeconds = 20
	firstPause  = 100 * time.Millisecond
	maxPause    = time.Second
	parkedPause = 10 * time.Second
)

// FineTune trains, and gives the weights by name. It calls [Training.Step] after each step, and returns its errors.
type FineTune func(ctx context.Context, training *Training) (Tensors, error)

// Predict gives the logits of each of [Prediction.Rows].
type Predict func(ctx context.Context, prediction *Prediction) ([][]float32, error)

// Serve takes jobs, one after another, until ctx ends; then it saves the step that it is at, gives the job back and returns nil, within three
// seconds. A service that cannot be reached is waited for. An error says that this trainer cannot serve: wrong options, a wrong token,
// another version.
func Serve(ctx context.Context, fineTune FineTune, predict Predict, options ...Option) error {
	s, err := settingsOf(options)
	if err != nil {
		return usageError{err}
	}
	client, err := s.dial()
	if err != nil {
		return usageError{err}
	}
	defer client.Close()
	cache, err := openCache(s.cache)
	if err != nil {
		return err
	}
	defer cache.close()
	server := &server{
		settings: s, client: client, jobs: pb.NewFinetuneServiceClient(client.Conn()), cache: cache, fineTune: fineTune, predict: predict,
	}
	return server.run(ctx)
}

// A usageError is one of the options.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

type server struct {
	*settings
	client   *ratatouille.Client
	jobs     pb.FinetuneServiceClient
	cache    *cache
	fineTune FineTune
	predict  Predict
}

func (s *server) run(ctx context.Context) error {
	// All calls end with life, a moment after ctx: so much time has a job to say good-bye.
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	stop := context.AfterFunc(ctx, func() {
		s.log.Info("asked to end")
		time.AfterFunc(drainTime, func() { end(errors.New("there is no more time")) })
	})
	defer stop()
	serving, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	announced := make(chan struct{})
	announcer := make(chan struct{})
	go func() {
		defer close(announcer)
		s.announce(serving, fail, announced)
	}()
	select {
	case <-announced:
		s.take(serving, life, fail)
	case <-serving.Done():
	}
	<-announcer
	s.leave(life)
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(serving)
}

// announce says that the trainer is there, again and again.
func (s *server) announce(ctx context.Context, fail context.CancelCauseFunc, announced chan<- struct{}) {
	pause := firstPause
	for known := false; ctx.Err() == nil; {
		lease, err := s.announceOnce(ctx, false)
		switch {
		case err == nil:
			if !known {
				known = true
				s.log.Info("serves", "server", s.server, "trainer", s.trainer.Name, "networks", s.engine.Networks)
				close(announced)
			}
			pause = firstPause
			sleep(ctx, max(lease/3, firstPause))
		case isFatal(err):
			fail(fmt.Errorf("the service refuses this trainer: %w", err))
		default:
			sleep(ctx, pause)
			pause = min(2*pause, maxPause)
		}
	}
}

func (s *server) announceOnce(ctx context.Context, leaves bool) (lease time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	answer, err := s.jobs.AnnounceTrainer(ctx, &pb.AnnounceTrainerRequest{Trainer: s.trainer, Leaves: leaves, Contract: contract})
	return time.Duration(answer.GetLeaseSeconds()) * time.Second, err
}

func (s *server) leave(life context.Context) {
	ctx, cancel := context.WithTimeout(life, maxPause)
	defer cancel()
	if _, err := s.announceOnce(ctx, true); err != nil {
		s.log.Info("could not take leave", "problem", err.Error())
	}
}

// take takes jobs until ctx ends.
func (s *server) take(ctx, life context.Context, fail context.CancelCauseFunc) {
	pause := firstPause
	for ctx.Err() == nil {
		job, traceparent, err := s.takeOne(ctx)
		switch {
		case err == nil && job != "":
			s.attempt(ctx, life, job, traceparent)
			pause = firstPause
		case err == nil:
			pause = firstPause
		case ratatouille.ReasonOf(err) == "TRAINER_UNKNOWN":
			if _, err := s.announceOnce(ctx, false); err != nil {
				sleep(ctx, pause)
			}
		case ratatouille.ReasonOf(err) == "TRAINER_PARKED":
			s.log.Error("parked: three results were refused, and a person has to look", "problem", err.Error())
			sleep(ctx, parkedPause)
		case isFatal(err):
			fail(fmt.Errorf("the service refuses this trainer: %w", err))
		default:
			sleep(ctx, pause)
			pause = min(2*pause, maxPause)
		}
	}
}

func (s *server) takeOne(ctx context.Context) (job, traceparent string, err error) {
	ctx, cancel := context.WithTimeout(ctx, waitSeconds*time.Second+callTime)
	defer cancel()
	answer, err := s.jobs.TakeJob(ctx, &pb.TakeJobRequest{TrainerId: s.trainer.Id, WaitSeconds: waitSeconds})
	return answer.GetJobId(), answer.GetTraceparent(), err
}

func sleep(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
