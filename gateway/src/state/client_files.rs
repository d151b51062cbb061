//! What is known of each client file: a local Realm file of an unmodified Realm SDK, which has its name from a gateway.
//!
//! A number alone names none: a gateway whose state was restored gives numbers out again, so number and salt together do. One that is
//! not known, as its gateway has lost its state or is another, is adopted as it is. So what is kept here can be lost, and the files that
//! a user has not used for longest make room for others of his.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::backend::{Answer, BackendError};
use crate::clock;

/// Files of one user that are kept: a fleet may share an API key, and each time that an application is installed anew makes one.
pub(super) const MAX_OF_USER: i64 = 10_000;

/// Bytes of the JSON that says what a file's classes are, as many as a schema may have that is sent by HTTP.
pub const MAX_REGISTRY: usize = 1024 * 1024;

/// Characters that are kept of what a client says it is.
const MAX_CLIENT: usize = 200;

/// How exactly it is known when a file was seen: each note is a write to the disk.
pub(super) const NOTED_EVERY: i64 = 60 * 60 * 1000;

/// The number before that of the first file. In the protocol of realm-core 14 it is the server's own.
pub(super) const SERVER: i64 = 1;

/// A local Realm file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFile {
    /// Its number, from 2 on.
    pub ident: u64,
    /// What makes its name its own; not 0.
    pub salt: i64,
    /// Id of the user who bound it first.
    pub user: String,
    /// How often it was found to have gone back: it writes under another outbox since.
    pub generation: u32,
    /// How often what its classes are was set.
    pub revision: u64,
    /// What its classes are, as JSON; none while nobody knows.
    pub registry: Option<String>,
    /// What it said it is: the release of realm-core, the platform and the SDK.
    pub client: String,
    /// Milliseconds since 1970 when it came.
    pub created: i64,
    /// Milliseconds since 1970 when it was bound last, to the hour.
    pub seen: i64,
}

impl ClientFile {
    /// Name of the outbox that it writes under.
    #[must_use]
    pub fn outbox(&self) -> String {
        let (ident, salt) = (self.ident.to_be_bytes(), self.salt.to_be_bytes());
        if self.generation == 0 {
            return hex(ident.iter().chain(&salt));
        }
        let digest = Sha256::new()
            .chain_update("device sync\0")
            .chain_update(ident)
            .chain_update(salt)
            .chain_update(self.generation.to_be_bytes())
            .finalize();
        hex(digest.iter().take(16))
    }
}

fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    bytes.fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Keeps what is known of client files.
pub trait ClientFiles {
    /// Makes a name for a new file of the user, which nobody gets again.
    fn new_client_file(&self, user: &str, client: &str) -> Answer<'_, ClientFile>;
    /// The file of this name.
    fn client_file(&self, ident: u64, salt: i64) -> Answer<'_, Option<ClientFile>>;
    /// The file of this name, which comes to be known as the user's if it is not.
    fn adopt_client_file(&self, ident: u64, salt: i64, user: &str, client: &str) -> Answer<'_, ClientFile>;
    /// Notes that the file is used, and what it says it is.
    fn note_client_file(&self, ident: u64, salt: i64, client: &str) -> Answer<'_, ()>;
    /// Sets what the classes of the file are, of which somebody has read this revision; the answer is the next one. None, and nothing
    /// is set, when another has set it since or the file is not known any more: then the file has to be looked at again.
    ///
    /// # Errors
    /// Also when it is longer than [`MAX_REGISTRY`].
    fn set_registry(&self, ident: u64, salt: i64, revision: u64, registry: &str) -> Answer<'_, Option<u64>>;
    /// Has the file write under another outbox from now on, unless another has seen to it since this generation; the answer is the
    /// generation that it is in. None when the file is not known any more.
    fn renew_generation(&self, ident: u64, salt: i64, from: u32) -> Answer<'_, Option<u32>>;
}

/// A file that is new, or becomes known.
pub(super) struct New {
    pub(super) user: String,
    /// What it says it is.
    pub(super) client: String,
    /// Milliseconds since 1970.
    pub(super) now: i64,
    /// How many of one user there may be. Several that come at once may make it a few more.
    pub(super) of_user: i64,
}

impl New {
    /// Of this user now.
    pub(super) fn of(user: &str, client: &str, of_user: i64) -> Self {
        Self {
            user: user.to_owned(),
            client: told(client),
            now: clock::unix_millis(),
            of_user,
        }
    }
}

/// A salt for a new file.
pub(super) fn new_salt() -> i64 {
    rand::RngExt::random_range(&mut rand::rng(), 1..=i64::MAX)
}

/// A number as it is kept. In the protocol none is larger.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What a client says it is, as much of it as is kept.
pub(super) fn told(client: &str) -> String {
    client.chars().take(MAX_CLIENT).collect()
}

/// What the classes of a file are, as it is kept: most files of a fleet have the same classes, and a kilobyte of each is enough.
///
/// # Errors
/// When it is too long.
pub(super) fn packed(registry: &str) -> Result<Vec<u8>, BackendError> {
    if registry.len() > MAX_REGISTRY {
        return Err(BackendError::Damaged(format!(
            "what the classes of a client file are takes more than {MAX_REGISTRY} bytes"
        )));
    }
    let packed = zstd::bulk::compress(registry.as_bytes(), zstd::DEFAULT_COMPRESSION_LEVEL);
    packed.map_err(|error| {
        BackendError::Damaged(format!(
            "what is known of a client file cannot be packed: {error}"
        ))
    })
}

/// The same as it was set.
///
/// # Errors
/// When it is damaged.
pub(super) fn unpacked(registry: &[u8]) -> Result<String, BackendError> {
    let damaged =
        |why: String| BackendError::Damaged(format!("what is known of a client file cannot be read: {why}"));
    let mut bytes =
        zstd::bulk::decompress(registry, MAX_REGISTRY).map_err(|error| damaged(error.to_string()))?;
    // It has room for the longest.
    bytes.shrink_to_fit();
    String::from_utf8(bytes).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn file(ident: u64, salt: i64, generation: u32) -> ClientFile {
        ClientFile {
            ident,
            salt,
            user: String::new(),
            generation,
            revision: 0,
            registry: None,
            client: String::new(),
            created: 0,
            seen: 0,
        }
    }

    #[test]
    fn a_file_writes_under_its_name_until_it_goes_back() {
        let outbox = |generation| file(2, 946_016_527_359_837_633, generation).outbox();
        assert_eq!(outbox(0), "00000000000000020d20ed04f8ee85c1");
        assert_eq!(outbox(1), "f08deb15fdca1c0aff34accf50a6f04a");
        assert_eq!(outbox(2), "bccfdf9223d8a198416499187e7a551a");
        assert_eq!(file(u64::MAX, -1, 0).outbox(), "f".repeat(32));
    }

    #[test]
    fn what_classes_are_takes_little_and_comes_back_as_it_was() {
        let registry = r#"{"name":"Reading","kind":"asymmetric"}"#.repeat(1_000);
        let packed = packed(&registry).unwrap();
        assert!(packed.len() < 200, "{}", packed.len());
        assert_eq!(unpacked(&packed).unwrap(), registry);
        assert_eq!(unpacked(&super::packed("").unwrap()).unwrap(), "");
    }

    #[test]
    fn what_is_too_long_or_damaged_is_an_error() {
        let most = "x".repeat(MAX_REGISTRY);
        assert_eq!(unpacked(&packed(&most).unwrap()).unwrap(), most);
        assert!(packed(&(most + "x")).is_err());
        assert!(unpacked(b"damaged").is_err());
    }

    #[test]
    fn of_what_a_client_says_it_is_the_beginning_is_kept() {
        assert_eq!(told(&"ä".repeat(1_000)), "ä".repeat(MAX_CLIENT));
    }
}
