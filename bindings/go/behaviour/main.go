// The door of the Go module for the suite in tests/behaviour, whose README says what that is.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	ingest "realm-ingest/go"
)

// command is a line of the input.
type command struct {
	Do         string
	ID         string
	URL        string
	Files      string
	Key        string
	Provider   string
	Email      string
	Password   string
	Token      string
	Payload    string
	Schema     string
	Path       string
	Durability string
	MaxDocs    uint64 `json:"max_documents"`
	CapPolicy  string `json:"cap_policy"`
	Urgent     []string
	Documents  []string
	Number     string
	TimeoutMS  int64 `json:"timeout_ms"`
}

type answer map[string]any

// What the module does not offer.
var without = []string{"open_app.own_http", "open_realm.stop_policy"}

// device has one app, one user and one realm at a time.
type device struct {
	app    *ingest.App
	user   *ingest.User
	realm  *ingest.Realm
	errors chan ingest.SyncError
}

func (d *device) commands() map[string]func(command) (answer, error) {
	nothing := func(do func() error) func(command) (answer, error) {
		return func(command) (answer, error) { return nil, do() }
	}
	return map[string]func(command) (answer, error){
		"open_app":         d.openApp,
		"register":         func(c command) (answer, error) { return nil, d.app.Register(c.Email, c.Password) },
		"log_in":           d.logIn,
		"log_out":          nothing(func() error { return d.user.LogOut() }),
		"user":             d.showUser,
		"open_realm":       d.openRealm,
		"close_realm":      nothing(func() error { return d.realm.Close() }),
		"write":            d.write,
		"abandon":          d.abandon,
		"receipt":          d.receipt,
		"wait_for_receipt": d.waitForReceipt,
		"wait_for_upload":  d.waitForUpload,
		"status":           d.status,
		"pause":            nothing(func() error { return d.realm.Pause() }),
		"resume":           nothing(func() error { return d.realm.Resume() }),
		"reconnect":        nothing(func() error { return d.realm.Reconnect() }),
		"error":            d.nextError,
		"shutdown":         shutdown,
	}
}

func (d *device) openApp(c command) (answer, error) {
	key, err := keyOf(c)
	if err != nil {
		return nil, err
	}
	d.app, err = ingest.OpenApp(ingest.AppConfig{ID: c.ID, BaseURL: c.URL, Path: c.Files, MetadataEncryptionKey: key})
	if err != nil {
		return nil, err
	}
	d.user, err = d.app.CurrentUser()
	return nil, err
}

func (d *device) logIn(c command) (_ answer, err error) {
	switch c.Provider {
	case "anon-user":
		d.user, err = d.app.LogInAnonymously()
	case "local-userpass":
		d.user, err = d.app.LogInWithPassword(c.Email, c.Password)
	case "api-key":
		d.user, err = d.app.LogIn(c.Provider, object("key", c.Key))
	case "custom-token":
		d.user, err = d.app.LogIn(c.Provider, object("token", c.Token))
	default:
		d.user, err = d.app.LogIn(c.Provider, c.Payload)
	}
	if err != nil {
		return nil, err
	}
	return answer{"user": d.user.ID()}, nil
}

func (d *device) showUser(command) (answer, error) {
	return answer{"user": d.user.ID(), "state": strings.ReplaceAll(d.user.State().String(), " ", "_")}, nil
}

func (d *device) openRealm(c command) (answer, error) {
	var schema struct{ Classes []ingest.Class }
	if err := json.Unmarshal([]byte(c.Schema), &schema); err != nil {
		return nil, err
	}
	key, err := keyOf(c)
	if err != nil {
		return nil, err
	}
	policies := map[string]ingest.CapPolicy{"drop_oldest": ingest.CapDropOldest, "drop_newest": ingest.CapDropNewest}
	d.realm, err = d.user.Open(schema.Classes, ingest.Options{
		Path:          c.Path,
		EncryptionKey: key,
		Relaxed:       c.Durability == "relaxed",
		Cap:           ingest.Cap{MaxDocuments: c.MaxDocs, Policy: policies[c.CapPolicy]},
		UrgentClasses: c.Urgent,
		OnError:       func(e ingest.SyncError) { d.errors <- e },
	})
	return nil, err
}

// fill appends the documents, which are given as class, document, class, document ...
func (d *device) fill(c command) (*ingest.Transaction, error) {
	transaction, err := d.realm.Begin()
	if err != nil {
		return nil, err
	}
	for pair := range slices.Chunk(c.Documents, 2) {
		if err := appendJSON(transaction, pair[0], pair[1]); err != nil {
			transaction.Close()
			return nil, err
		}
	}
	return transaction, nil
}

func appendJSON(transaction *ingest.Transaction, class, text string) error {
	var fields bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), true, &fields); err != nil {
		return err
	}
	document, err := bson.Marshal(fields)
	if err != nil {
		return err
	}
	return transaction.Append(class, document)
}

func (d *device) write(c command) (answer, error) {
	transaction, err := d.fill(c)
	if err != nil {
		return nil, err
	}
	defer transaction.Close()
	number, err := transaction.Commit()
	return answer{"number": strconv.FormatUint(number, 10)}, err
}

func (d *device) abandon(c command) (answer, error) {
	transaction, err := d.fill(c)
	if err != nil {
		return nil, err
	}
	return nil, transaction.Close()
}

func (d *device) receipt(c command) (answer, error) {
	number, err := strconv.ParseUint(c.Number, 10, 64)
	if err != nil {
		return nil, err
	}
	outcome, err := d.realm.OutcomeOf(number)
	return answer{"state": outcome.State.String()}, err
}

func (d *device) waitForReceipt(c command) (answer, error) {
	number, err := strconv.ParseUint(c.Number, 10, 64)
	if err != nil {
		return nil, err
	}
	ctx, cancel := limited(c)
	defer cancel()
	outcome, err := d.realm.WaitFor(ctx, number)
	return answer{"state": outcome.State.String()}, err
}

func (d *device) waitForUpload(c command) (answer, error) {
	ctx, cancel := limited(c)
	defer cancel()
	err := d.realm.WaitForUpload(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, errors.New("the upload was not complete within the time limit")
	}
	return nil, err
}

func (d *device) status(command) (answer, error) {
	status, err := d.realm.Status()
	return answer{
		"transactions": status.WaitingTransactions,
		"documents":    status.WaitingDocuments,
		"dropped":      status.DroppedDocuments,
		"refused":      status.RefusedDocuments,
	}, err
}

func (d *device) nextError(c command) (answer, error) {
	ctx, cancel := limited(c)
	defer cancel()
	select {
	case e := <-d.errors:
		refusals := []answer{}
		for _, refusal := range e.Refusals {
			refusals = append(refusals, answer{"class": refusal.Class, "reason": refusal.Reason})
		}
		return answer{"code": e.Name, "fatal": e.Fatal, "refusals": refusals}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func shutdown(c command) (answer, error) {
	return answer{"ended": ingest.Shutdown(time.Duration(c.TimeoutMS) * time.Millisecond)}, nil
}

func limited(c command) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(c.TimeoutMS)*time.Millisecond)
}

func keyOf(c command) ([]byte, error) {
	if c.Key == "" {
		return nil, nil
	}
	return hex.DecodeString(c.Key)
}

func object(name, value string) string {
	text, _ := json.Marshal(map[string]string{name: value}) // texts always can be
	return string(text)
}

// reply does what a line asks.
func (d *device) reply(line []byte) answer {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return answer{"error": answer{"message": err.Error()}}
	}
	known := d.commands()
	if c.Do == "commands" {
		names := []string{}
		for name := range known {
			names = append(names, name)
		}
		return answer{"ok": answer{"commands": names, "without": without}}
	}
	do, found := known[c.Do]
	if !found {
		return answer{"error": answer{"message": "this door has no command " + c.Do}}
	}
	given, err := do(c)
	var failure *ingest.Error
	switch {
	case errors.As(err, &failure):
		return answer{"error": answer{"message": failure.Message, "code": failure.Name}}
	case err != nil:
		return answer{"error": answer{"message": err.Error()}}
	case given == nil:
		given = answer{}
	}
	return answer{"ok": given}
}

func main() {
	d := &device{errors: make(chan ingest.SyncError, 16)}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line, err := json.Marshal(d.reply(lines.Bytes()))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(string(line))
	}
}
