//! The one seam between Rust and its callers, and the only module with `unsafe`: the bridge for C++ ([`bridge`])
//! and the C ABI ([`capi`]). Both are thin: convert, guard, call.
//!
//! No panic leaves this module. It becomes [`Error::Panic`], and the handle whose call panicked, with all its
//! duplicates, refuses further work: what it guards may be half changed. No signal that a call raises reaches the host
//! ([`os::signals`]).
#![allow(unsafe_code, reason = "this module is the seam")]

mod app_handles;
mod bridge;
mod callbacks;
mod capi;
mod convert;
mod handles;
mod host;
mod http_settings;
mod one_request;
mod options;
pub(crate) mod os;
mod receipts;
pub(crate) mod sqlite;

use crate::error::{Error, Result};
use crate::process;
use os::signals;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs `work`; a panic becomes an error.
fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(Error::Panic(panic_text(&*panic))))
}

/// Runs `work`, which has no way to tell of failure.
fn guard_or<T>(fallback: T, work: impl FnOnce() -> T) -> T {
    guard(|| Ok(work())).unwrap_or_else(|error| {
        log::error!(target: "ingest::ffi", "{error}");
        fallback
    })
}

/// Shuts the library down; below 0 it waits without end.
fn end_within(timeout_ms: i64) -> bool {
    let limit = u64::try_from(timeout_ms).map_or(Duration::MAX, Duration::from_millis);
    signals::shielded(|| guard_or(false, || process::shutdown(limit)))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}

/// What a caller holds: something of the library, or nothing where the call that should have made it failed.
struct Handle<T> {
    inner: Option<T>,
    /// Set by a panic, for this handle and its duplicates.
    broken: Arc<AtomicBool>,
}

impl<T> Handle<T> {
    fn new(inner: T) -> Self {
        Handle {
            inner: Some(inner),
            broken: Arc::default(),
        }
    }

    fn null() -> Self {
        Handle {
            inner: None,
            broken: Arc::default(),
        }
    }

    fn is_null(&self) -> bool {
        self.inner.is_none()
    }

    /// # Errors
    /// Those of `work`, a panic in it or in an earlier call, that there is nothing to work on, or that this process
    /// may not use the library (any more).
    fn call<R>(&self, work: impl FnOnce(&T) -> Result<R>) -> Result<R> {
        process::check()?;
        if self.broken.load(Ordering::Acquire) {
            return Err(Error::Panic(
                "an earlier call panicked, so this handle does no more work".to_owned(),
            ));
        }
        let inner = self
            .inner
            .as_ref()
            .ok_or_else(|| Error::Logic("the handle is empty".to_owned()))?;
        let result = signals::shielded(|| guard(|| work(inner)));
        if matches!(result, Err(Error::Panic(_))) {
            self.broken.store(true, Ordering::Release);
        }
        result
    }

    /// For calls that have no way to tell of failure.
    fn read<R>(&self, fallback: R, work: impl FnOnce(&T) -> R) -> R {
        self.call(|inner| Ok(work(inner))).unwrap_or(fallback)
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        // What a forked child inherited has locks that may be held for ever, and files that are the parent's.
        if process::is_foreign() {
            std::mem::forget(self.inner.take());
        } else if let Some(inner) = self.inner.take() {
            // The last handle closes files.
            signals::shielded(|| drop(inner));
        }
    }
}

impl<T: Clone> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Handle {
            inner: self.inner.clone(),
            broken: self.broken.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "the panic is what is tested")]

    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_text() {
        let error = guard::<()>(|| panic!("number {}", 7)).map_err(|error| error.to_string());
        assert_eq!(error, Err("internal error: number 7".to_owned()));
        assert_eq!(guard_or(5, || panic!("again")), 5);
    }

    #[test]
    fn a_handle_that_panicked_does_no_more_work_nor_do_its_duplicates() {
        let handle = Handle::new(1);
        let other = handle.clone();
        assert_eq!(handle.read(0, |it| *it), 1);
        assert!(handle.call::<()>(|_| panic!("broken")).is_err());
        assert_eq!(other.read(0, |it| *it), 0);
        assert!(
            matches!(other.call(|_| Ok(())), Err(Error::Panic(text)) if text.starts_with("an earlier call"))
        );
    }

    #[test]
    fn an_empty_handle_says_so() {
        let handle = Handle::<i32>::null();
        assert!(handle.is_null());
        assert!(matches!(handle.call(|_| Ok(())), Err(Error::Logic(_))));
    }
}
