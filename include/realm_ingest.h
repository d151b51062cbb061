// The C interface of realm-ingest: a durable outbox on the device, and its upload to a gateway.
//
// In short: make an app, log a user in, open a realm with the classes it holds, append BSON documents
// in transactions. What a commit returned for is on stable storage and reaches the gateway exactly
// once, after any crash or outage. examples/weather_station.c does all of it.
//
// Objects. Every type is opaque, and its pointers are handles: numbers that nothing may be read through.
// What a `_new` call (or a login) gives belongs to the caller, who ends it with its `_free` once;
// `_free(NULL)` does nothing. Objects may be freed in any order, also while another thread is in a call with
// them, which then ends as usual: a realm works on without the handles of its app and user.
//
// Results. A call that can fail returns a `realm_ingest_code`, REALM_INGEST_OK (0) for success, and
// takes a `realm_ingest_error **error`: NULL, or where the reason goes, to be freed by the caller.
// Outputs come last and are written on success alone; on failure they stay as they were. NULL is written
// where that means that there is none. There is no hidden "last error".
//
// Misuse. An argument that is NULL where that is not allowed, a handle that was freed, is of another type
// or never was one, text that is not UTF-8 and a length that cannot be one are a
// REALM_INGEST_INVALID_ARGUMENT that names the argument. A realm that was closed is a
// REALM_INGEST_CLOSED_REALM. An object for one thread at a time that another call is using, a wait in a
// callback and a call in a forked child are a REALM_INGEST_LOGIC_ERROR. Of calls without a code, a question
// about such a handle has the answer that it has about NULL, and freeing one does nothing; a line of the
// log tells of both. What cannot be detected are pointers to text, bytes and outputs that point elsewhere,
// and text that is looked at after its owner was freed.
//
// Text is UTF-8 as a pointer and a number of bytes, without need of a NUL; paths are whatever bytes the
// system takes. It is copied before the call returns. Text that a call returns has a NUL behind its last
// byte.
//
// Threads. Each declaration says after "Threads:" where it may be called: "any" is any thread, also several
// at once with the same object, and "one at a time" any thread while no other is in a call with the object.
//
// Ownership. Each declaration says after "Ownership:" whose things are. One that "borrows" leaves the
// caller's with the caller, and keeps nothing when it has returned; "gives" means that the caller has to
// end an output with the call named, "takes" that the caller does not have it any more, and "lends" that
// what is returned belongs to its owner and ends with it.
//
// Versions. A program that finds the library at run time calls realm_ingest_check_abi first. The number in
// the soname is the upper half of REALM_INGEST_ABI_VERSION.
//
// Callbacks are a function, a `userdata` that it gets back, and a function that frees the userdata,
// which is called once, when the callback is not running and will not be called again: what it uses has to
// live until then. They run on threads of the library, the log's on any: return soon, call no wait there, and
// let no exception out; the one that sends HTTP may block. All other calls may be made in them, and objects
// freed; but two of different apps that end each other wait for each other. Where the same realm is opened
// twice, the first callback stays.
//
// Signals. No call raises one, a broken connection or a limit on file sizes notwithstanding, no
// disposition is changed, and handlers run on threads of the program alone. A callback has the signal
// mask of the thread that opened the app.
//
// End. A program may exit at any time, also while other threads are in a call; what callbacks use must
// then live as long as the process, or realm_ingest_shutdown comes first. A plugin with a callback, and
// one that has the library linked in, stays in memory when it is unloaded.
//
// Time. Logins, logout, waits and the other calls that say that they wait for the server use the network
// and may block; a commit and what changes a user wait for the disk; nothing else waits.
//
// Faults. A fault inside the library is REALM_INGEST_PANIC; the handle it happened with does no more
// work and can only be freed.
//
// Generated from the library's source; do not edit.


#ifndef REALM_INGEST_H
#define REALM_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The version of this header. Its upper 16 bits are the number in the library's soname, which is raised by a change that
// breaks programs; its lower 16 are raised by an addition.
#define REALM_INGEST_ABI_VERSION 1

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

// The app knows no such user on this device.
#define REALM_INGEST_CLIENT_USER_NOT_FOUND 4100

// The user is not logged in.
#define REALM_INGEST_CLIENT_USER_NOT_LOGGED_IN 4101

// Anonymous credentials were to be added to a user.
#define REALM_INGEST_CLIENT_USER_ALREADY_NAMED 4105

// The application's own HTTP gave a client error for a request.
#define REALM_INGEST_CLIENT_TRANSPORT_FAILED 4106

// The server sent a token that is not one.
#define REALM_INGEST_BAD_TOKEN 4200

// Text is no Extended JSON.
#define REALM_INGEST_MALFORMED_JSON 4201

// Bytes are no BSON document.
#define REALM_INGEST_BAD_BSON_PARSE 4203

// A token is unknown, expired or revoked.
#define REALM_INGEST_INVALID_SESSION 4301

// The server answered with a status that is not success and nothing more.
#define REALM_INGEST_HTTP_ERROR 4309

// The app has no function of this name.
#define REALM_INGEST_FUNCTION_NOT_FOUND 4325

// The server knows no such user.
#define REALM_INGEST_USER_NOT_FOUND 4344

// An operator has disabled the user.
#define REALM_INGEST_USER_DISABLED 4345

// The credentials were not accepted.
#define REALM_INGEST_AUTH_ERROR 4346

// Someone registered with this name before.
#define REALM_INGEST_ACCOUNT_NAME_IN_USE 4348

// Unknown user or wrong password.
#define REALM_INGEST_INVALID_PASSWORD 4349

// The user is known and has no tokens; it can log in again.
#define REALM_INGEST_USER_LOGGED_OUT 0

// The user has tokens.
#define REALM_INGEST_USER_LOGGED_IN 1

// The user is gone for good: it was removed, or was anonymous and has logged out.
#define REALM_INGEST_USER_REMOVED 2

// After the last close of a path its session stops at once.
#define REALM_INGEST_STOP_IMMEDIATELY 0

// After the last close of a path its session works on while the process lives.
#define REALM_INGEST_STOP_NEVER 1

// After the last close of a path its session works on until everything is uploaded. The default.
#define REALM_INGEST_STOP_AFTER_UPLOAD 2

// The session is connected, or trying to be.
#define REALM_INGEST_SESSION_ACTIVE 0

// Every realm of the path is closed, and what waits is still being uploaded.
#define REALM_INGEST_SESSION_DYING 1

// The user is logged out, the session ended, or a fatal error happened: then it tries again by itself, rarely, and is
// active once that succeeds.
#define REALM_INGEST_SESSION_INACTIVE 2

// The session waits for a new access token.
#define REALM_INGEST_SESSION_WAITING_FOR_ACCESS_TOKEN 3

// The session was stopped by `realm_ingest_realm_pause`.
#define REALM_INGEST_SESSION_PAUSED 4

// There is no connection to the server.
#define REALM_INGEST_CONNECTION_DISCONNECTED 0

// The first request is on its way.
#define REALM_INGEST_CONNECTION_CONNECTING 1

// The last request was answered.
#define REALM_INGEST_CONNECTION_CONNECTED 2

// The transaction is in the file, as durable as the realm was opened.
#define REALM_INGEST_STATE_PENDING 0

// This process has given the transaction to the network, and there is no answer for it yet.
#define REALM_INGEST_STATE_SENT 1

// The server has stored all of the transaction. Final, as all that follow.
#define REALM_INGEST_STATE_PERSISTED 2

// The server has refused some or all of the transaction's documents for good, and stored the others.
#define REALM_INGEST_STATE_REFUSED 3

// The transaction was dropped to stay under the cap.
#define REALM_INGEST_STATE_DROPPED 4

// The transaction was lost with a damaged file.
#define REALM_INGEST_STATE_DAMAGED 5

// The file never gave this number out, or does not know any more what became of it.
#define REALM_INGEST_STATE_UNKNOWN 6

// A commit that returned has survived the loss of power. The default.
#define REALM_INGEST_DURABILITY_FULL 0

// A commit that returned has survived the end of the process. The loss of power may take the last moments.
#define REALM_INGEST_DURABILITY_RELAXED 1

// A write beyond the cap fails with REALM_INGEST_LIMIT_EXCEEDED. The default.
#define REALM_INGEST_CAP_FAIL 0

// The oldest transactions are dropped for a write beyond the cap, and those that are too old.
#define REALM_INGEST_CAP_DROP_OLDEST 1

// A write beyond the cap succeeds and is dropped.
#define REALM_INGEST_CAP_DROP_NEWEST 2

// In place of a number: no limit.
#define REALM_INGEST_NO_LIMIT UINT64_MAX

// An app: its server and its users.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_app_free`.
typedef struct realm_ingest_app realm_ingest_app;

// How an app is opened.
//
// Threads: one at a time. Ownership: the caller's, until `realm_ingest_app_config_free`.
typedef struct realm_ingest_app_config realm_ingest_app_config;

// Bytes.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_bytes_free`.
typedef struct realm_ingest_bytes realm_ingest_bytes;

// One certificate of the chain that a server shows.
//
// Threads: any. Ownership: the library's, until the callback that gets it returns.
typedef struct realm_ingest_certificate realm_ingest_certificate;

// What a user logs in with, any number of times.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_credentials_free`.
typedef struct realm_ingest_credentials realm_ingest_credentials;

// Why a call failed.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_error_free`.
typedef struct realm_ingest_error realm_ingest_error;

// Where the answer to one request goes, in the callback that gets it or later.
//
// Threads: one at a time. Ownership: the caller's from the callback on, until `realm_ingest_http_answer_send` or
// `realm_ingest_http_answer_free`.
typedef struct realm_ingest_http_answer realm_ingest_http_answer;

// A request for the application's own HTTP.
//
// Threads: any. Ownership: the library's, until the callback that gets it returns.
typedef struct realm_ingest_http_request realm_ingest_http_request;

// What became of a transaction.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_outcome_free`; in a callback the library's, until that returns.
typedef struct realm_ingest_outcome realm_ingest_outcome;

// An open realm.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_realm_free`.
typedef struct realm_ingest_realm realm_ingest_realm;

// How a realm is opened.
//
// Threads: one at a time. Ownership: the caller's, until `realm_ingest_realm_config_free`.
typedef struct realm_ingest_realm_config realm_ingest_realm_config;

// How a realm and its upload were when it was asked for.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_status_free`.
typedef struct realm_ingest_status realm_ingest_status;

// Outboxes in an app's directory with data that no user who is logged in sends.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_stranded_free`.
typedef struct realm_ingest_stranded realm_ingest_stranded;

// What a session reports.
//
// Threads: any. Ownership: the library's, until the callback that gets it returns.
typedef struct realm_ingest_sync_error realm_ingest_sync_error;

// Text.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_text_free`.
typedef struct realm_ingest_text realm_ingest_text;

// Documents on their way into a realm, in memory until the commit. Several transactions of one realm may be under way at
// once.
//
// Threads: one at a time. Ownership: the caller's, until `realm_ingest_transaction_free`.
typedef struct realm_ingest_transaction realm_ingest_transaction;

// A user who logged in.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_user_free`.
typedef struct realm_ingest_user realm_ingest_user;

// Users of an app.
//
// Threads: any. Ownership: the caller's, until `realm_ingest_users_free`.
typedef struct realm_ingest_users realm_ingest_users;

// REALM_INGEST_OK, or why a call failed. The constants of this header are those that programs tell apart; others
// occur and more will. `realm_ingest_error_name` gives the name of any.
typedef uint32_t realm_ingest_code;

// Whether a certificate will do. Called for each connection, with each certificate that the server shows, its own last;
// the first one that is not accepted ends the connection.
//
// Threads: those of the library, several at once. Ownership: borrows `certificate`.
typedef bool (*realm_ingest_certificate_callback)(void *userdata,
                                                  const realm_ingest_certificate *certificate);

// Ends the life of what `userdata` points to. Called once, when the library has no more use for the callback.
//
// Threads: any. Ownership: takes `userdata`.
typedef void (*realm_ingest_free_callback)(void *userdata);

// Gets one line of the log. The levels are 1 trace, 2 debug, 4 info, 5 warning, 6 error. `message` is UTF-8 of `length`
// bytes.
//
// Threads: any, several at once. Ownership: borrows `message`.
typedef void (*realm_ingest_log_callback)(void *userdata,
                                          uint8_t level,
                                          const char *message,
                                          size_t length);

// Gets what a session reports.
//
// Threads: one of the library's, from which no wait may be called. Ownership: borrows `error`.
typedef void (*realm_ingest_sync_error_callback)(void *userdata,
                                                 const realm_ingest_sync_error *error);

// Gets what became of a transaction, once.
//
// Threads: one of the library's, from which no wait may be called. Ownership: borrows `outcome`.
typedef void (*realm_ingest_settled_callback)(void *userdata,
                                              uint64_t number,
                                              const realm_ingest_outcome *outcome);

// Gets the connection's old and new state, of the REALM_INGEST_CONNECTION_ constants.
//
// Threads: one of the library's, from which no wait may be called. Ownership: none.
typedef void (*realm_ingest_connection_callback)(void *userdata,
                                                 uint8_t old_state,
                                                 uint8_t new_state);

// Gets how far the upload is. `fraction` is from 0 to 1: what the server has answered for, of that and of what waits,
// since nothing waited last; 1 where nothing waits.
//
// Threads: one of the library's, from which no wait may be called. Ownership: none.
typedef void (*realm_ingest_progress_callback)(void *userdata,
                                               double fraction,
                                               uint64_t uploaded_documents,
                                               uint64_t waiting_documents);

// Sends a request and sees to its answer; may block, and may return before the answer is there.
//
// Threads: those of the library, several at once. Ownership: borrows `request`, and is given `answer`.
typedef void (*realm_ingest_http_callback)(void *userdata,
                                           const realm_ingest_http_request *request,
                                           realm_ingest_http_answer *answer);

// Whether the network may be used now, for instance because it is not metered.
//
// Threads: one of the library's, from which no wait may be called. Ownership: none.
typedef bool (*realm_ingest_may_upload_callback)(void *userdata);

// Gets the end of a wait, once. `error` is NULL where what was waited for has happened, and says otherwise why it will not.
//
// Threads: one of the library's, from which no wait may be called. Ownership: borrows `error`.
typedef void (*realm_ingest_wait_callback)(void *userdata, const realm_ingest_error *error);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Ends the library's work in this process, so that the program can exit, or a plugin go, with nothing of the library
// running: sessions stop, what is pending stays in its files for the next start, and waits fail. After that every call
// that returns a `realm_ingest_code` fails with REALM_INGEST_LOGIC_ERROR; the others look at what is there, or free it.
//
// True once all threads of the library have ended. False if some had not after `timeout_ms` milliseconds (below 0: waits
// without end), as when a callback has not returned, and always where a callback calls it; no callback begins after that
// either. A program that exits without it does so safely too: what a commit returned for is in the file, and only what
// callbacks use must live as long as the process.
//
// Threads: any. Ownership: none.
bool realm_ingest_shutdown(int64_t timeout_ms);

// The release of the library, such as `0.1.0`. The text is never freed.
//
// Threads: any. Ownership: the library keeps what it returns.
const char *realm_ingest_version(void);

// REALM_INGEST_ABI_VERSION as it was when the library was built.
//
// Threads: any. Ownership: none.
uint32_t realm_ingest_abi_version(void);

// Whether the library serves programs of that header, in words where it does not: call it first, with
// REALM_INGEST_ABI_VERSION, in programs that load the library by themselves. It fails with REALM_INGEST_NOT_SUPPORTED where the
// upper halves of the versions differ, or the header is newer than the library.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_check_abi(uint32_t header_version,
                                         realm_ingest_error **error);

// How many objects of this interface the program holds at this moment, those that callbacks look at included: a test that
// frees everything ends with the number that it began with.
//
// Threads: any. Ownership: none.
size_t realm_ingest_live_objects(void);

// The HTTP status of the answer.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_http_answer_set_status(realm_ingest_http_answer *answer,
                                                      uint16_t status,
                                                      realm_ingest_error **error);

// A header of the answer. The library looks at `Content-Type`, `Location` and `Retry-After`.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_http_answer_add_header(realm_ingest_http_answer *answer,
                                                      const char *name,
                                                      size_t name_length,
                                                      const char *value,
                                                      size_t value_length,
                                                      realm_ingest_error **error);

// The body of the answer, without any encoding of the transfer. It is copied.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_http_answer_set_body(realm_ingest_http_answer *answer,
                                                    const uint8_t *body,
                                                    size_t body_length,
                                                    realm_ingest_error **error);

// A number of the application's own for why there is no answer, which the error then tells; 0 by default.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_http_answer_set_custom_status(realm_ingest_http_answer *answer,
                                                             int32_t custom_status,
                                                             realm_ingest_error **error);

// The request could not be made at all, by a number of the application's own: it fails with
// REALM_INGEST_CLIENT_TRANSPORT_FAILED.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_http_answer_set_client_error(realm_ingest_http_answer *answer,
                                                            int32_t client_error,
                                                            realm_ingest_error **error);

// There is no answer, and why: `could not connect`, for instance. The library tries again where it does after a
// failure of its own client.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_http_answer_set_failure(realm_ingest_http_answer *answer,
                                                       const char *reason,
                                                       size_t reason_length,
                                                       realm_ingest_error **error);

// Delivers the answer and frees it; NULL is fine. One without a status fails its request.
//
// Threads: any. Ownership: takes `answer`.
void realm_ingest_http_answer_send(realm_ingest_http_answer *answer);

// Frees an answer that will not be sent, which fails its request; NULL is fine.
//
// Threads: any. Ownership: takes `answer`.
void realm_ingest_http_answer_free(realm_ingest_http_answer *answer);

// Opens an app. The configuration is copied. Does not use the network. From now on a forked child of this process
// cannot use the library: every call in it that returns a `realm_ingest_code` fails with REALM_INGEST_LOGIC_ERROR.
//
// Threads: one at a time for `config`. Ownership: gives `app`, which `realm_ingest_app_free` ends.
realm_ingest_code realm_ingest_app_new(const realm_ingest_app_config *config,
                                       realm_ingest_error **error,
                                       realm_ingest_app **app);

// Frees an app; NULL is fine. Its open realms work on.
//
// Threads: any. Ownership: takes `app`.
void realm_ingest_app_free(realm_ingest_app *app);

// The app that is open under this id, and under this address where one is given; `base_url` is NULL for any. NULL
// where there is none.
//
// Threads: any. Ownership: gives `app`, which `realm_ingest_app_free` ends.
realm_ingest_code realm_ingest_app_cached(const char *app_id,
                                          size_t app_id_length,
                                          const char *base_url,
                                          size_t base_url_length,
                                          realm_ingest_error **error,
                                          realm_ingest_app **app);

// Forgets which apps are open in this process, so that the next one is made anew. Handles stay usable.
//
// Threads: any. Ownership: none.
void realm_ingest_clear_cached_apps(void);

// The address that was configured, without a slash at its end.
//
// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_app_base_url(const realm_ingest_app *app,
                                            realm_ingest_error **error,
                                            realm_ingest_text **text);

// What the server's clock shows by its answers so far, in milliseconds since 1970, and how far that may be off, either way.
// Asks no server. `known` says whether there was an answer yet; the others are written only then.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_server_time(const realm_ingest_app *app,
                                               realm_ingest_error **error,
                                               bool *known,
                                               int64_t *now_ms,
                                               uint64_t *uncertainty_ms);

// Moves to another server, which is asked for its location first; where that fails the old one stays. Empty means the
// default. Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_update_base_url(const realm_ingest_app *app,
                                                   const char *url,
                                                   size_t url_length,
                                                   realm_ingest_error **error);

// The defaults for this client app id: the server's address from the environment variable REALM_INGEST_URL, files
// beneath the process's current directory.
//
// Threads: any. Ownership: gives `config`, which `realm_ingest_app_config_free` ends.
realm_ingest_code realm_ingest_app_config_new(const char *app_id,
                                              size_t app_id_length,
                                              realm_ingest_error **error,
                                              realm_ingest_app_config **config);

// Where the server is, such as `https://ingest.example.com`.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_base_url(realm_ingest_app_config *config,
                                                       const char *url,
                                                       size_t url_length,
                                                       realm_ingest_error **error);

// One more address of the same service, which must be one with one state by whichever it is reached. Requests go to the
// next address while one cannot be reached, and to the base URL again once it answers; log-ins too.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_add_fallback_url(realm_ingest_app_config *config,
                                                           const char *url,
                                                           size_t url_length,
                                                           realm_ingest_error **error);

// The directory for files; the library makes `mongodb-realm` beneath it.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_path(realm_ingest_app_config *config,
                                                   const char *path,
                                                   size_t path_length,
                                                   realm_ingest_error **error);

// Encrypts the file with users and tokens. A key has 64 bytes; NULL stands for no encryption, and an empty key is refused.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_metadata_encryption_key(realm_ingest_app_config *config,
                                                                      const uint8_t *key,
                                                                      size_t key_length,
                                                                      realm_ingest_error **error);

// Whether apps of one id and address are the same one in this process, with the settings of the first; they are by
// default.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_caching(realm_ingest_app_config *config,
                                                      bool enabled,
                                                      realm_ingest_error **error);

// Frees a configuration; NULL is fine.
//
// Threads: any. Ownership: takes `config`.
void realm_ingest_app_config_free(realm_ingest_app_config *config);

// The BSON of a JSON object, for `realm_ingest_transaction_append`. What JSON has no type for is Extended JSON (version 2):
// `{"_id":{"$oid":"5f0000000000000000000001"},"at":{"$date":"2026-01-01T00:00:00Z"},"price":{"$numberDecimal":"1.10"}}`. A
// whole number is 32 bits wide where it fits, then 64, and a double beyond those, which has some 15 digits. Fails with
// REALM_INGEST_MALFORMED_JSON.
//
// Threads: any. Ownership: gives `document`, which `realm_ingest_bytes_free` ends.
realm_ingest_code realm_ingest_bson_from_json(const char *json,
                                              size_t json_length,
                                              realm_ingest_error **error,
                                              realm_ingest_bytes **document);

// The canonical Extended JSON of one BSON document. Fails with REALM_INGEST_BAD_BSON_PARSE.
//
// Threads: any. Ownership: gives `json`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_bson_to_json(const uint8_t *document,
                                            size_t document_length,
                                            realm_ingest_error **error,
                                            realm_ingest_text **json);

// The bytes, which live as long as their owner; NULL for NULL. `length`, which may be NULL, is their number.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `bytes`.
const uint8_t *realm_ingest_bytes_data(const realm_ingest_bytes *bytes,
                                       size_t *length);

// Frees bytes; NULL is fine.
//
// Threads: any. Ownership: takes `bytes`.
void realm_ingest_bytes_free(realm_ingest_bytes *bytes);

// Decides about servers in the library's place, which then trusts whom the callback accepts and nobody else; NULL for the
// library's own judgement. For the built-in client. `free_userdata`, which may be NULL, is called also where this call
// fails.
//
// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_app_config_set_certificate_callback(realm_ingest_app_config *config,
                                                                   realm_ingest_certificate_callback callback,
                                                                   void *userdata,
                                                                   realm_ingest_free_callback free_userdata,
                                                                   realm_ingest_error **error);

// The name or address that was asked for. Text as of `realm_ingest_error_name`.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `certificate`.
const char *realm_ingest_certificate_server(const realm_ingest_certificate *certificate,
                                            size_t *length);

// The port of the last request to that name: a hint, as TLS knows names alone. 0 for NULL.
//
// Threads: any, until the callback returns. Ownership: borrows.
uint16_t realm_ingest_certificate_port(const realm_ingest_certificate *certificate);

// The certificate as PEM. Text as of `realm_ingest_error_name`.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `certificate`.
const char *realm_ingest_certificate_pem(const realm_ingest_certificate *certificate,
                                         size_t *length);

// Whether the library would trust the server: its whole chain, and the name in it. False for NULL.
//
// Threads: any, until the callback returns. Ownership: borrows.
bool realm_ingest_certificate_is_trusted(const realm_ingest_certificate *certificate);

// 0 for the server's own, 1 for who signed it, and so on; 0 for NULL.
//
// Threads: any, until the callback returns. Ownership: borrows.
size_t realm_ingest_certificate_depth(const realm_ingest_certificate *certificate);

// The credentials of any provider, by its name in URLs (`custom-token`, `oauth2-google` ...) and the body of its log-
// in: a JSON object, which is sent as it is but for the `options` that tell of this device.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new(const char *provider,
                                               size_t provider_length,
                                               const char *body_json,
                                               size_t body_json_length,
                                               realm_ingest_error **error,
                                               realm_ingest_credentials **credentials);

// A new user without a name, or the anonymous one who is logged in already.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_anonymous(realm_ingest_error **error,
                                                         realm_ingest_credentials **credentials);

// A registered e-mail address and its password.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_password(const char *email,
                                                        size_t email_length,
                                                        const char *password,
                                                        size_t password_length,
                                                        realm_ingest_error **error,
                                                        realm_ingest_credentials **credentials);

// A key of a user, or of the app.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_api_key(const char *key,
                                                       size_t key_length,
                                                       realm_ingest_error **error,
                                                       realm_ingest_credentials **credentials);

// A JWT that somebody else has signed whom the app trusts.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_custom_token(const char *token,
                                                            size_t token_length,
                                                            realm_ingest_error **error,
                                                            realm_ingest_credentials **credentials);

// What the app's own authentication function wants: a JSON object, Extended JSON perhaps.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_function(const char *payload_json,
                                                        size_t payload_json_length,
                                                        realm_ingest_error **error,
                                                        realm_ingest_credentials **credentials);

// An id token of Google.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_google_id_token(const char *id_token,
                                                               size_t id_token_length,
                                                               realm_ingest_error **error,
                                                               realm_ingest_credentials **credentials);

// An authorisation code of Google, which the server exchanges.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_google_auth_code(const char *auth_code,
                                                                size_t auth_code_length,
                                                                realm_ingest_error **error,
                                                                realm_ingest_credentials **credentials);

// An id token of Apple.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_apple(const char *id_token,
                                                     size_t id_token_length,
                                                     realm_ingest_error **error,
                                                     realm_ingest_credentials **credentials);

// An access token of Facebook.
//
// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
realm_ingest_code realm_ingest_credentials_new_facebook(const char *access_token,
                                                        size_t access_token_length,
                                                        realm_ingest_error **error,
                                                        realm_ingest_credentials **credentials);

// Frees credentials; NULL is fine.
//
// Threads: any. Ownership: takes `credentials`.
void realm_ingest_credentials_free(realm_ingest_credentials *credentials);

// Registers an e-mail address with a password. Waits for the server. The user still has to log in.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_register(const realm_ingest_app *app,
                                            const char *email,
                                            size_t email_length,
                                            const char *password,
                                            size_t password_length,
                                            realm_ingest_error **error);

// Confirms an address with what its mail held. Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_confirm_user(const realm_ingest_app *app,
                                                const char *token,
                                                size_t token_length,
                                                const char *token_id,
                                                size_t token_id_length,
                                                realm_ingest_error **error);

// Has the mail that asks for a confirmation sent again. Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_resend_confirmation_email(const realm_ingest_app *app,
                                                             const char *email,
                                                             size_t email_length,
                                                             realm_ingest_error **error);

// Has the app's own confirmation function run again. Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_retry_custom_confirmation(const realm_ingest_app *app,
                                                             const char *email,
                                                             size_t email_length,
                                                             realm_ingest_error **error);

// Has a mail sent with which the password can be set anew. Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_send_reset_password_email(const realm_ingest_app *app,
                                                             const char *email,
                                                             size_t email_length,
                                                             realm_ingest_error **error);

// Sets a password with what that mail held. Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_reset_password(const realm_ingest_app *app,
                                                  const char *password,
                                                  size_t password_length,
                                                  const char *token,
                                                  size_t token_length,
                                                  const char *token_id,
                                                  size_t token_id_length,
                                                  realm_ingest_error **error);

// Has the app's own function set the password, with a JSON array of arguments (Extended JSON). Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_call_reset_password_function(const realm_ingest_app *app,
                                                                const char *email,
                                                                size_t email_length,
                                                                const char *password,
                                                                size_t password_length,
                                                                const char *args_ejson,
                                                                size_t args_ejson_length,
                                                                realm_ingest_error **error);

// The code; REALM_INGEST_OK for NULL.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_error_code(const realm_ingest_error *error);

// The code's name, such as `InvalidPassword`. Like all text of an error it lives as long as the error; `length`,
// which may be NULL, is the number of bytes before the NUL that ends it. NULL for NULL.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_error_name(const realm_ingest_error *error,
                                    size_t *length);

// What happened, for people.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_error_message(const realm_ingest_error *error, size_t *length);

// Where the server logged it, or empty.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_error_link(const realm_ingest_error *error, size_t *length);

// Frees an error; NULL is fine.
//
// Threads: any. Ownership: takes `error`.
void realm_ingest_error_free(realm_ingest_error *error);

// The code; REALM_INGEST_OK for NULL.
//
// Threads: any, until the callback returns. Ownership: borrows.
realm_ingest_code realm_ingest_sync_error_code(const realm_ingest_sync_error *error);

// The code's name, such as `SyncConnectFailed`. Text as of `realm_ingest_error_name`.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_sync_error_name(const realm_ingest_sync_error *error,
                                         size_t *length);

// What happened, for people.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_sync_error_message(const realm_ingest_sync_error *error,
                                            size_t *length);

// Where the server logged it, or empty.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_sync_error_link(const realm_ingest_sync_error *error,
                                         size_t *length);

// Whether the session is inactive because of it. It then tries again by itself, rarely; after any other error it does soon.
//
// Threads: any, until the callback returns. Ownership: borrows.
bool realm_ingest_sync_error_is_fatal(const realm_ingest_sync_error *error);

// How many documents this is about: those the server refused for good, with code
// REALM_INGEST_SYNC_WRITE_NOT_ALLOWED.
//
// Threads: any, until the callback returns. Ownership: borrows.
size_t realm_ingest_sync_error_refusal_count(const realm_ingest_sync_error *error);

// The class of a refused document; NULL where `index` is not below the count.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_sync_error_refusal_class(const realm_ingest_sync_error *error,
                                                  size_t index,
                                                  size_t *length);

// The `_id` of a refused document as canonical Extended JSON; `null` where it had none that can be read.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_sync_error_refusal_primary_key(const realm_ingest_sync_error *error,
                                                        size_t index,
                                                        size_t *length);

// Why a document was refused, in the server's words.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
const char *realm_ingest_sync_error_refusal_reason(const realm_ingest_sync_error *error,
                                                   size_t index,
                                                   size_t *length);

// Sends a request by a built-in client made for it, with the HTTP settings of the configuration (NULL: the defaults), and
// puts what comes back into the answer, which is not sent yet. Waits for the server. Where there is no answer the call
// succeeds, and the answer says why.
//
// Threads: one at a time for `config` and `answer`. Ownership: borrows.
realm_ingest_code realm_ingest_http_request_forward(const realm_ingest_http_request *request,
                                                    const realm_ingest_app_config *config,
                                                    realm_ingest_http_answer *answer,
                                                    realm_ingest_error **error);

// Sends a header with every request, in place of the library's own of the same name. One that HTTP does not allow is
// refused when the app is opened.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_add_header(realm_ingest_app_config *config,
                                                     const char *name,
                                                     size_t name_length,
                                                     const char *value,
                                                     size_t value_length,
                                                     realm_ingest_error **error);

// Goes by way of a proxy: `http://[user:password@]host:port`, the name and the password percent-encoded. Without this
// the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY of the environment say what to do. A URL that is none
// is refused when the app is opened.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_proxy(realm_ingest_app_config *config,
                                                    const char *url,
                                                    size_t url_length,
                                                    realm_ingest_error **error);

// A PEM file with certificates to trust beside those of the system. It is read when the app is opened.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_trusted_certificates(realm_ingest_app_config *config,
                                                                   const char *path,
                                                                   size_t path_length,
                                                                   realm_ingest_error **error);

// This device's own certificate, for servers that ask for one: PEM files with the certificate, followed by those that
// lead to its authority, and with its private key. They are read when the app is opened.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_client_certificate(realm_ingest_app_config *config,
                                                                 const char *chain_path,
                                                                 size_t chain_path_length,
                                                                 const char *key_path,
                                                                 size_t key_path_length,
                                                                 realm_ingest_error **error);

// Accepts any certificate of a server, whoever it is. For tests: who is on the way can then read and change
// everything, passwords and tokens too.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_app_config_set_accept_any_certificate(realm_ingest_app_config *config,
                                                                     bool accept,
                                                                     realm_ingest_error **error);

// Encrypts the file, and that of urgent classes beside it, with this key of 64 bytes. A new file gets it; one that is
// there has to have it, or opening it fails with REALM_INGEST_INVALID_DATABASE, as it does without a key for one that is
// encrypted. NULL stands for no encryption; an empty key is refused as any of another length. A file of which nobody has
// given the key since the start of the program is not sent before it is opened.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_encryption_key(realm_ingest_realm_config *config,
                                                               const uint8_t *key,
                                                               size_t key_length,
                                                               realm_ingest_error **error);

// Encrypts the file of the configuration, and that of urgent classes beside it, with a new key of 64 bytes; NULL stands for
// no encryption, and an empty key is refused. Their present key is that of the configuration. All that waits stays, and is
// sent once the file is opened with the new key. Takes about as long as copying the file, and as much room beside it
// meanwhile.
//
// A process that ends before it returns leaves a file with one key or with the other; called again with the same keys,
// this does what is left. So it does after it failed, which is where the configuration has another key than the file, a
// realm is open there, also in another process, there is no such file, or no room for a second one. What the former file
// held may be in freed blocks of the disk until they are overwritten, and files that were moved aside as damaged stay as
// they are. Not to be called in a callback of the realm's session.
//
// Threads: one at a time for `config`, in no callback of the session. Ownership: borrows.
realm_ingest_code realm_ingest_rekey(const realm_ingest_user *user,
                                     const realm_ingest_realm_config *config,
                                     const uint8_t *new_key,
                                     size_t new_key_length,
                                     realm_ingest_error **error);

// Sends the log of the whole process from `level` on (0 everything, 8 nothing) to `callback`, in place of where it
// went before. NULL ends it. What the library logs on a thread while that is in the callback is left out. The former
// callback may still be running on another thread when this returns: its userdata is freed when it is not. `free_userdata`
// may be NULL. In a forked child that cannot use the library it does nothing but free the userdata.
//
// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
void realm_ingest_set_log(uint8_t level,
                          realm_ingest_log_callback callback,
                          void *userdata,
                          realm_ingest_free_callback free_userdata);

// Changes the level from which on the log goes to the callback, which stays.
//
// Threads: any. Ownership: none.
void realm_ingest_set_log_level(uint8_t level);

// What a commit that returned has survived: one of the REALM_INGEST_DURABILITY_ constants; full by default. Where the
// path is already open with another one, opening fails with REALM_INGEST_MISMATCHED_CONFIG; so it does for another cap,
// other urgent classes and another upload policy, of which it counts whether there is a callback, and not which.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_durability(realm_ingest_realm_config *config,
                                                           uint8_t durability,
                                                           realm_ingest_error **error);

// How much may wait in the file: bytes as they are stored, documents, and milliseconds since the oldest was written, by
// the device's clock; each may be REALM_INGEST_NO_LIMIT, as all are by default. `policy` is one of the REALM_INGEST_CAP_
// constants and says what becomes of a write beyond. What is dropped is told to the error callback.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_cap(realm_ingest_realm_config *config,
                                                    uint64_t max_bytes,
                                                    uint64_t max_documents,
                                                    uint64_t max_age_ms,
                                                    uint8_t policy,
                                                    realm_ingest_error **error);

// One more class whose documents overtake those of the others. They wait in a file of their own beside the realm's:
// `default.urgent.realm` beside `default.realm`, with a cap as large. A transaction with documents of urgent classes and of
// others is refused with REALM_INGEST_INVALID_ARGUMENT. Each class keeps its order.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_add_urgent_class(realm_ingest_realm_config *config,
                                                             const char *class_name,
                                                             size_t class_name_length,
                                                             realm_ingest_error **error);

// Opens a realm for a user and starts to upload what it holds. Does not wait for the server. The configuration is
// copied.
//
// Threads: one at a time for `config`. Ownership: gives `realm`, which `realm_ingest_realm_free` ends.
realm_ingest_code realm_ingest_realm_new(const realm_ingest_user *user,
                                         const realm_ingest_realm_config *config,
                                         realm_ingest_error **error,
                                         realm_ingest_realm **realm);

// Waits until the server has acknowledged everything committed before the call. After `timeout_ms` milliseconds (below
// 0: never) it gives up with REALM_INGEST_WAIT_TIMED_OUT; the upload goes on.
//
// Threads: any, in no callback. Ownership: borrows.
realm_ingest_code realm_ingest_realm_wait_for_upload(const realm_ingest_realm *realm,
                                                     int64_t timeout_ms,
                                                     realm_ingest_error **error);

// How many documents wait to be acknowledged.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_pending(const realm_ingest_realm *realm,
                                             realm_ingest_error **error,
                                             uint64_t *documents);

// Closes a realm; the second time does nothing. What waits stays in the file and is uploaded as the stop policy says,
// or after the next start. The file is closed, too, once nobody has it open and the session has ended.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_close(const realm_ingest_realm *realm,
                                           realm_ingest_error **error);

// Closes and frees a realm; NULL is fine. Its transactions that are still there can no longer be committed.
//
// Threads: any. Ownership: takes `realm`.
void realm_ingest_realm_free(realm_ingest_realm *realm);

// The defaults with these classes: a JSON document such as
// `{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"objectId"}]}]}`.
// It is checked when a realm is opened with it.
//
// Threads: any. Ownership: gives `config`, which `realm_ingest_realm_config_free` ends.
realm_ingest_code realm_ingest_realm_config_new(const char *schema_json,
                                                size_t schema_json_length,
                                                realm_ingest_error **error,
                                                realm_ingest_realm_config **config);

// A file of its own, in place of the user's default one. Its directory must exist.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_path(realm_ingest_realm_config *config,
                                                     const char *path,
                                                     size_t path_length,
                                                     realm_ingest_error **error);

// What the session does after the last close: one of the REALM_INGEST_STOP_ constants.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_stop_policy(realm_ingest_realm_config *config,
                                                            uint8_t policy,
                                                            realm_ingest_error **error);

// Who gets the session's errors; NULL for nobody. Where the path is already open, its first callback stays.
// `free_userdata`, which may be NULL, is called also where this call fails.
//
// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_realm_config_set_error_callback(realm_ingest_realm_config *config,
                                                               realm_ingest_sync_error_callback callback,
                                                               void *userdata,
                                                               realm_ingest_free_callback free_userdata,
                                                               realm_ingest_error **error);

// Sends a header with every request of the session, in place of the library's own of the same name. One that HTTP does
// not allow is refused when the realm is opened. Not where the app has an HTTP callback.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_add_header(realm_ingest_realm_config *config,
                                                       const char *name,
                                                       size_t name_length,
                                                       const char *value,
                                                       size_t value_length,
                                                       realm_ingest_error **error);

// The proxy of the session, in place of the app's: `http://[user:password@]host:port`. Not where the app has an HTTP
// callback.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_proxy(realm_ingest_realm_config *config,
                                                      const char *url,
                                                      size_t url_length,
                                                      realm_ingest_error **error);

// Frees a configuration; NULL is fine. Realms opened with it keep its callback.
//
// Threads: any. Ownership: takes `config`.
void realm_ingest_realm_config_free(realm_ingest_realm_config *config);

// What is known of the transaction that got this number, from this program or an earlier start of it: one of the
// REALM_INGEST_STATE_ constants. Reads the file, and asks no server. Numbers are of one file: one that was deleted or
// discarded begins with the same ones again, and one that was put back from a backup does not know what was written after
// that.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_state_of(const realm_ingest_realm *realm,
                                              uint64_t number,
                                              realm_ingest_error **error,
                                              uint8_t *state);

// As `realm_ingest_realm_state_of`, with what was refused. Free what it gives with `realm_ingest_outcome_free`.
//
// Threads: any. Ownership: gives `outcome`, which `realm_ingest_outcome_free` ends.
realm_ingest_code realm_ingest_realm_outcome_of(const realm_ingest_realm *realm,
                                                uint64_t number,
                                                realm_ingest_error **error,
                                                realm_ingest_outcome **outcome);

// Waits until the state of the transaction is final, and gives it. After `timeout_ms` milliseconds (below 0: never), or
// when the realm is closed, it gives the state of then, with success. A session that is paused, offline or has no user who
// is logged in does not end the wait. Refused in a callback.
//
// Threads: any, in no callback. Ownership: borrows.
realm_ingest_code realm_ingest_realm_wait_for(const realm_ingest_realm *realm,
                                              uint64_t number,
                                              int64_t timeout_ms,
                                              realm_ingest_error **error,
                                              uint8_t *state);

// Calls back once, when the state of the transaction is final, or with the one of then when the realm is closed.
// `free_userdata` and `token`, which may be NULL, are as of `realm_ingest_realm_on_upload`.
//
// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_realm_on_settled(const realm_ingest_realm *realm,
                                                uint64_t number,
                                                realm_ingest_settled_callback callback,
                                                void *userdata,
                                                realm_ingest_free_callback free_userdata,
                                                realm_ingest_error **error,
                                                uint64_t *token);

// One of the REALM_INGEST_STATE_ constants; REALM_INGEST_STATE_UNKNOWN for NULL.
//
// Threads: any. Ownership: borrows.
uint8_t realm_ingest_outcome_state(const realm_ingest_outcome *outcome);

// Of a transaction that was refused, whether all its refused documents are here, so that all others are stored.
//
// Threads: any. Ownership: borrows.
bool realm_ingest_outcome_is_complete(const realm_ingest_outcome *outcome);

// How many refused documents are here; 0 for NULL.
//
// Threads: any. Ownership: borrows.
size_t realm_ingest_outcome_refusal_count(const realm_ingest_outcome *outcome);

// The place of a refused document in its transaction, from 0: documents of a class stand together, in the order in which
// they were appended, and classes in the order of their first one. 0 where `index` is not below the count.
//
// Threads: any. Ownership: borrows.
uint32_t realm_ingest_outcome_refusal_index(const realm_ingest_outcome *outcome,
                                            size_t index);

// The class of a refused document; NULL where `index` is not below the count. Text as of `realm_ingest_error_name`.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `outcome`.
const char *realm_ingest_outcome_refusal_class(const realm_ingest_outcome *outcome,
                                               size_t index,
                                               size_t *length);

// The `_id` of a refused document as canonical Extended JSON; `null` where it had none that can be read.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `outcome`.
const char *realm_ingest_outcome_refusal_primary_key(const realm_ingest_outcome *outcome,
                                                     size_t index,
                                                     size_t *length);

// Why a document was refused, in the server's words.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `outcome`.
const char *realm_ingest_outcome_refusal_reason(const realm_ingest_outcome *outcome,
                                                size_t index,
                                                size_t *length);

// Frees what `realm_ingest_realm_outcome_of` gave; NULL is fine.
//
// Threads: any. Ownership: takes `outcome`.
void realm_ingest_outcome_free(realm_ingest_outcome *outcome);

// Stops the upload of the realm's path until `realm_ingest_realm_resume`. Writes are kept. Waits that have begun fail.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_pause(const realm_ingest_realm *realm,
                                           realm_ingest_error **error);

// Undoes `realm_ingest_realm_pause`. A session that a fatal error made inactive tries again at once.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_resume(const realm_ingest_realm *realm,
                                            realm_ingest_error **error);

// Ends the pause between two attempts to connect, as when the network is there again; during an attempt, the one that
// would follow it. An application that allowed no upload is asked again, and where another address stands in for the
// app's, the app's is tried again.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_reconnect(const realm_ingest_realm *realm,
                                               realm_ingest_error **error);

// What the session is doing: one of the REALM_INGEST_SESSION_ constants. With urgent classes it is the state that is
// farthest from uploading.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_state(const realm_ingest_realm *realm,
                                           realm_ingest_error **error,
                                           uint8_t *state);

// Whether the server answers: one of the REALM_INGEST_CONNECTION_ constants.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_connection_state(const realm_ingest_realm *realm,
                                                      realm_ingest_error **error,
                                                      uint8_t *state);

// Calls back at every change of the connection until `realm_ingest_realm_remove_connection_change` or until the realm is
// closed or freed, which waits for a callback that is running, as removing does. `free_userdata`, which may be NULL, is
// called also where this call fails.
//
// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_realm_on_connection_change(const realm_ingest_realm *realm,
                                                          realm_ingest_connection_callback callback,
                                                          void *userdata,
                                                          realm_ingest_free_callback free_userdata,
                                                          realm_ingest_error **error,
                                                          uint64_t *token);

// Ends the callbacks of this token. When this returns none is running and none will be, so what the callback uses may go:
// it waits for one that is running, unless that is the caller itself. A token that is not known is ignored.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_remove_connection_change(const realm_ingest_realm *realm,
                                                              uint64_t token,
                                                              realm_ingest_error **error);

// What waits in a realm's file, of all threads and processes that write to it, and how its upload goes. Takes the same
// time however much waits. Free what it gives with `realm_ingest_status_free`.
//
// Threads: any. Ownership: gives `status`, which `realm_ingest_status_free` ends.
realm_ingest_code realm_ingest_realm_status(const realm_ingest_realm *realm,
                                            realm_ingest_error **error,
                                            realm_ingest_status **status);

// How many transactions wait to be acknowledged.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_waiting_transactions(const realm_ingest_status *status);

// How many documents wait.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_waiting_documents(const realm_ingest_status *status);

// The size of the documents that wait, before compression.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_waiting_bytes(const realm_ingest_status *status);

// For how long the oldest transaction has waited, in milliseconds by the clock of the device; -1 where nothing waits.
//
// Threads: any. Ownership: borrows.
int64_t realm_ingest_status_oldest_age_ms(const realm_ingest_status *status);

// When the server last answered for transactions, in milliseconds since 1970 by the clock of the device; -1 where it
// never has.
//
// Threads: any. Ownership: borrows.
int64_t realm_ingest_status_last_acknowledged_ms(const realm_ingest_status *status);

// How many transactions the cap took since the file was made.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_dropped_transactions(const realm_ingest_status *status);

// How many documents the cap took.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_dropped_documents(const realm_ingest_status *status);

// The size of the documents that the cap took, before compression.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_dropped_bytes(const realm_ingest_status *status);

// How many transactions could not be read of a damaged file, as far as they left a trace.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_damaged_transactions(const realm_ingest_status *status);

// How many documents the server has refused since the file was made.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_refused_documents(const realm_ingest_status *status);

// How many documents the server has answered for since the file was made, those that it refused with them.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_sent_documents(const realm_ingest_status *status);

// How many bytes of batches were given to the network since the file was made, compressed as they went, those that
// were sent again counted again. What was sent since the last acknowledgement is lost with the process.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_status_sent_bytes(const realm_ingest_status *status);

// The code of the error that the session met last in this process; REALM_INGEST_OK where it met none.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_status_error_code(const realm_ingest_status *status);

// The name of its code, such as `SyncConnectFailed`; NULL where there is none. Text as of `realm_ingest_error_name`.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `status`.
const char *realm_ingest_status_error_name(const realm_ingest_status *status,
                                           size_t *length);

// What happened, for people; NULL where there is none.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `status`.
const char *realm_ingest_status_error_message(const realm_ingest_status *status, size_t *length);

// When it was met, in milliseconds since 1970 by the clock of the device; -1 where there is none.
//
// Threads: any. Ownership: borrows.
int64_t realm_ingest_status_error_at_ms(const realm_ingest_status *status);

// Whether the session has not worked since.
//
// Threads: any. Ownership: borrows.
bool realm_ingest_status_error_is_current(const realm_ingest_status *status);

// Frees what `realm_ingest_realm_status` gave; NULL is fine.
//
// Threads: any. Ownership: takes `status`.
void realm_ingest_status_free(realm_ingest_status *status);

// Calls back soon with the progress of now, then after each acknowledgement and when more waits, once for several changes
// where the callback is slow, until `realm_ingest_realm_remove_progress` or until the realm is closed or freed, which
// waits for a callback that is running, as removing does. `free_userdata`, which may be NULL, is called also where this
// call fails.
//
// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_realm_on_progress(const realm_ingest_realm *realm,
                                                 realm_ingest_progress_callback callback,
                                                 void *userdata,
                                                 realm_ingest_free_callback free_userdata,
                                                 realm_ingest_error **error,
                                                 uint64_t *token);

// Ends the callbacks of this token. When this returns none is running and none will be, so what the callback uses may go:
// it waits for one that is running, unless that is the caller itself. A token that is not known is ignored.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_remove_progress(const realm_ingest_realm *realm,
                                                     uint64_t token,
                                                     realm_ingest_error **error);

// Finds the outboxes in the app's directory with data that no user who is logged in sends: their user was logged out,
// or is not known any more. They are sent once that user logs in, or one who logs in in the same way. Does not use the
// network. Free what it gives with `realm_ingest_stranded_free`.
//
// Threads: any. Ownership: gives `stranded`, which `realm_ingest_stranded_free` ends.
realm_ingest_code realm_ingest_app_stranded(const realm_ingest_app *app,
                                            realm_ingest_error **error,
                                            realm_ingest_stranded **stranded);

// How many there are; 0 for NULL.
//
// Threads: any. Ownership: borrows.
size_t realm_ingest_stranded_count(const realm_ingest_stranded *stranded);

// The file of one; NULL where `index` is not below the count. Text as of `realm_ingest_error_name`.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `stranded`.
const char *realm_ingest_stranded_path(const realm_ingest_stranded *stranded,
                                       size_t index,
                                       size_t *length);

// The server's id of the user whose data it is; empty where that is not known, NULL where `index` is not below the
// count.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `stranded`.
const char *realm_ingest_stranded_user_id(const realm_ingest_stranded *stranded,
                                          size_t index,
                                          size_t *length);

// How that user logs in: `anon-user`, or the provider, a colon and the SHA-256 of the login name in hex, such as
// `local-userpass:5e88...`; empty where that is not known, NULL where `index` is not below the count.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `stranded`.
const char *realm_ingest_stranded_principal(const realm_ingest_stranded *stranded,
                                            size_t index,
                                            size_t *length);

// How many write transactions wait in it; 0 also where the file is encrypted and so damaged that this cannot be seen
// without its key, or `index` is not below the count.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_stranded_transactions(const realm_ingest_stranded *stranded,
                                            size_t index);

// How many documents wait in it; 0 as of `realm_ingest_stranded_transactions`.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_stranded_documents(const realm_ingest_stranded *stranded, size_t index);

// The size of the documents that wait in it, before compression; 0 as of `realm_ingest_stranded_transactions`.
//
// Threads: any. Ownership: borrows.
uint64_t realm_ingest_stranded_bytes(const realm_ingest_stranded *stranded,
                                     size_t index);

// Frees what `realm_ingest_app_stranded` gave; NULL is fine.
//
// Threads: any. Ownership: takes `stranded`.
void realm_ingest_stranded_free(realm_ingest_stranded *stranded);

// What waits in the outbox goes on under this user, whoever's it was, and is sent from now on, whether a realm is opened
// there or not; an encrypted one once a realm is opened there. Such a one needs its key of 64 bytes, if it is not open;
// for others `key` is NULL. The user is logged in, with this app. May wait for the disk, and for another process that is
// uploading it, so it is refused in a callback, for which the upload may be waiting.
//
// Threads: any, in no callback. Ownership: borrows.
realm_ingest_code realm_ingest_app_rehome(const realm_ingest_app *app,
                                          const char *path,
                                          size_t path_length,
                                          const realm_ingest_user *user,
                                          const uint8_t *key,
                                          size_t key_length,
                                          realm_ingest_error **error);

// Writes what waits in the outbox to a new file, one line of canonical Extended JSON a document, oldest first:
// `{"class":"Reading","document":{...}}`, or `{"class":"Reading","bson":"<base64>"}` for one that is not valid BSON. The
// file is there as a whole and durable on success, or not at all. The outbox stays as it is. `documents`, which may be
// NULL, is their number. An encrypted outbox needs its key of 64 bytes, if it is not open; for others `key` is NULL. The
// new file is not encrypted.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_export(const realm_ingest_app *app,
                                          const char *path,
                                          size_t path_length,
                                          const char *destination,
                                          size_t destination_length,
                                          const uint8_t *key,
                                          size_t key_length,
                                          realm_ingest_error **error,
                                          uint64_t *documents);

// Deletes the outbox with everything that waits in it, for good. With the logout of an anonymous
// user and the removal of any this is the only act that deletes what waits. Refused while the outbox is open, in this process or in another. `documents`,
// which may be NULL, is the number of those that were in it. Needs no key.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_discard(const realm_ingest_app *app,
                                           const char *path,
                                           size_t path_length,
                                           realm_ingest_error **error,
                                           uint64_t *documents);

// The text, which lives as long as its owner; NULL for NULL. `length`, which may be NULL, is the number of bytes
// before the NUL that ends it.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `text`.
const char *realm_ingest_text_data(const realm_ingest_text *text,
                                   size_t *length);

// Frees a text; NULL is fine.
//
// Threads: any. Ownership: takes `text`.
void realm_ingest_text_free(realm_ingest_text *text);

// Begins a transaction.
//
// Threads: any. Ownership: gives `transaction`, which `realm_ingest_transaction_free` ends.
realm_ingest_code realm_ingest_transaction_new(const realm_ingest_realm *realm,
                                               realm_ingest_error **error,
                                               realm_ingest_transaction **transaction);

// Adds one or more BSON documents of one class, back to back. They are copied. Bytes that are not well-formed BSON
// are refused and change nothing; whether a document fits its class is the server's to judge.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_transaction_append(realm_ingest_transaction *transaction,
                                                  const char *class_name,
                                                  size_t class_name_length,
                                                  const uint8_t *documents,
                                                  size_t documents_length,
                                                  realm_ingest_error **error);

// Stores the documents, all or none. On success they are on stable storage, will be uploaded, and the transaction is
// empty again; on failure nothing is stored and the transaction is as it was. `number`, which may be NULL, is for
// `realm_ingest_realm_state_of`, also after a restart; 0 for a transaction without documents.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_transaction_commit(realm_ingest_transaction *transaction,
                                                  realm_ingest_error **error,
                                                  uint64_t *number);

// Frees a transaction, and forgets what was not committed; NULL is fine.
//
// Threads: any. Ownership: takes `transaction`.
void realm_ingest_transaction_free(realm_ingest_transaction *transaction);

// A whole transaction in one call: stores documents of one class, back to back, all or none. `number` is as of
// `realm_ingest_transaction_commit`.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_append(const realm_ingest_realm *realm,
                                            const char *class_name,
                                            size_t class_name_length,
                                            const uint8_t *documents,
                                            size_t documents_length,
                                            realm_ingest_error **error,
                                            uint64_t *number);

// Sends everything through the application's own HTTP: log-ins, tokens and documents. NULL means the built-in client,
// whose settings do not count where this is set. `free_userdata`, which may be NULL, is called also where this call fails.
//
// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_app_config_set_http_callback(realm_ingest_app_config *config,
                                                            realm_ingest_http_callback callback,
                                                            void *userdata,
                                                            realm_ingest_free_callback free_userdata,
                                                            realm_ingest_error **error);

// The method: `GET`, `POST`, `PATCH`, `PUT` or `DELETE`. Text as of `realm_ingest_error_name`.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
const char *realm_ingest_http_request_method(const realm_ingest_http_request *request,
                                             size_t *length);

// The whole URL.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
const char *realm_ingest_http_request_url(const realm_ingest_http_request *request,
                                          size_t *length);

// How long the exchange may take, in milliseconds; 0 for NULL. The library gives up then.
//
// Threads: any, until the callback returns. Ownership: borrows.
uint64_t realm_ingest_http_request_timeout_ms(const realm_ingest_http_request *request);

// How many headers there are; 0 for NULL.
//
// Threads: any, until the callback returns. Ownership: borrows.
size_t realm_ingest_http_request_header_count(const realm_ingest_http_request *request);

// The name of a header; NULL where `index` is not below the count.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
const char *realm_ingest_http_request_header_name(const realm_ingest_http_request *request,
                                                  size_t index,
                                                  size_t *length);

// The value of a header; NULL where `index` is not below the count.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
const char *realm_ingest_http_request_header_value(const realm_ingest_http_request *request,
                                                   size_t index,
                                                   size_t *length);

// The body, any bytes; `length` is their number.
//
// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `request`.
const char *realm_ingest_http_request_body(const realm_ingest_http_request *request,
                                           size_t *length);

// How long the first transaction that waits is kept for more to come, in milliseconds, so that the network is used less
// often; 0 by default. Not where its classes are urgent, a batch is full, a thread waits for the upload or for a receipt, or
// the realm was closed.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_batch_delay(realm_ingest_realm_config *config,
                                                            uint64_t delay_ms,
                                                            realm_ingest_error **error);

// The most bytes of request bodies a second, over a while; REALM_INGEST_NO_LIMIT by default. Urgent classes come first. With
// a rate, what an earlier run left is sent once a realm is opened there, and not before.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_set_bytes_per_second(realm_ingest_realm_config *config,
                                                                 uint64_t bytes,
                                                                 realm_ingest_error **error);

// One more time of the day in which uploads are allowed: from its first minute since midnight (below 1440) to the one
// behind its last (up to 1440), by the device's local time. It may go over midnight: 1320 to 360 is from 22:00 to 6:00.
// Without any, uploads are allowed all day. Outside of them nothing touches the network for this realm, and what an
// earlier run left is sent once a realm is opened there, and not before.
//
// Threads: one at a time. Ownership: borrows.
realm_ingest_code realm_ingest_realm_config_add_upload_window(realm_ingest_realm_config *config,
                                                              uint16_t from_minute,
                                                              uint16_t to_minute,
                                                              realm_ingest_error **error);

// Who is asked before each connection and each batch whether the network may be used; NULL for nobody. After a no
// nothing touches the network for this realm for `ask_again_ms` milliseconds, at least a second and at most a year. What an
// earlier run left is sent once a realm is opened there, and not before. `free_userdata`, which may be NULL, is called also
// where this call fails.
//
// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_realm_config_set_may_upload_callback(realm_ingest_realm_config *config,
                                                                    realm_ingest_may_upload_callback callback,
                                                                    void *userdata,
                                                                    realm_ingest_free_callback free_userdata,
                                                                    uint64_t ask_again_ms,
                                                                    realm_ingest_error **error);

// The server's id of the user, which lives as long as the handle; NULL for NULL.
//
// Threads: any. Ownership: lends what it returns, which lives as long as `user`.
const char *realm_ingest_user_id(const realm_ingest_user *user, size_t *length);

// Whether two handles stand for the same user; false where one of them is NULL.
//
// Threads: any. Ownership: borrows.
bool realm_ingest_user_is_same(const realm_ingest_user *user, const realm_ingest_user *other);

// The file that a realm of this user has by default. It need not exist yet. A path is whatever bytes the system takes.
//
// Threads: any. Ownership: gives `path`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_user_realm_path(const realm_ingest_user *user,
                                               realm_ingest_error **error,
                                               realm_ingest_text **path);

// Logs out: the tokens are forgotten, also where the server cannot be told. An anonymous user is gone for good, and
// what it has not uploaded is deleted when an app is next opened. This, `realm_ingest_app_remove_user`,
// `realm_ingest_app_delete_user` and `realm_ingest_app_discard` are the only acts that delete what waits: a user whom
// the server refuses is not logged out by that. What waits for other users stays until they log in again, and an outbox
// to which another process writes later, before it has heard of this, stays too: `realm_ingest_app_stranded` lists it.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_user_log_out(const realm_ingest_user *user,
                                            realm_ingest_error **error);

// What the user can do: one of the REALM_INGEST_USER_ constants; REALM_INGEST_USER_REMOVED for NULL.
//
// Threads: any. Ownership: borrows.
uint8_t realm_ingest_user_state(const realm_ingest_user *user);

// The JWT that goes with requests; empty after the user has logged out.
//
// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_user_access_token(const realm_ingest_user *user,
                                                 realm_ingest_error **error,
                                                 realm_ingest_text **text);

// The JWT that gets new access tokens; empty after the user has logged out.
//
// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_user_refresh_token(const realm_ingest_user *user,
                                                  realm_ingest_error **error,
                                                  realm_ingest_text **text);

// How the user logs in, as the server said last: a JSON array such as `[{"id":"5f...-abc","provider_type":"local-
// userpass"}]`.
//
// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_user_identities(const realm_ingest_user *user,
                                               realm_ingest_error **error,
                                               realm_ingest_text **text);

// The custom user data in the current access token, as Extended JSON; NULL where there is none. Asks no server.
//
// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_user_custom_data(const realm_ingest_user *user,
                                                realm_ingest_error **error,
                                                realm_ingest_text **text);

// Fetches a new access token, and with it the custom user data of that moment. Waits for the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_user_refresh_custom_data(const realm_ingest_user *user,
                                                        realm_ingest_error **error);

// Calls a function of the app with a JSON array of arguments (Extended JSON). The result is what the server answered.
// Waits for the server.
//
// Threads: any. Ownership: gives `result`, which `realm_ingest_text_free` ends.
realm_ingest_code realm_ingest_user_call_function(const realm_ingest_user *user,
                                                  const char *name,
                                                  size_t name_length,
                                                  const char *args_ejson,
                                                  size_t args_ejson_length,
                                                  realm_ingest_error **error,
                                                  realm_ingest_text **result);

// Adds another way of logging in to this user, whose id stays. An anonymous user is not anonymous any more. Waits for
// the server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_user_link(const realm_ingest_user *user,
                                         const realm_ingest_credentials *credentials,
                                         realm_ingest_error **error);

// Frees a handle of a user, who stays logged in; NULL is fine.
//
// Threads: any. Ownership: takes `user`.
void realm_ingest_user_free(realm_ingest_user *user);

// Logs a user in, who becomes the current one. Waits for the server, except where an anonymous user is logged in
// already and the credentials are anonymous.
//
// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
realm_ingest_code realm_ingest_app_login(const realm_ingest_app *app,
                                         const realm_ingest_credentials *credentials,
                                         realm_ingest_error **error,
                                         realm_ingest_user **user);

// Logs in without credentials. Waits for the server, except where an anonymous user is logged in already, who is then
// the user.
//
// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
realm_ingest_code realm_ingest_app_login_anonymous(const realm_ingest_app *app,
                                                   realm_ingest_error **error,
                                                   realm_ingest_user **user);

// Logs in with an e-mail address and a password. Waits for the server.
//
// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
realm_ingest_code realm_ingest_app_login_password(const realm_ingest_app *app,
                                                  const char *email,
                                                  size_t email_length,
                                                  const char *password,
                                                  size_t password_length,
                                                  realm_ingest_error **error,
                                                  realm_ingest_user **user);

// Who logged in last and still is logged in, or who was switched to, also over restarts; NULL where nobody is. Asks no
// server.
//
// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
realm_ingest_code realm_ingest_app_current_user(const realm_ingest_app *app,
                                                realm_ingest_error **error,
                                                realm_ingest_user **user);

// Every user this device knows, logged in or out, in the order in which they first logged in. Asks no server.
//
// Threads: any. Ownership: gives `users`, which `realm_ingest_users_free` ends.
realm_ingest_code realm_ingest_app_users(const realm_ingest_app *app,
                                         realm_ingest_error **error,
                                         realm_ingest_users **users);

// How many there are; 0 for NULL.
//
// Threads: any. Ownership: borrows.
size_t realm_ingest_users_count(const realm_ingest_users *users);

// A handle of one of them. `index` is below the count.
//
// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
realm_ingest_code realm_ingest_users_get(const realm_ingest_users *users,
                                         size_t index,
                                         realm_ingest_error **error,
                                         realm_ingest_user **user);

// Frees a list, not its users; NULL is fine.
//
// Threads: any. Ownership: takes `users`.
void realm_ingest_users_free(realm_ingest_users *users);

// Makes a user of this app who is logged in the current one. Asks no server.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_switch_user(const realm_ingest_app *app,
                                               const realm_ingest_user *user,
                                               realm_ingest_error **error);

// Forgets a user of this app; one who is logged in is logged out first, which waits for the server. What the user has
// not uploaded is deleted with its files when an app is next opened. The account at the server stays. The user is
// removed also where the server cannot be told, which fails.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_remove_user(const realm_ingest_app *app,
                                               const realm_ingest_user *user,
                                               realm_ingest_error **error);

// Deletes the account of a user who is logged in at the server, for which it waits, and then the user with all files
// and what was not uploaded from this device. Files that are still open go when an app is next opened. What was
// uploaded stays at the server. Where the server refuses or cannot be reached, nothing is deleted.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_app_delete_user(const realm_ingest_app *app,
                                               const realm_ingest_user *user,
                                               realm_ingest_error **error);

// Calls back once, when the server has acknowledged everything committed before this call, or that will not happen: as
// `realm_ingest_realm_wait_for_upload`, without a thread that waits. `free_userdata`, which may be NULL, is called also where
// this call fails; the callback is not called then, nor where the library is shut down while callbacks run. `token`, which
// may be NULL, is for `realm_ingest_realm_give_up`.
//
// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_realm_on_upload(const realm_ingest_realm *realm,
                                               realm_ingest_wait_callback callback,
                                               void *userdata,
                                               realm_ingest_free_callback free_userdata,
                                               realm_ingest_error **error,
                                               uint64_t *token);

// Calls back once, when the server has answered a request that began after this call, or that will not happen: whether it
// can be reached with this user. Otherwise as `realm_ingest_realm_on_upload`.
//
// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
realm_ingest_code realm_ingest_realm_on_answer(const realm_ingest_realm *realm,
                                               realm_ingest_wait_callback callback,
                                               void *userdata,
                                               realm_ingest_free_callback free_userdata,
                                               realm_ingest_error **error,
                                               uint64_t *token);

// Gives up what `realm_ingest_realm_on_upload`, `realm_ingest_realm_on_answer` or `realm_ingest_realm_on_settled` waits for:
// its userdata is freed, and it is not called back, unless that is under way. A wait that has ended is ignored.
//
// Threads: any. Ownership: borrows.
realm_ingest_code realm_ingest_realm_give_up(const realm_ingest_realm *realm,
                                             uint64_t token,
                                             realm_ingest_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* REALM_INGEST_H */
