package testsystem

import (
	"context"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
)

// Later is the address of a server that answers as the one at address does, but as a later version of it might: every message has fields that
// nobody knows, each stream begins with an event of an unknown kind, and more says what else is put behind the messages of a method, where it
// is merged with what they say.
func Later(t testing.TB, address string, more map[string][]byte) string {
	t.Helper()
	later, stop, err := ServeLater(address, more)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return later
}

// ServeLater is [Later] outside of tests.
func ServeLater(address string, more map[string][]byte) (later string, stop func(), err error) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(8<<20)),
		grpc.WithStaticStreamWindowSize(4<<20), grpc.WithStaticConnWindowSize(16<<20))
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(8<<20), grpc.UnknownServiceHandler(
		func(_ any, from grpc.ServerStream) error { return passOn(conn, from, more) },
	))
	go func() { _ = server.Serve(listener) }()
	stop = func() {
		server.Stop()
		conn.Close()
	}
	return listener.Addr().String(), stop, nil
}

// LaterState puts a state that nobody knows into what is said of sessions: a second `session` is merged with the first.
func LaterState() map[string][]byte {
	state := protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.VarintType), 99)
	session := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), state)
	const service = "/ratatouille.v1.AveragingService/"
	return map[string][]byte{service + "OpenSession": session, service + "GetSession": session, service + "WatchSession": session}
}

// passOn passes a call on, message by message.
func passOn(conn *grpc.ClientConn, from grpc.ServerStream, more map[string][]byte) error {
	ctx, cancel := context.WithCancel(from.Context())
	defer cancel()
	if told, ok := metadata.FromIncomingContext(ctx); ok {
		ctx = metadata.NewOutgoingContext(ctx, told)
	}
	method, _ := grpc.MethodFromServerStream(from)
	to, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	go func() {
		for {
			var message []byte
			if err := from.RecvMsg(&message); err != nil {
				if err == io.EOF {
					_ = to.CloseSend()
				} else {
					cancel()
				}
				return
			}
			if to.SendMsg(&message) != nil {
				return
			}
		}
	}()
	unknown := protowire.AppendTag(nil, 1000, protowire.BytesType)
	unknown = protowire.AppendString(unknown, "of a later version")
	streams := serverStreams[method]
	for first := true; ; first = false {
		var message []byte
		if err := to.RecvMsg(&message); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		if first && streams {
			if err := from.SendMsg(&unknown); err != nil {
				return err
			}
		}
		message = append(append(message, unknown...), more[method]...)
		if err := from.SendMsg(&message); err != nil {
			return err
		}
	}
}

var serverStreams = map[string]bool{
	"/ratatouille.v1.AveragingService/Average":    true,
	"/ratatouille.v1.AveragingService/Contribute": true,
	"/ratatouille.v1.AveragingService/Withdraw":   true,
	"/ratatouille.v1.AveragingService/Snapshot":   true,
	"/ratatouille.v1.CatalogService/DownloadBlob": true,
	"/ratatouille.v1.SystemService/WatchEvents":   true,
}

// raw passes messages on as they are.
type raw struct{}

func (raw) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*message.(*[]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

func (raw) Name() string { return "proto" }

var _ encoding.CodecV2 = raw{}
