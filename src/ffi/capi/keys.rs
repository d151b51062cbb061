//! Encryption keys of realms.

use super::realm_config::realm_ingest_realm_config;
use super::user::realm_ingest_user;
use super::{alone, change, enter, given_key, live, realm_ingest_code, realm_ingest_error};
use crate::realm::Realm;

/// Encrypts the file, and that of urgent classes beside it, with this key of 64 bytes. A new file gets it; one that is
/// there has to have it, or opening it fails with REALM_INGEST_INVALID_DATABASE, as it does without a key for one that is
/// encrypted. NULL stands for no encryption; an empty key is refused as any of another length. A file of which nobody has
/// given the key since the start of the program is not sent before it is opened.
///
/// Threads: one at a time. Ownership: borrows.
///
/// # Safety
/// `key` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_realm_config_set_encryption_key(
    config: *mut realm_ingest_realm_config,
    key: *const u8,
    key_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        change(config, "config", error, |config| {
            config.settings.encryption_key = given_key(key, key_length, "key")?;
            Ok(())
        })
    }
}

/// Encrypts the file of the configuration, and that of urgent classes beside it, with a new key of 64 bytes; NULL stands for
/// no encryption, and an empty key is refused. Their present key is that of the configuration. All that waits stays, and is
/// sent once the file is opened with the new key. Takes about as long as copying the file, and as much room beside it
/// meanwhile.
///
/// A process that ends before it returns leaves a file with one key or with the other; called again with the same keys,
/// this does what is left. So it does after it failed, which is where the configuration has another key than the file, a
/// realm is open there, also in another process, there is no such file, or no room for a second one. What the former file
/// held may be in freed blocks of the disk until they are overwritten, and files that were moved aside as damaged stay as
/// they are. Not to be called in a callback of the realm's session.
///
/// Threads: one at a time for `config`, in no callback of the session. Ownership: borrows.
///
/// # Safety
/// `new_key` points to its bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_rekey(
    user: *const realm_ingest_user,
    config: *const realm_ingest_realm_config,
    new_key: *const u8,
    new_key_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let user = live(user, "user")?;
            let settings = alone(config, "config", |config| Ok(config.settings.clone()))?;
            let new_key = given_key(new_key, new_key_length, "new_key")?;
            user.handle().call(|user| Realm::rekey(user, &settings, new_key))
        })
    }
}
