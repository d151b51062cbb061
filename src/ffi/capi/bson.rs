//! Documents from text and back, for programs without a BSON library.

use std::ffi::c_char;

use super::text::realm_ingest_text;
use super::{Text, bytes, enter, give, output, realm_ingest_code, realm_ingest_error, seen, text};
use crate::ejson;
use crate::error::{Code, Error};

/// Bytes.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_bytes_free`.
pub struct realm_ingest_bytes(Text);

/// The BSON of a JSON object, for `realm_ingest_transaction_append`. What JSON has no type for is Extended JSON (version 2):
/// `{"_id":{"$oid":"5f0000000000000000000001"},"at":{"$date":"2026-01-01T00:00:00Z"},"price":{"$numberDecimal":"1.10"}}`. A
/// whole number is 32 bits wide where it fits, then 64, and a double beyond those, which has some 15 digits. Fails with
/// REALM_INGEST_MALFORMED_JSON.
///
/// Threads: any. Ownership: gives `document`, which `realm_ingest_bytes_free` ends.
///
/// # Safety
/// `json` points to its bytes; `error` is NULL or may be written; `document` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_bson_from_json(
    json: *const c_char,
    json_length: usize,
    error: *mut *mut realm_ingest_error,
    document: *mut *mut realm_ingest_bytes,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(document, "document")?;
            let json = text(json, json_length, "json")?;
            let document =
                ejson::to_document(json).map_err(|cause| Error::app(Code::MalformedJson, cause))?;
            give(slot, realm_ingest_bytes(Text::new(document)));
            Ok(())
        })
    }
}

/// The canonical Extended JSON of one BSON document. Fails with REALM_INGEST_BAD_BSON_PARSE.
///
/// Threads: any. Ownership: gives `json`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// `document` points to its bytes; `error` is NULL or may be written; `json` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_bson_to_json(
    document: *const u8,
    document_length: usize,
    error: *mut *mut realm_ingest_error,
    json: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(json, "json")?;
            let document = bytes(document, document_length, "document")?;
            let json = ejson::from_bson(document).map_err(|cause| Error::app(Code::BadBsonParse, cause))?;
            give(slot, realm_ingest_text::new(json));
            Ok(())
        })
    }
}

/// The bytes, which live as long as their owner; NULL for NULL. `length`, which may be NULL, is their number.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `bytes`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_bytes_data(
    bytes: *const realm_ingest_bytes,
    length: *mut usize,
) -> *const u8 {
    seen(bytes, std::ptr::null(), |bytes| {
        // SAFETY: the caller promises it.
        unsafe { bytes.0.show(length) }.cast()
    })
}

/// Frees bytes; NULL is fine.
///
/// Threads: any. Ownership: takes `bytes`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_bytes_free(bytes: *mut realm_ingest_bytes) {
    super::free(bytes)
}
