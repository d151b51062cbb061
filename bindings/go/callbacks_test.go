package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// inChild runs a test that ends the library in a process of its own; true in that process.
func inChild(t *testing.T) bool {
	t.Helper()
	const mark = "INGEST_GO_TEST_CHILD"
	if os.Getenv(mark) != "" {
		return true
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	child.Env = append(os.Environ(), mark+"=1")
	if output, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return false
}

func TestWaitsEndWithTheLibraryThoughNoCallbackBeginsAnyMore(t *testing.T) {
	if !inChild(t) {
		return
	}
	realm := open(t, noUpload())
	number := must(realm.Write("GoReading", newDocument(t)))(t)
	running, goOn := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	must(realm.OnProgress(func(Progress) {
		if once.CompareAndSwap(false, true) {
			close(running)
			<-goOn
		}
	}))(t)
	<-running
	ended := make(chan error, 2)
	begun := make(chan struct{}, 2)
	go func() {
		begun <- struct{}{}
		ended <- realm.WaitForUpload(context.Background())
	}()
	go func() {
		begun <- struct{}{}
		_, err := realm.WaitFor(context.Background(), number)
		ended <- err
	}()
	<-begun
	<-begun
	if Shutdown(0) {
		t.Error("a callback is running")
	}
	close(goOn)
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("it was not uploaded")
		}
	}
}

func TestProgressIsToldUntilItIsStopped(t *testing.T) {
	realm := open(t, Options{})
	told := make(chan Progress, 16)
	stop := must(realm.OnProgress(func(p Progress) { told <- p }))(t)
	must(realm.Write("GoReading", newDocument(t), newDocument(t)))(t)
	for p := range told {
		if p.UploadedDocuments == 2 {
			break
		}
	}
	stop()
	stop()
	for len(told) > 0 {
		<-told
	}
	if err := errors.Join(func() error { _, err := realm.Write("GoReading", newDocument(t)); return err }(),
		realm.WaitForUpload(limited(t, limit60s))); err != nil {
		t.Fatal(err)
	}
	if len(told) > 0 {
		t.Fatal(<-told)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func TestAFailureOfTheOwnHTTPIsTheCallsError(t *testing.T) {
	app := must(OpenApp(AppConfig{
		ID: fmt.Sprint("own-http-", lastID.Add(1)), BaseURL: nowhere, Path: t.TempDir(),
		Transport: roundTripper(func(request *http.Request) (*http.Response, error) {
			if _, has := request.Context().Deadline(); !has {
				t.Error("a request has a limit")
			}
			return nil, errors.New("no cable")
		}),
	}))(t)
	defer app.Close()
	if _, err := app.LogInAnonymously(); err == nil || !strings.Contains(err.Error(), "no cable") {
		t.Fatal(err)
	}
}

func TestDurationsAreWholeMillisecondsAndNotNegative(t *testing.T) {
	for _, options := range []Options{{BatchDelay: -1}, {Cap: Cap{MaxAge: -time.Hour}}} {
		user := must(openApp(t).LogInAnonymously())(t)
		defer user.Close()
		if _, err := user.Open([]Class{reading}, options); CodeOf(err) != InvalidArgument {
			t.Error(err)
		}
	}
	for given, wanted := range map[time.Duration]uint64{0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2} {
		if whole, err := milliseconds("it", given); err != nil || whole != wanted {
			t.Error(given, whole, err)
		}
	}
}
