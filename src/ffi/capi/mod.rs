//! The C ABI: source of include/realm_ingest.h, whose contract page is in cbindgen.toml. One file a noun.
#![allow(non_camel_case_types, reason = "the names are C's")]

mod abi;
mod answer;
mod app;
mod app_config;
mod bson;
mod callback;
mod certificate;
mod code;
mod credentials;
mod email;
mod error;
mod forward;
mod http;
mod keys;
mod log;
mod objects;
mod options;
mod realm;
mod realm_config;
mod receipts;
mod registry;
mod session;
mod status;
mod stranded;
mod text;
mod transaction;
mod transport;
mod upload_policy;
mod user;
mod users;
mod waits;

use std::ffi::c_char;
use std::path::Path;
use std::{slice, str};

use super::os::{path, signals};
use super::{Handle, convert, end_within, guard};
use crate::error::{Error, Result};
use crate::process;
use callback::{Callback, realm_ingest_free_callback};
use code::{REALM_INGEST_OK, realm_ingest_code};
use error::realm_ingest_error;
use objects::{Exclusive, alone, change, free, give, lend, live, seen, shown};

/// Ends the library's work in this process, so that the program can exit, or a plugin go, with nothing of the library
/// running: sessions stop, what is pending stays in its files for the next start, and waits fail. After that every call
/// that returns a `realm_ingest_code` fails with REALM_INGEST_LOGIC_ERROR; the others look at what is there, or free it.
///
/// True once all threads of the library have ended. False if some had not after `timeout_ms` milliseconds (below 0: waits
/// without end), as when a callback has not returned, and always where a callback calls it; no callback begins after that
/// either. A program that exits without it does so safely too: what a commit returned for is in the file, and only what
/// callbacks use must live as long as the process.
///
/// Threads: any. Ownership: none.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_shutdown(timeout_ms: i64) -> bool {
    end_within(timeout_ms)
}

/// Runs one entry, where this process may use the library: a failure becomes the code, and the error for a caller who
/// asked for it.
///
/// # Safety
/// `error` is NULL or may be written.
unsafe fn enter(error: *mut *mut realm_ingest_error, work: impl FnOnce() -> Result<()>) -> realm_ingest_code {
    let allowed = || process::check().and_then(|()| work());
    match signals::shielded(|| guard(allowed)) {
        Ok(()) => REALM_INGEST_OK,
        Err(failure) => {
            let code = failure.code().number();
            // SAFETY: the caller promises it.
            if let Some(slot) = unsafe { error.as_mut() } {
                give(slot, realm_ingest_error::from(&failure));
            }
            code
        }
    }
}

/// Where an output goes.
///
/// # Safety
/// `pointer` is NULL or may be written.
unsafe fn output<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: the caller promises it.
    unsafe { pointer.as_mut() }.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Error {
    Error::InvalidArgument(format!("{name} is NULL"))
}

/// # Safety
/// `pointer` is NULL or points to `length` bytes.
unsafe fn bytes<'a>(pointer: *const u8, length: usize, name: &str) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return if length == 0 { Ok(&[]) } else { Err(missing(name)) };
    }
    if isize::try_from(length).is_err() {
        return Err(Error::InvalidArgument(format!(
            "{name} cannot have {length} bytes: was its length a negative number?"
        )));
    }
    // SAFETY: the caller promises it.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// A key of 64 bytes; NULL for none. One that is there and empty is refused, for it is more likely to be lost than
/// meant, and what it was to protect would be written in the clear.
///
/// # Safety
/// As [`bytes`].
unsafe fn given_key(pointer: *const u8, length: usize, name: &str) -> Result<Option<[u8; 64]>> {
    // SAFETY: the caller promises it.
    let bytes = unsafe { bytes(pointer, length, name) }?;
    let key = (!pointer.is_null()).then(|| convert::whole_key(bytes));
    key.transpose()
}

/// # Safety
/// As [`bytes`].
unsafe fn text<'a>(pointer: *const c_char, length: usize, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(missing(name));
    }
    // SAFETY: the caller promises it.
    let bytes = unsafe { bytes(pointer.cast(), length, name) }?;
    str::from_utf8(bytes).map_err(|_| Error::InvalidArgument(format!("{name} is not valid UTF-8")))
}

/// Text of which NULL means "not given".
///
/// # Safety
/// As [`bytes`].
unsafe fn given_text<'a>(pointer: *const c_char, length: usize, name: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller promises it.
    unsafe { text(pointer, length, name) }.map(Some)
}

/// # Safety
/// As [`bytes`].
unsafe fn path<'a>(pointer: *const c_char, length: usize, name: &str) -> Result<&'a Path> {
    if pointer.is_null() {
        return Err(missing(name));
    }
    // SAFETY: the caller promises it.
    Ok(path::from_bytes(unsafe { bytes(pointer.cast(), length, name) }?))
}

/// Text that C code may keep looking at while its owner lives: UTF-8 or a path's bytes, and a NUL behind it for convenience.
struct Text(Vec<u8>);

impl Text {
    fn new(text: impl Into<Vec<u8>>) -> Text {
        let mut bytes = text.into();
        bytes.push(0);
        Text(bytes)
    }

    /// # Safety
    /// `length` is NULL or may be written.
    unsafe fn show(&self, length: *mut usize) -> *const c_char {
        // SAFETY: the caller promises it.
        if let Some(length) = unsafe { length.as_mut() } {
            *length = self.0.len() - 1;
        }
        self.0.as_ptr().cast()
    }
}
