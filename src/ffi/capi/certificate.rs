//! The application's word on the certificates of servers.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::app_config::realm_ingest_app_config;
use super::{
    Callback, Text, change, lend, realm_ingest_code, realm_ingest_error, realm_ingest_free_callback, seen,
    shown,
};
use crate::transport::{CertificateCheck, ShownCertificate};

/// One certificate of the chain that a server shows.
///
/// Threads: any. Ownership: the library's, until the callback that gets it returns.
pub struct realm_ingest_certificate {
    server: Text,
    port: u16,
    pem: Text,
    is_trusted: bool,
    depth: usize,
}

impl From<&ShownCertificate<'_>> for realm_ingest_certificate {
    fn from(shown: &ShownCertificate<'_>) -> Self {
        realm_ingest_certificate {
            server: Text::new(shown.server),
            port: shown.port,
            pem: Text::new(shown.pem),
            is_trusted: shown.is_trusted,
            depth: shown.depth,
        }
    }
}

/// Whether a certificate will do. Called for each connection, with each certificate that the server shows, its own last;
/// the first one that is not accepted ends the connection.
///
/// Threads: those of the library, several at once. Ownership: borrows `certificate`.
pub type realm_ingest_certificate_callback =
    Option<unsafe extern "C" fn(userdata: *mut c_void, certificate: *const realm_ingest_certificate) -> bool>;

/// See [`realm_ingest_certificate_callback`].
type CertificateFunction = unsafe extern "C" fn(*mut c_void, *const realm_ingest_certificate) -> bool;

impl CertificateCheck for Callback<CertificateFunction> {
    fn accepts(&self, certificate: &ShownCertificate<'_>) -> bool {
        let mut accepted = false;
        lend(certificate.into(), |certificate| {
            accepted = self.call(|function, userdata| {
                // SAFETY: who set the callback promised it; the certificate lives for the call.
                unsafe { function(userdata, certificate) }
            });
        });
        accepted
    }
}

/// Decides about servers in the library's place, which then trusts whom the callback accepts and nobody else; NULL for the
/// library's own judgement. For the built-in client. `free_userdata`, which may be NULL, is called also where this call
/// fails.
///
/// Threads: one at a time. Ownership: takes `userdata`, which `free_userdata` ends.
///
/// # Safety
/// `callback` may be called with `userdata` on any thread until `free_userdata` has been; `error` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_certificate_callback(
    config: *mut realm_ingest_app_config,
    callback: realm_ingest_certificate_callback,
    userdata: *mut c_void,
    free_userdata: realm_ingest_free_callback,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    let callback = Callback::new(callback, userdata, free_userdata);
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.http.certificate_check = callback.map(|callback| Arc::new(callback) as Arc<_>);
            Ok(())
        })
    }
}

/// The name or address that was asked for. Text as of `realm_ingest_error_name`.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `certificate`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_certificate_server(
    certificate: *const realm_ingest_certificate,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(certificate, length, |certificate| Some(&certificate.server)) }
}

/// The port of the last request to that name: a hint, as TLS knows names alone. 0 for NULL.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_certificate_port(certificate: *const realm_ingest_certificate) -> u16 {
    seen(certificate, 0, |certificate| certificate.port)
}

/// The certificate as PEM. Text as of `realm_ingest_error_name`.
///
/// Threads: any, until the callback returns. Ownership: lends what it returns, which lives as long as `certificate`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_certificate_pem(
    certificate: *const realm_ingest_certificate,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(certificate, length, |certificate| Some(&certificate.pem)) }
}

/// Whether the library would trust the server: its whole chain, and the name in it. False for NULL.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_certificate_is_trusted(certificate: *const realm_ingest_certificate) -> bool {
    seen(certificate, false, |certificate| certificate.is_trusted)
}

/// 0 for the server's own, 1 for who signed it, and so on; 0 for NULL.
///
/// Threads: any, until the callback returns. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_certificate_depth(certificate: *const realm_ingest_certificate) -> usize {
    seen(certificate, 0, |certificate| certificate.depth)
}
