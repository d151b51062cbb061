package ingest

// #include "callbacks.h"
import "C"

// SessionState is what the session of a realm is doing.
type SessionState uint8

const (
	Active                SessionState = C.REALM_INGEST_SESSION_ACTIVE // connected, or trying to be
	Dying                 SessionState = C.REALM_INGEST_SESSION_DYING  // every realm is closed, and what waits still uploaded
	Inactive              SessionState = C.REALM_INGEST_SESSION_INACTIVE
	WaitingForAccessToken SessionState = C.REALM_INGEST_SESSION_WAITING_FOR_ACCESS_TOKEN
	Paused                SessionState = C.REALM_INGEST_SESSION_PAUSED
)

func (s SessionState) String() string {
	return [...]string{"active", "dying", "inactive", "waiting for access token", "paused"}[min(s, Paused)]
}

// ConnectionState is whether the server answers.
type ConnectionState uint8

const (
	Disconnected ConnectionState = C.REALM_INGEST_CONNECTION_DISCONNECTED
	Connecting   ConnectionState = C.REALM_INGEST_CONNECTION_CONNECTING // the first request is on its way
	Connected    ConnectionState = C.REALM_INGEST_CONNECTION_CONNECTED  // the last request was answered
)

func (s ConnectionState) String() string {
	return [...]string{"disconnected", "connecting", "connected"}[min(s, Connected)]
}

// SessionState is what the session is doing: Inactive where the user is logged out, it ended, or a fatal error happened,
// after which it tries again by itself, rarely.
func (r *Realm) SessionState() (SessionState, error) {
	var state C.uint8_t
	err := r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_state(realm, reason, &state)
	})
	return SessionState(state), err
}

// ConnectionState is whether the server answers.
func (r *Realm) ConnectionState() (ConnectionState, error) {
	var state C.uint8_t
	err := r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_realm_connection_state(realm, reason, &state)
	})
	return ConnectionState(state), err
}

// Progress is how far an upload is.
type Progress struct {
	Fraction          float64 // from 0 to 1, since nothing waited last; 1 where nothing waits
	UploadedDocuments uint64
	WaitingDocuments  uint64
}

// OnProgress has a function called soon with the progress of now, then at every change, on a thread of the library: return
// soon, and wait for no upload there. It ends with the realm, or with stop, after which it is not running.
func (r *Realm) OnProgress(function func(Progress)) (stop func(), err error) {
	var token C.uint64_t
	err = r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.ingest_go_on_progress(realm, given(function), reason, &token)
	})
	if err != nil {
		return nil, err
	}
	return func() {
		// A realm that was closed has ended it.
		_ = r.call(func(realm *C.realm_ingest_realm, reason **C.realm_ingest_error) C.realm_ingest_code {
			return C.realm_ingest_realm_remove_progress(realm, token, reason)
		})
	}, nil
}
