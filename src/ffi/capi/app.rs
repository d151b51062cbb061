//! The app.

use std::ffi::c_char;
use std::sync::Mutex;

use super::text::realm_ingest_text;
use super::{
    Exclusive, Handle, alone, change, enter, free, give, given_key, given_text, live, output,
    realm_ingest_code, realm_ingest_error, text,
};
use crate::app::{App, AppConfig};
use crate::ffi::os::signals;
use crate::ffi::{convert, guard_or, host};

/// How an app is opened.
///
/// Threads: one at a time. Ownership: the caller's, until `realm_ingest_app_config_free`.
pub struct realm_ingest_app_config(Mutex<AppConfig>);

impl Exclusive for realm_ingest_app_config {
    type Inner = AppConfig;

    fn lock(&self) -> &Mutex<AppConfig> {
        &self.0
    }
}

/// The defaults for this client app id: the server's address from the environment variable REALM_INGEST_URL, files
/// beneath the process's current directory.
///
/// Threads: any. Ownership: gives `config`, which `realm_ingest_app_config_free` ends.
///
/// # Safety
/// `app_id` points to its bytes; `error` is NULL or may be written; `config` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_new(
    app_id: *const c_char,
    app_id_length: usize,
    error: *mut *mut realm_ingest_error,
    config: *mut *mut realm_ingest_app_config,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(config, "config")?;
            let settings = AppConfig::new(text(app_id, app_id_length, "app_id")?);
            give(slot, realm_ingest_app_config(Mutex::new(settings)));
            Ok(())
        })
    }
}

/// Where the server is, such as `https://ingest.example.com`.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `url` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_base_url(
    config: *mut realm_ingest_app_config,
    url: *const c_char,
    url_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.base_url = Some(text(url, url_length, "url")?.to_owned());
            Ok(())
        })
    }
}

/// One more address of the same service, which must be one with one state by whichever it is reached. Requests go to the
/// next address while one cannot be reached, and to the base URL again once it answers; log-ins too.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `url` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_add_fallback_url(
    config: *mut realm_ingest_app_config,
    url: *const c_char,
    url_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let url = text(url, url_length, "url")?;
            config.fallback_urls.push(url.to_owned());
            Ok(())
        })
    }
}

/// The directory for files; the library makes `mongodb-realm` beneath it.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `path` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_path(
    config: *mut realm_ingest_app_config,
    path: *const c_char,
    path_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.path = Some(super::path(path, path_length, "path")?.to_owned());
            Ok(())
        })
    }
}

/// Encrypts the file with users and tokens. A key has 64 bytes; NULL stands for no encryption, and an empty key is refused.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `key` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_metadata_encryption_key(
    config: *mut realm_ingest_app_config,
    key: *const u8,
    key_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.metadata_encryption_key = given_key(key, key_length, "key")?;
            Ok(())
        })
    }
}

/// Whether apps of one id and address are the same one in this process, with the settings of the first; they are by
/// default.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_caching(
    config: *mut realm_ingest_app_config,
    enabled: bool,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.enable_caching = enabled;
            Ok(())
        })
    }
}

/// Frees a configuration; NULL is fine.
///
/// Threads: any. Ownership: takes `config`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_app_config_free(config: *mut realm_ingest_app_config) {
    free(config)
}

/// An app: its server and its users.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_app_free`.
pub struct realm_ingest_app(Handle<App>);

impl realm_ingest_app {
    pub(super) fn handle(&self) -> &Handle<App> {
        &self.0
    }
}

/// Opens an app. The configuration is copied. Does not use the network. From now on a forked child of this process
/// cannot use the library: every call in it that returns a `realm_ingest_code` fails with REALM_INGEST_LOGIC_ERROR.
///
/// Threads: one at a time for `config`. Ownership: gives `app`, which `realm_ingest_app_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `app` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_new(
    config: *const realm_ingest_app_config,
    error: *mut *mut realm_ingest_error,
    app: *mut *mut realm_ingest_app,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            host::prepare();
            let slot = output(app, "app")?;
            let settings = alone(config, "config", |settings| Ok(settings.clone()))?;
            give(slot, realm_ingest_app(Handle::new(App::open(settings)?)));
            Ok(())
        })
    }
}

/// Frees an app; NULL is fine. Its open realms work on.
///
/// Threads: any. Ownership: takes `app`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_app_free(app: *mut realm_ingest_app) {
    free(app)
}

/// The app that is open under this id, and under this address where one is given; `base_url` is NULL for any. NULL
/// where there is none.
///
/// Threads: any. Ownership: gives `app`, which `realm_ingest_app_free` ends.
///
/// # Safety
/// The texts point to their bytes; `error` is NULL or may be written; `app` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_cached(
    app_id: *const c_char,
    app_id_length: usize,
    base_url: *const c_char,
    base_url_length: usize,
    error: *mut *mut realm_ingest_error,
    app: *mut *mut realm_ingest_app,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(app, "app")?;
            let app_id = text(app_id, app_id_length, "app_id")?;
            let base_url = given_text(base_url, base_url_length, "base_url")?;
            match App::cached(app_id, base_url) {
                Some(app) => give(slot, realm_ingest_app(Handle::new(app))),
                None => *slot = std::ptr::null_mut(),
            }
            Ok(())
        })
    }
}

/// Forgets which apps are open in this process, so that the next one is made anew. Handles stay usable.
///
/// Threads: any. Ownership: none.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_clear_cached_apps() {
    signals::shielded(|| guard_or((), App::clear_cached));
}

/// The address that was configured, without a slash at its end.
///
/// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_base_url(
    app: *const realm_ingest_app,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(text, "text")?;
            let app = live(app, "app")?;
            give(
                slot,
                realm_ingest_text::new(app.0.call(|app| Ok(app.base_url()))?),
            );
            Ok(())
        })
    }
}

/// What the server's clock shows by its answers so far, in milliseconds since 1970, and how far that may be off, either way.
/// Asks no server. `known` says whether there was an answer yet; the others are written only then.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written; the outputs may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_server_time(
    app: *const realm_ingest_app,
    error: *mut *mut realm_ingest_error,
    known: *mut bool,
    now_ms: *mut i64,
    uncertainty_ms: *mut u64,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let known = output(known, "known")?;
            let now_ms = output(now_ms, "now_ms")?;
            let uncertainty_ms = output(uncertainty_ms, "uncertainty_ms")?;
            let time = live(app, "app")?.0.call(|app| Ok(app.server_time()))?;
            *known = time.is_some();
            if let Some(time) = time {
                *now_ms = convert::micros_since_1970(time.now) / 1000;
                // What the division cut off counts, too.
                *uncertainty_ms = convert::whole_millis(time.uncertainty) + 1;
            }
            Ok(())
        })
    }
}

/// Moves to another server, which is asked for its location first; where that fails the old one stays. Empty means the
/// default. Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `url` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_update_base_url(
    app: *const realm_ingest_app,
    url: *const c_char,
    url_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let url = text(url, url_length, "url")?;
            app.0.call(|app| app.update_base_url(url))
        })
    }
}
