package ratatouille

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "ratatouille/v1"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = time.Second
)

// maxAttempts is how often gRPC tries a call, with pauses that double up to a second, until the patience is over.
func maxAttempts(patience time.Duration) int {
	attempts, pause := 1, firstPause
	for ; patience > 0; attempts++ {
		patience -= pause
		pause = min(2*pause, maxPause)
	}
	return attempts
}

// serviceConfig tells gRPC to repeat unary calls whose proto has an idempotency level while the server cannot be reached.
func serviceConfig(patience time.Duration) string {
	type name struct {
		Service string `json:"service"`
		Method  string `json:"method"`
	}
	names := []name{}
	for _, file := range []protoreflect.FileDescriptor{
		pb.File_ratatouille_v1_averaging_proto, pb.File_ratatouille_v1_catalog_proto, pb.File_ratatouille_v1_evaluation_proto,
		pb.File_ratatouille_v1_finetune_proto, pb.File_ratatouille_v1_recycling_proto, pb.File_ratatouille_v1_system_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if method := methods.Get(j); mayRepeat(method) {
					names = append(names, name{string(method.Parent().FullName()), string(method.Name())})
				}
			}
		}
	}
	attempts := maxAttempts(patience)
	if attempts < 2 {
		return "{}"
	}
	config, err := json.Marshal(map[string]any{"methodConfig": []any{map[string]any{
		"name": names,
		"retryPolicy": map[string]any{
			"maxAttempts": attempts, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
			"retryableStatusCodes": []string{"UNAVAILABLE"},
		},
	}}})
	if err != nil {
		panic(err)
	}
	return string(config)
}

func mayRepeat(method protoreflect.MethodDescriptor) bool {
	options, ok := method.Options().(*descriptorpb.MethodOptions)
	return ok && !method.IsStreamingClient() && !method.IsStreamingServer() &&
		options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
}

// patience is how long a stream that breaks is opened again: until nothing has moved for so long.
type patience struct {
	limit time.Duration
	since time.Time
	pause time.Duration
}

func newPatience(limit time.Duration) *patience {
	return &patience{limit: limit, since: time.Now(), pause: firstPause}
}

// moved begins to count anew.
func (p *patience) moved() {
	p.since, p.pause = time.Now(), firstPause
}

// wait pauses before another try, or gives err back where there is none: another kind of error, no patience left, or the context ended.
func (p *patience) wait(ctx context.Context, err error) error {
	if ctx.Err() != nil || !passing(err) || time.Since(p.since)+p.pause > p.limit {
		return err
	}
	select {
	case <-ctx.Done():
		return err
	case <-time.After(p.pause):
	}
	p.pause = min(2*p.pause, maxPause)
	return nil
}

// passing tells errors that say nothing of the request: the same call may work later.
func passing(err error) bool {
	switch CodeOf(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		return true
	case codes.Canceled: // by something between here and the server: the caller's own context has not ended
		return ReasonOf(err) == ""
	case codes.Aborted:
		return ReasonOf(err) == "TAKEN_OVER" || ReasonOf(err) == "INCOMPLETE"
	case codes.InvalidArgument:
		return ReasonOf(err) == "CHUNK_DAMAGED"
	case codes.FailedPrecondition:
		return ReasonOf(err) == "UPLOAD_MOVED"
	default:
		return false
	}
}
