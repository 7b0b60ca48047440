// kubebox serves the Kubernetes API for tests: kube-apiserver and the etcd behind it in one process.
//
//	kubebox FOLDER [flags of kube-apiserver...]
//
// FOLDER gets etcd's data, the key that signs service accounts, and (by --cert-dir) the serving certificate.
// etcd takes two ports of 127.0.0.1 that the kernel chooses. There are no controllers and no kubelet.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // a CronJob's time zone is checked against it

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) < 2 {
		end(errors.New("usage: kubebox FOLDER [flags of kube-apiserver...]"))
	}
	folder := os.Args[1]
	key := filepath.Join(folder, "accounts.key")
	end(os.MkdirAll(folder, 0o700))
	end(writeKey(key))
	store, err := startEtcd(filepath.Join(folder, "etcd"))
	end(err)
	server := app.NewAPIServerCommand()
	server.SetArgs(append([]string{
		"--etcd-servers=http://" + store.Clients[0].Addr().String(),
		"--cert-dir=" + filepath.Join(folder, "certs"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + key,
		"--service-account-signing-key-file=" + key,
	}, os.Args[2:]...))
	code := cli.Run(server)
	store.Close()
	os.Exit(code)
}

func startEtcd(folder string) (*embed.Etcd, error) {
	settings := embed.NewConfig()
	settings.Dir = folder
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	settings.ListenClientUrls, settings.AdvertiseClientUrls = anyPort, anyPort
	settings.ListenPeerUrls, settings.AdvertisePeerUrls = anyPort, anyPort
	settings.InitialCluster = settings.InitialClusterFromName(settings.Name)
	settings.UnsafeNoFsync = true // what tests write need not outlive a power cut
	settings.LogLevel = "error"
	store, err := embed.StartEtcd(settings)
	if err != nil {
		return nil, err
	}
	select {
	case <-store.Server.ReadyNotify():
		return store, nil
	case <-time.After(30 * time.Second):
		return nil, errors.New("etcd is not ready after 30 s")
	}
}

func writeKey(path string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return os.WriteFile(path, pem.EncodeToMemory(&block), 0o600)
}

func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubebox:", err)
		os.Exit(1)
	}
}
