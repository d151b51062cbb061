//! What the entries do with the handles of the program: look an object up, work on it, give it and take it back.

use std::any::{Any, type_name};
use std::ffi::c_char;
use std::ptr;
use std::sync::{Arc, Mutex, TryLockError};

use super::{Text, enter, missing, realm_ingest_code, realm_ingest_error, registry};
use crate::error::{Error, Result};
use crate::ffi::os::signals;
use crate::ffi::{guard, guard_or};
use crate::process;

/// The object of a handle, or why there is none.
pub(super) fn live<T: Any + Send + Sync>(handle: *const T, name: &str) -> Result<Arc<T>> {
    if handle.is_null() {
        return Err(missing(name));
    }
    registry::find(handle).ok_or_else(|| dead::<T>(name))
}

/// An object for one thread at a time.
pub(super) trait Exclusive: Any + Send + Sync {
    type Inner;
    fn lock(&self) -> &Mutex<Self::Inner>;
}

/// Works on an object for one thread at a time, or refuses to while another call does.
pub(super) fn alone<T: Exclusive, R>(
    handle: *const T,
    name: &str,
    work: impl FnOnce(&mut T::Inner) -> Result<R>,
) -> Result<R> {
    let object = live(handle, name)?;
    let mut inner = match object.lock().try_lock() {
        Ok(inner) => inner,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            return Err(Error::Logic(format!(
                "{name} is in use by another call: a {} is for one thread at a time",
                name_of::<T>()
            )));
        }
    };
    work(&mut inner)
}

/// An entry that works on an object for one thread at a time.
///
/// # Safety
/// As [`enter`].
pub(super) unsafe fn change<T: Exclusive>(
    handle: *const T,
    name: &str,
    error: *mut *mut realm_ingest_error,
    work: impl FnOnce(&mut T::Inner) -> Result<()>,
) -> realm_ingest_code {
    // SAFETY: the caller promises it.
    unsafe { enter(error, || alone(handle, name, work)) }
}

/// Looks at an object where there is no way to tell of failure: a handle that is not live is a line of the log, and NULL
/// is none.
pub(super) fn seen<T: Any + Send + Sync, R>(handle: *const T, fallback: R, look: impl FnOnce(&T) -> R) -> R {
    if handle.is_null() {
        return fallback;
    }
    // Not dropped before the end: another thread may have freed the handle meanwhile.
    match registry::find(handle) {
        Some(object) => guard_or(fallback, || look(&object)),
        None => {
            complain(&dead::<T>("the handle"));
            fallback
        }
    }
}

/// Text of an object, or NULL.
///
/// # Safety
/// `length` is NULL or may be written.
pub(super) unsafe fn shown<T: Any + Send + Sync>(
    handle: *const T,
    length: *mut usize,
    find: impl FnOnce(&T) -> Option<&Text>,
) -> *const c_char {
    seen(handle, ptr::null(), |object| {
        // SAFETY: the caller promises it.
        find(object).map_or(ptr::null(), |text| unsafe { text.show(length) })
    })
}

/// Gives `value` to the caller, who frees it.
pub(super) fn give<T: Any + Send + Sync>(slot: &mut *mut T, value: T) {
    *slot = registry::add(value);
}

/// Shows `value` to a callback, for as long as that runs.
pub(super) fn lend<T: Any + Send + Sync>(value: T, show: impl FnOnce(*const T)) {
    let handle = registry::add(value);
    show(handle);
    drop(registry::remove(handle));
}

/// Takes back what [`give`] gave. It ends when no call uses it any more.
pub(super) fn free<T: Any + Send + Sync>(handle: *mut T) {
    // What a forked child inherited is not its own to free.
    if handle.is_null() || process::is_foreign() && registry::find(handle).is_none() {
        return;
    }
    let freed = signals::shielded(|| {
        guard(|| {
            let object = registry::remove(handle).ok_or_else(|| dead::<T>("what is freed"))?;
            drop(object);
            Ok(())
        })
    });
    if let Err(error) = freed {
        complain(&error);
    }
}

fn dead<T>(name: &str) -> Error {
    Error::InvalidArgument(format!(
        "{name} is not a live {}: it was freed before, or never was one",
        name_of::<T>()
    ))
}

/// What C calls a type.
fn name_of<T>() -> &'static str {
    let path = type_name::<T>();
    path.rsplit("::").next().unwrap_or(path)
}

/// For calls that have no way to tell of failure.
fn complain(error: &Error) {
    // The locks of a forked child's log may be held for ever.
    if !process::is_foreign() {
        log::error!(target: "ingest::ffi", "{error}");
    }
}
