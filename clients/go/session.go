package ratatouille

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"

	pb "ratatouille/v1"
)

// A Session is an average that grows while contributions arrive.
type Session struct {
	// ID names it, for everybody.
	ID string
	// Secret is for those who contribute, withdraw and close. Empty: others do.
	Secret string

	client *Client
}

// OpenSession opens a session. An empty request means the mean of equal contributions for a day. The server tells its secret this once.
//
// Reasons: SESSION_INVALID, SESSION_QUOTA.
func (c *Client) OpenSession(ctx context.Context, request *pb.OpenSessionRequest) (*Session, error) {
	answer, err := c.averaging.OpenSession(ctx, request)
	if err != nil {
		return nil, err
	}
	return c.Session(answer.GetSession().GetId(), answer.GetSecret()), nil
}

// Session is one that somebody has opened.
func (c *Client) Session(id, secret string) *Session {
	return &Session{ID: id, Secret: secret, client: c}
}

// ContributeOptions say more of a contribution.
type ContributeOptions struct {
	// Weight of it; nil: 1, or what the session says.
	Weight *float64
	// Artifact is the digest of the model of the catalog whose weights these are, if they are one's.
	Artifact string
	Progress Progress
}

// Contribute sends a safetensors file. It counts once for each contributor and all or nothing, whatever breaks: after an error the same call
// again, also of another process, goes on where the server has stopped. It says whether the contribution had been committed before.
//
// Reasons: CONTRIBUTOR_COUNTED, CONTRIBUTION_MISMATCH, CONTRIBUTION_INVALID, LAYOUT_MISMATCH, NOT_FINITE, SECRET_WRONG, SESSION_OVER and the
// quotas of the proto.
func (s *Session) Contribute(ctx context.Context, contributor string, content io.ReaderAt, size int64, options ContributeOptions) (existed bool, err error) {
	blob, err := BlobOf(content, size)
	if err != nil {
		return false, err
	}
	header := &pb.ContributionHeader{
		SessionId: s.ID, Secret: s.Secret, Contributor: contributor, SizeBytes: size, Digest: blob.Digest, Weight: options.Weight, Artifact: options.Artifact,
	}
	return s.contribute(ctx, header, content, options.Progress)
}

// ContributeModel contributes the weights of a model of the catalog, which the server has itself: nothing is sent. Progress is that of the server.
//
// Reasons: those of [Session.Contribute], ARTIFACT_NOT_FOUND.
func (s *Session) ContributeModel(ctx context.Context, contributor string, options ContributeOptions) (existed bool, err error) {
	header := &pb.ContributionHeader{
		SessionId: s.ID, Secret: s.Secret, Contributor: contributor, Weight: options.Weight, Artifact: options.Artifact, FromCatalog: true,
	}
	return s.contribute(ctx, header, nil, options.Progress)
}

// contribute sends the content that a header announces.
func (s *Session) contribute(ctx context.Context, header *pb.ContributionHeader, content io.ReaderAt, progress Progress) (existed bool, err error) {
	size := header.GetSizeBytes()
	err = s.client.resumed(ctx, size, progress, func(ctx context.Context, moved func(int64)) error {
		stream, err := s.client.averaging.Contribute(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.ContributeRequest{Part: &pb.ContributeRequest_Header{Header: header}}); err != nil && err != io.EOF {
			return err
		}
		sending := contributing{content: content, size: size, moved: moved}
		sending.send = func(chunk *pb.ContributionChunk) error {
			return stream.Send(&pb.ContributeRequest{Part: &pb.ContributeRequest_Chunk{Chunk: chunk}})
		}
		sending.next = func() (*pb.SendBytes, bool, error) {
			answer, err := stream.Recv()
			if err != nil {
				return nil, false, ended(err)
			}
			if committed := answer.GetCommitted(); committed != nil {
				existed = committed.GetExisted()
				return nil, true, nil
			}
			if fetched := answer.GetFetched(); fetched != nil && progress != nil {
				progress(fetched.GetReadBytes(), fetched.GetTotalBytes())
			}
			return answer.GetSend(), false, nil
		}
		return sending.run()
	})
	return existed, err
}

// ContributeFile is [Session.Contribute] of a file.
func (s *Session) ContributeFile(ctx context.Context, contributor, path string, options ContributeOptions) (existed bool, err error) {
	err = withFile(path, func(file *os.File, size int64) (err error) {
		existed, err = s.Contribute(ctx, contributor, file, size, options)
		return err
	})
	return existed, err
}

// Withdraw takes a contribution out of the average. The server may need its bytes again, which are the same as in Contribute; content may be
// nil, then that is an error (BYTES_NEEDED).
//
// Reasons: CONTRIBUTION_NOT_FOUND, BYTES_NEEDED, SECRET_WRONG, SESSION_OVER.
func (s *Session) Withdraw(ctx context.Context, contributor string, content io.ReaderAt, size int64) error {
	header := &pb.WithdrawHeader{SessionId: s.ID, Secret: s.Secret, Contributor: contributor}
	return s.client.resumed(ctx, size, nil, func(ctx context.Context, moved func(int64)) error {
		stream, err := s.client.averaging.Withdraw(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.WithdrawRequest{Part: &pb.WithdrawRequest_Header{Header: header}}); err != nil && err != io.EOF {
			return err
		}
		if content == nil {
			if err := stream.CloseSend(); err != nil {
				return err
			}
		}
		sending := contributing{content: content, size: size, moved: moved}
		sending.send = func(chunk *pb.ContributionChunk) error {
			return stream.Send(&pb.WithdrawRequest{Part: &pb.WithdrawRequest_Chunk{Chunk: chunk}})
		}
		sending.next = func() (*pb.SendBytes, bool, error) {
			answer, err := stream.Recv()
			if err != nil {
				return nil, false, ended(err)
			}
			if content == nil {
				return nil, answer.GetWithdrawn() != nil, nil
			}
			return answer.GetSend(), answer.GetWithdrawn() != nil, nil
		}
		return sending.run()
	})
}

// Snapshot publishes the average of what is committed at this moment.
//
// Reasons: NOTHING_COMMITTED, NOT_FINITE.
func (s *Session) Snapshot(ctx context.Context) (*pb.Artifact, error) {
	return made(ctx, s.client, nil, func(ctx context.Context) (func() (*pb.SnapshotResponse, error), error) {
		stream, err := s.client.averaging.Snapshot(ctx, &pb.SnapshotRequest{SessionId: s.ID})
		if err != nil {
			return nil, err
		}
		return stream.Recv, nil
	})
}

// State is how the session stands.
//
// Reasons: SESSION_NOT_FOUND.
func (s *Session) State(ctx context.Context) (*pb.Session, error) {
	answer, err := s.client.averaging.GetSession(ctx, &pb.GetSessionRequest{SessionId: s.ID})
	return answer.GetSession(), err
}

// Watch gives the state now and after each change, until the session ends, the loop is left or an error comes, which is the last.
func (s *Session) Watch(ctx context.Context) iter.Seq2[*pb.Session, error] {
	return func(yield func(*pb.Session, error) bool) {
		wait := newPatience(s.client.patience)
		err := follow(ctx, wait, func(ctx context.Context) (func() (*pb.WatchSessionResponse, error), error) {
			stream, err := s.client.averaging.WatchSession(ctx, &pb.WatchSessionRequest{SessionId: s.ID})
			if err != nil {
				return nil, err
			}
			return stream.Recv, nil
		}, func(answer *pb.WatchSessionResponse) bool { return yield(answer.GetSession(), nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// Close ends the session, and publishes the average of all that counts before where snapshot says so; else the artifact is nil. Closing twice
// is closing once.
func (s *Session) Close(ctx context.Context, snapshot bool) (*pb.Artifact, error) {
	answer, err := s.client.averaging.CloseSession(ctx, &pb.CloseSessionRequest{SessionId: s.ID, Secret: s.Secret, Snapshot: snapshot})
	return answer.GetArtifact(), err
}

// ended is the error of a stream that ended before it said its last word.
func ended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func withFile(path string, use func(file *os.File, size int64) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("ratatouille: %s is no file", path)
	}
	return use(file, info.Size())
}
