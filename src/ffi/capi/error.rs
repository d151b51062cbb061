//! Errors of calls and errors of sessions.

use std::ffi::c_char;

use super::code::{REALM_INGEST_OK, realm_ingest_code};
use super::{Text, free, seen, shown};
use crate::error::{CompensatingWrite, Error, SyncError};

/// Why a call failed.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_error_free`.
pub struct realm_ingest_error {
    code: u32,
    name: Text,
    message: Text,
    link: Text,
}

impl From<&Error> for realm_ingest_error {
    fn from(error: &Error) -> Self {
        realm_ingest_error {
            code: error.code().number(),
            name: Text::new(error.code().name()),
            message: Text::new(error.full_message()),
            link: Text::new(error.link()),
        }
    }
}

/// The code; REALM_INGEST_OK for NULL.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_error_code(error: *const realm_ingest_error) -> realm_ingest_code {
    seen(error, REALM_INGEST_OK, |error| error.code)
}

/// The code's name, such as `InvalidPassword`. Like all text of an error it lives as long as the error; `length`,
/// which may be NULL, is the number of bytes before the NUL that ends it. NULL for NULL.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_name(
    error: *const realm_ingest_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.name)) }
}

/// What happened, for people.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_message(
    error: *const realm_ingest_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.message)) }
}

/// Where the server logged it, or empty.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_link(
    error: *const realm_ingest_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.link)) }
}

/// Frees an error; NULL is fine.
///
/// Threads: any. Ownership: takes `error`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_error_free(error: *mut realm_ingest_error) {
    free(error)
}

/// What a session reports.
///
/// Threads: any. Ownership: the library's, until the callback that gets it returns.
pub struct realm_ingest_sync_error {
    code: u32,
    name: Text,
    message: Text,
    link: Text,
    is_fatal: bool,
    refusals: Vec<Refusal>,
}

struct Refusal {
    class: Text,
    primary_key: Text,
    reason: Text,
}

impl From<&SyncError> for realm_ingest_sync_error {
    fn from(error: &SyncError) -> Self {
        realm_ingest_sync_error {
            code: error.code.number(),
            name: Text::new(error.code.name()),
            message: Text::new(error.message.as_str()),
            link: Text::new(error.link.as_str()),
            is_fatal: error.is_fatal,
            refusals: error.compensating_writes.iter().map(Refusal::from).collect(),
        }
    }
}

impl From<&CompensatingWrite> for Refusal {
    fn from(write: &CompensatingWrite) -> Self {
        Refusal {
            class: Text::new(write.object_name.as_str()),
            primary_key: Text::new(write.primary_key.to_string()),
            reason: Text::new(write.reason.as_str()),
        }
    }
}

/// The code; REALM_INGEST_OK for NULL.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_sync_error_code(error: *const realm_ingest_sync_error) -> realm_ingest_code {
    seen(error, REALM_INGEST_OK, |error| error.code)
}

/// The code's name, such as `SyncConnectFailed`. Text as of `realm_ingest_error_name`.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_name(
    error: *const realm_ingest_sync_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.name)) }
}

/// What happened, for people.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_message(
    error: *const realm_ingest_sync_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.message)) }
}

/// Where the server logged it, or empty.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_link(
    error: *const realm_ingest_sync_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.link)) }
}

/// Whether the session is inactive because of it. It then tries again by itself, rarely; after any other error it does soon.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_sync_error_is_fatal(error: *const realm_ingest_sync_error) -> bool {
    seen(error, false, |error| error.is_fatal)
}

/// How many documents this is about: those the server refused for good, with code
/// REALM_INGEST_SYNC_WRITE_NOT_ALLOWED.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_sync_error_refusal_count(error: *const realm_ingest_sync_error) -> usize {
    seen(error, 0, |error| error.refusals.len())
}

/// The class of a refused document; NULL where `index` is not below the count.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_refusal_class(
    error: *const realm_ingest_sync_error,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.refusals.get(index)?.class)) }
}

/// The `_id` of a refused document as canonical Extended JSON; `null` where it had none that can be read.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_refusal_primary_key(
    error: *const realm_ingest_sync_error,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        shown(error, length, |error| {
            Some(&error.refusals.get(index)?.primary_key)
        })
    }
}

/// Why a document was refused, in the server's words.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `error`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_refusal_reason(
    error: *const realm_ingest_sync_error,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error, length, |error| Some(&error.refusals.get(index)?.reason)) }
}
