package ingest

// #include <realm_ingest.h>
import "C"

// Stranded is an outbox with data that no user who is logged in sends: its user was logged out, or is not known any more.
// It is sent once that user logs in, or one who logs in in the same way.
type Stranded struct {
	Path         string
	UserID       string // whose data it is; empty where that is not known
	Principal    string // how that user logs in: anon-user, or the provider, a colon and the SHA-256 of the name; or empty
	Transactions uint64
	Documents    uint64
	Bytes        uint64 // before compression
}

// Stranded finds such outboxes in the app's folder. It does not use the network.
func (a *App) Stranded() ([]Stranded, error) {
	var list *C.realm_ingest_stranded
	err := a.call(func(app *C.realm_ingest_app, reason **C.realm_ingest_error) C.realm_ingest_code {
		return C.realm_ingest_app_stranded(app, reason, &list)
	})
	if err != nil {
		return nil, err
	}
	defer C.realm_ingest_stranded_free(list)
	var found []Stranded
	for i := range C.realm_ingest_stranded_count(list) {
		var path, user, principal C.size_t
		found = append(found, Stranded{
			Path:         goText(C.realm_ingest_stranded_path(list, i, &path), path),
			UserID:       goText(C.realm_ingest_stranded_user_id(list, i, &user), user),
			Principal:    goText(C.realm_ingest_stranded_principal(list, i, &principal), principal),
			Transactions: uint64(C.realm_ingest_stranded_transactions(list, i)),
			Documents:    uint64(C.realm_ingest_stranded_documents(list, i)),
			Bytes:        uint64(C.realm_ingest_stranded_bytes(list, i)),
		})
	}
	return found, nil
}

// Export writes what waits in an outbox to a new file, a line of Extended JSON a document, oldest first, and gives their
// number. The outbox stays as it is. The key is for one that is encrypted, and nil for others; the new file is not encrypted.
func (a *App) Export(path, destination string, encryptionKey []byte) (documents uint64, err error) {
	var exported C.uint64_t
	err = a.call(func(app *C.realm_ingest_app, reason **C.realm_ingest_error) C.realm_ingest_code {
		from, fromLength := text(path)
		to, toLength := text(destination)
		bytes, length := key(encryptionKey)
		return C.realm_ingest_app_export(app, from, fromLength, to, toLength, bytes, length, reason, &exported)
	})
	return uint64(exported), err
}

// Rehome has what waits in an outbox go on under a user who is logged in, whoever's it was. The key is as of Export. It may
// wait for another process that is uploading it.
func (a *App) Rehome(path string, user *User, encryptionKey []byte) error {
	return a.with(user, func(
		app *C.realm_ingest_app, user *C.realm_ingest_user, reason **C.realm_ingest_error,
	) C.realm_ingest_code {
		from, fromLength := text(path)
		bytes, length := key(encryptionKey)
		return C.realm_ingest_app_rehome(app, from, fromLength, user, bytes, length, reason)
	})
}

// Discard deletes an outbox with everything that waits in it, for good, and gives the number of the documents.
func (a *App) Discard(path string) (documents uint64, err error) {
	var discarded C.uint64_t
	err = a.call(func(app *C.realm_ingest_app, reason **C.realm_ingest_error) C.realm_ingest_code {
		from, fromLength := text(path)
		return C.realm_ingest_app_discard(app, from, fromLength, reason, &discarded)
	})
	return uint64(discarded), err
}
