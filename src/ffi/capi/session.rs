//! The session of a realm: what it is doing, how it is stopped, and who is told of its connection.

use std::ffi::c_void;

use super::realm::realm_ingest_realm;
use super::{
    Callback, enter, live, output, realm_ingest_code, realm_ingest_error, realm_ingest_free_callback,
};
use crate::error::Result;
use crate::realm::Realm;
use crate::uploader::session::{ConnectionState, Session};

/// Stops the upload of the realm's path until `realm_ingest_realm_resume`. Writes are kept. Waits that have begun fail.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_pause(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe { enter(error, || of_session(realm, Session::pause)) }
}

/// Undoes `realm_ingest_realm_pause`. A session that a fatal error made inactive tries again at once.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_resume(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe { enter(error, || of_session(realm, Session::resume)) }
}

/// Ends the pause between two attempts to connect, as when the network is there again; during an attempt, the one that
/// would follow it. An application that allowed no upload is asked again, and where another address stands in for the
/// app's, the app's is tried again.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_reconnect(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe { enter(error, || of_session(realm, Session::reconnect)) }
}

/// What the session is doing: one of the REALM_INGEST_SESSION_ constants. With urgent classes it is the state that is
/// farthest from uploading.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written; `state` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_state(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
    state: *mut u8,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(state, "state")?;
            *slot = of_session(realm, Session::state)? as u8;
            Ok(())
        })
    }
}

/// Whether the server answers: one of the REALM_INGEST_CONNECTION_ constants.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written; `state` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_connection_state(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
    state: *mut u8,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(state, "state")?;
            *slot = of_session(realm, Session::connection_state)? as u8;
            Ok(())
        })
    }
}

fn of_session<T>(realm: *const realm_ingest_realm, work: impl FnOnce(&Session) -> T) -> Result<T> {
    let realm = live(realm, "realm")?;
    realm.handle().call(|realm| Ok(work(&realm.session())))
}

/// Gets the connection's old and new state, of the REALM_INGEST_CONNECTION_ constants.
///
/// Threads: one of the library's, from which no wait may be called. Ownership: none.
pub type realm_ingest_connection_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, old_state: u8, new_state: u8)>;

/// Calls back at every change of the connection until `realm_ingest_realm_remove_connection_change` or until the realm is
/// closed or freed, which waits for a callback that is running, as removing does. `free_userdata`, which may be NULL, is
/// called also where this call fails.
///
/// Threads: any. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` is NULL or may be
/// written; `token` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_on_connection_change(
    realm: *const realm_ingest_realm,
    callback: realm_ingest_connection_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
    token: *mut u64,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(token, "token")?;
            let callback = callback.ok_or_else(|| super::missing("callback"))?;
            let observer = move |old: ConnectionState, new: ConnectionState| {
                callback.call(|function, userdata| function(userdata, old as u8, new as u8));
            };
            let realm = live(realm, "realm")?;
            let observe = |realm: &Realm| realm.observe_connection(observer);
            *slot = realm.handle().call(observe)?;
            Ok(())
        })
    }
}

/// Ends the callbacks of this token. When this returns none is running and none will be, so what the callback uses may go:
/// it waits for one that is running, unless that is the caller itself. A token that is not known is ignored.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_remove_connection_change(
    realm: *const realm_ingest_realm,
    token: u64,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            live(realm, "realm")?.handle().call(|realm| {
                realm.unobserve_connection(token);
                Ok(())
            })
        })
    }
}
