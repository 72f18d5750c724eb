package ratatouille

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// An Error is what a server answered instead of a result, or that it did not answer.
//
//	var refused *ratatouille.Error
//	if errors.As(err, &refused) && refused.Reason == "REF_MOVED" { … }
//
// Decide by Code and Reason; Message is for people. It is [context.Canceled] and [context.DeadlineExceeded] to [errors.Is] where its code says so.
type Error struct {
	Code codes.Code
	// Reason is a word that the protos name in brackets, such as "REF_MOVED". Empty: the server gave none, or did not answer.
	Reason  string
	Message string
	// Violations name the fields of the request that are wrong.
	Violations []Violation
	// Metadata is what else belongs to the reason.
	Metadata map[string]string

	status *status.Status
}

// A Violation is a field of a request that is wrong.
type Violation struct {
	// Field is its path, such as "header.size_bytes".
	Field string
	// Description says what is wrong with it, and what would be right.
	Description string
}

func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s", e.Code)
	if e.Reason != "" {
		fmt.Fprintf(&text, " (%s)", e.Reason)
	}
	fmt.Fprintf(&text, ": %s", e.Message)
	for _, violation := range e.Violations {
		if !strings.Contains(e.Message, violation.Description) {
			fmt.Fprintf(&text, "; %s: %s", violation.Field, violation.Description)
		}
	}
	return text.String()
}

// GRPCStatus is the status as it came; [status.FromError] finds it.
func (e *Error) GRPCStatus() *status.Status {
	return e.status
}

// Is tells errors.Is which codes are errors of a context.
func (e *Error) Is(target error) bool {
	return target == context.Canceled && e.Code == codes.Canceled ||
		target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded
}

// ReasonOf is the reason of an [*Error] in err's tree, "" where there is none.
func ReasonOf(err error) string {
	var known *Error
	if errors.As(err, &known) {
		return known.Reason
	}
	return ""
}

// CodeOf is the gRPC code of an error: OK of nil, Unknown of what is none of gRPC.
func CodeOf(err error) codes.Code {
	return status.Code(err)
}

// errorOf reads google.rpc.Status out of an error of gRPC. Others, and nil, stay as they are.
func errorOf(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	from, ok := status.FromError(err)
	if !ok {
		return err
	}
	result := &Error{Code: from.Code(), Message: from.Message(), status: from}
	for _, detail := range from.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			result.Reason, result.Metadata = detail.GetReason(), detail.GetMetadata()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				result.Violations = append(result.Violations, Violation{violation.GetField(), violation.GetDescription()})
			}
		}
	}
	return result
}

// newError is one that this client has found out itself, as a server would say it.
func newError(code codes.Code, reason, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{Code: code, Reason: reason, Message: message, status: status.New(code, message)}
}

func unaryErrors(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	return errorOf(invoke(ctx, method, request, answer, conn, options...))
}

func streamErrors(ctx context.Context, description *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, conn, method, options...)
	if err != nil {
		return nil, errorOf(err)
	}
	return typedStream{stream}, nil
}

// A typedStream gives the errors of a stream as [*Error]s.
type typedStream struct {
	grpc.ClientStream
}

func (s typedStream) SendMsg(message any) error { return errorOf(s.ClientStream.SendMsg(message)) }
func (s typedStream) RecvMsg(message any) error { return errorOf(s.ClientStream.RecvMsg(message)) }
func (s typedStream) CloseSend() error          { return errorOf(s.ClientStream.CloseSend()) }
