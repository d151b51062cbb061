//! Realms: what data is written into.

use std::time::Duration;

use super::realm_config::realm_ingest_realm_config;
use super::user::realm_ingest_user;
use super::{
    Handle, alone, enter, free, give, live, output, realm_ingest_code, realm_ingest_error, registry,
};
use crate::error::{Error, Result};
use crate::ffi::host;
use crate::realm::Realm;
use crate::uploader::session::Session;

/// An open realm.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_realm_free`.
pub struct realm_ingest_realm(Handle<Realm>);

impl realm_ingest_realm {
    pub(super) fn handle(&self) -> &Handle<Realm> {
        &self.0
    }
}

/// Opens a realm for a user and starts to upload what it holds. Does not wait for the server. The configuration is
/// copied.
///
/// Threads: one at a time for `config`. Ownership: gives `realm`, which `realm_ingest_realm_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `realm` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_new(
    user: *const realm_ingest_user,
    config: *const realm_ingest_realm_config,
    error: *mut *mut realm_ingest_error,
    realm: *mut *mut realm_ingest_realm,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            host::prepare();
            let slot = output(realm, "realm")?;
            let user = live(user, "user")?;
            let chosen = alone(config, "config", |config| Ok(config.clone()))?;
            let open = |user: &_| Realm::open(user, chosen.settings, chosen.handler);
            let opened = user.handle().call(open)?;
            give(slot, realm_ingest_realm(Handle::new(opened)));
            Ok(())
        })
    }
}

/// # Errors
/// The realm is closed: its session may still upload, which nobody waits for.
pub(super) fn session_to_wait_for(realm: &Realm) -> Result<Session> {
    if realm.is_closed() {
        return Err(Error::Closed);
    }
    Ok(realm.session())
}

/// Waits until the server has acknowledged everything committed before the call. After `timeout_ms` milliseconds (below
/// 0: never) it gives up with REALM_INGEST_WAIT_TIMED_OUT; the upload goes on.
///
/// Threads: any, in no callback. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_wait_for_upload(
    realm: *const realm_ingest_realm,
    timeout_ms: i64,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
            live(realm, "realm")?
                .0
                .call(|realm| session_to_wait_for(realm)?.wait_for_upload_blocking(timeout))
        })
    }
}

/// How many documents wait to be acknowledged.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written; `documents` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_pending(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
    documents: *mut u64,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(documents, "documents")?;
            *slot = live(realm, "realm")?.0.call(Realm::pending)?.objects;
            Ok(())
        })
    }
}

/// Closes a realm; the second time does nothing. What waits stays in the file and is uploaded as the stop policy says,
/// or after the next start. The file is closed, too, once nobody has it open and the session has ended.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_close(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    let close = |realm: &Realm| {
        realm.close();
        Ok(())
    };
    // SAFETY: the caller promises what each step needs.
    unsafe { enter(error, || live(realm, "realm")?.0.call(close)) }
}

/// Closes and frees a realm; NULL is fine. Its transactions that are still there can no longer be committed.
///
/// Threads: any. Ownership: takes `realm`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_realm_free(realm: *mut realm_ingest_realm) {
    // A transaction or a call of another thread may keep the object for longer.
    if let Some(realm) = registry::find(realm) {
        realm.0.read((), Realm::close);
    }
    free(realm)
}
