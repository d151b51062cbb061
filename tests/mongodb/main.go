// A MongoDB-compatible server for tests: FerretDB over a PostgreSQL with DocumentDB, as the first process of a
// namespace of its own. It starts PostgreSQL, prints the URI once both answer, and ends when either does.
package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/v2/ferretdb"
)

const (
	postgres = "/usr/lib/postgresql/18/bin/postgres"
	data     = "/srv"
	url      = "postgres://postgres@/postgres?host=/srv&pool_max_conns=100"
	// Shared by none: it goes with the process.
	state = "/tmp"
)

// An index is built by the request for it, not by a job that comes every two seconds and waits for all transactions; and
// jobs are not logged.
var settings = []string{
	"-c", "documentdb.force_index_builds_blocking=on", "-c", "cron.log_run=off", "-c", "cron.log_statement=off",
}

func main() {
	listen := flag.String("listen", "127.0.0.1:27017", "where MongoDB's clients are served")
	flag.Parse()

	// Before PostgreSQL is started, which takes longer.
	probe, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	probe.Close()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	database, ended := startPostgres()
	// A fast shutdown.
	defer func() { database.Process.Signal(syscall.SIGINT); <-ended }()

	proxy, err := ferretdb.New(&ferretdb.Config{
		PostgreSQLURL: url, ListenAddr: *listen, StateDir: state, LogOutput: os.Stderr, Telemetry: new(bool),
	})
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan struct{})
	go func() { proxy.Run(ctx); close(served) }()
	os.Stdout.WriteString(proxy.MongoDBURI() + "\n")
	select {
	case <-ended:
		log.Fatal("PostgreSQL ended")
	case <-served:
	}
}

// Comes back when PostgreSQL answers; its end is told by the channel, which is closed.
func startPostgres() (*exec.Cmd, <-chan struct{}) {
	// What a killed one left: nobody else is in this namespace.
	os.Remove(data + "/postmaster.pid")
	owner, err := user.Lookup("postgres")
	if err != nil {
		log.Fatal(err)
	}
	uid, _ := strconv.ParseUint(owner.Uid, 10, 32)
	gid, _ := strconv.ParseUint(owner.Gid, 10, 32)
	command := exec.Command(postgres, append([]string{"-D", data}, settings...)...)
	command.Dir, command.Stdout, command.Stderr = data, os.Stderr, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	if err := command.Start(); err != nil {
		log.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { command.Wait(); close(ended) }()
	for {
		select {
		case <-ended:
			log.Fatal("PostgreSQL did not start")
		case <-time.After(10 * time.Millisecond):
		}
		// Its last line says so, as pg_ctl reads it.
		if text, _ := os.ReadFile(data + "/postmaster.pid"); bytes.Contains(text, []byte("\nready")) {
			return command, ended
		}
	}
}
