package ratatouille_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"ratatouille"
	"ratatouille/internal/testsystem"
)

func TestRefusesWhatNobodyCanConnectTo(t *testing.T) {
	for _, address := range []string{"", "localhost", "127.0.0.1:port", "http://127.0.0.1:7437"} {
		if _, err := ratatouille.Dial(address); err == nil {
			t.Errorf("%q is an address", address)
		}
	}
	if _, err := ratatouille.Dial("192.0.2.1:7437", ratatouille.WithToken("secret")); err == nil {
		t.Error("the token travels in the clear")
	}
	if _, err := ratatouille.Dial("127.0.0.1:7437", ratatouille.WithCA([]byte("no certificate"))); err == nil {
		t.Error("there is a certificate")
	}
}

func TestTokensTravelByTLS(t *testing.T) {
	ctx, directory := testsystem.Context(t), t.TempDir()
	authority, certificate, key := certificates(t)
	files := map[string][]byte{"cert.pem": certificate, "key.pem": key, "token": []byte("open-sesame")}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(directory, name) }
	address, stop, err := testsystem.Start(in("data"), "--tls-cert", in("cert.pem"), "--tls-key", in("key.pem"), "--token-file", in("token"))
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(stop)
	defer stop()
	trusted := ratatouille.WithCA(authority)
	if _, err := testsystem.ClientOf(t, address, trusted).System(ctx); ratatouille.CodeOf(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
	client := testsystem.ClientOf(t, address, trusted, ratatouille.WithToken("open-sesame"))
	if system, err := client.System(ctx); err != nil || system.GetVersion() == "" {
		t.Errorf("with it: %v, %v", system, err)
	}
	impatient := ratatouille.WithPatience(0)
	other, _, _ := certificates(t)
	for what, option := range map[string]ratatouille.Option{
		"another authority": ratatouille.WithCA(other), "those of this machine": ratatouille.WithTLS(&tls.Config{}),
	} {
		if _, err := testsystem.ClientOf(t, address, option, impatient).System(ctx); ratatouille.CodeOf(err) != codes.Unavailable {
			t.Errorf("by %s: %v", what, err)
		}
	}
	stop()
	var refused *ratatouille.Error
	if _, err := testsystem.ClientOf(t, address, trusted, impatient).System(ctx); !errors.As(err, &refused) || refused.Code != codes.Unavailable {
		t.Errorf("the system is gone: %v", err)
	}
}

// certificates are an authority, and a certificate of 127.0.0.1 by it with its key, as PEM.
func certificates(t *testing.T) (authority, certificate, key []byte) {
	t.Helper()
	made := func(template, parent *x509.Certificate, of, by *ecdsa.PrivateKey) (*x509.Certificate, []byte) {
		content, err := x509.CreateCertificate(rand.Reader, template, parent, &of.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := x509.ParseCertificate(content)
		if err != nil {
			t.Fatal(err)
		}
		return parsed, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: content})
	}
	keys := [2]*ecdsa.PrivateKey{}
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	until := time.Now().Add(time.Hour)
	top := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	signer, authority := made(top, top, keys[0], keys[0])
	own := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	_, certificate = made(own, signer, keys[1], keys[0])
	content, err := x509.MarshalPKCS8PrivateKey(keys[1])
	if err != nil {
		t.Fatal(err)
	}
	return authority, certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: content})
}
