// The C interface of realm-ingest: a durable outbox on the device, and its upload to a gateway.
//
// In short: make an app, log a user in, open a realm with the classes it holds, append BSON documents
// in transactions. What a commit returned for is on stable storage and reaches the gateway exactly
// once, after any crash or outage. examples/stream.c does all of it.
//
// Objects. Every type is opaque. What a `_new` call (or a login) gives belongs to the caller, who ends
// it with its `_free` once; `_free(NULL)` does nothing. Objects may be freed in any order: a realm
// works on without the handles of its app and user.
//
// Results. A call that can fail returns a `realm_ingest_code`, REALM_INGEST_OK (0) for success, and
// takes a `realm_ingest_error **error`: NULL, or where the reason goes, to be freed by the caller.
// Outputs come last and are written on success alone; on failure they stay as they were. An argument
// that is NULL where that is not allowed is a REALM_INGEST_INVALID_ARGUMENT that names it. There is no
// hidden "last error".
//
// Text is UTF-8 as a pointer and a number of bytes, without need of a NUL; paths are whatever bytes the
// system takes. It is copied before the call returns. Text that a call returns belongs to the object it was asked of, lives as long, and has a NUL
// behind its last byte.
//
// Threads. Apps, users and realms may be used by any threads at once. Configurations, transactions and
// errors are for one thread at a time.
//
// Callbacks are a function, a `userdata` that it gets back, and a function that frees the userdata,
// which is called once, when the callback will not be called again. They run on threads of the library:
// return soon, call no wait there, and let no exception out. Where the same realm is opened twice, the
// first callback stays.
//
// Signals. No call raises one, a broken connection or a limit on file sizes notwithstanding, no
// disposition is changed, and handlers run on threads of the program alone. A callback has the signal
// mask of the thread that opened the app.
//
// End. A program may exit at any time, also while other threads are in a call; what callbacks use must
// then live as long as the process, or realm_ingest_shutdown comes first. A plugin with a callback, and
// one that has the library linked in, stays in memory when it is unloaded.
//
// Time. Logins, registration, logout and waits use the network and may block; a commit waits for the
// disk; nothing else waits.
//
// Faults. A fault inside the library is REALM_INGEST_PANIC; the handle it happened with does no more
// work and can only be freed. Pointers that are not what they should be cannot be detected.
//
// Generated from the library's source; do not edit.


#ifndef REALM_INGEST_H
#define REALM_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The call did what it should.
#define REALM_INGEST_OK 0

// The library is at fault. The handle that was used does no more work.
#define REALM_INGEST_PANIC 1

// Something failed that has no code of its own.
#define REALM_INGEST_RUNTIME_ERROR 1000

// A document, a transaction or the outbox is larger than allowed.
#define REALM_INGEST_LIMIT_EXCEEDED 1009

// A file could not be read or written.
#define REALM_INGEST_FILE_OPERATION_FAILED 1017

// The disk has no room left. What was stored before is unharmed.
#define REALM_INGEST_OUT_OF_DISK_SPACE 1018

// A file is not what it should be.
#define REALM_INGEST_INVALID_DATABASE 1021

// What was waited for will not happen.
#define REALM_INGEST_OPERATION_ABORTED 1027

// The server could not be reached. The library keeps trying.
#define REALM_INGEST_SYNC_CONNECT_FAILED 1034

// The server took longer than allowed.
#define REALM_INGEST_SYNC_CONNECT_TIMEOUT 1035

// What was waited for did not happen within the caller's limit.
#define REALM_INGEST_WAIT_TIMED_OUT 1100

// The schema contradicts what the server already has.
#define REALM_INGEST_SYNC_INVALID_SCHEMA_CHANGE 1036

// The certificate or the TLS handshake failed.
#define REALM_INGEST_TLS_HANDSHAKE_FAILED 1042

// Objects were refused by the server for good.
#define REALM_INGEST_SYNC_WRITE_NOT_ALLOWED 1044

// The call is not allowed at this point.
#define REALM_INGEST_LOGIC_ERROR 2000

// This version does not offer it.
#define REALM_INGEST_NOT_SUPPORTED 2001

// The path is open with other settings.
#define REALM_INGEST_MISMATCHED_CONFIG 2013

// The realm has been closed.
#define REALM_INGEST_CLOSED_REALM 2014

// The schema is not valid.
#define REALM_INGEST_INVALID_SCHEMA 2016

// An argument is not valid, or NULL where it may not be.
#define REALM_INGEST_INVALID_ARGUMENT 3000

// A request to the server got no answer.
#define REALM_INGEST_CUSTOM_ERROR 4000

// A token is unknown, expired or revoked.
#define REALM_INGEST_INVALID_SESSION 4301

// The server answered with a status that is not success and nothing more.
#define REALM_INGEST_HTTP_ERROR 4309

// The credentials were not accepted.
#define REALM_INGEST_AUTH_ERROR 4346

// Someone registered with this name before.
#define REALM_INGEST_ACCOUNT_NAME_IN_USE 4348

// Unknown user or wrong password.
#define REALM_INGEST_INVALID_PASSWORD 4349

// After the last close of a path its session stops at once.
#define REALM_INGEST_STOP_IMMEDIATELY 0

// After the last close of a path its session works on while the process lives.
#define REALM_INGEST_STOP_NEVER 1

// After the last close of a path its session works on until everything is uploaded. The default.
#define REALM_INGEST_STOP_AFTER_UPLOAD 2

// An app: its server and its users. Any thread may use it, also several at once.
typedef struct realm_ingest_app realm_ingest_app;

// How an app is opened. One thread at a time.
typedef struct realm_ingest_app_config realm_ingest_app_config;

// Why a call failed. Belongs to the caller, who frees it; any thread may read it.
typedef struct realm_ingest_error realm_ingest_error;

// An open realm. Any thread may use it, also several at once.
typedef struct realm_ingest_realm realm_ingest_realm;

// How a realm is opened. One thread at a time.
typedef struct realm_ingest_realm_config realm_ingest_realm_config;

// Outboxes in an app's directory with data that no user who is logged in sends. Any thread may read it.
typedef struct realm_ingest_stranded realm_ingest_stranded;

// What a session reports: it lives until the callback that gets it returns.
typedef struct realm_ingest_sync_error realm_ingest_sync_error;

// Documents on their way into a realm, in memory until the commit. One thread at a time; several transactions of one
// realm may be under way at once.
typedef struct realm_ingest_transaction realm_ingest_transaction;

// A user who logged in. Any thread may use it, also several at once.
typedef struct realm_ingest_user realm_ingest_user;

// REALM_INGEST_OK, or why a call failed. The constants of this header are those that programs tell apart; others
// occur and more will. `realm_ingest_error_name` gives the name of any.
typedef uint32_t realm_ingest_code;

// Gets one line of the log, from any thread, also from several at once. The levels are 1 trace, 2 debug, 4 info,
// 5 warning, 6 error. `message` is UTF-8 of `length` bytes and lives until the callback returns.
typedef void (*realm_ingest_log_callback)(void *userdata,
                                          uint8_t level,
                                          const char *message,
                                          size_t length);

// Ends the life of what `userdata` points to. Called once, when the library has no more use for the callback, from
// any thread.
typedef void (*realm_ingest_free_callback)(void *userdata);

// Gets what a session reports, on a thread of the library: return soon, and do not wait for an upload there. `error`
// lives until the callback returns.
typedef void (*realm_ingest_sync_error_callback)(void *userdata,
                                                 const realm_ingest_sync_error *error);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The release of the library, such as `0.1.0`.
const char *realm_ingest_version(void);

// Ends the library's work in this process, so that the program can exit, or a plugin go, with nothing of the library
// running: sessions stop, what is pending stays in its files for the next start, and waits fail. After that every call
// that returns a `realm_ingest_code` fails with REALM_INGEST_LOGIC_ERROR; the others look at what is there, or free it.
//
// True once all threads of the library have ended. False if some had not after `timeout_ms` milliseconds (below 0: waits
// without end), as when a callback has not returned, and always where a callback calls it; no callback begins after that
// either. A program that exits without it does so safely too: what a commit returned for is in the file, and only what
// callbacks use must live as long as the process.
bool realm_ingest_shutdown(int64_t timeout_ms);

// The defaults for this client app id: the server's address from the environment variable REALM_INGEST_URL, files
// beneath the process's current directory.
realm_ingest_code realm_ingest_app_config_new(const char *app_id,
                                              size_t app_id_length,
                                              realm_ingest_error **error,
                                              realm_ingest_app_config **config);

// Where the server is, such as `https://ingest.example.com`.
realm_ingest_code realm_ingest_app_config_set_base_url(realm_ingest_app_config *config,
                                                       const char *url,
                                                       size_t url_length,
                                                       realm_ingest_error **error);

// The directory for files; the library makes `mongodb-realm` beneath it.
realm_ingest_code realm_ingest_app_config_set_path(realm_ingest_app_config *config,
                                                   const char *path,
                                                   size_t path_length,
                                                   realm_ingest_error **error);

// Encrypts the file with users and tokens. A key has 64 bytes.
realm_ingest_code realm_ingest_app_config_set_metadata_encryption_key(realm_ingest_app_config *config,
                                                                      const uint8_t *key,
                                                                      size_t key_length,
                                                                      realm_ingest_error **error);

// Frees a configuration; NULL is fine.
void realm_ingest_app_config_free(realm_ingest_app_config *config);

// Opens an app. The configuration is copied. Does not use the network. From now on a forked child of this process
// cannot use the library: every call in it that returns a `realm_ingest_code` fails with REALM_INGEST_LOGIC_ERROR.
realm_ingest_code realm_ingest_app_new(const realm_ingest_app_config *config,
                                       realm_ingest_error **error,
                                       realm_ingest_app **app);

// Frees an app; NULL is fine. Its open realms work on.
void realm_ingest_app_free(realm_ingest_app *app);

// Registers an e-mail address with a password. Waits for the server. The user still has to log in.
realm_ingest_code realm_ingest_app_register(const realm_ingest_app *app,
                                            const char *email,
                                            size_t email_length,
                                            const char *password,
                                            size_t password_length,
                                            realm_ingest_error **error);

// Logs in without credentials. Waits for the server, except where an anonymous user is logged in already, who is then
// the user.
realm_ingest_code realm_ingest_app_login_anonymous(const realm_ingest_app *app,
                                                   realm_ingest_error **error,
                                                   realm_ingest_user **user);

// Logs in with an e-mail address and a password. Waits for the server.
realm_ingest_code realm_ingest_app_login_password(const realm_ingest_app *app,
                                                  const char *email,
                                                  size_t email_length,
                                                  const char *password,
                                                  size_t password_length,
                                                  realm_ingest_error **error,
                                                  realm_ingest_user **user);

// The server's id of the user, which lives as long as the handle; NULL for NULL.
const char *realm_ingest_user_id(const realm_ingest_user *user, size_t *length);

// Logs out: the tokens are forgotten, also where the server cannot be told. An anonymous user is gone for good, and
// what it has not uploaded is deleted when an app is next opened. Together with `realm_ingest_app_discard` this is the
// only act that deletes what waits: a user whom the server refuses is not logged out by that. What waits for other users
// stays until they log in again, and an outbox to which another process writes later, before it has heard of this, stays
// too: `realm_ingest_app_stranded` lists it.
realm_ingest_code realm_ingest_user_log_out(const realm_ingest_user *user,
                                            realm_ingest_error **error);

// Frees a handle of a user, who stays logged in; NULL is fine.
void realm_ingest_user_free(realm_ingest_user *user);

// The code; REALM_INGEST_OK for NULL.
realm_ingest_code realm_ingest_error_code(const realm_ingest_error *error);

// The code's name, such as `InvalidPassword`. Like all text of an error it lives as long as the error; `length`,
// which may be NULL, is the number of bytes before the NUL that ends it. NULL for NULL.
const char *realm_ingest_error_name(const realm_ingest_error *error,
                                    size_t *length);

// What happened, for people.
const char *realm_ingest_error_message(const realm_ingest_error *error, size_t *length);

// Where the server logged it, or empty.
const char *realm_ingest_error_link(const realm_ingest_error *error, size_t *length);

// Frees an error; NULL is fine.
void realm_ingest_error_free(realm_ingest_error *error);

// The code; REALM_INGEST_OK for NULL.
realm_ingest_code realm_ingest_sync_error_code(const realm_ingest_sync_error *error);

// The code's name, such as `SyncConnectFailed`. Text as of `realm_ingest_error_name`.
const char *realm_ingest_sync_error_name(const realm_ingest_sync_error *error, size_t *length);

// What happened, for people.
const char *realm_ingest_sync_error_message(const realm_ingest_sync_error *error, size_t *length);

// Where the server logged it, or empty.
const char *realm_ingest_sync_error_link(const realm_ingest_sync_error *error, size_t *length);

// Whether the session is inactive because of it. It then tries again by itself, rarely; after any other error it does soon.
bool realm_ingest_sync_error_is_fatal(const realm_ingest_sync_error *error);

// How many documents this is about: those the server refused for good, with code
// REALM_INGEST_SYNC_WRITE_NOT_ALLOWED.
size_t realm_ingest_sync_error_refusal_count(const realm_ingest_sync_error *error);

// The class of a refused document; NULL where `index` is not below the count.
const char *realm_ingest_sync_error_refusal_class(const realm_ingest_sync_error *error,
                                                  size_t index,
                                                  size_t *length);

// The `_id` of a refused document as canonical Extended JSON; `null` where it had none that can be read.
const char *realm_ingest_sync_error_refusal_primary_key(const realm_ingest_sync_error *error,
                                                        size_t index,
                                                        size_t *length);

// Why a document was refused, in the server's words.
const char *realm_ingest_sync_error_refusal_reason(const realm_ingest_sync_error *error,
                                                   size_t index,
                                                   size_t *length);

// Sends the log of the whole process from `level` on (0 everything, 8 nothing) to `callback`, in place of where it
// went before. NULL ends it. `free_userdata` may be NULL. In a forked child that cannot use the library it does nothing
// but free the userdata.
void realm_ingest_set_log(uint8_t level,
                          realm_ingest_log_callback callback,
                          void *userdata,
                          realm_ingest_free_callback free_userdata);

// The defaults with these classes: a JSON document such as
// `{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"objectId"}]}]}`.
// It is checked when a realm is opened with it.
realm_ingest_code realm_ingest_realm_config_new(const char *schema_json,
                                                size_t schema_json_length,
                                                realm_ingest_error **error,
                                                realm_ingest_realm_config **config);

// A file of its own, in place of the user's default one. Its directory must exist.
realm_ingest_code realm_ingest_realm_config_set_path(realm_ingest_realm_config *config,
                                                     const char *path,
                                                     size_t path_length,
                                                     realm_ingest_error **error);

// What the session does after the last close: one of the REALM_INGEST_STOP_ constants.
realm_ingest_code realm_ingest_realm_config_set_stop_policy(realm_ingest_realm_config *config,
                                                            uint8_t policy,
                                                            realm_ingest_error **error);

// Who gets the session's errors; NULL for nobody. Where the path is already open, its first callback stays.
// `free_userdata`, which may be NULL, is called also where this call fails.
realm_ingest_code realm_ingest_realm_config_set_error_callback(realm_ingest_realm_config *config,
                                                               realm_ingest_sync_error_callback callback,
                                                               void *userdata,
                                                               realm_ingest_free_callback free_userdata,
                                                               realm_ingest_error **error);

// Frees a configuration; NULL is fine. Realms opened with it keep its callback.
void realm_ingest_realm_config_free(realm_ingest_realm_config *config);

// Opens a realm for a user and starts to upload what it holds. Does not wait for the server. The configuration is
// copied.
realm_ingest_code realm_ingest_realm_new(const realm_ingest_user *user,
                                         const realm_ingest_realm_config *config,
                                         realm_ingest_error **error,
                                         realm_ingest_realm **realm);

// Waits until the server has acknowledged everything committed before the call. After `timeout_ms` milliseconds (below
// 0: never) it gives up with REALM_INGEST_WAIT_TIMED_OUT; the upload goes on.
realm_ingest_code realm_ingest_realm_wait_for_upload(const realm_ingest_realm *realm,
                                                     int64_t timeout_ms,
                                                     realm_ingest_error **error);

// How many documents wait to be acknowledged.
realm_ingest_code realm_ingest_realm_pending(const realm_ingest_realm *realm,
                                             realm_ingest_error **error,
                                             uint64_t *documents);

// Closes a realm; the second time does nothing. What waits stays in the file and is uploaded as the stop policy says,
// or after the next start.
realm_ingest_code realm_ingest_realm_close(const realm_ingest_realm *realm,
                                           realm_ingest_error **error);

// Closes and frees a realm; NULL is fine. Its transactions that are still there can no longer be committed.
void realm_ingest_realm_free(realm_ingest_realm *realm);

// Finds the outboxes in the app's directory with data that no user who is logged in sends: their user was logged out,
// or is not known any more. They are sent once that user logs in, or one who logs in in the same way. Does not use the
// network. Free what it gives with `realm_ingest_stranded_free`.
realm_ingest_code realm_ingest_app_stranded(const realm_ingest_app *app,
                                            realm_ingest_error **error,
                                            realm_ingest_stranded **stranded);

// How many there are; 0 for NULL.
size_t realm_ingest_stranded_count(const realm_ingest_stranded *stranded);

// The file of one; NULL where `index` is not below the count. Text as of `realm_ingest_error_name`.
const char *realm_ingest_stranded_path(const realm_ingest_stranded *stranded,
                                       size_t index,
                                       size_t *length);

// The server's id of the user whose data it is; empty where that is not known, NULL where `index` is not below the
// count.
const char *realm_ingest_stranded_user_id(const realm_ingest_stranded *stranded,
                                          size_t index,
                                          size_t *length);

// How that user logs in: `anon-user`, or the provider, a colon and the SHA-256 of the login name in hex, such as
// `local-userpass:5e88...`; empty where that is not known, NULL where `index` is not below the count.
const char *realm_ingest_stranded_principal(const realm_ingest_stranded *stranded,
                                            size_t index,
                                            size_t *length);

// How many write transactions wait in it; 0 where `index` is not below the count.
uint64_t realm_ingest_stranded_transactions(const realm_ingest_stranded *stranded, size_t index);

// How many documents wait in it; 0 where `index` is not below the count.
uint64_t realm_ingest_stranded_documents(const realm_ingest_stranded *stranded, size_t index);

// Frees what `realm_ingest_app_stranded` gave; NULL is fine.
void realm_ingest_stranded_free(realm_ingest_stranded *stranded);

// What waits in the outbox goes on under this user, whoever's it was, and is sent from now on, whether a realm is opened
// there or not. The user is logged in, with this app. May wait for the disk, and for another process that is uploading
// it, so it is refused in a callback, for which the upload may be waiting.
realm_ingest_code realm_ingest_app_rehome(const realm_ingest_app *app,
                                          const char *path,
                                          size_t path_length,
                                          const realm_ingest_user *user,
                                          realm_ingest_error **error);

// Writes what waits in the outbox to a new file, one line of canonical Extended JSON a document, oldest first:
// `{"class":"Reading","document":{...}}`, or `{"class":"Reading","bson":"<base64>"}` for one that is not valid BSON. The
// file is there as a whole and durable on success, or not at all. The outbox stays as it is. `documents`, which may be
// NULL, is their number.
realm_ingest_code realm_ingest_app_export(const realm_ingest_app *app,
                                          const char *path,
                                          size_t path_length,
                                          const char *destination,
                                          size_t destination_length,
                                          realm_ingest_error **error,
                                          uint64_t *documents);

// Deletes the outbox with everything that waits in it, for good. Together with the logout of an anonymous user this is
// the only act that deletes what waits. Refused while the outbox is open, in this process or in another. `documents`,
// which may be NULL, is the number of those that were in it.
realm_ingest_code realm_ingest_app_discard(const realm_ingest_app *app,
                                           const char *path,
                                           size_t path_length,
                                           realm_ingest_error **error,
                                           uint64_t *documents);

// Begins a transaction.
realm_ingest_code realm_ingest_transaction_new(const realm_ingest_realm *realm,
                                               realm_ingest_error **error,
                                               realm_ingest_transaction **transaction);

// Adds one or more BSON documents of one class, back to back. They are copied. Bytes that are not well-formed BSON
// are refused and change nothing; whether a document fits its class is the server's to judge.
realm_ingest_code realm_ingest_transaction_append(realm_ingest_transaction *transaction,
                                                  const char *class_name,
                                                  size_t class_name_length,
                                                  const uint8_t *documents,
                                                  size_t documents_length,
                                                  realm_ingest_error **error);

// Stores the documents, all or none. On success they are on stable storage, will be uploaded, and the transaction is
// empty again; on failure nothing is stored and the transaction is as it was.
realm_ingest_code realm_ingest_transaction_commit(realm_ingest_transaction *transaction,
                                                  realm_ingest_error **error);

// Frees a transaction, and forgets what was not committed; NULL is fine.
void realm_ingest_transaction_free(realm_ingest_transaction *transaction);

// A whole transaction in one call: stores documents of one class, back to back, all or none.
realm_ingest_code realm_ingest_realm_append(const realm_ingest_realm *realm,
                                            const char *class_name,
                                            size_t class_name_length,
                                            const uint8_t *documents,
                                            size_t documents_length,
                                            realm_ingest_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* REALM_INGEST_H */
