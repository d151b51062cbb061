package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	ingest "realm-ingest/go"
)

func keyOf(digits string) ([]byte, error) {
	if digits == "" {
		return nil, nil
	}
	return hex.DecodeString(digits)
}

func (d *device) openRealm(c command) (answer, error) {
	var schema struct{ Classes []ingest.Class }
	if err := json.Unmarshal([]byte(c.Schema), &schema); err != nil {
		return nil, err
	}
	key, err := keyOf(c.Key)
	if err != nil {
		return nil, err
	}
	policies := map[string]ingest.CapPolicy{"drop_oldest": ingest.CapDropOldest, "drop_newest": ingest.CapDropNewest}
	stops := map[string]ingest.StopPolicy{"immediately": ingest.StopImmediately, "never": ingest.StopNever}
	d.classes = schema.Classes
	d.options = ingest.Options{
		Path:          c.Path,
		EncryptionKey: key,
		Relaxed:       c.Durability == "relaxed",
		Cap:           ingest.Cap{MaxDocuments: c.MaxDocs, Policy: policies[c.CapPolicy]},
		UrgentClasses: c.Urgent,
		StopPolicy:    stops[c.StopPolicy],
		OnError:       func(e ingest.SyncError) { d.errors <- e },
	}
	d.realm, err = d.user.Open(d.classes, d.options)
	return nil, err
}

func (d *device) rekey(c command) (answer, error) {
	key, err := keyOf(c.NewKey)
	if err != nil {
		return nil, err
	}
	return nil, d.user.Rekey(d.classes, d.options, key)
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

func (d *device) session(command) (answer, error) {
	state, err := d.realm.SessionState()
	if err != nil {
		return nil, err
	}
	connection, err := d.realm.ConnectionState()
	return answer{"state": underscored(state.String()), "connection": connection.String()}, err
}

func (d *device) watchProgress(command) (answer, error) {
	_, err := d.realm.OnProgress(func(p ingest.Progress) {
		if p.Fraction == 1 {
			d.progress <- p
		}
	})
	return nil, err
}

func (d *device) progressDone(c command) (answer, error) {
	ctx, cancel := limited(c)
	defer cancel()
	select {
	case p := <-d.progress:
		return answer{"waiting": p.WaitingDocuments}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
