package ingest

// #include <realm_ingest.h>
import "C"

import "runtime/cgo"

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
	cgo.Handle(handle).Value().(func(error))(failure)
}

//export ingestGoSettled
func ingestGoSettled(handle C.uintptr_t, outcome *C.realm_ingest_outcome) {
	cgo.Handle(handle).Value().(func(Outcome))(outcomeOf(outcome))
}

//export ingestGoRelease
func ingestGoRelease(handle C.uintptr_t) {
	cgo.Handle(handle).Delete()
}
