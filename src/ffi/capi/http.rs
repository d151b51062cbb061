//! Settings of the built-in HTTP client.

use std::ffi::c_char;

use super::app_config::realm_ingest_app_config;
use super::{change, realm_ingest_code, realm_ingest_error, text};
use crate::error::Result;
use crate::transport::http::ClientCertificate;

/// The name and the value of a header.
///
/// # Safety
/// The texts point to their bytes.
pub(super) unsafe fn header(
    name: *const c_char,
    name_length: usize,
    value: *const c_char,
    value_length: usize,
) -> Result<(String, String)> {
    // SAFETY: the caller promises it.
    let (name, value) = unsafe {
        (
            text(name, name_length, "name")?,
            text(value, value_length, "value")?,
        )
    };
    Ok((name.to_owned(), value.to_owned()))
}

/// Sends a header with every request, in place of the library's own of the same name. One that HTTP does not allow is
/// refused when the app is opened.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_add_header(
    config: *mut realm_ingest_app_config,
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
            config.http.headers.push(header);
            Ok(())
        })
    }
}

/// Goes by way of a proxy: `http://[user:password@]host:port`, the name and the password percent-encoded. Without this
/// the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY of the environment say what to do. A URL that is none
/// is refused when the app is opened.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `url` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_proxy(
    config: *mut realm_ingest_app_config,
    url: *const c_char,
    url_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let url = text(url, url_length, "url")?;
            config.http.proxy = Some(url.to_owned());
            Ok(())
        })
    }
}

/// A PEM file with certificates to trust beside those of the system. It is read when the app is opened.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `path` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_trusted_certificates(
    config: *mut realm_ingest_app_config,
    path: *const c_char,
    path_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let path = super::path(path, path_length, "path")?;
            config.http.trusted_certificates = Some(path.to_owned());
            Ok(())
        })
    }
}

/// This device's own certificate, for servers that ask for one: PEM files with the certificate, followed by those that
/// lead to its authority, and with its private key. They are read when the app is opened.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_client_certificate(
    config: *mut realm_ingest_app_config,
    chain_path: *const c_char,
    chain_path_length: usize,
    key_path: *const c_char,
    key_path_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            let chain_path = super::path(chain_path, chain_path_length, "chain_path")?;
            let key_path = super::path(key_path, key_path_length, "key_path")?;
            config.http.client_certificate = Some(ClientCertificate {
                chain: chain_path.to_owned(),
                key: key_path.to_owned(),
            });
            Ok(())
        })
    }
}

/// Accepts any certificate of a server, whoever it is. For tests: who is on the way can then read and change
/// everything, passwords and tokens too.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_accept_any_certificate(
    config: *mut realm_ingest_app_config,
    accept: bool,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.http.accept_any_certificate = accept;
            Ok(())
        })
    }
}
