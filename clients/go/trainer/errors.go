package trainer

import (
	"errors"
	"fmt"
	"syscall"

	"google.golang.org/grpc/codes"

	"ratatouille"
)

// ErrStopped is what [Training.Step] and [Prediction.Step] give where the job is wanted no more, or the trainer ends: return it.
var ErrStopped = errors.New("the job is to stop")

type failure struct {
	error
	permanent, elsewhere bool
}

func (f failure) Unwrap() error { return f.error }

// Permanent is an error that comes the same way every time and everywhere, such as a recipe that asks for what is not there. The job fails.
func Permanent(format string, args ...any) error {
	return failure{fmt.Errorf(format, args...), true, false}
}

// Elsewhere is an error that comes of this machine: its disk, its memory, its engine. The job goes to another trainer.
func Elsewhere(format string, args ...any) error {
	return failure{fmt.Errorf(format, args...), false, true}
}

// How an attempt ends.
type ending int

const (
	isLost     ending = iota // nothing is said of it any more
	isReleased               // the job is given back
	isFailed
)

// endingOf says what follows from an error. Losses and drains are known by the attempt's own state, not by errors.
func endingOf(err error) (how ending, permanent, elsewhere bool) {
	var known failure
	var refused *ratatouille.Error
	switch {
	case errors.As(err, &known):
		return isFailed, known.permanent, known.elsewhere
	case errors.Is(err, ErrStopped):
		return isReleased, false, false
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES):
		return isFailed, false, true
	case errors.As(err, &refused):
		switch {
		case isStale(refused) != nil:
			return isLost, false, false
		case refused.Code == codes.Unavailable, refused.Code == codes.DeadlineExceeded, refused.Reason == "NO_SPACE":
			return isReleased, false, false
		}
	}
	return isFailed, false, false
}

// isStale is err where it says that the attempt does not have its job any more, or that nobody needs the job; else nil.
func isStale(err error) error {
	switch ratatouille.ReasonOf(err) {
	case "ATTEMPT_STALE", "JOB_CANCELLED", "JOB_UNKNOWN":
		return err
	default:
		return nil
	}
}

// isFatal tells errors after which nothing that this trainer asks for can be had.
func isFatal(err error) bool {
	var refused *ratatouille.Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case codes.Unauthenticated, codes.PermissionDenied, codes.InvalidArgument, codes.Unimplemented:
		return true
	default:
		return refused.Reason == "CONTRACT_UNKNOWN"
	}
}
