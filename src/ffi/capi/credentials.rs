//! How a user proves who it is.

use std::ffi::c_char;

use super::{enter, free, give, output, realm_ingest_code, realm_ingest_error, text};
use crate::app::Credentials;

/// What a user logs in with, any number of times.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_credentials_free`.
pub struct realm_ingest_credentials(Credentials);

impl realm_ingest_credentials {
    pub(super) fn get(&self) -> &Credentials {
        &self.0
    }
}

/// The credentials of any provider, by its name in URLs (`custom-token`, `oauth2-google` ...) and the body of its log-
/// in: a JSON object, which is sent as it is but for the `options` that tell of this device.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// The texts point to their bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new(
    provider: *const c_char,
    provider_length: usize,
    body_json: *const c_char,
    body_json_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let provider = text(provider, provider_length, "provider")?;
            let body_json = text(body_json, body_json_length, "body_json")?;
            give(
                slot,
                realm_ingest_credentials(Credentials::new(provider, body_json)?),
            );
            Ok(())
        })
    }
}

/// A new user without a name, or the anonymous one who is logged in already.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_anonymous(
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            give(slot, realm_ingest_credentials(Credentials::anonymous()));
            Ok(())
        })
    }
}

/// A registered e-mail address and its password.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// The texts point to their bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_password(
    email: *const c_char,
    email_length: usize,
    password: *const c_char,
    password_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let email = text(email, email_length, "email")?;
            let password = text(password, password_length, "password")?;
            give(
                slot,
                realm_ingest_credentials(Credentials::email_password(email, password)),
            );
            Ok(())
        })
    }
}

/// A key of a user, or of the app.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `key` points to its bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_api_key(
    key: *const c_char,
    key_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let key = text(key, key_length, "key")?;
            give(slot, realm_ingest_credentials(Credentials::api_key(key)));
            Ok(())
        })
    }
}

/// A JWT that somebody else has signed whom the app trusts.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `token` points to its bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_custom_token(
    token: *const c_char,
    token_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let token = text(token, token_length, "token")?;
            give(slot, realm_ingest_credentials(Credentials::custom(token)));
            Ok(())
        })
    }
}

/// What the app's own authentication function wants: a JSON object, Extended JSON perhaps.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `payload_json` points to its bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_function(
    payload_json: *const c_char,
    payload_json_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let payload_json = text(payload_json, payload_json_length, "payload_json")?;
            give(
                slot,
                realm_ingest_credentials(Credentials::function(payload_json)?),
            );
            Ok(())
        })
    }
}

/// An id token of Google.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `id_token` points to its bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_google_id_token(
    id_token: *const c_char,
    id_token_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let id_token = text(id_token, id_token_length, "id_token")?;
            give(
                slot,
                realm_ingest_credentials(Credentials::google_id_token(id_token)),
            );
            Ok(())
        })
    }
}

/// An authorisation code of Google, which the server exchanges.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `auth_code` points to its bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_google_auth_code(
    auth_code: *const c_char,
    auth_code_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let auth_code = text(auth_code, auth_code_length, "auth_code")?;
            give(
                slot,
                realm_ingest_credentials(Credentials::google_auth_code(auth_code)),
            );
            Ok(())
        })
    }
}

/// An id token of Apple.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `id_token` points to its bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_apple(
    id_token: *const c_char,
    id_token_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let id_token = text(id_token, id_token_length, "id_token")?;
            give(slot, realm_ingest_credentials(Credentials::apple(id_token)));
            Ok(())
        })
    }
}

/// An access token of Facebook.
///
/// Threads: any. Ownership: gives `credentials`, which `realm_ingest_credentials_free` ends.
///
/// # Safety
/// `access_token` points to its bytes; `error` is NULL or may be written; `credentials` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_credentials_new_facebook(
    access_token: *const c_char,
    access_token_length: usize,
    error: *mut *mut realm_ingest_error,
    credentials: *mut *mut realm_ingest_credentials,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(credentials, "credentials")?;
            let access_token = text(access_token, access_token_length, "access_token")?;
            give(
                slot,
                realm_ingest_credentials(Credentials::facebook(access_token)),
            );
            Ok(())
        })
    }
}

/// Frees credentials; NULL is fine.
///
/// Threads: any. Ownership: takes `credentials`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_credentials_free(credentials: *mut realm_ingest_credentials) {
    free(credentials)
}
