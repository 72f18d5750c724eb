package trainer

import (
	"context"
	"sync"
	"time"

	pb "ratatouille/v1"
)

const (
	reportPause = 500 * time.Millisecond // at most two reports a second
	reopenPause = 50 * time.Millisecond
)

// A lease keeps an attempt's job by reports of its progress, whatever its code does meanwhile.
type lease struct {
	jobs    pb.FinetuneServiceClient
	job     string
	attempt uint32
	seconds time.Duration
	// lose says that the attempt does not have its job any more.
	lose context.CancelCauseFunc

	mutex    sync.Mutex
	progress *pb.TrainProgress
	fresh    bool
	// losses since the last report, and of how many steps.
	losses float64
	steps  int
	at     time.Time
}

// report takes what is to be told next. A NaN of loss says that there is none.
func (l *lease) report(change func(*pb.TrainProgress), loss float64, steps int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	change(l.progress)
	l.losses += loss
	l.steps += steps
	l.fresh = true
}

// next is what is to be told now, if anything is.
func (l *lease) next(silent time.Duration) *pb.ReportProgressRequest {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if !l.fresh && silent < l.seconds/3-reportPause/2 {
		return nil
	}
	now := time.Now()
	if l.steps > 0 {
		l.progress.Loss = l.losses / float64(l.steps)
		l.progress.StepsPerSecond = float64(l.steps) / max(now.Sub(l.at).Seconds(), 1e-3)
	}
	l.losses, l.steps, l.fresh, l.at = 0, 0, false, now
	copied := &pb.TrainProgress{
		Step: l.progress.Step, Steps: l.progress.Steps, StepsPerSecond: l.progress.StepsPerSecond, Loss: l.progress.Loss,
		ValidationAccuracy: l.progress.ValidationAccuracy, Unit: l.progress.Unit,
	}
	return &pb.ReportProgressRequest{JobId: l.job, Attempt: l.attempt, Progress: copied}
}

// keep holds a stream of reports open until ctx ends.
func (l *lease) keep(ctx context.Context) {
	pause := reopenPause
	for ctx.Err() == nil {
		began := time.Now()
		err := l.stream(ctx)
		if isStale(err) != nil {
			l.lose(err)
			return
		}
		if time.Since(began) > maxPause {
			pause = reopenPause
		}
		sleep(ctx, pause)
		pause = min(2*pause, maxPause)
	}
}

// stream reports until the service ends the stream, or it breaks.
func (l *lease) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := l.jobs.ReportProgress(ctx)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- stream.RecvMsg(new(pb.ReportProgressResponse)) }()
	ticker := time.NewTicker(min(reportPause, max(l.seconds/4, reopenPause)))
	defer ticker.Stop()
	told := time.Time{}
	for {
		if report := l.next(time.Since(told)); report != nil {
			if err := stream.Send(report); err != nil {
				return <-ended
			}
			told = time.Now()
		}
		select {
		case err := <-ended:
			return err
		case <-ticker.C:
		}
	}
}
