//! Loaded code, which a program may unload while it is in use.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::{Mutex, PoisonError};

use crate::process;

/// Keeps what `code` points into, a plugin perhaps, in memory to the end of the process, also where it is unloaded: its
/// callbacks are called and destroyed on threads of the library, later.
pub(crate) fn keep_loaded(code: *const c_void) {
    if process::is_foreign() {
        // Nothing is called there, and locks may be held for ever.
        return;
    }
    static KEPT: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: the structure exists, and any pointer may be asked about; it may be all zeros.
    let found = unsafe {
        if libc::dladdr(code, found.as_mut_ptr()) == 0 {
            // Made at run time, and not unloaded by the system.
            return;
        }
        found.assume_init()
    };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if found.dli_fname.is_null() || !kept.insert(found.dli_fbase as usize) {
        return;
    }
    // SAFETY: the name is that of something loaded, and belongs to it. It is not found where it is the program itself,
    // which stays anyway; the flag outlasts the handle.
    unsafe {
        let handle = libc::dlopen(
            found.dli_fname,
            libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE,
        );
        if !handle.is_null() {
            libc::dlclose(handle);
        }
    }
}

/// Frames that are looked at: the caller of the headers is among the innermost.
#[cfg(not(target_env = "musl"))]
const FRAMES: usize = 64;

/// The same for everybody on the stack of the calling thread. What a plugin hands over cannot be recognised by its
/// addresses alone: where the program shows its symbols, the inline functions and the tables of the headers' classes are
/// the program's for the plugin as well, and what the plugin put inside of them is its own all the same.
#[cfg(not(target_env = "musl"))]
pub(crate) fn keep_callers_loaded() {
    if process::is_foreign() {
        return;
    }
    let mut frames = [std::ptr::null_mut(); FRAMES];
    let room = libc::c_int::try_from(FRAMES).unwrap_or(0);
    // SAFETY: there is room for so many addresses, and no more are written.
    let found = unsafe { libc::backtrace(frames.as_mut_ptr(), room) };
    for code in frames.iter().take(usize::try_from(found).unwrap_or(0)) {
        keep_loaded(*code);
    }
}

/// That system unloads nothing.
#[cfg(target_env = "musl")]
pub(crate) fn keep_callers_loaded() {}
