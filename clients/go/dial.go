package ratatouille

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	pb "ratatouille/v1"
)

const (
	// DefaultTimeout is the time of a unary call whose context has no deadline.
	DefaultTimeout = 30 * time.Second
	// DefaultPatience is how long a server that cannot be reached is waited for: of a transfer, since a byte moved.
	DefaultPatience = 10 * time.Second

	maxMessageBytes = 8 << 20
	// Windows of HTTP/2: 100 MB/s each stream at 40 ms there and back. They are fixed, as a server on Bun stops sending where they are widened
	// for calls under way (docs/runtimes.md).
	streamWindowBytes = 4 << 20
	connWindowBytes   = 16 << 20
)

// A Client is a connection to a system. It is made when the first call needs it, and again when it broke. Goroutines may share it.
type Client struct {
	conn      *grpc.ClientConn
	catalog   pb.CatalogServiceClient
	averaging pb.AveragingServiceClient
	system    pb.SystemServiceClient
	patience  time.Duration
}

// An Option says how to connect.
type Option func(*settings) error

type settings struct {
	token    string
	tls      *tls.Config
	patience time.Duration
	dial     []grpc.DialOption
}

// WithToken sends a token with every call. It needs TLS, except to addresses of this machine.
func WithToken(token string) Option {
	return func(s *settings) error {
		if token == "" || strings.ContainsAny(token, "\r\n") {
			return fmt.Errorf("ratatouille: the token is empty or has line breaks: leave it out, or give that of the server")
		}
		s.token = token
		return nil
	}
}

// WithCA connects by TLS to a server whose certificate an authority has signed, given as PEM.
func WithCA(pem []byte) Option {
	return func(s *settings) error {
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(pem) {
			return fmt.Errorf("ratatouille: there is no certificate in the authority; expected that of the server's authority, as PEM")
		}
		s.tls = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
		return nil
	}
}

// WithTLS connects by TLS as config says; an empty one trusts the authorities of this machine.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) error {
		s.tls = config.Clone()
		return nil
	}
}

// WithPatience says how long a server that cannot be reached is waited for, instead of [DefaultPatience]. 0: not at all.
func WithPatience(patience time.Duration) Option {
	return func(s *settings) error {
		if patience < 0 {
			return fmt.Errorf("ratatouille: the patience is %v; expected 0 or more", patience)
		}
		s.patience = patience
		return nil
	}
}

// WithDialOptions passes options on to gRPC, such as handlers of OpenTelemetry.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dial = append(s.dial, options...)
		return nil
	}
}

// Dial makes a client of the system at an address, host:port or unix:/path. It does not wait for a connection: the first call does.
func Dial(address string, options ...Option) (*Client, error) {
	s := settings{patience: DefaultPatience}
	for _, option := range options {
		if err := option(&s); err != nil {
			return nil, err
		}
	}
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	local := isLoopback(address)
	if s.token != "" && s.tls == nil && !local {
		return nil, fmt.Errorf("ratatouille: the token would travel to %s in the clear: use WithCA or WithTLS", address)
	}
	conn, err := grpc.NewClient(target(address), append(dialOptions(&s, local), s.dial...)...)
	if err != nil {
		return nil, fmt.Errorf("ratatouille: %w", err)
	}
	return &Client{
		conn:      conn,
		catalog:   pb.NewCatalogServiceClient(conn),
		averaging: pb.NewAveragingServiceClient(conn),
		system:    pb.NewSystemServiceClient(conn),
		patience:  s.patience,
	}, nil
}

// Close ends the connection and all calls on it.
func (c *Client) Close() error {
	return c.conn.Close()
}

// Conn is the connection, for the generated stubs of ratatouille/v1. Their errors are [*Error]s too.
func (c *Client) Conn() grpc.ClientConnInterface {
	return c.conn
}

// System says what answers at the address.
func (c *Client) System(ctx context.Context) (*pb.GetSystemResponse, error) {
	return c.system.GetSystem(ctx, &pb.GetSystemRequest{})
}

func dialOptions(s *settings, local bool) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if s.tls != nil {
		transport = credentials.NewTLS(s.tls)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes), grpc.MaxCallSendMsgSize(maxMessageBytes)),
		grpc.WithDefaultServiceConfig(serviceConfig(s.patience)),
		grpc.WithMaxCallAttempts(maxAttempts(s.patience)),
		grpc.WithDisableServiceConfig(),
		grpc.WithStaticStreamWindowSize(streamWindowBytes),
		grpc.WithStaticConnWindowSize(connWindowBytes),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 30 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithChainUnaryInterceptor(unaryErrors),
		grpc.WithChainStreamInterceptor(streamErrors),
	}
	if local {
		options = append(options, grpc.WithNoProxy())
	}
	if s.token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(s.token)))
	}
	return options
}

// A bearer token. Dial has seen to it that it does not travel in the clear.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

func checkAddress(address string) error {
	if path, ok := strings.CutPrefix(address, "unix:"); ok && path != "" {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsAny(host, "/ ") {
		return fmt.Errorf("ratatouille: %q is no address; expected host:port, for example 127.0.0.1:7437", address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("ratatouille: %q has no port; expected host:port, for example 127.0.0.1:7437", address)
	}
	return nil
}

// The name that gRPC resolves. Addresses of numbers need no resolver, and no proxy of the environment.
func target(address string) string {
	if strings.HasPrefix(address, "unix:") {
		return address
	}
	host, _, _ := net.SplitHostPort(address)
	if net.ParseIP(host) != nil {
		return "passthrough:///" + address
	}
	return "dns:///" + address
}

func isLoopback(address string) bool {
	if strings.HasPrefix(address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
