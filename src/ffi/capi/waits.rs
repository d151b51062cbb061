//! Waits that end in a callback.

use std::ffi::c_void;

use super::realm::{realm_ingest_realm, session_to_wait_for};
use super::{
    Callback, enter, lend, live, missing, realm_ingest_code, realm_ingest_error, realm_ingest_free_callback,
};
use crate::error::{Error, Result};
use crate::uploader::session::Session;

/// Gets the end of a wait, once. `error` is NULL where what was waited for has happened, and says otherwise why it will not.
///
/// Threads: one of the library's, from which no wait may be called. Ownership: borrows `error`.
pub type realm_ingest_wait_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, error: *const realm_ingest_error)>;

/// See [`realm_ingest_wait_callback`].
type WaitFunction = unsafe extern "C" fn(*mut c_void, *const realm_ingest_error);

/// Calls back once, when the server has acknowledged everything committed before this call, or that will not happen: as
/// `realm_ingest_realm_wait_for_upload`, without a thread that waits. `free_userdata`, which may be NULL, is called also where
/// this call fails; the callback is not called then, nor where the library is shut down while callbacks run. `token`, which
/// may be NULL, is for `realm_ingest_realm_give_up`.
///
/// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` and `token` are NULL or
/// may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_on_upload(
    realm: *const realm_ingest_realm,
    callback: realm_ingest_wait_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
    token: *mut u64,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            wait(realm, callback, token.as_mut(), Session::wait_for_upload)
        })
    }
}

/// Calls back once, when the server has answered a request that began after this call, or that will not happen: whether it
/// can be reached with this user. Otherwise as `realm_ingest_realm_on_upload`.
///
/// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` and `token` are NULL or
/// may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_on_answer(
    realm: *const realm_ingest_realm,
    callback: realm_ingest_wait_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
    token: *mut u64,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            wait(realm, callback, token.as_mut(), Session::wait_for_download)
        })
    }
}

type Done = Box<dyn FnOnce(Result<()>) + Send>;

fn wait(
    realm: *const realm_ingest_realm,
    callback: Option<Callback<WaitFunction>>,
    token: Option<&mut u64>,
    begin: impl FnOnce(&Session, Done) -> u64,
) -> Result<()> {
    let callback = callback.ok_or_else(|| missing("callback"))?;
    let done: Done = Box::new(move |result| tell(&callback, result.err()));
    let begun = live(realm, "realm")?
        .handle()
        .call(|realm| Ok(begin(&session_to_wait_for(realm)?, done)))?;
    if let Some(token) = token {
        *token = begun;
    }
    Ok(())
}

/// Gives up what `realm_ingest_realm_on_upload`, `realm_ingest_realm_on_answer` or `realm_ingest_realm_on_settled` waits for:
/// its userdata is freed, and it is not called back, unless that is under way. A wait that has ended is ignored.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_give_up(
    realm: *const realm_ingest_realm,
    token: u64,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            live(realm, "realm")?.handle().call(|realm| {
                realm.give_up(token);
                Ok(())
            })
        })
    }
}

fn tell(callback: &Callback<WaitFunction>, failure: Option<Error>) {
    let call = |error: *const realm_ingest_error| {
        callback.call(|function, userdata| {
            // SAFETY: who gave the callback promised it; the error lives for the call.
            unsafe { function(userdata, error) }
        });
    };
    match failure {
        Some(failure) => lend(realm_ingest_error::from(&failure), call),
        None => call(std::ptr::null()),
    }
}
