//! Outboxes whose data nobody sends, and what to do about them.

use std::ffi::c_char;

use super::app::realm_ingest_app;
use super::user::realm_ingest_user;
use super::{
    Text, enter, free, give, given_key, live, output, realm_ingest_code, realm_ingest_error, seen, shown,
};
use crate::app::App;
use crate::ffi::os::path;
use crate::outbox::Key;
use crate::realm::Stranded;

/// Outboxes in an app's directory with data that no user who is logged in sends.
///
/// Threads: any. Ownership: the caller's, until `realm_ingest_stranded_free`.
pub struct realm_ingest_stranded(Vec<Entry>);

struct Entry {
    path: Text,
    user_id: Text,
    principal: Text,
    transactions: u64,
    documents: u64,
    bytes: u64,
}

impl Entry {
    fn new(found: Stranded) -> crate::Result<Entry> {
        Ok(Entry {
            path: Text::new(path::into_bytes(found.path)),
            user_id: Text::new(found.user),
            principal: Text::new(found.principal),
            transactions: found.pending.transactions,
            documents: found.pending.objects,
            bytes: found.pending.bytes,
        })
    }
}

/// Finds the outboxes in the app's directory with data that no user who is logged in sends: their user was logged out,
/// or is not known any more. They are sent once that user logs in, or one who logs in in the same way. Does not use the
/// network. Free what it gives with `realm_ingest_stranded_free`.
///
/// Threads: any. Ownership: gives `stranded`, which `realm_ingest_stranded_free` ends.
///
/// # Safety
/// `error` is NULL or may be written; `stranded` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_stranded(
    app: *const realm_ingest_app,
    error: *mut *mut realm_ingest_error,
    stranded: *mut *mut realm_ingest_stranded,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let slot = output(stranded, "stranded")?;
            let found = live(app, "app")?.handle().call(|app| {
                let entries = app.stranded()?.into_iter().map(Entry::new);
                entries.collect::<crate::Result<Vec<_>>>()
            })?;
            give(slot, realm_ingest_stranded(found));
            Ok(())
        })
    }
}

/// How many there are; 0 for NULL.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_stranded_count(stranded: *const realm_ingest_stranded) -> usize {
    seen(stranded, 0, |stranded| stranded.0.len())
}

/// The file of one; NULL where `index` is not below the count. Text as of `realm_ingest_error_name`.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `stranded`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_stranded_path(
    stranded: *const realm_ingest_stranded,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(stranded, length, |stranded| Some(&stranded.0.get(index)?.path)) }
}

/// The server's id of the user whose data it is; empty where that is not known, NULL where `index` is not below the
/// count.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `stranded`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_stranded_user_id(
    stranded: *const realm_ingest_stranded,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe { shown(stranded, length, |stranded| Some(&stranded.0.get(index)?.user_id)) }
}

/// How that user logs in: `anon-user`, or the provider, a colon and the SHA-256 of the login name in hex, such as
/// `local-userpass:5e88...`; empty where that is not known, NULL where `index` is not below the count.
///
/// Threads: any. Ownership: lends what it returns, which lives as long as `stranded`.
///
/// # Safety
/// `length` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_stranded_principal(
    stranded: *const realm_ingest_stranded,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    // SAFETY: the caller promises it.
    unsafe {
        shown(stranded, length, |stranded| {
            Some(&stranded.0.get(index)?.principal)
        })
    }
}

/// How many write transactions wait in it; 0 also where the file is encrypted and so damaged that this cannot be seen
/// without its key, or `index` is not below the count.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_stranded_transactions(
    stranded: *const realm_ingest_stranded,
    index: usize,
) -> u64 {
    seen(stranded, 0, |stranded| {
        stranded.0.get(index).map_or(0, |entry| entry.transactions)
    })
}

/// How many documents wait in it; 0 as of `realm_ingest_stranded_transactions`.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_stranded_documents(
    stranded: *const realm_ingest_stranded,
    index: usize,
) -> u64 {
    seen(stranded, 0, |stranded| {
        stranded.0.get(index).map_or(0, |entry| entry.documents)
    })
}

/// The size of the documents that wait in it, before compression; 0 as of `realm_ingest_stranded_transactions`.
///
/// Threads: any. Ownership: borrows.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_stranded_bytes(stranded: *const realm_ingest_stranded, index: usize) -> u64 {
    seen(stranded, 0, |stranded| {
        stranded.0.get(index).map_or(0, |entry| entry.bytes)
    })
}

/// Frees what `realm_ingest_app_stranded` gave; NULL is fine.
///
/// Threads: any. Ownership: takes `stranded`.
#[unsafe(no_mangle)]
pub extern "C" fn realm_ingest_stranded_free(stranded: *mut realm_ingest_stranded) {
    free(stranded)
}

/// What waits in the outbox goes on under this user, whoever's it was, and is sent from now on, whether a realm is opened
/// there or not; an encrypted one once a realm is opened there. Such a one needs its key of 64 bytes, if it is not open;
/// for others `key` is NULL. The user is logged in, with this app. May wait for the disk, and for another process that is
/// uploading it, so it is refused in a callback, for which the upload may be waiting.
///
/// Threads: any, in no callback. Ownership: borrows.
///
/// # Safety
/// `path` and `key` point to their bytes; `error` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_rehome(
    app: *const realm_ingest_app,
    path: *const c_char,
    path_length: usize,
    user: *const realm_ingest_user,
    key: *const u8,
    key_length: usize,
    error: *mut *mut realm_ingest_error,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let path = super::path(path, path_length, "path")?;
            let user = live(user, "user")?;
            let key = given_key(key, key_length, "key")?.map(Key::new);
            let move_it = |app: &App| user.handle().call(|user| app.rehome(path, user, key.as_ref()));
            app.handle().call(move_it)
        })
    }
}

/// Writes what waits in the outbox to a new file, one line of canonical Extended JSON a document, oldest first:
/// `{"class":"Reading","document":{...}}`, or `{"class":"Reading","bson":"<base64>"}` for one that is not valid BSON. The
/// file is there as a whole and durable on success, or not at all. The outbox stays as it is. `documents`, which may be
/// NULL, is their number. An encrypted outbox needs its key of 64 bytes, if it is not open; for others `key` is NULL. The
/// new file is not encrypted.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// the texts and the key point to their bytes; `error` and `documents` are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_export(
    app: *const realm_ingest_app,
    path: *const c_char,
    path_length: usize,
    destination: *const c_char,
    destination_length: usize,
    key: *const u8,
    key_length: usize,
    error: *mut *mut realm_ingest_error,
    documents: *mut u64,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let path = super::path(path, path_length, "path")?;
            let destination = super::path(destination, destination_length, "destination")?;
            let key = given_key(key, key_length, "key")?.map(Key::new);
            let exported = app
                .handle()
                .call(|app| app.export(path, destination, key.as_ref()))?;
            if let Some(documents) = documents.as_mut() {
                *documents = exported;
            }
            Ok(())
        })
    }
}

/// Deletes the outbox with everything that waits in it, for good. With the logout of an anonymous
/// user and the removal of any this is the only act that deletes what waits. Refused while the outbox is open, in this process or in another. `documents`,
/// which may be NULL, is the number of those that were in it. Needs no key.
///
/// Threads: any. Ownership: borrows.
///
/// # Safety
/// `path` points to its bytes; `error` and `documents` are NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realm_ingest_app_discard(
    app: *const realm_ingest_app,
    path: *const c_char,
    path_length: usize,
    error: *mut *mut realm_ingest_error,
    documents: *mut u64,
) -> realm_ingest_code {
    // SAFETY: the caller promises what each step needs.
    unsafe {
        enter(error, || {
            let app = live(app, "app")?;
            let path = super::path(path, path_length, "path")?;
            let discarded = app.handle().call(|app| app.discard(path))?;
            if let Some(documents) = documents.as_mut() {
                *documents = discarded.objects;
            }
            Ok(())
        })
    }
}
