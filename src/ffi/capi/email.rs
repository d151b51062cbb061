//! What the provider of e-mail addresses and passwords offers beside the login.

use std::ffi::c_char;

use super::app::realm_ingest_app;
use super::{enter, live, realm_ingest_code, realm_ingest_error, text};

/// Registers an e-mail address with a password. Waits for the server. The user still has to log in.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_register(
    app: *const realm_ingest_app,
    email: *const c_char,
    email_length: usize,
    password: *const c_char,
    password_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let email = text(email, email_length, "email")?;
            let password = text(password, password_length, "password")?;
            app.handle().call(|app| app.register_user(email, password))
        })
    }
}

/// Confirms an address with what its mail held. Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_confirm_user(
    app: *const realm_ingest_app,
    token: *const c_char,
    token_length: usize,
    token_id: *const c_char,
    token_id_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let token = text(token, token_length, "token")?;
            let token_id = text(token_id, token_id_length, "token_id")?;
            app.handle().call(|app| app.confirm_user(token, token_id))
        })
    }
}

/// Has the mail that asks for a confirmation sent again. Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `email` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_resend_confirmation_email(
    app: *const realm_ingest_app,
    email: *const c_char,
    email_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let email = text(email, email_length, "email")?;
            app.handle().call(|app| app.resend_confirmation_email(email))
        })
    }
}

/// Has the app's own confirmation function run again. Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `email` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_retry_custom_confirmation(
    app: *const realm_ingest_app,
    email: *const c_char,
    email_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let email = text(email, email_length, "email")?;
            app.handle().call(|app| app.retry_custom_confirmation(email))
        })
    }
}

/// Has a mail sent with which the password can be set anew. Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `email` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_send_reset_password_email(
    app: *const realm_ingest_app,
    email: *const c_char,
    email_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let email = text(email, email_length, "email")?;
            app.handle().call(|app| app.send_reset_password_email(email))
        })
    }
}

/// Sets a password with what that mail held. Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_reset_password(
    app: *const realm_ingest_app,
    password: *const c_char,
    password_length: usize,
    token: *const c_char,
    token_length: usize,
    token_id: *const c_char,
    token_id_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let password = text(password, password_length, "password")?;
            let token = text(token, token_length, "token")?;
            let token_id = text(token_id, token_id_length, "token_id")?;
            app.handle()
                .call(|app| app.reset_password(password, token, token_id))
        })
    }
}

/// Has the app's own function set the password, with a JSON array of arguments (Extended JSON). Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_call_reset_password_function(
    app: *const realm_ingest_app,
    email: *const c_char,
    email_length: usize,
    password: *const c_char,
    password_length: usize,
    args_ejson: *const c_char,
    args_ejson_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let email = text(email, email_length, "email")?;
            let password = text(password, password_length, "password")?;
            let args_ejson = text(args_ejson, args_ejson_length, "args_ejson")?;
            app.handle()
                .call(|app| app.call_reset_password_function(email, password, args_ejson))
        })
    }
}
