//! A user.

use std::ffi::c_char;

use super::credentials::realm_ingest_credentials;
use super::text::realm_ingest_text;
use super::{
    Handle, Text, enter, give, realm_ingest_code, realm_ingest_error, required, required_mut, take, text,
};
use crate::app::{User, UserState};

/// A user who logged in. Any thread may use it, also several at once.
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
/// what it has not uploaded is deleted when an app is next opened. This, `realm_ingest_app_remove_user`,
/// `realm_ingest_app_delete_user` and `realm_ingest_app_discard` are the only acts that delete what waits: a user whom
/// the server refuses is not logged out by that. What waits for other users stays until they log in again, and an outbox
/// to which another process writes later, before it has heard of this, stays too: `realm_ingest_app_stranded` lists it.
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

/// What the user can do: one of the REALM_INGEST_USER_ constants; REALM_INGEST_USER_REMOVED for NULL.
///
/// # Safety
/// `user` is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_state(user: *const realm_ingest_user) -> u8 {
    // SAFETY: the caller promises it.
    let user = unsafe { user.as_ref() };
    user.map_or(UserState::Removed, |user| {
        user.handle.read(UserState::Removed, User::state)
    }) as u8
}

/// The JWT that goes with requests; empty after the user has logged out.
///
/// # Safety
/// `user` is live; `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_access_token(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(text, "text")?;
            let user = required(user, "user")?;
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
/// # Safety
/// `user` is live; `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_refresh_token(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(text, "text")?;
            let user = required(user, "user")?;
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
/// # Safety
/// `user` is live; `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_identities(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(text, "text")?;
            let user = required(user, "user")?;
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
/// # Safety
/// `user` is live; `error` is NULL or may be written; `text` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_custom_data(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
    text: *mut *mut realm_ingest_text,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = required_mut(text, "text")?;
            let user = required(user, "user")?;
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
/// # Safety
/// `user` is live; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_refresh_custom_data(
    user: *const realm_ingest_user,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let user = required(user, "user")?;
            user.handle.call(User::refresh_custom_data)
        })
    }
}

/// Calls a function of the app with a JSON array of arguments (Extended JSON). The result is what the server answered.
/// Waits for the server.
///
/// # Safety
/// `user` is live; the texts point to their bytes; `error` is NULL or may be written; `result` may be written.
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
            let slot = required_mut(result, "result")?;
            let user = required(user, "user")?;
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
/// # Safety
/// `user` is live; `credentials` is live; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_user_link(
    user: *const realm_ingest_user,
    credentials: *const realm_ingest_credentials,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let user = required(user, "user")?;
            let credentials = required(credentials, "credentials")?;
            user.handle.call(|user| user.link(credentials.get()))
        })
    }
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
