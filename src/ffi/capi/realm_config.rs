//! How a realm is opened.

use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex};

use super::error::realm_ingest_sync_error;
use super::http::header;
use super::{
    Callback, Exclusive, change, enter, free, give, lend, output, realm_ingest_code, realm_ingest_error,
    realm_ingest_free_callback, text,
};
use crate::error::SyncError;
use crate::ffi::handles::stop_policy;
use crate::realm::{ErrorHandler, RealmConfig};

/// Gets what a session reports.
///
/// Threads: one of the library's, from which no wait may be called. Ownership: borrows `error`.
pub type realm_ingest_sync_error_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, error: *const realm_ingest_sync_error)>;

/// How a realm is opened.
///
/// Threads: one at a time. Ownership: the caller's, until `realm_ingest_realm_config_free`.
pub struct realm_ingest_realm_config(Mutex<Chosen>);

/// What a configuration holds.
#[derive(Clone)]
pub(super) struct Chosen {
    pub(super) settings: RealmConfig,
    pub(super) handler: Option<ErrorHandler>,
}

impl Exclusive for realm_ingest_realm_config {
    type Inner = Chosen;

    fn lock(&self) -> &Mutex<Chosen> {
        &self.0
    }
}

/// The defaults with these classes: a JSON document such as
/// `{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[{"name":"_id","type":"objectId"}]}]}`.
/// It is checked when a realm is opened with it.
///
/// Threads: any. Ownership: gives `config`, which `realm_ingest_realm_config_free` ends.
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
            let slot = output(config, "config")?;
            let settings = RealmConfig::new(text(schema_json, schema_json_length, "schema_json")?);
            let chosen = Chosen {
                settings,
                handler: None,
            };
            give(slot, realm_ingest_realm_config(Mutex::new(chosen)));
            Ok(())
        })
    }
}

/// A file of its own, in place of the user's default one. Its directory must exist.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `path` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_path(
    config: *mut realm_ingest_realm_config,
    path: *const c_char,
    path_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.settings.path = Some(super::path(path, path_length, "path")?.to_owned());
            Ok(())
        })
    }
}

/// What the session does after the last close: one of the REALM_INGEST_STOP_ constants.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_stop_policy(
    config: *mut realm_ingest_realm_config,
    policy: u8,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.settings.stop_policy = stop_policy(policy)?;
            Ok(())
        })
    }
}

/// Who gets the session's errors; NULL for nobody. Where the path is already open, its first callback stays.
/// `free_userdata`, which may be NULL, is called also where this call fails.
///
/// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` is NULL or may be
/// written.
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
        change(config, "config", error, |config| {
            config.handler = callback.map(|callback| {
                Arc::new(move |error: &SyncError| {
                    lend(realm_ingest_sync_error::from(error), |error| {
                        callback.call(|function, userdata| function(userdata, error));
                    });
                }) as ErrorHandler
            });
            Ok(())
        })
    }
}

/// Sends a header with every request of the session, in place of the library's own of the same name. One that HTTP does
/// not allow is refused when the realm is opened. Not where the app has an HTTP callback.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_add_header(
    config: *mut realm_ingest_realm_config,
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let header = header(name, name_length, value, value_length)?;
            config.settings.headers.push(header);
            Ok(())
        })
    }
}

/// The proxy of the session, in place of the app's: `http://[user:password@]host:port`. Not where the app has an HTTP
/// callback.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `url` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_proxy(
    config: *mut realm_ingest_realm_config,
    url: *const c_char,
    url_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.settings.proxy = Some(text(url, url_length, "url")?.to_owned());
            Ok(())
        })
    }
}

/// Frees a configuration; NULL is fine. Realms opened with it keep its callback.
///
/// Threads: any. Ownership: takes `config`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_realm_config_free(config: *mut realm_ingest_realm_config) {
    free(config)
}
