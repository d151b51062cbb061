package ingest

// #include "callbacks.h"
import "C"

import (
	"context"
	"errors"
)

// Realm is where documents are written, and uploaded from. Any goroutine may use it. Close ends it.
type Realm struct {
	handle *handle[*C.realm_ingest_realm]
}

// Open opens the user's realm for documents of these classes and starts to upload what it holds. It does not wait for the
// server.
func (u *User) Open(classes []Class, options Options) (*Realm, error) {
	config, err := configOf(classes, options)
	if err != nil {
		return nil, err
	}
	defer C.realm_ingest_realm_config_free(config)
	var realm *C.realm_ingest_realm
	err = u.call(func(user *C.realm_ingest_user, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_new(user, config, reason, &realm)
	})
	if err != nil {
		return nil, err
	}
	return &Realm{newHandle(realm, func(realm *C.realm_ingest_realm) { C.realm_ingest_realm_free(realm) })}, nil
}

// Rekey gives the file of a realm that is not open another key of 64 bytes, or none with nil; that of the options is its
// present one. What waits stays. It takes about as long as copying the file; after a crash, call it again.
func (u *User) Rekey(classes []Class, options Options, newKey []byte) error {
	config, err := configOf(classes, options)
	if err != nil {
		return err
	}
	defer C.realm_ingest_realm_config_free(config)
	return u.call(func(user *C.realm_ingest_user, reason **C.realm_ingest_error) C.realm_ingest_code {
		bytes, length := key(newKey)
		return C.realm_ingest_rekey(user, config, bytes, length, reason)
	})
}

// configOf is how a realm is opened with these. The caller frees it.
func configOf(classes []Class, options Options) (*C.realm_ingest_realm_config, error) {
	schema, err := schemaJSON(classes)
	if err != nil {
		return nil, err
	}
	var reason *C.realm_ingest_error
	var config *C.realm_ingest_realm_config
	json, length := text(schema)
	if err := check(C.realm_ingest_realm_config_new(json, length, &reason, &config), &reason); err != nil {
		return nil, err
	}
	if err := options.apply(config); err != nil {
		C.realm_ingest_realm_config_free(config)
		return nil, err
	}
	return config, nil
}

// Write stores BSON documents of one class in a transaction of their own, and gives its number. They are on stable storage
// when it returns, and uploaded in the background.
func (r *Realm) Write(class string, documents ...[]byte) (uint64, error) {
	transaction, err := r.Begin()
	if err != nil {
		return 0, err
	}
	defer transaction.Close()
	if err := transaction.Append(class, documents...); err != nil {
		return 0, err
	}
	return transaction.Commit()
}

// Begin begins a transaction; several may be under way at once.
func (r *Realm) Begin() (*Transaction, error) {
	var transaction *C.realm_ingest_transaction
	err := r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_transaction_new(realm, reason, &transaction)
	})
	if err != nil {
		return nil, err
	}
	free := func(transaction *C.realm_ingest_transaction) { C.realm_ingest_transaction_free(transaction) }
	return &Transaction{newHandle(transaction, free)}, nil
}

// WaitForUpload waits until the server has acknowledged everything committed before the call, or until the context ends.
func (r *Realm) WaitForUpload(ctx context.Context) error {
	failure, err := await(ctx, r, func(
		realm *C.realm_ingest_realm, waiting wait[error], reason **C.realm_ingest_error, token *C.uint64_t,
	) C.realm_ingest_code {
		return C.ingest_go_on_upload(realm, given(waiting), reason, token)
	})
	if err != nil {
		return err
	}
	return failure
}

// WaitFor waits until the state of the transaction of this number is final, or until the context ends. Where the realm is
// closed meanwhile, it gives the state of then.
func (r *Realm) WaitFor(ctx context.Context, number uint64) (Outcome, error) {
	return await(ctx, r, func(
		realm *C.realm_ingest_realm, waiting wait[Outcome], reason **C.realm_ingest_error, token *C.uint64_t,
	) C.realm_ingest_code {
		return C.ingest_go_on_settled(realm, C.uint64_t(number), given(waiting), reason, token)
	})
}

// wait gets what the library gives to the callback of a wait, and is closed when none will come any more.
type wait[T any] chan T

func (w wait[T]) released() { close(w) }

// await has the library asked to call back, and waits for what it then gives, or for the end of the context.
func await[T any](
	ctx context.Context, r *Realm,
	ask func(
		realm *C.realm_ingest_realm, waiting wait[T], reason **C.realm_ingest_error, token *C.uint64_t,
	) C.realm_ingest_code,
) (value T, err error) {
	waiting := make(wait[T], 1)
	var token C.uint64_t
	err = r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return ask(realm, waiting, reason, &token)
	})
	if err != nil {
		return value, err
	}
	select {
	case value, told := <-waiting:
		if !told { // the library was shut down meanwhile
			return value, ErrClosed
		}
		return value, nil
	case <-ctx.Done():
		// A realm that was closed has ended it.
		_ = r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
			return C.realm_ingest_realm_give_up(realm, token, reason)
		})
		return value, ctx.Err()
	}
}

// OutcomeOf is what is known of the transaction of this number, also of an earlier start. It asks no server.
func (r *Realm) OutcomeOf(number uint64) (Outcome, error) {
	var outcome *C.realm_ingest_outcome
	err := r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_outcome_of(realm, C.uint64_t(number), reason, &outcome)
	})
	if err != nil {
		return Outcome{}, err
	}
	defer C.realm_ingest_outcome_free(outcome)
	return outcomeOf(outcome), nil
}

// Status says what waits and how the upload goes. It takes the same time however much waits.
func (r *Realm) Status() (Status, error) {
	var status *C.realm_ingest_status
	err := r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_status(realm, reason, &status)
	})
	if err != nil {
		return Status{}, err
	}
	defer C.realm_ingest_status_free(status)
	return statusOf(status), nil
}

// Pause stops the upload until Resume. Writes are kept. Waits for the upload that have begun fail.
func (r *Realm) Pause() error {
	return r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_pause(realm, reason)
	})
}

// Resume undoes Pause.
func (r *Realm) Resume() error {
	return r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_resume(realm, reason)
	})
}

// Reconnect ends the pause between two attempts to connect, as when the network is there again.
func (r *Realm) Reconnect() error {
	return r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_reconnect(realm, reason)
	})
}

// Close closes the realm; the second time it does nothing. What waits stays in the file and is still uploaded while the
// program runs, or after its next start.
func (r *Realm) Close() error {
	err := r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_close(realm, reason)
	})
	r.handle.close()
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

func (r *Realm) call(function func(*C.realm_ingest_realm, **C.realm_ingest_error) C.realm_ingest_code) error {
	return r.handle.use(func(realm *C.realm_ingest_realm) error {
		var reason *C.realm_ingest_error
		return check(function(realm, &reason), &reason)
	})
}
