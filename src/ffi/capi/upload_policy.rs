//! When the session of a realm may use the network, and how much of it.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use super::realm_config::realm_ingest_realm_config;
use super::{Callback, change, realm_ingest_code, realm_ingest_error, realm_ingest_free_callback};
use crate::ffi::options;
use crate::realm::{MayUpload, TimeWindow};

/// How long the first transaction that waits is kept for more to come, in milliseconds, so that the network is used less
/// often; 0 by default. Not where its classes are urgent, a batch is full, a thread waits for the upload or for a receipt, or
/// the realm was closed.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_batch_delay(
    config: *mut realm_ingest_realm_config,
    delay_ms: u64,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let upload = &mut config.settings.upload;
            upload.batch_delay = Duration::from_millis(delay_ms);
            Ok(())
        })
    }
}

/// The most bytes of request bodies a second, over a while; REALM_INGEST_NO_LIMIT by default. Urgent classes come first. With
/// a rate, what an earlier run left is sent once a realm is opened there, and not before.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_bytes_per_second(
    config: *mut realm_ingest_realm_config,
    bytes: u64,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let upload = &mut config.settings.upload;
            upload.bytes_per_second = options::given(bytes);
            Ok(())
        })
    }
}

/// One more time of the day in which uploads are allowed: from its first minute since midnight (below 1440) to the one
/// behind its last (up to 1440), by the device's local time. It may go over midnight: 1320 to 360 is from 22:00 to 6:00.
/// Without any, uploads are allowed all day. Outside of them nothing touches the network for this realm, and what an
/// earlier run left is sent once a realm is opened there, and not before.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_add_upload_window(
    config: *mut realm_ingest_realm_config,
    from_minute: u16,
    to_minute: u16,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let upload = &mut config.settings.upload;
            upload.windows.push(TimeWindow {
                from_minute,
                to_minute,
            });
            Ok(())
        })
    }
}

/// Whether the network may be used now, for instance because it is not metered.
///
/// Threads: one of the library's, from which no wait may be called. Ownership: none.
pub type realm_ingest_may_upload_callback = Option<unsafe extern "C" fn(userdata: *mut c_void) -> bool>;

/// Who is asked before each connection and each batch whether the network may be used; NULL for nobody. After a no
/// nothing touches the network for this realm for `ask_again_ms` milliseconds, at least a second and at most a year. What an
/// earlier run left is sent once a realm is opened there, and not before. `free_userdata`, which may be NULL, is called also
/// where this call fails.
///
/// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_may_upload_callback(
    config: *mut realm_ingest_realm_config,
    callback: realm_ingest_may_upload_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    ask_again_ms: u64,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let upload = &mut config.settings.upload;
            upload.ask_again = Duration::from_millis(ask_again_ms);
            upload.may_upload = callback.map(|callback| {
                Arc::new(move || callback.call(|function, userdata| function(userdata))) as MayUpload
            });
            Ok(())
        })
    }
}
