package ingest

// #include <realm_ingest.h>
import "C"

import (
	"log/slog"
	"net/http"
	"runtime/cgo"
)

// given is the userdata with which the functions below find a value of Go. Whatever takes it ends it by ingestGoRelease, so
// it is made in the call itself: none is left behind where that is not reached.
func given(value any) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(value))
}

// Called from callbacks.c, on threads of the library.

//export ingestGoSyncError
func ingestGoSyncError(handle C.uintptr_t, e *C.realm_ingest_sync_error) {
	var name, message, link C.size_t
	report := SyncError{
		Error: Error{
			Code:    Code(C.realm_ingest_sync_error_code(e)),
			Name:    goText(C.realm_ingest_sync_error_name(e, &name), name),
			Message: goText(C.realm_ingest_sync_error_message(e, &message), message),
			Link:    goText(C.realm_ingest_sync_error_link(e, &link), link),
		},
		Fatal: bool(C.realm_ingest_sync_error_is_fatal(e)),
	}
	for i := range C.realm_ingest_sync_error_refusal_count(e) {
		var class, key, reason C.size_t
		report.Refusals = append(report.Refusals, Refusal{
			Class:      goText(C.realm_ingest_sync_error_refusal_class(e, i, &class), class),
			PrimaryKey: goText(C.realm_ingest_sync_error_refusal_primary_key(e, i, &key), key),
			Reason:     goText(C.realm_ingest_sync_error_refusal_reason(e, i, &reason), reason),
		})
	}
	cgo.Handle(handle).Value().(func(SyncError))(report)
}

//export ingestGoWaited
func ingestGoWaited(handle C.uintptr_t, reason *C.realm_ingest_error) {
	var failure error
	if reason != nil {
		failure = errorOf(reason)
	}
	cgo.Handle(handle).Value().(wait[error]) <- failure
}

//export ingestGoSettled
func ingestGoSettled(handle C.uintptr_t, outcome *C.realm_ingest_outcome) {
	cgo.Handle(handle).Value().(wait[Outcome]) <- outcomeOf(outcome)
}

//export ingestGoProgress
func ingestGoProgress(handle C.uintptr_t, fraction C.double, uploaded, waiting C.uint64_t) {
	cgo.Handle(handle).Value().(func(Progress))(Progress{float64(fraction), uint64(uploaded), uint64(waiting)})
}

//export ingestGoSend
func ingestGoSend(handle C.uintptr_t, request *C.realm_ingest_http_request, answer *C.realm_ingest_http_answer) {
	send(cgo.Handle(handle).Value().(http.RoundTripper), request, answer)
}

//export ingestGoLog
func ingestGoLog(handle C.uintptr_t, level C.uint8_t, message *C.char, length C.size_t) {
	logLine(cgo.Handle(handle).Value().(*slog.Logger), level, goText(message, length))
}

//export ingestGoRelease
func ingestGoRelease(handle C.uintptr_t) {
	value := cgo.Handle(handle).Value()
	cgo.Handle(handle).Delete()
	if waiting, is := value.(interface{ released() }); is {
		waiting.released()
	}
}
