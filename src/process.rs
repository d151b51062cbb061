//! Whether the library may be used: by the process that began to, until that shuts it down.
//!
//! A forked child has the memory of its parent but not its threads: locks that they held stay locked, the work they did
//! is nobody's, and what would talk to them waits for ever. So every call first asks here, and a child is told at once.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::app;
use crate::calls;
use crate::error::{Error, Result};
use crate::ffi::os::fork;
use crate::uploader::registry;

/// The process that opened the first app; 0 before that. A program may fork until then.
static OWNER: AtomicU32 = AtomicU32::new(0);
/// The child of a fork is told.
static NOTICED: AtomicBool = AtomicBool::new(false);
static SHUT_DOWN: AtomicBool = AtomicBool::new(false);

/// The first call of all: this process is the one.
///
/// # Errors
/// As [`check`].
pub(crate) fn begin() -> Result<()> {
    let first = OWNER.compare_exchange(0, std::process::id(), Ordering::Relaxed, Ordering::Relaxed);
    if first.is_ok() {
        NOTICED.store(fork::notice(), Ordering::Relaxed);
    }
    check()
}

/// # Errors
/// The caller is a forked child, or the library was shut down.
pub(crate) fn check() -> Result<()> {
    if is_foreign() {
        return Err(Error::Logic(format!(
            "this process was forked from process {}, which uses realm-ingest: threads and locks do not come along, so \
             fork before the first app is opened, or start the child's work as a program of its own (exec)",
            OWNER.load(Ordering::Relaxed)
        )));
    }
    if SHUT_DOWN.load(Ordering::Acquire) {
        return Err(Error::Logic(
            "realm-ingest was shut down in this process, and does no more work until the program is started again"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Whether this is a child that was forked after its parent had begun. It touches nothing of what it inherited.
pub(crate) fn is_foreign() -> bool {
    if NOTICED.load(Ordering::Relaxed) {
        return fork::happened();
    }
    // A call of the system each time.
    let owner = OWNER.load(Ordering::Relaxed);
    owner != 0 && owner != std::process::id()
}

/// Ends the work of the library in this process: every session stops (waits fail, what is pending stays in its file and
/// is uploaded by the next process that opens it), and the threads of every app end. From the first moment on every other
/// call fails. Callable from any thread, any number of times; on a callback's own thread it cannot wait for that one, and
/// returns false.
///
/// True when all threads have ended, and the calls that the headers run on threads of their own: nothing of the library
/// runs any more, and what callbacks use may go. False when something was still running after `deadline`, as a callback
/// that has not returned or a transport of the application that does not answer. No callback begins after that either,
/// but those of such calls, which then end.
pub fn shutdown(deadline: Duration) -> bool {
    let until = Instant::now().checked_add(deadline);
    SHUT_DOWN.store(true, Ordering::Release);
    if is_foreign() {
        // The threads are the parent's.
        return true;
    }
    registry::end_all();
    app::App::clear_cached();
    let ended = app::end_threads(until);
    calls::wait_for_all(until) && ended
}
