// The door of the Go module for the suite in tests/behaviour, whose README says what that is.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	ingest "realm-ingest/go"
)

// command is a line of the input.
type command struct {
	Do          string
	ID          string
	URL         string
	Files       string
	Key         string
	Provider    string
	Email       string
	Password    string
	Token       string
	Payload     string
	Index       int
	Schema      string
	Path        string
	Durability  string
	MaxDocs     uint64 `json:"max_documents"`
	CapPolicy   string `json:"cap_policy"`
	Urgent      []string
	Documents   []string
	Number      string
	NewKey      string `json:"new_key"`
	StopPolicy  string `json:"stop_policy"`
	OwnHTTP     bool   `json:"own_http"`
	Text        string
	Destination string
	TimeoutMS   int64 `json:"timeout_ms"`
}

type answer map[string]any

// device has one app, one user and one realm at a time.
type device struct {
	app      *ingest.App
	user     *ingest.User
	realm    *ingest.Realm
	classes  []ingest.Class // with those and
	options  ingest.Options // these the last realm was opened
	errors   chan ingest.SyncError
	progress chan ingest.Progress
	http     counted
	log      logged
}

func (d *device) commands() map[string]func(command) (answer, error) {
	nothing := func(do func() error) func(command) (answer, error) {
		return func(command) (answer, error) { return nil, do() }
	}
	return map[string]func(command) (answer, error){
		"open_app":         d.openApp,
		"requests":         func(command) (answer, error) { return answer{"any": d.http.requests.Load() > 0}, nil },
		"server_time":      d.serverTime,
		"register":         func(c command) (answer, error) { return nil, d.app.Register(c.Email, c.Password) },
		"log_in":           d.logIn,
		"log_out":          nothing(func() error { return d.user.LogOut() }),
		"user":             d.showUser,
		"users":            d.users,
		"switch_user":      d.switchUser,
		"remove_user":      nothing(func() error { return d.app.Remove(d.user) }),
		"delete_user":      nothing(func() error { return d.app.Delete(d.user) }),
		"link":             func(c command) (answer, error) { return nil, d.user.Link(credentials(c)) },
		"identities":       d.identities,
		"open_realm":       d.openRealm,
		"rekey":            d.rekey,
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
		"session":          d.session,
		"error":            d.nextError,
		"watch_progress":   d.watchProgress,
		"progress_done":    d.progressDone,
		"stranded":         d.stranded,
		"export":           d.export,
		"rehome":           d.rehome,
		"discard":          d.discard,
		"listen_to_log":    nothing(d.listenToLog),
		"logged":           func(c command) (answer, error) { return answer{"found": d.log.has(c.Text)}, nil },
		"shutdown":         shutdown,
	}
}

func shutdown(c command) (answer, error) {
	return answer{"ended": ingest.Shutdown(time.Duration(c.TimeoutMS) * time.Millisecond)}, nil
}

func limited(c command) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(c.TimeoutMS)*time.Millisecond)
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
		return answer{"ok": answer{"commands": names, "without": []string{}}}
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
	d := &device{errors: make(chan ingest.SyncError, 16), progress: make(chan ingest.Progress, 16)}
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
