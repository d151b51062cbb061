//! The app.

use std::ffi::c_char;

use super::app_config::realm_ingest_app_config;
use super::text::realm_ingest_text;
use super::{
    Handle, alone, enter, free, give, given_text, live, output, realm_ingest_code, realm_ingest_error, text,
};
use crate::app::App;
use crate::ffi::os::signals;
use crate::ffi::{convert, guard_or, host};

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
