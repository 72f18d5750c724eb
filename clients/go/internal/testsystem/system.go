// Package testsystem starts real systems for tests.
package testsystem

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"ratatouille"
)

// Address is that of the system of [Main].
func Address() string {
	return os.Getenv("RATATOUILLE_SERVER")
}

// Main starts a system without trainers, runs the tests of a package with its address in RATATOUILLE_SERVER, and ends it.
func Main(m *testing.M) {
	os.Exit(func() int {
		directory, err := os.MkdirTemp("", "ratatouille-go-*")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(directory)
		address, stop, err := Start(filepath.Join(directory, "data"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer stop()
		os.Setenv("RATATOUILLE_SERVER", address)
		return m.Run()
	}())
}

// Start starts a system on a data directory, with more options of `ratatouille up`, and waits until it answers.
func Start(data string, options ...string) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = listener.Addr().String()
	listener.Close()
	log, err := os.Create(data + ".log")
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	command := exec.Command("./ratatouille", append([]string{"up", "--listen", address, "--data", data, "--trainers", "0"}, options...)...)
	command.Dir, command.Stdout, command.Stderr = Root(), log, log
	if err := command.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	stop = func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-ended
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address, stop, nil
		}
		select {
		case err := <-ended:
			text, _ := os.ReadFile(log.Name())
			return "", nil, fmt.Errorf("the system ended: %v\n%s", err, text)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			stop()
			text, _ := os.ReadFile(log.Name())
			return "", nil, fmt.Errorf("the system does not answer\n%s", text)
		}
	}
}

// Client connects to the system of [Main] for a test.
func Client(t testing.TB, options ...ratatouille.Option) *ratatouille.Client {
	t.Helper()
	return ClientOf(t, Address(), options...)
}

// ClientOf connects to an address for a test.
func ClientOf(t testing.TB, address string, options ...ratatouille.Option) *ratatouille.Client {
	t.Helper()
	client, err := ratatouille.Dial(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// Context is one that ends with a test, and after a minute.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Root is the folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../../../..")
}
