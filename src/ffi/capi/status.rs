//! What a realm holds, how its upload goes, and who is told of it.

use std::ffi::{c_char, c_void};

use super::code::{REALM_INGEST_OK, realm_ingest_code};
use super::realm::realm_ingest_realm;
use super::{
    Callback, Text, enter, free, give, live, output, realm_ingest_error, realm_ingest_free_callback, seen,
    shown,
};
use crate::realm::{LastError, Progress, Realm, UploadStatus};

/// How a realm and its upload were when it was asked for.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_status_free`.
pub struct realm_ingest_status {
    found: UploadStatus,
    error: Option<Failure>,
}

/// What went wrong last.
struct Failure {
    code: u32,
    name: Text,
    message: Text,
    at_ms: i64,
    is_current: bool,
}

impl From<LastError> for Failure {
    fn from(error: LastError) -> Self {
        Failure {
            code: error.code.number(),
            name: Text::new(error.code.name()),
            message: Text::new(error.message),
            at_ms: error.at,
            is_current: error.is_current,
        }
    }
}

/// What waits in a realm's file, of all threads and processes that write to it, and how its upload goes. Takes the same
/// time however much waits. Free what it gives with `realm_ingest_status_free`.
///
/// Threads: any. Ownership: gives `status`, which `realm_ingest_status_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `status` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_status(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
    status: *mut *mut realm_ingest_status,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(status, "status")?;
            let mut found = live(realm, "realm")?.handle().call(Realm::status)?;
            let error = found.last_error.take().map(Failure::from);
            give(slot, realm_ingest_status { found, error });
            Ok(())
        })
    }
}

/// How many transactions wait to be acknowledged.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_waiting_transactions(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.waiting.transactions)
}

/// How many documents wait.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_waiting_documents(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.waiting.objects)
}

/// The size of the documents that wait, before compression.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_waiting_bytes(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.waiting.bytes)
}

/// For how long the oldest transaction has waited, in milliseconds by the clock of the device; -1 where nothing waits.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_oldest_age_ms(status: *const realm_ingest_status) -> i64 {
    seen(status, -1, |status| status.found.oldest_age.unwrap_or(-1))
}

/// When the server last answered for transactions, in milliseconds since 1970 by the clock of the device; -1 where it
/// never has.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_last_acknowledged_ms(status: *const realm_ingest_status) -> i64 {
    seen(status, -1, |status| status.found.last_acknowledged.unwrap_or(-1))
}

/// How many transactions the cap took since the file was made.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_dropped_transactions(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.dropped.transactions)
}

/// How many documents the cap took.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_dropped_documents(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.dropped.objects)
}

/// The size of the documents that the cap took, before compression.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_dropped_bytes(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.dropped.bytes)
}

/// How many transactions could not be read of a damaged file, as far as they left a trace.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_damaged_transactions(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.damaged)
}

/// How many documents the server has refused since the file was made.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_refused_documents(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.refused_objects)
}

/// How many documents the server has answered for since the file was made, those that it refused with them.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_sent_documents(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.sent_objects)
}

/// How many bytes of batches were given to the network since the file was made, compressed as they went, those that
/// were sent again counted again. What was sent since the last acknowledgement is lost with the process.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_sent_bytes(status: *const realm_ingest_status) -> u64 {
    seen(status, 0, |status| status.found.tally.sent_bytes)
}

/// The code of the error that the session met last in this process; REALM_INGEST_OK where it met none.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_error_code(status: *const realm_ingest_status) -> realm_ingest_code {
    seen(status, REALM_INGEST_OK, |status| {
        status.error.as_ref().map_or(REALM_INGEST_OK, |error| error.code)
    })
}

/// The name of its code, such as `SyncConnectFailed`; NULL where there is none. Text as of `realm_ingest_error_name`.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `status`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_status_error_name(
    status: *const realm_ingest_status,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(status, length, |status| Some(&status.error.as_ref()?.name)) }
}

/// What happened, for people; NULL where there is none.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `status`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_status_error_message(
    status: *const realm_ingest_status,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(status, length, |status| Some(&status.error.as_ref()?.message)) }
}

/// When it was met, in milliseconds since 1970 by the clock of the device; -1 where there is none.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_error_at_ms(status: *const realm_ingest_status) -> i64 {
    seen(status, -1, |status| {
        status.error.as_ref().map_or(-1, |error| error.at_ms)
    })
}

/// Whether the session has not worked since.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_error_is_current(status: *const realm_ingest_status) -> bool {
    seen(status, false, |status| {
        status.error.as_ref().is_some_and(|error| error.is_current)
    })
}

/// Frees what `realm_ingest_realm_status` gave; NULL is fine.
///
/// Threads: any. Ownership: takes `status`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_status_free(status: *mut realm_ingest_status) {
    free(status)
}

/// Gets how far the upload is. `fraction` is from 0 to 1: what the server has answered for, of that and of what waits,
/// since nothing waited last; 1 where nothing waits.
///
/// Threads: one of the library's, from which no wait may be called. Ownership: none.
pub type realm_ingest_progress_callback = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        fraction: f64,
        uploaded_documents: u64,
        waiting_documents: u64,
    ),
>;

/// Calls back soon with the progress of now, then after each acknowledgement and when more waits, once for several changes
/// where the callback is slow, until `realm_ingest_realm_remove_progress` or until the realm is closed or freed, which
/// waits for a callback that is running, as removing does. `free_userdata`, which may be NULL, is called also where this
/// call fails.
///
/// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` is NULL or may be
/// written; `token` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_on_progress(
    realm: *const realm_ingest_realm,
    callback: realm_ingest_progress_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
    token: *mut u64,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(token, "token")?;
            let callback = callback.ok_or_else(|| super::missing("callback"))?;
            let observer = move |progress: Progress| {
                let (uploaded, waiting) = (progress.uploaded_objects, progress.waiting_objects);
                callback.call(|function, userdata| function(userdata, progress.fraction, uploaded, waiting));
            };
            let realm = live(realm, "realm")?;
            *slot = realm.handle().call(|realm| realm.observe_progress(observer))?;
            Ok(())
        })
    }
}

/// Ends the callbacks of this token. When this returns none is running and none will be, so what the callback uses may go:
/// it waits for one that is running, unless that is the caller itself. A token that is not known is ignored.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_remove_progress(
    realm: *const realm_ingest_realm,
    token: u64,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            live(realm, "realm")?.handle().call(|realm| {
                realm.unobserve_progress(token);
                Ok(())
            })
        })
    }
}
