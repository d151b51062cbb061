//! The constants of the header.
#![allow(dead_code, reason = "the constants are for the header")]

/// REALM_INGEST_OK, or why a call failed. The constants of this header are those that programs tell apart; others
/// occur and more will. `realm_ingest_error_name` gives the name of any.
pub type realm_ingest_code = u32;

/// The call did what it should.
pub const REALM_INGEST_OK: u32 = 0;
/// The library is at fault. The handle that was used does no more work.
pub const REALM_INGEST_PANIC: u32 = 1;
/// Something failed that has no code of its own.
pub const REALM_INGEST_RUNTIME_ERROR: u32 = 1000;
/// A document, a transaction or the outbox is larger than allowed.
pub const REALM_INGEST_LIMIT_EXCEEDED: u32 = 1009;
/// A file could not be read or written.
pub const REALM_INGEST_FILE_OPERATION_FAILED: u32 = 1017;
/// The disk has no room left. What was stored before is unharmed.
pub const REALM_INGEST_OUT_OF_DISK_SPACE: u32 = 1018;
/// A file is not what it should be.
pub const REALM_INGEST_INVALID_DATABASE: u32 = 1021;
/// What was waited for will not happen.
pub const REALM_INGEST_OPERATION_ABORTED: u32 = 1027;
/// The server could not be reached. The library keeps trying.
pub const REALM_INGEST_SYNC_CONNECT_FAILED: u32 = 1034;
/// The server took longer than allowed.
pub const REALM_INGEST_SYNC_CONNECT_TIMEOUT: u32 = 1035;
/// What was waited for did not happen within the caller's limit.
pub const REALM_INGEST_WAIT_TIMED_OUT: u32 = 1100;
/// The schema contradicts what the server already has.
pub const REALM_INGEST_SYNC_INVALID_SCHEMA_CHANGE: u32 = 1036;
/// The certificate or the TLS handshake failed.
pub const REALM_INGEST_TLS_HANDSHAKE_FAILED: u32 = 1042;
/// Objects were refused by the server for good.
pub const REALM_INGEST_SYNC_WRITE_NOT_ALLOWED: u32 = 1044;
/// The call is not allowed at this point.
pub const REALM_INGEST_LOGIC_ERROR: u32 = 2000;
/// This version does not offer it.
pub const REALM_INGEST_NOT_SUPPORTED: u32 = 2001;
/// The path is open with other settings.
pub const REALM_INGEST_MISMATCHED_CONFIG: u32 = 2013;
/// The realm has been closed.
pub const REALM_INGEST_CLOSED_REALM: u32 = 2014;
/// The schema is not valid.
pub const REALM_INGEST_INVALID_SCHEMA: u32 = 2016;
/// An argument is not valid, or NULL where it may not be.
pub const REALM_INGEST_INVALID_ARGUMENT: u32 = 3000;
/// A request to the server got no answer.
pub const REALM_INGEST_CUSTOM_ERROR: u32 = 4000;
/// The app knows no such user on this device.
pub const REALM_INGEST_CLIENT_USER_NOT_FOUND: u32 = 4100;
/// The user is not logged in.
pub const REALM_INGEST_CLIENT_USER_NOT_LOGGED_IN: u32 = 4101;
/// Anonymous credentials were to be added to a user.
pub const REALM_INGEST_CLIENT_USER_ALREADY_NAMED: u32 = 4105;
/// The application's own HTTP gave a client error for a request.
pub const REALM_INGEST_CLIENT_TRANSPORT_FAILED: u32 = 4106;
/// The server sent a token that is not one.
pub const REALM_INGEST_BAD_TOKEN: u32 = 4200;
/// Text is no Extended JSON.
pub const REALM_INGEST_MALFORMED_JSON: u32 = 4201;
/// Bytes are no BSON document.
pub const REALM_INGEST_BAD_BSON_PARSE: u32 = 4203;
/// A token is unknown, expired or revoked.
pub const REALM_INGEST_INVALID_SESSION: u32 = 4301;
/// The server answered with a status that is not success and nothing more.
pub const REALM_INGEST_HTTP_ERROR: u32 = 4309;
/// The app has no function of this name.
pub const REALM_INGEST_FUNCTION_NOT_FOUND: u32 = 4325;
/// The server knows no such user.
pub const REALM_INGEST_USER_NOT_FOUND: u32 = 4344;
/// An operator has disabled the user.
pub const REALM_INGEST_USER_DISABLED: u32 = 4345;
/// The credentials were not accepted.
pub const REALM_INGEST_AUTH_ERROR: u32 = 4346;
/// Someone registered with this name before.
pub const REALM_INGEST_ACCOUNT_NAME_IN_USE: u32 = 4348;
/// Unknown user or wrong password.
pub const REALM_INGEST_INVALID_PASSWORD: u32 = 4349;

/// The user is known and has no tokens; it can log in again.
pub const REALM_INGEST_USER_LOGGED_OUT: u8 = 0;
/// The user has tokens.
pub const REALM_INGEST_USER_LOGGED_IN: u8 = 1;
/// The user is gone for good: it was removed, or was anonymous and has logged out.
pub const REALM_INGEST_USER_REMOVED: u8 = 2;

/// After the last close of a path its session stops at once.
pub const REALM_INGEST_STOP_IMMEDIATELY: u8 = 0;
/// After the last close of a path its session works on while the process lives.
pub const REALM_INGEST_STOP_NEVER: u8 = 1;
/// After the last close of a path its session works on until everything is uploaded. The default.
pub const REALM_INGEST_STOP_AFTER_UPLOAD: u8 = 2;

/// The session is connected, or trying to be.
pub const REALM_INGEST_SESSION_ACTIVE: u8 = 0;
/// Every realm of the path is closed, and what waits is still being uploaded.
pub const REALM_INGEST_SESSION_DYING: u8 = 1;
/// The user is logged out, the session ended, or a fatal error happened: then it tries again by itself, rarely, and is
/// active once that succeeds.
pub const REALM_INGEST_SESSION_INACTIVE: u8 = 2;
/// The session waits for a new access token.
pub const REALM_INGEST_SESSION_WAITING_FOR_ACCESS_TOKEN: u8 = 3;
/// The session was stopped by `realm_ingest_realm_pause`.
pub const REALM_INGEST_SESSION_PAUSED: u8 = 4;

/// There is no connection to the server.
pub const REALM_INGEST_CONNECTION_DISCONNECTED: u8 = 0;
/// The first request is on its way.
pub const REALM_INGEST_CONNECTION_CONNECTING: u8 = 1;
/// The last request was answered.
pub const REALM_INGEST_CONNECTION_CONNECTED: u8 = 2;

/// The transaction is in the file, as durable as the realm was opened.
pub const REALM_INGEST_STATE_PENDING: u8 = 0;
/// This process has given the transaction to the network, and there is no answer for it yet.
pub const REALM_INGEST_STATE_SENT: u8 = 1;
/// The server has stored all of the transaction. Final, as all that follow.
pub const REALM_INGEST_STATE_PERSISTED: u8 = 2;
/// The server has refused some or all of the transaction's documents for good, and stored the others.
pub const REALM_INGEST_STATE_REFUSED: u8 = 3;
/// The transaction was dropped to stay under the cap.
pub const REALM_INGEST_STATE_DROPPED: u8 = 4;
/// The transaction was lost with a damaged file.
pub const REALM_INGEST_STATE_DAMAGED: u8 = 5;
/// The file never gave this number out, or does not know any more what became of it.
pub const REALM_INGEST_STATE_UNKNOWN: u8 = 6;

/// A commit that returned has survived the loss of power. The default.
pub const REALM_INGEST_DURABILITY_FULL: u8 = 0;
/// A commit that returned has survived the end of the process. The loss of power may take the last moments.
pub const REALM_INGEST_DURABILITY_RELAXED: u8 = 1;

/// A write beyond the cap fails with REALM_INGEST_LIMIT_EXCEEDED. The default.
pub const REALM_INGEST_CAP_FAIL: u8 = 0;
/// The oldest transactions are dropped for a write beyond the cap, and those that are too old.
pub const REALM_INGEST_CAP_DROP_OLDEST: u8 = 1;
/// A write beyond the cap succeeds and is dropped.
pub const REALM_INGEST_CAP_DROP_NEWEST: u8 = 2;

/// In place of a number: no limit.
pub const REALM_INGEST_NO_LIMIT: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may panic")]

    use crate::error::Code;

    /// The constants of the header, as they stand in this file.
    fn constants() -> impl Iterator<Item = (String, u32)> {
        include_str!("code.rs").lines().filter_map(|line| {
            let (name, number) = line
                .strip_prefix("pub const REALM_INGEST_")?
                .split_once(": u32 = ")?;
            Some((name.to_owned(), number.strip_suffix(';')?.parse().unwrap()))
        })
    }

    #[test]
    fn the_constants_are_the_codes() {
        assert!(constants().count() > 20);
        for (name, number) in constants().filter(|(_, number)| *number != 0) {
            let words = name
                .split('_')
                .map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase()));
            let camel = words.collect::<String>().replace("HttpError", "HTTPError");
            assert_eq!(Code::from_name(&camel).map(Code::number), Some(number), "{name}");
        }
    }
}
