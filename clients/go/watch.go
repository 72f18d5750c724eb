package ratatouille

import (
	"context"
	"io"
	"iter"
	"time"

	pb "ratatouille/v1"
)

// WatchOptions choose events.
type WatchOptions struct {
	// Subjects such as "ratatouille.v1.job.finished"; empty: all.
	Subjects []string
	// Since is when to begin; zero: now. A system keeps a day of events.
	Since time.Time
}

// Watch gives the events of a system, until the loop is left, the context ends or an error comes, which is the last. Where the connection breaks it goes
// on behind the last event. An event of a kind that this version does not know has no payload.
//
// Events wake, they do not carry truth: ask whoever owns the state.
func (c *Client) Watch(ctx context.Context, options WatchOptions) iter.Seq2[*pb.Event, error] {
	return func(yield func(*pb.Event, error) bool) {
		since := int64(0)
		if !options.Since.IsZero() {
			since = options.Since.UnixMilli()
		}
		told := map[string]bool{} // of the newest millisecond
		err := follow(ctx, newPatience(c.patience), func(ctx context.Context) (func() (*pb.WatchEventsResponse, error), error) {
			stream, err := c.system.WatchEvents(ctx, &pb.WatchEventsRequest{Subjects: options.Subjects, SinceMs: since})
			if err != nil {
				return nil, err
			}
			return stream.Recv, nil
		}, func(answer *pb.WatchEventsResponse) bool {
			event := answer.GetEvent()
			if event == nil || told[event.GetId()] {
				return true
			}
			if event.GetAtMs() > since {
				since = event.GetAtMs()
				clear(told)
			}
			told[event.GetId()] = true
			return yield(event, nil)
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// follow reads a stream until it ends or each returns false, and opens it again where it breaks.
func follow[T any](ctx context.Context, wait *patience, open func(context.Context) (func() (T, error), error), each func(T) bool) error {
	for {
		err := func() error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			next, err := open(ctx)
			for err == nil {
				var message T
				if message, err = next(); err == nil {
					wait.moved()
					if !each(message) {
						return nil
					}
				}
			}
			if err == io.EOF {
				return nil
			}
			return err
		}()
		if err == nil {
			return nil
		}
		if err := wait.wait(ctx, err); err != nil {
			return err
		}
	}
}
