package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Through the gateway that REALM_INGEST_URL names. Each test has an app of its own, so none meets what another has
// written; collections are those of all.

// For what must happen.
const limit60s = time.Minute

// Nobody listens there.
const nowhere = "http://127.0.0.1:1"

var reading = Class{
	Name: "GoReading", Kind: Asymmetric, PrimaryKey: "_id",
	Properties: []Property{{Name: "_id", Type: "int"}, {Name: "value", Type: "double"}},
}

// Another number at each run, so that one gateway serves many.
var lastID atomic.Int64

func init() { lastID.Store(time.Now().UnixNano()) }

func document(t *testing.T, id int64, value float64) []byte {
	t.Helper()
	bytes, err := bson.Marshal(bson.D{{Key: "_id", Value: id}, {Key: "value", Value: value}})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func newDocument(t *testing.T) []byte {
	t.Helper()
	return document(t, lastID.Add(1), 20.5)
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func openApp(t *testing.T) *App {
	t.Helper()
	if os.Getenv("REALM_INGEST_URL") == "" {
		t.Fatal("REALM_INGEST_URL names no gateway: start one with `realm-ingest-gateway serve --dev`")
	}
	app := must(OpenApp(AppConfig{ID: fmt.Sprint("app-", lastID.Add(1)), Path: t.TempDir()}))(t)
	t.Cleanup(func() { app.Close() })
	return app
}

func open(t *testing.T, options Options) *Realm {
	t.Helper()
	user := must(openApp(t).LogInAnonymously())(t)
	defer user.Close()
	realm := must(user.Open([]Class{reading}, options))(t)
	t.Cleanup(func() { realm.Close() })
	return realm
}

func limited(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

// noUpload allows uploads in one minute of the day alone, which is half a day away.
func noUpload() Options {
	now := time.Now()
	minute := uint16((now.Hour()*60 + now.Minute() + 12*60) % (24 * 60))
	return Options{UploadWindows: []Window{{minute, minute + 1}}}
}

func TestWhatIsWrittenIsPersisted(t *testing.T) {
	realm := open(t, Options{})
	number := must(realm.Write("GoReading", newDocument(t), newDocument(t)))(t)
	if outcome := must(realm.WaitFor(limited(t, limit60s), number))(t); outcome.State != Persisted {
		t.Fatal(outcome)
	}
	if err := realm.WaitForUpload(limited(t, limit60s)); err != nil {
		t.Fatal(err)
	}
	if status := must(realm.Status())(t); status.SentDocuments != 2 || status.WaitingDocuments != 0 {
		t.Fatal(status)
	}
}

func TestARefusedDocumentIsToldAndCanBeAskedFor(t *testing.T) {
	told := make(chan SyncError, 1)
	realm := open(t, Options{OnError: func(e SyncError) { told <- e }})
	id := lastID.Add(1)
	must(realm.Write("GoReading", document(t, id, 1)))(t)
	number := must(realm.Write("GoReading", document(t, id, 2), newDocument(t)))(t)
	outcome := must(realm.WaitFor(limited(t, limit60s), number))(t)
	if outcome.State != Refused || len(outcome.Refusals) != 1 || !outcome.Complete {
		t.Fatal(outcome)
	}
	if again := must(realm.OutcomeOf(number))(t); again.Refusals[0] != outcome.Refusals[0] {
		t.Fatal(again)
	}
	if e := <-told; e.Code != SyncWriteNotAllowed || len(e.Refusals) != 1 || e.Refusals[0].Class != "GoReading" {
		t.Fatal(e)
	}
}

func TestAClosedTransactionLeavesNothing(t *testing.T) {
	realm := open(t, noUpload())
	transaction := must(realm.Begin())(t)
	if err := transaction.Append("GoReading", newDocument(t)); err != nil {
		t.Fatal(err)
	}
	transaction.Close()
	if _, err := transaction.Commit(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if status := must(realm.Status())(t); status.WaitingDocuments != 0 {
		t.Fatal(status)
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	realm := open(t, noUpload())
	number := must(realm.Write("GoReading", newDocument(t)))(t)
	if err := realm.WaitForUpload(limited(t, time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := realm.WaitForUpload(cancelled); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := realm.WaitFor(cancelled, number); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if outcome := must(realm.OutcomeOf(number))(t); outcome.State != Pending {
		t.Fatal(outcome)
	}
}

func TestWhatIsClosedSaysSo(t *testing.T) {
	app := openApp(t)
	user := must(app.LogInAnonymously())(t)
	realm := must(user.Open([]Class{reading}, Options{}))(t)
	for _, closer := range []interface{ Close() error }{app, user, realm, app, user, realm} {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, logIn := app.LogInAnonymously()
	_, reopen := user.Open([]Class{reading}, Options{})
	_, write := realm.Write("GoReading", newDocument(t))
	_, wait := realm.WaitFor(context.Background(), 1)
	upload := realm.WaitForUpload(context.Background())
	for _, err := range []error{logIn, reopen, write, wait, upload} {
		if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

// Under the race detector, too.
func TestManyGoroutinesUseARealmThatOneCloses(t *testing.T) {
	realm := open(t, Options{Relaxed: true})
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				if _, err := realm.Write("GoReading", newDocument(t)); err != nil {
					if !errors.Is(err, ErrClosed) && CodeOf(err) != ClosedRealm {
						t.Error(err)
					}
					return
				}
			}
		}()
	}
	number := must(realm.Write("GoReading", newDocument(t)))(t)
	must(realm.WaitFor(limited(t, limit60s), number))(t)
	realm.Close()
	group.Wait()
}

func TestOptionsAreHonoured(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 64)
	user := must(openApp(t).LogInAnonymously())(t)
	defer user.Close()
	options := Options{Path: t.TempDir() + "/own.realm", EncryptionKey: key, Cap: Cap{MaxDocuments: 1}}
	realm := must(user.Open([]Class{reading}, options))(t)
	if _, err := realm.Write("GoReading", newDocument(t), newDocument(t)); CodeOf(err) != LimitExceeded {
		t.Fatal(err)
	}
	realm.Close()
	options.EncryptionKey = bytes.Repeat([]byte{8}, 64)
	if _, err := user.Open([]Class{reading}, options); CodeOf(err) != InvalidDatabase {
		t.Fatal(err)
	}
}

func TestUsersRegisterAndLogIn(t *testing.T) {
	app := openApp(t)
	if user := must(app.CurrentUser())(t); user != nil {
		t.Fatal(user.ID())
	}
	email := fmt.Sprintf("gopher%d@example.com", lastID.Add(1))
	if err := app.Register(email, "correct horse"); err != nil {
		t.Fatal(err)
	}
	user := must(app.LogInWithPassword(email, "correct horse"))(t)
	defer user.Close()
	current := must(app.CurrentUser())(t)
	defer current.Close()
	if current.ID() != user.ID() || user.ID() == "" || user.State() != LoggedIn {
		t.Fatal(current.ID(), user.ID())
	}
	_, err := app.LogIn("local-userpass", fmt.Sprintf(`{"username":%q,"password":"wrong"}`, email))
	if CodeOf(err) != InvalidPassword || !strings.Contains(err.Error(), "InvalidPassword") {
		t.Fatal(err)
	}
	if err := user.LogOut(); err != nil || user.State() != LoggedOut {
		t.Fatal(err)
	}
}

func TestAServerThatIsNotThereIsAnErrorWithCodeAndMessage(t *testing.T) {
	app := must(OpenApp(AppConfig{ID: fmt.Sprint("nowhere-", lastID.Add(1)), BaseURL: nowhere, Path: t.TempDir()}))(t)
	defer app.Close()
	_, err := app.LogInAnonymously()
	var failure *Error
	if !errors.As(err, &failure) || failure.Code == 0 || failure.Name == "" || failure.Message == "" {
		t.Fatal(err)
	}
}

func TestABadDocumentIsRefusedAtOnce(t *testing.T) {
	realm := open(t, noUpload())
	for _, bad := range [][]byte{{1, 2, 3}, {5, 0, 0, 0, 1}} {
		if _, err := realm.Write("GoReading", bad); CodeOf(err) != InvalidArgument {
			t.Error(err)
		}
	}
}
