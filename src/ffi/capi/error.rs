//! Errors of calls and errors of sessions.

use std::ffi::c_char;

use super::code::{REALM_INGEST_OK, realm_ingest_code};
use super::{Text, take};
use crate::error::{CompensatingWrite, Error, SyncError};

/// Why a call failed. Belongs to the caller, who frees it; any thread may read it.
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
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_code(error: *const realm_ingest_error) -> realm_ingest_code {
    // SAFETY: the caller promises it.
    unsafe { error.as_ref() }.map_or(REALM_INGEST_OK, |error| error.code)
}

/// The code's name, such as `InvalidPassword`. Like all text of an error it lives as long as the error; `length`,
/// which may be NULL, is the number of bytes before the NUL that ends it. NULL for NULL.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_name(
    error: *const realm_ingest_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error.as_ref().map(|error| &error.name), length) }
}

/// What happened, for people.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_message(
    error: *const realm_ingest_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error.as_ref().map(|error| &error.message), length) }
}

/// Where the server logged it, or empty.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_link(
    error: *const realm_ingest_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error.as_ref().map(|error| &error.link), length) }
}

/// Frees an error; NULL is fine.
///
/// # Safety
/// `error` is NULL or an error that was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_error_free(error: *mut realm_ingest_error) {
    // SAFETY: the caller promises it.
    unsafe { take(error) }
}

/// What a session reports: it lives until the callback that gets it returns.
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
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_code(
    error: *const realm_ingest_sync_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises it.
    unsafe { error.as_ref() }.map_or(REALM_INGEST_OK, |error| error.code)
}

/// The code's name, such as `SyncConnectFailed`. Text as of `realm_ingest_error_name`.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_name(
    error: *const realm_ingest_sync_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error.as_ref().map(|error| &error.name), length) }
}

/// What happened, for people.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_message(
    error: *const realm_ingest_sync_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error.as_ref().map(|error| &error.message), length) }
}

/// Where the server logged it, or empty.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_link(
    error: *const realm_ingest_sync_error,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(error.as_ref().map(|error| &error.link), length) }
}

/// Whether the session is inactive because of it. It then tries again by itself, rarely; after any other error it does soon.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_is_fatal(error: *const realm_ingest_sync_error) -> bool {
    // SAFETY: the caller promises it.
    unsafe { error.as_ref() }.is_some_and(|error| error.is_fatal)
}

/// How many documents this is about: those the server refused for good, with code
/// REALM_INGEST_SYNC_WRITE_NOT_ALLOWED.
///
/// # Safety
/// `error` is NULL or a live error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_refusal_count(
    error: *const realm_ingest_sync_error,
) -> usize {
    // SAFETY: the caller promises it.
    unsafe { error.as_ref() }.map_or(0, |error| error.refusals.len())
}

/// The class of a refused document; NULL where `index` is not below the count.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_refusal_class(
    error: *const realm_ingest_sync_error,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(refusal(&error, index).map(|refusal| &refusal.class), length) }
}

/// The `_id` of a refused document as canonical Extended JSON; `null` where it had none that can be read.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_refusal_primary_key(
    error: *const realm_ingest_sync_error,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(refusal(&error, index).map(|refusal| &refusal.primary_key), length) }
}

/// Why a document was refused, in the server's words.
///
/// # Safety
/// `error` is NULL or a live error; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_sync_error_refusal_reason(
    error: *const realm_ingest_sync_error,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(refusal(&error, index).map(|refusal| &refusal.reason), length) }
}

/// # Safety
/// `error` is NULL or a live error.
unsafe fn refusal(error: &*const realm_ingest_sync_error, index: usize) -> Option<&Refusal> {
    // SAFETY: the caller promises it.
    unsafe { error.as_ref() }?.refusals.get(index)
}

/// # Safety
/// `length` is NULL or may be written.
unsafe fn shown(text: Option<&Text>, length: *mut usize) -> *const c_char {
    // SAFETY: the caller promises it.
    text.map_or(std::ptr::null(), |text| unsafe { text.show(length) })
}
