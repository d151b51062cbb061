// Package ingest streams documents into MongoDB, one way, durably: an outbox on this device, and its upload to a gateway.
//
// What a commit returned for is on stable storage and reaches the server exactly once, after any crash or outage.
//
// The package calls librealm_ingest by cgo. Where the library and its header are not in a folder of the system,
// CGO_CFLAGS, CGO_LDFLAGS and LD_LIBRARY_PATH say where they are.
package ingest

// #cgo LDFLAGS: -lrealm_ingest
// #include <realm_ingest.h>
import "C"

import (
	"math"
	"strings"
	"time"
	"unsafe"
)

// Version is the release of the library, such as 0.1.0.
func Version() string {
	return C.GoString(C.realm_ingest_version())
}

// Shutdown ends the library's work in this process: what is pending stays in its files for the next start, and every
// call fails from then on. It is true once all threads of the library have ended, within the limit. A program may also
// exit without it.
func Shutdown(limit time.Duration) bool {
	// Below 0 is without end.
	return bool(C.realm_ingest_shutdown(C.int64_t(max(0, limit.Milliseconds()))))
}

// What an empty text or a document without bytes points to: a NULL would mean that there is none.
var nothing [1]byte

// text gives the two arguments that C takes for a text, which it copies before the call returns.
func text(s string) (*C.char, C.size_t) {
	if s == "" {
		return (*C.char)(unsafe.Pointer(&nothing)), 0
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}

// raw does so for bytes.
func raw(b []byte) (*C.uint8_t, C.size_t) {
	if len(b) == 0 {
		return (*C.uint8_t)(unsafe.Pointer(&nothing)), 0
	}
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))), C.size_t(len(b))
}

// key does so for an encryption key, where nil is none.
func key(b []byte) (*C.uint8_t, C.size_t) {
	if b == nil {
		return nil, 0
	}
	return raw(b)
}

// goText copies a text that the library shows, of any length.
func goText(data *C.char, length C.size_t) string {
	return strings.Clone(unsafe.String((*byte)(unsafe.Pointer(data)), int(length)))
}

// duration is that of so many milliseconds, or the longest that there is.
func duration(milliseconds uint64) time.Duration {
	return time.Duration(min(milliseconds, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}
