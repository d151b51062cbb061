package ingest

// #include <realm_ingest.h>
import "C"

import "time"

// State is what is known of a transaction.
type State uint8

const (
	Pending   State = C.REALM_INGEST_STATE_PENDING   // in the file, as durable as the realm was opened
	Sent      State = C.REALM_INGEST_STATE_SENT      // given to the network, and there is no answer for it yet
	Persisted State = C.REALM_INGEST_STATE_PERSISTED // stored by the server; final, as all that follow
	Refused   State = C.REALM_INGEST_STATE_REFUSED   // some or all of its documents were refused for good, the others stored
	Dropped   State = C.REALM_INGEST_STATE_DROPPED   // to stay under the cap
	Damaged   State = C.REALM_INGEST_STATE_DAMAGED   // lost with a damaged file
	Unknown   State = C.REALM_INGEST_STATE_UNKNOWN   // the file never gave the number out, or has forgotten it
)

func (s State) String() string {
	return [...]string{"pending", "sent", "persisted", "refused", "dropped", "damaged", "unknown"}[min(s, Unknown)]
}

// Refusal is a document that the server refused for good.
type Refusal struct {
	Class      string
	PrimaryKey string // canonical Extended JSON; null where it had none that can be read
	Reason     string // in the server's words
}

// Outcome is what became of a transaction.
type Outcome struct {
	State    State
	Refusals []Refusal
	Complete bool // all refused documents are here, so all others are stored
}

// SyncError is what the session of a realm reports.
type SyncError struct {
	Error
	Fatal    bool // the session is inactive because of it; it then tries again by itself, rarely, otherwise soon
	Refusals []Refusal
}

// Status is how a realm and its upload were when it was asked. Times are by the clock of the device.
type Status struct {
	WaitingTransactions uint64
	WaitingDocuments    uint64
	WaitingBytes        uint64 // before compression
	OldestAge           time.Duration
	LastAcknowledged    time.Time // zero where the server never has
	DroppedDocuments    uint64    // by the cap, since the file was made
	DamagedTransactions uint64
	RefusedDocuments    uint64
	SentDocuments       uint64 // those that the server has answered for, refused ones with them
	SentBytes           uint64 // as they went over the network
	ErrorCode           Code   // of the error that the session met last in this process; 0 where it met none
	ErrorMessage        string
	ErrorIsCurrent      bool // the session has not worked since
}

func outcomeOf(outcome *C.realm_ingest_outcome) Outcome {
	result := Outcome{
		State:    State(C.realm_ingest_outcome_state(outcome)),
		Complete: bool(C.realm_ingest_outcome_is_complete(outcome)),
	}
	for i := range C.realm_ingest_outcome_refusal_count(outcome) {
		var class, key, reason C.size_t
		result.Refusals = append(result.Refusals, Refusal{
			Class:      goText(C.realm_ingest_outcome_refusal_class(outcome, i, &class), class),
			PrimaryKey: goText(C.realm_ingest_outcome_refusal_primary_key(outcome, i, &key), key),
			Reason:     goText(C.realm_ingest_outcome_refusal_reason(outcome, i, &reason), reason),
		})
	}
	return result
}

func statusOf(s *C.realm_ingest_status) Status {
	var message C.size_t
	status := Status{
		WaitingTransactions: uint64(C.realm_ingest_status_waiting_transactions(s)),
		WaitingDocuments:    uint64(C.realm_ingest_status_waiting_documents(s)),
		WaitingBytes:        uint64(C.realm_ingest_status_waiting_bytes(s)),
		OldestAge:           max(0, time.Duration(C.realm_ingest_status_oldest_age_ms(s))*time.Millisecond),
		DroppedDocuments:    uint64(C.realm_ingest_status_dropped_documents(s)),
		DamagedTransactions: uint64(C.realm_ingest_status_damaged_transactions(s)),
		RefusedDocuments:    uint64(C.realm_ingest_status_refused_documents(s)),
		SentDocuments:       uint64(C.realm_ingest_status_sent_documents(s)),
		SentBytes:           uint64(C.realm_ingest_status_sent_bytes(s)),
		ErrorCode:           Code(C.realm_ingest_status_error_code(s)),
		ErrorMessage:        goText(C.realm_ingest_status_error_message(s, &message), message),
		ErrorIsCurrent:      bool(C.realm_ingest_status_error_is_current(s)),
	}
	if last := int64(C.realm_ingest_status_last_acknowledged_ms(s)); last >= 0 {
		status.LastAcknowledged = time.UnixMilli(last)
	}
	return status
}
