//! Text that a call makes for its caller.

use std::ffi::c_char;

use super::{Text, take};

/// Text that belongs to the caller, who frees it. Any thread may read it.
pub struct realm_ingest_text(Text);

impl realm_ingest_text {
    pub(super) fn new(text: String) -> Self {
        realm_ingest_text(Text::new(text))
    }
}

/// The text, which lives as long as its owner; NULL for NULL. `length`, which may be NULL, is the number of bytes
/// before the NUL that ends it.
///
/// # Safety
/// `text` is NULL or live; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_text_data(
    text: *const realm_ingest_text,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { text.as_ref().map_or(std::ptr::null(), |text| text.0.show(length)) }
}

/// Frees a text; NULL is fine.
///
/// # Safety
/// `text` is NULL or was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_text_free(text: *mut realm_ingest_text) {
    // SAFETY: the caller promises it.
    unsafe { take(text) }
}
