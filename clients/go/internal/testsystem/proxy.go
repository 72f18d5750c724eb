package testsystem

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A Proxy passes TCP connections on, and cuts the first ones after so many bytes.
type Proxy struct {
	Address string

	mutex sync.Mutex
	cuts  []int64
	used  int
	sent  atomic.Int64
}

// Cut makes a proxy of an address. Each of cuts is how many bytes the next connection may carry from the client, or to it, before both its ends
// are closed; later connections carry all.
func Cut(t testing.TB, address string, cuts ...int64) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	proxy := &Proxy{Address: listener.Addr().String(), cuts: cuts}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go proxy.pass(from, address)
		}
	}()
	return proxy
}

// Used says how many of the cuts have been made.
func (p *Proxy) Used() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.used
}

// Sent says how many bytes clients have sent.
func (p *Proxy) Sent() int64 { return p.sent.Load() }

func (p *Proxy) pass(from net.Conn, address string) {
	defer from.Close()
	to, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer to.Close()
	p.mutex.Lock()
	limit := int64(1) << 62
	if len(p.cuts) > 0 {
		limit, p.cuts = p.cuts[0], p.cuts[1:]
	}
	p.mutex.Unlock()
	done := make(chan bool, 2)
	copy := func(to, from net.Conn) {
		_, err := io.CopyN(to, from, limit)
		done <- err == nil
	}
	go copy(to, countedConn{from, &p.sent})
	go copy(from, to)
	if <-done {
		p.mutex.Lock()
		p.used++
		p.mutex.Unlock()
	}
}

// A countedConn counts what is read of it.
type countedConn struct {
	net.Conn
	count *atomic.Int64
}

func (c countedConn) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	c.count.Add(int64(n))
	return n, err
}
