package ratatouille

import (
	"context"
	"hash/crc32"
	"io"

	pb "ratatouille/v1"
)

// A contributing is one stream of a file that the server asks for piece by piece: Contribute and Withdraw.
type contributing struct {
	content io.ReaderAt
	size    int64
	moved   func(done int64)

	send func(*pb.ContributionChunk) error
	// next gives what the server wants, or done; neither where it says something that this version does not know.
	next func() (want *pb.SendBytes, done bool, err error)
}

// run sends what the server wants until it says that it is done.
func (c *contributing) run() error {
	wants := make(chan *pb.SendBytes)
	ended := make(chan error, 1)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			want, done, err := c.next()
			if err != nil || done {
				ended <- err
				return
			}
			if want == nil {
				continue
			}
			select {
			case wants <- want:
			case <-stop:
				return
			}
		}
	}()
	position, until, begun := int64(0), int64(0), false
	buffer := make([]byte, min(chunkBytes, max(c.size, 1)))
	for {
		length := min(chunkBytes, c.size-position)
		if !begun || length <= 0 || position+length > until {
			select {
			case want := <-wants:
				if !begun {
					position, begun = want.GetOffset(), true
					c.moved(position)
				}
				until = max(until, want.GetUntil())
			case err := <-ended:
				return err
			}
			continue
		}
		chunk := buffer[:length]
		if _, err := readAt(c.content, chunk, position); err != nil {
			return err
		}
		sum := crc32.ChecksumIEEE(chunk)
		if err := c.send(&pb.ContributionChunk{Data: chunk, Crc32: &sum}); err != nil {
			if err != io.EOF {
				return err
			}
			until = position // the server has ended the call, and says why
			continue
		}
		position += length
		c.moved(position)
	}
}

// resumed repeats a stream while it breaks, as long as the patience says.
func (c *Client) resumed(ctx context.Context, size int64, progress Progress, stream func(ctx context.Context, moved func(done int64)) error) error {
	wait := newPatience(c.patience)
	most := int64(-1)
	for {
		err := func() error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return stream(ctx, func(done int64) {
				if done <= most {
					return
				}
				most = done
				wait.moved()
				if progress != nil {
					progress(done, size)
				}
			})
		}()
		if err == nil {
			return nil
		}
		if err := wait.wait(ctx, err); err != nil {
			return err
		}
	}
}
