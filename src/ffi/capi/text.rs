//! Text that a call makes for its caller.

use std::ffi::c_char;

use super::{Text, free, shown};

/// Text.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_text_free`.
pub struct realm_ingest_text(Text);

impl realm_ingest_text {
    pub(super) fn new(text: impl Into<Vec<u8>>) -> Self {
        realm_ingest_text(Text::new(text))
    }
}

/// The text, which lives as long as its owner; NULL for NULL. `length`, which may be NULL, is the number of bytes
/// before the NUL that ends it.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `text`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_text_data(
    text: *const realm_ingest_text,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(text, length, |text| Some(&text.0)) }
}

/// Frees a text; NULL is fine.
///
/// Threads: any. Ownership: takes `text`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_text_free(text: *mut realm_ingest_text) {
    free(text)
}
