//! Where the library's log goes.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::{Callback, realm_ingest_free_callback};
use crate::ffi::guard_or;
use crate::logging::{self, Sink};
use crate::process;

/// Gets one line of the log. The levels are 1 trace, 2 debug, 4 info, 5 warning, 6 error. `message` is UTF-8 of `length`
/// bytes.
///
/// Threads: any, several at once. Ownership: borrows `message`.
pub type realm_ingest_log_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, level: u8, message: *const c_char, length: usize)>;

/// Sends the log of the whole process from `level` on (0 everything, 8 nothing) to `callback`, in place of where it
/// went before. NULL ends it. What the library logs on a thread while that is in the callback is left out. The former
/// callback may still be running on another thread when this returns: its userdata is freed when it is not. `free_userdata`
/// may be NULL. In a forked child that cannot use the library it does nothing but free the userdata.
///
/// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_set_log(
    level: u8,
    callback: realm_ingest_log_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
) {
    let callback = Callback::new(callback, userdata, free_userdata);
    if process::is_foreign() {
        return;
    }
    let sink = callback.map(|callback| {
        Arc::new(move |level: u8, text: &str| {
            callback.call(|function, userdata| {
                // SAFETY: the caller promises it, and the text is borrowed for the call.
                unsafe { function(userdata, level, text.as_ptr().cast(), text.len()) }
            });
        }) as Sink
    });
    guard_or((), || logging::set_sink(sink, level));
}

/// Changes the level from which on the log goes to the callback, which stays.
///
/// Threads: any. Ownership: none.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_set_log_level(level: u8) {
    if !process::is_foreign() {
        guard_or((), || logging::set_threshold(level));
    }
}
