package ingest

// #include <realm_ingest.h>
import "C"

import (
	"errors"
	"fmt"
)

// ErrClosed is what calls fail with on an object that was closed.
var ErrClosed = errors.New("ingest: closed")

// Code says why a call failed. Those below are the ones that programs tell apart; others occur and more will.
type Code uint32

// The codes have the names and the meaning that the C header gives them.
const (
	RuntimeError        Code = C.REALM_INGEST_RUNTIME_ERROR
	LimitExceeded       Code = C.REALM_INGEST_LIMIT_EXCEEDED
	OutOfDiskSpace      Code = C.REALM_INGEST_OUT_OF_DISK_SPACE
	InvalidDatabase     Code = C.REALM_INGEST_INVALID_DATABASE
	OperationAborted    Code = C.REALM_INGEST_OPERATION_ABORTED
	SyncConnectFailed   Code = C.REALM_INGEST_SYNC_CONNECT_FAILED
	SyncWriteNotAllowed Code = C.REALM_INGEST_SYNC_WRITE_NOT_ALLOWED
	LogicError          Code = C.REALM_INGEST_LOGIC_ERROR
	MismatchedConfig    Code = C.REALM_INGEST_MISMATCHED_CONFIG
	ClosedRealm         Code = C.REALM_INGEST_CLOSED_REALM
	InvalidSchema       Code = C.REALM_INGEST_INVALID_SCHEMA
	InvalidArgument     Code = C.REALM_INGEST_INVALID_ARGUMENT
	ClientUserNotFound  Code = C.REALM_INGEST_CLIENT_USER_NOT_FOUND
	UserDisabled        Code = C.REALM_INGEST_USER_DISABLED
	AuthError           Code = C.REALM_INGEST_AUTH_ERROR
	AccountNameInUse    Code = C.REALM_INGEST_ACCOUNT_NAME_IN_USE
	InvalidPassword     Code = C.REALM_INGEST_INVALID_PASSWORD
)

// Error is why a call of the library failed.
type Error struct {
	Code    Code
	Name    string // of the code, such as InvalidPassword
	Message string // for people
	Link    string // to where the server logged it, or empty
}

func (e *Error) Error() string {
	return fmt.Sprintf("ingest: %s (%s)", e.Message, e.Name)
}

// CodeOf is the code of the Error in a chain of errors, or 0 where there is none.
func CodeOf(err error) Code {
	var failure *Error
	if errors.As(err, &failure) {
		return failure.Code
	}
	return 0
}

// check makes an error of what a call returned and of the reason that it left, which it frees. The reason is read by its
// address: as a value it might be evaluated before the call.
func check(code C.realm_ingest_code, left **C.realm_ingest_error) error {
	if code == C.REALM_INGEST_OK {
		return nil
	}
	reason := *left
	*left = nil
	defer C.realm_ingest_error_free(reason)
	return errorOf(reason)
}

func errorOf(reason *C.realm_ingest_error) *Error {
	var name, message, link C.size_t
	return &Error{
		Code:    Code(C.realm_ingest_error_code(reason)),
		Name:    goText(C.realm_ingest_error_name(reason, &name), name),
		Message: goText(C.realm_ingest_error_message(reason, &message), message),
		Link:    goText(C.realm_ingest_error_link(reason, &link), link),
	}
}
