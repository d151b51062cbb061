//! Realms: what data is written into.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use super::error::realm_ingest_sync_error;
use super::user::realm_ingest_user;
use super::{
    Callback, Handle, enter, give, realm_ingest_code, realm_ingest_error, realm_ingest_free_callback,
    required, required_mut, take, text,
};
use crate::error::SyncError;
use crate::ffi::handles::stop_policy;
use crate::ffi::host;
use crate::realm::{ErrorHandler, Realm, RealmConfig};

/// Gets what a session reports, on a thread of the library: return soon, and do not wait for an upload there. `error`
/// lives until the callback returns.
pub type realm_ingest_sync_error_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, error: *const realm_ingest_sync_error)>;

/// How a realm is opened. One thread at a time.
pub struct realm_ingest_realm_config {
    settings: RealmConfig,
    handler: Option<ErrorHandler>,
}

impl realm_ingest_realm_config {
    pub(super) fn chosen(&self) -> &RealmConfig {
        &self.settings
    }

    pub(super) fn settings(&mut self) -> &mut RealmConfig {
        &mut self.settings
    }
}

/// The defaults with these classes: a JSON document such as
/// `{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"objectId"}]}]}`.
/// It is checked when a realm is opened with it.
///
/// # Safety
/// `schema_json` points to its bytes; `error` is NULL or may be written; `config` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_new(
    schema_json: *const c_char,
    schema_json_length: usize,
    error: *mut *mut realm_ingest_error,
    config: *mut *mut realm_ingest_realm_config,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(config, "config")?;
            let settings = RealmConfig::new(text(schema_json, schema_json_length, "schema_json")?);
            give(
                slot,
                realm_ingest_realm_config {
                    settings,
                    handler: None,
                },
            );
            Ok(())
        })
    }
}

/// A file of its own, in place of the user's default one. Its directory must exist.
///
/// # Safety
/// `config` is live and nobody else uses it; `path` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_path(
    config: *mut realm_ingest_realm_config,
    path: *const c_char,
    path_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let config = required_mut(config, "config")?;
            config.settings.path = Some(super::path(path, path_length, "path")?.to_owned());
            Ok(())
        })
    }
}

/// What the session does after the last close: one of the REALM_INGEST_STOP_ constants.
///
/// # Safety
/// `config` is live and nobody else uses it; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_stop_policy(
    config: *mut realm_ingest_realm_config,
    policy: u8,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            required_mut(config, "config")?.settings.stop_policy = stop_policy(policy)?;
            Ok(())
        })
    }
}

/// Who gets the session's errors; NULL for nobody. Where the path is already open, its first callback stays.
/// `free_userdata`, which may be NULL, is called also where this call fails.
///
/// # Safety
/// `config` is live and nobody else uses it; `callback` may be called with `userdata` on any thread until
/// `free_userdata` has been; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_error_callback(
    config: *mut realm_ingest_realm_config,
    callback: realm_ingest_sync_error_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let config = required_mut(config, "config")?;
            config.handler = callback.map(|callback| {
                Arc::new(move |error: &SyncError| {
                    let error = realm_ingest_sync_error::from(error);
                    callback.call(|function, userdata| function(userdata, &error));
                }) as ErrorHandler
            });
            Ok(())
        })
    }
}

/// Frees a configuration; NULL is fine. Realms opened with it keep its callback.
///
/// # Safety
/// `config` is NULL or was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_free(config: *mut realm_ingest_realm_config) {
    // SAFETY: the caller promises it.
    unsafe { take(config) }
}

/// An open realm. Any thread may use it, also several at once.
pub struct realm_ingest_realm(Arc<Handle<Realm>>);

impl realm_ingest_realm {
    pub(super) fn handle(&self) -> &Arc<Handle<Realm>> {
        &self.0
    }
}

/// Opens a realm for a user and starts to upload what it holds. Does not wait for the server. The configuration is
/// copied.
///
/// # Safety
/// `user` and `config` are live; `error` is NULL or may be written; `realm` may be written.
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
            let slot = required_mut(realm, "realm")?;
            let user = required(user, "user")?;
            let config = required(config, "config")?;
            let open = |user: &_| Realm::open(user, config.settings.clone(), config.handler.clone());
            let opened = user.handle().call(open)?;
            give(slot, realm_ingest_realm(Arc::new(Handle::new(opened))));
            Ok(())
        })
    }
}

/// Waits until the server has acknowledged everything committed before the call. After `timeout_ms` milliseconds (below
/// 0: never) it gives up with REALM_INGEST_WAIT_TIMED_OUT; the upload goes on.
///
/// # Safety
/// `realm` is live; `error` is NULL or may be written.
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
            required(realm, "realm")?
                .0
                .call(|realm| realm.session().wait_for_upload_blocking(timeout))
        })
    }
}

/// How many documents wait to be acknowledged.
///
/// # Safety
/// `realm` is live; `error` is NULL or may be written; `documents` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_pending(
    realm: *const realm_ingest_realm,
    error: *mut *mut realm_ingest_error,
    documents: *mut u64,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(documents, "documents")?;
            *slot = required(realm, "realm")?.0.call(Realm::pending)?.objects;
            Ok(())
        })
    }
}

/// Closes a realm; the second time does nothing. What waits stays in the file and is uploaded as the stop policy says,
/// or after the next start.
///
/// # Safety
/// `realm` is live; `error` is NULL or may be written.
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
    unsafe { enter(error, || required(realm, "realm")?.0.call(close)) }
}

/// Closes and frees a realm; NULL is fine. Its transactions that are still there can no longer be committed.
///
/// # Safety
/// `realm` is NULL or was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_free(realm: *mut realm_ingest_realm) {
    // SAFETY: the caller promises it; NULL has nothing to close.
    unsafe {
        if let Some(realm) = realm.as_ref() {
            realm.0.read((), Realm::close);
        }
        take(realm)
    }
}
