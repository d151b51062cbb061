//! Learns of a fork in the child, before anything else runs there.

use std::sync::atomic::{AtomicBool, Ordering};

static FORKED: AtomicBool = AtomicBool::new(false);

extern "C" fn in_the_child() {
    FORKED.store(true, Ordering::Relaxed);
}

/// From now on [`happened`] is true in every child. False where the system has no room for that.
pub(crate) fn notice() -> bool {
    // SAFETY: the function stays as long as the library, which is never unloaded, and does nothing that is not allowed
    // between fork and exec.
    unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) == 0 }
}

/// Whether this process was forked since.
pub(crate) fn happened() -> bool {
    FORKED.load(Ordering::Relaxed)
}
