//! The file that keeps users between starts: one JSON document, replaced as a whole, readable by its owner alone.
//!
//! With a key it is sealed: `RIU1`, a nonce of 12 bytes, then AES-256-GCM over the JSON with the first four bytes as
//! associated data; the key is derived by HKDF-SHA256 from the 64 bytes the application gives. A file that cannot be
//! read is moved aside and users log in again. A lock file lets several processes change the file in turn.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::process;

const MAGIC: &[u8] = b"RIU1";
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize, Default)]
pub(crate) struct Document {
    format: u32,
    pub(crate) current: Option<String>,
    pub(crate) users: Vec<StoredUser>,
    /// Anonymous users that logged out: their files go when an app is next opened.
    #[serde(default)]
    pub(crate) removed: Vec<String>,
    /// The last row of each of their outboxes at that moment, by the outbox's identity. What other processes wrote later,
    /// which had not heard of it, nobody has asked to delete.
    #[serde(default)]
    pub(crate) written: HashMap<String, i64>,
}

impl Document {
    /// The record of this user, if there is one.
    pub(crate) fn find(&mut self, id: &str) -> Option<&mut StoredUser> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    /// The record of this user, made if there is none.
    pub(crate) fn user(&mut self, id: &str) -> &mut StoredUser {
        let at = match self.users.iter().position(|user| user.id == id) {
            Some(at) => at,
            None => {
                self.users.push(StoredUser {
                    id: id.to_owned(),
                    ..StoredUser::default()
                });
                self.users.len() - 1
            }
        };
        &mut self.users[at]
    }
}

/// A user without tokens is logged out.
#[derive(Serialize, Deserialize, Default, Clone)]
pub(crate) struct StoredUser {
    pub(crate) id: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) device_id: String,
    pub(crate) identities: Vec<Identity>,
    /// The server took the session away; nobody logged this user out.
    #[serde(default)]
    pub(crate) rejected: bool,
    /// The user under whom the outboxes of this one go on.
    #[serde(default)]
    pub(crate) successor: Option<String>,
    /// As [`super::Credentials::principal`].
    #[serde(default)]
    pub(crate) principal: String,
}

/// One way in which a user logs in.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider's name for the user.
    pub id: String,
    /// The provider.
    pub provider_type: String,
}

/// A lock file that is locked; dropping it gives the lock back. A child that was forked meanwhile has the open file too,
/// so to close it here would not do.
pub(crate) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // In such a child the lock is the parent's.
        if !process::is_foreign() {
            // If that fails, closing the file is what is left.
            let _ = self.0.unlock();
        }
    }
}

pub(crate) struct UserStore {
    path: PathBuf,
    key: Option<LessSafeKey>,
    random: SystemRandom,
}

impl UserStore {
    /// Opens the store in this directory, which is made if it does not exist.
    pub(crate) fn open(directory: &Path, key: Option<&[u8; 64]>) -> Result<UserStore> {
        realm_ingest_durable::create_dir_all(directory).map_err(file("make the directory", directory))?;
        let key = key.map(derive).transpose()?;
        Ok(UserStore {
            path: directory.join("users.json"),
            key,
            random: SystemRandom::new(),
        })
    }

    /// What is stored; nothing if there is no file, or none that can be read.
    pub(crate) fn load(&self) -> Result<Document> {
        let _lock = self.lock()?;
        self.read()
    }

    /// Changes what is stored, as one step for all processes.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Document) -> T) -> Result<T> {
        let _lock = self.lock()?;
        let mut document = self.read()?;
        let result = change(&mut document);
        document.format = FORMAT;
        self.write(&document)?;
        Ok(result)
    }

    fn lock(&self) -> Result<Held> {
        let (path, lock) = self.lock_file("users.lock")?;
        lock.lock().map_err(file("lock", &path))?;
        Ok(Held(lock))
    }

    /// The turn of making a user, for all processes; none while another has it. Dropping it gives it back.
    pub(crate) fn try_login_turn(&self) -> Result<Option<Held>> {
        let (path, lock) = self.lock_file("login.lock")?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Held(lock))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(file("lock", &path)(error)),
        }
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File)> {
        let path = self.path.with_file_name(name);
        let opened = realm_ingest_durable::owner_only()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(file("open", &path))?;
        Ok((path, opened))
    }

    fn read(&self) -> Result<Document> {
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Ok(mut opened) => opened.read_to_end(&mut bytes).map_err(file("read", &self.path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Document::default()),
            Err(error) => return Err(file("open", &self.path)(error)),
        };
        match self.decode(bytes) {
            Ok(document) => Ok(document),
            Err(reason) => {
                let aside = self.aside();
                fs::rename(&self.path, &aside).map_err(file("move aside", &self.path))?;
                log::warn!(
                    target: "ingest::users",
                    "users have to log in again: {} {reason}; it was moved to {}",
                    self.path.display(),
                    aside.display()
                );
                Ok(Document::default())
            }
        }
    }

    fn decode(&self, mut bytes: Vec<u8>) -> Result<Document, &'static str> {
        let json = match (&self.key, bytes.starts_with(MAGIC)) {
            (None, true) => return Err("is encrypted and no key was given"),
            (Some(_), false) => return Err("is not encrypted although a key was given"),
            (None, false) => &bytes[..],
            (Some(key), true) => {
                let sealed = &mut bytes[MAGIC.len()..];
                if sealed.len() < NONCE_LEN {
                    return Err("is cut short");
                }
                let (nonce, sealed) = sealed.split_at_mut(NONCE_LEN);
                let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| "is cut short")?;
                key.open_in_place(nonce, Aad::from(MAGIC), sealed)
                    .map_err(|_| "was encrypted with another key")?
            }
        };
        let document: Document =
            serde_json::from_slice(json).map_err(|_| "is not what this library writes")?;
        if document.format == FORMAT {
            Ok(document)
        } else {
            Err("has another format")
        }
    }

    fn write(&self, document: &Document) -> Result<()> {
        let json = serde_json::to_vec(document)
            .map_err(|error| file("write", &self.path)(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        let bytes = match &self.key {
            None => json,
            Some(key) => self.seal(key, json)?,
        };
        realm_ingest_durable::replace(&self.path, &bytes, true).map_err(file("replace", &self.path))
    }

    fn seal(&self, key: &LessSafeKey, mut json: Vec<u8>) -> Result<Vec<u8>> {
        let failed = |_| Error::Panic("the users' file could not be encrypted".to_owned());
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(failed)?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(MAGIC), &mut json)
            .map_err(failed)?;
        Ok([MAGIC, &nonce, &json].concat())
    }

    fn aside(&self) -> PathBuf {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        (0..)
            .map(|n| {
                self.path.with_extension(if n == 0 {
                    format!("json.unreadable-{seconds}")
                } else {
                    format!("json.unreadable-{seconds}-{n}")
                })
            })
            .find(|path| !path.exists())
            .unwrap_or_else(|| self.path.with_extension("json.unreadable"))
    }
}

fn derive(key: &[u8; 64]) -> Result<LessSafeKey> {
    let salt = Salt::new(HKDF_SHA256, b"realm-ingest users");
    let secret = salt.extract(key);
    let info: [&[u8]; 1] = [b"aes-256-gcm 1"];
    let derived = secret
        .expand(&info, &AES_256_GCM)
        .map_err(|_| Error::Panic("the key of the users' file could not be derived".to_owned()))?;
    Ok(LessSafeKey::new(UnboundKey::from(derived)))
}

fn file(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File {
        action,
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn with_user(store: &UserStore) {
        store
            .update(|document| document.user("u1").refresh_token = "secret-token".to_owned())
            .unwrap();
    }

    #[test]
    fn users_come_back_and_only_the_owner_can_read_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let store = UserStore::open(directory.path(), None).unwrap();
        with_user(&store);
        let again = UserStore::open(directory.path(), None).unwrap().load().unwrap();
        assert_eq!(again.users[0].refresh_token, "secret-token");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(directory.path().join("users.json"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_sealed_file_shows_nothing_and_opens_with_its_key_alone() {
        let directory = tempfile::tempdir().unwrap();
        with_user(&UserStore::open(directory.path(), Some(&[7; 64])).unwrap());
        let bytes = fs::read(directory.path().join("users.json")).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("secret"));
        let store = UserStore::open(directory.path(), Some(&[7; 64])).unwrap();
        assert_eq!(store.load().unwrap().users[0].refresh_token, "secret-token");

        let other = UserStore::open(directory.path(), Some(&[8; 64])).unwrap();
        assert!(other.load().unwrap().users.is_empty());
        assert!(
            names(directory.path())
                .iter()
                .any(|name| name.starts_with("users.json.unreadable-"))
        );
    }

    #[test]
    fn a_lock_is_free_once_it_is_dropped_whoever_has_a_copy_of_the_open_file() {
        let directory = tempfile::tempdir().unwrap();
        let store = UserStore::open(directory.path(), None).unwrap();
        let turn = store.try_login_turn().unwrap().unwrap();
        assert!(store.try_login_turn().unwrap().is_none());
        // As a child has it that is forked now.
        let _copy = turn.0.try_clone().unwrap();
        drop(turn);
        assert!(store.try_login_turn().unwrap().is_some());
    }

    #[test]
    fn what_cannot_be_read_is_moved_aside_and_never_lost() {
        for (key, content) in [
            (None, &b"RIU1 sealed"[..]),
            (Some([1; 64]), b"{}"),
            (None, b"{\"format\":9,\"users\":[]}"),
            (Some([1; 64]), b"RIU1"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("users.json"), content).unwrap();
            let store = UserStore::open(directory.path(), key.as_ref()).unwrap();
            assert!(store.load().unwrap().users.is_empty());
            let aside = names(directory.path())
                .into_iter()
                .find(|name| name.contains("unreadable"))
                .unwrap();
            assert_eq!(fs::read(directory.path().join(aside)).unwrap(), content);
            with_user(&store);
            assert_eq!(store.load().unwrap().users.len(), 1);
        }
    }
}
