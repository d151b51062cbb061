//! Code of the application that the library's own work waits for, on any thread: its HTTP, its log, its word on
//! certificates. To wait there for what the library does would be to wait for oneself.

use std::cell::Cell;

thread_local! {
    /// One may lead to another: HTTP is logged.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Undone also by a panic.
struct Running;

impl Drop for Running {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Runs such code.
pub(crate) fn run<T>(code: impl FnOnce() -> T) -> T {
    DEPTH.set(DEPTH.get() + 1);
    let _running = Running;
    code()
}

/// Whether the calling thread is in such code.
pub(crate) fn is_running() -> bool {
    DEPTH.get() > 0
}
