//! A user.

use std::ffi::c_char;

use super::credentials::realm_ingest_credentials;
use super::text::realm_ingest_text;
use super::{
    Handle, Text, enter, free, give, live, output, realm_ingest_code, realm_ingest_error, seen, shown, text,
};
use crate::app::{User, UserState};
use crate::ffi::os::path;

/// A user who logged in.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_user_free`.
pub struct realm_ingest_user {
    handle: Handle<User>,
    id: Text,
}

impl realm_ingest_user {
    pub(super) fn new(user: User) -> Self {
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

/// The server's id of the user, which lives as long as the handle; NULL for NULL.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `user`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_id(
    user: *const realm_ingest_user,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(user, length, |user| Some(&user.id)) }
}

/// Whether two handles stand for the same user; false where one of them is NULL.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_user_is_same(
    user: *const realm_ingest_user,
    other: *const realm_ingest_user,
) -> bool {
    seen(user, false, |user| {
        seen(other, false, |other| user.handle.inner == other.handle.inner)
    })
}

/// The file that a realm of this user has by default. It need not exist yet. A path is whatever bytes the system takes.
///
/// Threads: any. Ownership: gives `path`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `path` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_realm_path(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    path: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(path, "path")?;
            let path = live(user, "user")?.handle.call(User::realm_path)?;
            give(slot, realm_ingest_text::new(path::into_bytes(path)));
            Ok(())
        })
    }
}

/// Logs out: the tokens are forgotten, also where the server cannot be told. An anonymous user is gone for good, and
/// what it has not uploaded is deleted when an app is next opened. This, `realm_ingest_app_remove_user`,
/// `realm_ingest_app_delete_user` and `realm_ingest_app_discard` are the only acts that delete what waits: a user whom
/// the server refuses is not logged out by that. What waits for other users stays until they log in again, and an outbox
/// to which another process writes later, before it has heard of this, stays too: `realm_ingest_app_stranded` lists it.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_log_out(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe { enter(error, || live(user, "user")?.handle.call(User::log_out)) }
}

/// What the user can do: one of the REALM_INGEST_USER_ constants; REALM_INGEST_USER_REMOVED for NULL.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_user_state(user: *const realm_ingest_user) -> u8 {
    let state = |user: &realm_ingest_user| user.handle.read(UserState::Removed, User::state);
    seen(user, UserState::Removed, state) as u8
}

/// The JWT that goes with requests; empty after the user has logged out.
///
/// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_access_token(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(text, "text")?;
            let user = live(user, "user")?;
            give(
                slot,
                realm_ingest_text::new(user.handle.call(|user| Ok(user.access_token()))?),
            );
            Ok(())
        })
    }
}

/// The JWT that gets new access tokens; empty after the user has logged out.
///
/// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_refresh_token(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(text, "text")?;
            let user = live(user, "user")?;
            give(
                slot,
                realm_ingest_text::new(user.handle.call(|user| Ok(user.refresh_token()))?),
            );
            Ok(())
        })
    }
}

/// How the user logs in, as the server said last: a JSON array such as `[{"id":"5f...-abc","provider_type":"local-
/// userpass"}]`.
///
/// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_identities(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(text, "text")?;
            let user = live(user, "user")?;
            give(
                slot,
                realm_ingest_text::new(user.handle.call(|user| {
                    serde_json::to_string(&user.identities()).map_err(|error| {
                        crate::Error::Logic(format!("identities cannot be written: {error}"))
                    })
                })?),
            );
            Ok(())
        })
    }
}

/// The custom user data in the current access token, as Extended JSON; NULL where there is none. Asks no server.
///
/// Threads: any. Ownership: gives `text`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_custom_data(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(text, "text")?;
            let user = live(user, "user")?;
            match user.handle.call(|user| Ok(user.custom_data()))? {
                Some(data) => give(slot, realm_ingest_text::new(data)),
                None => *slot = std::ptr::null_mut(),
            }
            Ok(())
        })
    }
}

/// Fetches a new access token, and with it the custom user data of that moment. Waits for the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_refresh_custom_data(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let user = live(user, "user")?;
            user.handle.call(User::refresh_custom_data)
        })
    }
}

/// Calls a function of the app with a JSON array of arguments (Extended JSON). The result is what the server answered.
/// Waits for the server.
///
/// Threads: any. Ownership: gives `result`, which `realm_ingest_text_free` ends.
///
/// # Safety
/// the texts point to their bytes; `error` is NULL or may be written; `result` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_call_function(
    user: *const realm_ingest_user,
    name: *const c_char,
    name_length: usize,
    args_ejson: *const c_char,
    args_ejson_length: usize,
    error: *mut *mut realm_ingest_error,
    result: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(result, "result")?;
            let user = live(user, "user")?;
            let name = text(name, name_length, "name")?;
            let args_ejson = text(args_ejson, args_ejson_length, "args_ejson")?;
            let result = user.handle.call(|user| user.call_function(name, args_ejson))?;
            give(slot, realm_ingest_text::new(result));
            Ok(())
        })
    }
}

/// Adds another way of logging in to this user, whose id stays. An anonymous user is not anonymous any more. Waits for
/// the server.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_link(
    user: *const realm_ingest_user,
    credentials: *const realm_ingest_credentials,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let user = live(user, "user")?;
            let credentials = live(credentials, "credentials")?;
            user.handle.call(|user| user.link(credentials.get()))
        })
    }
}

/// Frees a handle of a user, who stays logged in; NULL is fine.
///
/// Threads: any. Ownership: takes `user`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_user_free(user: *mut realm_ingest_user) {
    free(user)
}
