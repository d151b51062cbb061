//! The app and its users.

use std::ffi::c_char;

use super::{
    Handle, Text, bytes, enter, give, realm_ingest_code, realm_ingest_error, required, required_mut, take,
    text,
};
use crate::app::{App, AppConfig, Credentials, User};
use crate::ffi::{convert, host};

/// How an app is opened. One thread at a time.
pub struct realm_ingest_app_config(AppConfig);

/// The defaults for this client app id: the server's address from the environment variable REALM_INGEST_URL, files
/// beneath the process's current directory.
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
            let slot = required_mut(config, "config")?;
            let settings = AppConfig::new(text(app_id, app_id_length, "app_id")?);
            give(slot, realm_ingest_app_config(settings));
            Ok(())
        })
    }
}

/// Where the server is, such as `https://ingest.example.com`.
///
/// # Safety
/// `config` is live and nobody else uses it; `url` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_base_url(
    config: *mut realm_ingest_app_config,
    url: *const c_char,
    url_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let config = required_mut(config, "config")?;
            config.0.base_url = Some(text(url, url_length, "url")?.to_owned());
            Ok(())
        })
    }
}

/// The directory for files; the library makes `mongodb-realm` beneath it.
///
/// # Safety
/// `config` is live and nobody else uses it; `path` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_path(
    config: *mut realm_ingest_app_config,
    path: *const c_char,
    path_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let config = required_mut(config, "config")?;
            config.0.path = Some(super::path(path, path_length, "path")?.to_owned());
            Ok(())
        })
    }
}

/// Encrypts the file with users and tokens. A key has 64 bytes.
///
/// # Safety
/// `config` is live and nobody else uses it; `key` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_set_metadata_encryption_key(
    config: *mut realm_ingest_app_config,
    key: *const u8,
    key_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let config = required_mut(config, "config")?;
            config.0.metadata_encryption_key = convert::key(bytes(key, key_length, "key")?)?;
            Ok(())
        })
    }
}

/// Frees a configuration; NULL is fine.
///
/// # Safety
/// `config` is NULL or was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_config_free(config: *mut realm_ingest_app_config) {
    // SAFETY: the caller promises it.
    unsafe { take(config) }
}

/// An app: its server and its users. Any thread may use it, also several at once.
pub struct realm_ingest_app(Handle<App>);

impl realm_ingest_app {
    pub(super) fn handle(&self) -> &Handle<App> {
        &self.0
    }
}

/// Opens an app. The configuration is copied. Does not use the network. From now on a forked child of this process
/// cannot use the library: every call in it that returns a `realm_ingest_code` fails with REALM_INGEST_LOGIC_ERROR.
///
/// # Safety
/// `config` is live; `error` is NULL or may be written; `app` may be written.
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
            let slot = required_mut(app, "app")?;
            let config = required(config, "config")?;
            give(slot, realm_ingest_app(Handle::new(App::open(config.0.clone())?)));
            Ok(())
        })
    }
}

/// Frees an app; NULL is fine. Its open realms work on.
///
/// # Safety
/// `app` is NULL or was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_free(app: *mut realm_ingest_app) {
    // SAFETY: the caller promises it.
    unsafe { take(app) }
}

/// Registers an e-mail address with a password. Waits for the server. The user still has to log in.
///
/// # Safety
/// `app` is live; the texts point to their bytes; `error` is NULL or may be written.
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
            let app = required(app, "app")?;
            let email = text(email, email_length, "email")?;
            let password = text(password, password_length, "password")?;
            app.0.call(|app| app.register_user(email, password))
        })
    }
}

/// A user who logged in. Any thread may use it, also several at once.
pub struct realm_ingest_user {
    handle: Handle<User>,
    id: Text,
}

impl realm_ingest_user {
    fn new(user: User) -> Self {
        let id = Text::new(user.id());
        realm_ingest_user {
            handle: Handle::new(user),
            id,
        }
    }

    pub(super) fn handle(&self) -> &Handle<User> {
        &self.handle
    }
}

/// Logs in without credentials. Waits for the server, except where an anonymous user is logged in already, who is then
/// the user.
///
/// # Safety
/// `app` is live; `error` is NULL or may be written; `user` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_login_anonymous(
    app: *const realm_ingest_app,
    error: *mut *mut realm_ingest_error,
    user: *mut *mut realm_ingest_user,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(user, "user")?;
            let app = required(app, "app")?;
            let user = app.0.call(|app| app.login(&Credentials::anonymous()))?;
            give(slot, realm_ingest_user::new(user));
            Ok(())
        })
    }
}

/// Logs in with an e-mail address and a password. Waits for the server.
///
/// # Safety
/// `app` is live; the texts point to their bytes; `error` is NULL or may be written; `user` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_login_password(
    app: *const realm_ingest_app,
    email: *const c_char,
    email_length: usize,
    password: *const c_char,
    password_length: usize,
    error: *mut *mut realm_ingest_error,
    user: *mut *mut realm_ingest_user,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(user, "user")?;
            let app = required(app, "app")?;
            let email = text(email, email_length, "email")?;
            let password = text(password, password_length, "password")?;
            let user = app
                .0
                .call(|app| app.login(&Credentials::email_password(email, password)))?;
            give(slot, realm_ingest_user::new(user));
            Ok(())
        })
    }
}

/// The server's id of the user, which lives as long as the handle; NULL for NULL.
///
/// # Safety
/// `user` is NULL or live; `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_id(
    user: *const realm_ingest_user,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        user.as_ref()
            .map_or(std::ptr::null(), |user| user.id.show(length))
    }
}

/// Logs out: the tokens are forgotten, also where the server cannot be told. An anonymous user is gone for good, and
/// what it has not uploaded is deleted when an app is next opened. Together with `realm_ingest_app_discard` this is the
/// only act that deletes what waits: a user whom the server refuses is not logged out by that. What waits for other users
/// stays until they log in again, and an outbox to which another process writes later, before it has heard of this, stays
/// too: `realm_ingest_app_stranded` lists it.
///
/// # Safety
/// `user` is live; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_log_out(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe { enter(error, || required(user, "user")?.handle.call(User::log_out)) }
}

/// Frees a handle of a user, who stays logged in; NULL is fine.
///
/// # Safety
/// `user` is NULL or was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_free(user: *mut realm_ingest_user) {
    // SAFETY: the caller promises it.
    unsafe { take(user) }
}
