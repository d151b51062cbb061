package ingest

// #include <realm_ingest.h>
import "C"

// Transaction holds documents that are stored all or not at all. One goroutine at a time may use it. Close ends it.
type Transaction struct {
	handle *handle[*C.realm_ingest_transaction]
}

// Append adds BSON documents of one class, in memory until Commit.
func (t *Transaction) Append(class string, documents ...[]byte) error {
	return t.handle.use(func(transaction *C.realm_ingest_transaction) error {
		var reason *C.realm_ingest_error
		name, nameLength := text(class)
		for _, document := range documents {
			bytes, length := raw(document)
			code := C.realm_ingest_transaction_append(transaction, name, nameLength, bytes, length, &reason)
			if err := check(code, &reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// Commit stores what was appended, all or nothing, and begins anew. It is on stable storage when Commit returns. The number
// is for WaitFor and OutcomeOf, also after a restart; 0 where nothing was appended.
func (t *Transaction) Commit() (number uint64, err error) {
	err = t.handle.use(func(transaction *C.realm_ingest_transaction) error {
		var reason *C.realm_ingest_error
		var stored C.uint64_t
		code := C.realm_ingest_transaction_commit(transaction, &reason, &stored)
		number = uint64(stored)
		return check(code, &reason)
	})
	return number, err
}

// Close ends the transaction, and forgets what was not committed; the second time it does nothing.
func (t *Transaction) Close() error {
	t.handle.close()
	return nil
}
