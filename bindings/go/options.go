package ingest

// #include "callbacks.h"
import "C"

import (
	"fmt"
	"time"
)

// Options say how a realm is opened. The zero value stands for the defaults.
type Options struct {
	Path           string        // a file of its own, in a folder that exists, in place of the user's default one
	EncryptionKey  []byte        // 64 bytes: a new file gets them, one that is there has to have them
	Relaxed        bool          // a commit has survived the end of the process, and not the loss of power
	Cap            Cap           // how much may wait in the file
	UrgentClasses  []string      // their documents overtake those of other classes
	BatchDelay     time.Duration // how long the first transaction that waits is kept for more to come
	BytesPerSecond uint64        // the most bytes of requests a second, over a while; 0 is no limit
	UploadWindows  []Window      // times of the day in which uploads are allowed; none is all day
	StopPolicy     StopPolicy    // what the session does after the last close of the file

	// OnError gets what the session reports, on a thread of the library: return soon, and wait for no upload there. Where
	// the realm is open already, its first one stays.
	OnError func(SyncError)
}

// Cap bounds what waits in a file. 0 is no limit.
type Cap struct {
	MaxBytes     uint64 // as they are stored
	MaxDocuments uint64
	MaxAge       time.Duration // since the oldest was written, by the clock of the device
	Policy       CapPolicy
}

// CapPolicy says what becomes of a write beyond the cap.
type CapPolicy uint8

const (
	CapFail       CapPolicy = C.REALM_INGEST_CAP_FAIL        // it fails with LimitExceeded
	CapDropOldest CapPolicy = C.REALM_INGEST_CAP_DROP_OLDEST // the oldest transactions are dropped for it
	CapDropNewest CapPolicy = C.REALM_INGEST_CAP_DROP_NEWEST // it succeeds and is dropped
)

// StopPolicy says what a session does after the last close of its file.
type StopPolicy uint8

const (
	StopAfterUpload StopPolicy = iota // it works on until everything is uploaded
	StopImmediately
	StopNever // while the process lives
)

func (p StopPolicy) number() C.uint8_t {
	switch p {
	case StopImmediately:
		return C.REALM_INGEST_STOP_IMMEDIATELY
	case StopNever:
		return C.REALM_INGEST_STOP_NEVER
	default:
		return C.REALM_INGEST_STOP_AFTER_UPLOAD
	}
}

// Window is a time of the day: from its first minute since midnight, local time, to the one behind its last.
type Window struct {
	From, To uint16
}

func (o Options) apply(c *C.realm_ingest_realm_config) error {
	maxAge, err := milliseconds("Cap.MaxAge", o.Cap.MaxAge)
	if err != nil {
		return err
	}
	delay, err := milliseconds("BatchDelay", o.BatchDelay)
	if err != nil {
		return err
	}
	var reason *C.realm_ingest_error
	if o.Path != "" {
		path, length := text(o.Path)
		if err := check(C.realm_ingest_realm_config_set_path(c, path, length, &reason), &reason); err != nil {
			return err
		}
	}
	bytes, length := key(o.EncryptionKey)
	if err := check(C.realm_ingest_realm_config_set_encryption_key(c, bytes, length, &reason), &reason); err != nil {
		return err
	}
	if o.Relaxed {
		code := C.realm_ingest_realm_config_set_durability(c, C.REALM_INGEST_DURABILITY_RELAXED, &reason)
		if err := check(code, &reason); err != nil {
			return err
		}
	}
	code := C.realm_ingest_realm_config_set_cap(c, limit(o.Cap.MaxBytes), limit(o.Cap.MaxDocuments), limit(maxAge),
		C.uint8_t(o.Cap.Policy), &reason)
	if err := check(code, &reason); err != nil {
		return err
	}
	for _, class := range o.UrgentClasses {
		name, length := text(class)
		if err := check(C.realm_ingest_realm_config_add_urgent_class(c, name, length, &reason), &reason); err != nil {
			return err
		}
	}
	if err := check(C.realm_ingest_realm_config_set_batch_delay(c, C.uint64_t(delay), &reason), &reason); err != nil {
		return err
	}
	rate := limit(o.BytesPerSecond)
	if err := check(C.realm_ingest_realm_config_set_bytes_per_second(c, rate, &reason), &reason); err != nil {
		return err
	}
	for _, window := range o.UploadWindows {
		code := C.realm_ingest_realm_config_add_upload_window(c, C.uint16_t(window.From), C.uint16_t(window.To), &reason)
		if err := check(code, &reason); err != nil {
			return err
		}
	}
	code = C.realm_ingest_realm_config_set_stop_policy(c, o.StopPolicy.number(), &reason)
	if err := check(code, &reason); err != nil || o.OnError == nil {
		return err
	}
	return check(C.ingest_go_set_error_callback(c, given(o.OnError), &reason), &reason)
}

// limit is a limit as C takes it.
func limit(value uint64) C.uint64_t {
	if value == 0 {
		return C.REALM_INGEST_NO_LIMIT
	}
	return C.uint64_t(value)
}

// milliseconds of a duration, rounded up: the shortest is not none.
func milliseconds(name string, d time.Duration) (uint64, error) {
	if d < 0 {
		return 0, &Error{Code: InvalidArgument, Name: "InvalidArgument", Message: fmt.Sprintf("%s is negative: %v", name, d)}
	}
	whole := uint64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		whole++
	}
	return whole, nil
}
