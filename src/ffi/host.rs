//! What a Rust `main` sees to before it begins, for programs that have another one: where panics are told, and what the
//! descriptors 0 to 2 are. And what such programs may do that Rust's do not: unload code while it is in use.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::{Mutex, Once, PoisonError};

use crate::process;

/// Called by every call of the two doors that opens something.
pub(super) fn prepare() {
    static PANICS: Once = Once::new();
    PANICS.call_once(|| {
        // A panic is caught at the door and becomes an error. The standard hook would print it to a stderr that is the
        // host's; this library has a standard library of its own, so that no other Rust code's hook is replaced.
        std::panic::set_hook(Box::new(|panic| {
            log::error!(target: "ingest::panic", "{panic}");
        }));
    });
    occupy_standard_descriptors();
    // Threads of the library run on when a plugin that the library is linked into is unloaded.
    keep_loaded(prepare as *const c_void);
}

/// Keeps what `code` points into, a plugin perhaps, in memory to the end of the process, also where it is unloaded: its
/// callbacks are called and destroyed on threads of the library, later.
pub(super) fn keep_loaded(code: *const c_void) {
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
pub(super) fn keep_callers_loaded() {
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
pub(super) fn keep_callers_loaded() {}

/// Gives `/dev/null` to those of the descriptors 0 to 2 that are closed: otherwise a socket or a file of the library
/// could get one of them, and what the host prints would go into it.
fn occupy_standard_descriptors() {
    loop {
        // SAFETY: the path is a C string.
        let descriptor = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        if (0..=libc::STDERR_FILENO).contains(&descriptor) {
            log::warn!(
                target: "ingest::ffi",
                "descriptor {descriptor} was closed and is /dev/null now: what the program prints must not reach files \
                 and connections"
            );
            continue;
        }
        if descriptor >= 0 {
            // SAFETY: it was opened above, and nobody else knows it.
            unsafe { libc::close(descriptor) };
        }
        return;
    }
}
