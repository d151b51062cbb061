//! The users of this device: logging in, who is current, and taking them away.

use std::ffi::c_char;

use super::app::realm_ingest_app;
use super::credentials::realm_ingest_credentials;
use super::user::realm_ingest_user;
use super::{enter, free, give, live, output, realm_ingest_code, realm_ingest_error, seen, text};
use crate::app::{App, Credentials, User};
use crate::error::{Error, Result};

/// Gives the user of a log-in to the caller.
fn log_in(
    app: &realm_ingest_app,
    credentials: &Credentials,
    slot: &mut *mut realm_ingest_user,
) -> Result<()> {
    let user = app.handle().call(|app| app.login(credentials))?;
    give(slot, realm_ingest_user::new(user));
    Ok(())
}

/// Logs a user in, who becomes the current one. Waits for the server, except where an anonymous user is logged in
/// already and the credentials are anonymous.
///
/// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `user` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_login(
    app: *const realm_ingest_app,
    credentials: *const realm_ingest_credentials,
    error: *mut *mut realm_ingest_error,
    user: *mut *mut realm_ingest_user,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(user, "user")?;
            let app = live(app, "app")?;
            let credentials = live(credentials, "credentials")?;
            log_in(&app, credentials.get(), slot)
        })
    }
}

/// Logs in without credentials. Waits for the server, except where an anonymous user is logged in already, who is then
/// the user.
///
/// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `user` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_login_anonymous(
    app: *const realm_ingest_app,
    error: *mut *mut realm_ingest_error,
    user: *mut *mut realm_ingest_user,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(user, "user")?;
            let app = live(app, "app")?;
            log_in(&app, &Credentials::anonymous(), slot)
        })
    }
}

/// Logs in with an e-mail address and a password. Waits for the server.
///
/// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written; `user` may be written.
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
            let slot = output(user, "user")?;
            let app = live(app, "app")?;
            let email = text(email, email_length, "email")?;
            let password = text(password, password_length, "password")?;
            log_in(&app, &Credentials::email_password(email, password), slot)
        })
    }
}

/// Who logged in last and still is logged in, or who was switched to, also over restarts; NULL where nobody is. Asks no
/// server.
///
/// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `user` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_current_user(
    app: *const realm_ingest_app,
    error: *mut *mut realm_ingest_error,
    user: *mut *mut realm_ingest_user,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(user, "user")?;
            let app = live(app, "app")?;
            match app.handle().call(|app| Ok(app.current_user()))? {
                Some(user) => give(slot, realm_ingest_user::new(user)),
                None => *slot = std::ptr::null_mut(),
            }
            Ok(())
        })
    }
}

/// Users of an app.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_users_free`.
pub struct realm_ingest_users(Vec<User>);

/// Every user this device knows, logged in or out, in the order in which they first logged in. Asks no server.
///
/// Threads: any. Ownership: gives `users`, which `realm_ingest_users_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `users` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_users(
    app: *const realm_ingest_app,
    error: *mut *mut realm_ingest_error,
    users: *mut *mut realm_ingest_users,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(users, "users")?;
            let app = live(app, "app")?;
            let users = app.handle().call(|app| Ok(app.users()))?;
            give(slot, realm_ingest_users(users));
            Ok(())
        })
    }
}

/// How many there are; 0 for NULL.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_users_count(users: *const realm_ingest_users) -> usize {
    seen(users, 0, |users| users.0.len())
}

/// A handle of one of them. `index` is below the count.
///
/// Threads: any. Ownership: gives `user`, which `realm_ingest_user_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `user` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_users_get(
    users: *const realm_ingest_users,
    index: usize,
    error: *mut *mut realm_ingest_error,
    user: *mut *mut realm_ingest_user,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(user, "user")?;
            let users = live(users, "users")?;
            let user = users.0.get(index).cloned().ok_or_else(|| {
                Error::InvalidArgument(format!("there is no user {index} among {}", users.0.len()))
            })?;
            give(slot, realm_ingest_user::new(user));
            Ok(())
        })
    }
}

/// Frees a list, not its users; NULL is fine.
///
/// Threads: any. Ownership: takes `users`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_users_free(users: *mut realm_ingest_users) {
    free(users)
}

/// Does something of the app with a user.
fn with(
    app: &realm_ingest_app,
    user: &realm_ingest_user,
    work: impl FnOnce(&App, &User) -> Result<()>,
) -> Result<()> {
    app.handle()
        .call(|app| user.handle().call(|user| work(app, user)))
}

/// Makes a user of this app who is logged in the current one. Asks no server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_switch_user(
    app: *const realm_ingest_app,
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let user = live(user, "user")?;
            with(&app, &user, App::switch_user)
        })
    }
}

/// Forgets a user of this app; one who is logged in is logged out first, which waits for the server. What the user has
/// not uploaded is deleted with its files when an app is next opened. The account at the server stays. The user is
/// removed also where the server cannot be told, which fails.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_remove_user(
    app: *const realm_ingest_app,
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let user = live(user, "user")?;
            with(&app, &user, App::remove_user)
        })
    }
}

/// Deletes the account of a user who is logged in at the server, for which it waits, and then the user with all files
/// and what was not uploaded from this device. Files that are still open go when an app is next opened. What was
/// uploaded stays at the server. Where the server refuses or cannot be reached, nothing is deleted.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_delete_user(
    app: *const realm_ingest_app,
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let user = live(user, "user")?;
            with(&app, &user, App::delete_user)
        })
    }
}
