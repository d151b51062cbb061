//! How an app is opened.

use std::ffi::c_char;
use std::sync::Mutex;

use super::{
    Exclusive, change, enter, free, give, given_key, output, realm_ingest_code, realm_ingest_error, text,
};
use crate::app::AppConfig;

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
