//! Calls that run on threads which the library did not start, and that end in what the application gave them. The end of
//! the library's work waits for them as it does for its own threads.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::process;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

thread_local! {
    static HERE: Cell<bool> = const { Cell::new(false) };
}

fn running() -> MutexGuard<'static, usize> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One call, which is running until this is dropped, on any thread.
pub(crate) struct RunningCall(());

impl RunningCall {
    /// None where this process may not use the library (any more).
    pub(crate) fn begin() -> Option<RunningCall> {
        // A forked child's lock may be held for ever.
        process::check().ok()?;
        let mut running = running();
        // Seen under the lock, the end of the library comes after this call is counted.
        process::check().ok()?;
        *running += 1;
        Some(RunningCall(()))
    }

    /// The calling thread, which ends with the call, is the one it runs on.
    pub(crate) fn enter(&self) {
        HERE.set(true);
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        // The count is the parent's.
        if !process::is_foreign() {
            *running() -= 1;
            ENDED.notify_all();
        }
    }
}

/// Waits until no call is running, or this time. Whether none is; one on the calling thread cannot be waited for.
pub(crate) fn wait_for_all(until: Option<Instant>) -> bool {
    if HERE.get() {
        return false;
    }
    let mut running = running();
    while *running > 0 {
        running = match until.map(|until| until.saturating_duration_since(Instant::now())) {
            None => ENDED.wait(running).unwrap_or_else(PoisonError::into_inner),
            Some(left) if left.is_zero() => return false,
            Some(left) => {
                let waited = ENDED.wait_timeout(running, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
    true
}
