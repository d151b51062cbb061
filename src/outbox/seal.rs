//! Encryption of what an outbox keeps on disk. Pure: no file, no SQL.
//!
//! The application gives a key of 64 bytes. From it and the salt of the file, 16 random bytes, HKDF-SHA256
//! derives one key for each purpose, so what is sealed for one file opens in no other, but for copies of that
//! file. Values are sealed by ChaCha20-Poly1305, which is fast on every device, also without instructions for
//! AES: 12 bytes of nonce, the ciphertext, 16 bytes of tag. The associated data says what the value is and
//! where it belongs, so a value that was moved to another place is told as damage.
//!
//! Nonces are random, drawn for each value. A nonce made of a row's number would repeat: a copy of the file,
//! such as a backup that is restored, has the same key and numbers its own rows from the same number on. The
//! price is a bound: of 2^32 values sealed under one salt two share a nonce with a chance of 2^-33. A write
//! transaction is one value, so that is ten a second for thirteen years. A new salt (`rekey`, also to the
//! same key) starts the count over.
//!
//! Names by which something is looked up ([`Seal::seal_name`]) get a nonce made of the name itself, under a
//! key of their own: equal names are equal on disk, which tells that and nothing else.
//!
//! What stays readable: that there is an outbox, its random ids, numbers, sizes and times, and, to who knows
//! the id of a user, whether it is that one's ([`mark`]). What is not
//! promised: that a file is the newest of its copies, or that nobody took rows out of it.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Okm, Prk, Salt};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::{SecureRandom, SystemRandom};

/// The length of a key in bytes, which is what the former SDK takes.
pub const KEY_BYTES: usize = 64;

/// The length of a salt in bytes: no two files draw the same one.
pub(crate) const SALT_BYTES: usize = 16;

/// What sealing adds to a value, in bytes: the nonce and the tag.
pub(crate) const SEAL_BYTES: usize = NONCE_LEN + 16;

/// The key of an encrypted outbox, as the application gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; KEY_BYTES]);

impl Key {
    /// A key of these bytes, all of which should be random.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Key {
        Key(bytes)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// A value could not be sealed, so nothing was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers, without which nothing can be encrypted")]
pub(crate) struct CannotSeal;

/// What seals the values of one file, and opens them. Any thread may use it; clones are cheap.
#[derive(Clone, Default)]
pub(crate) struct Seal(Option<Arc<Keys>>);

struct Keys {
    values: LessSafeKey,
    names: LessSafeKey,
    tags: hmac::Key,
    salt: [u8; SALT_BYTES],
    random: SystemRandom,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() { "Seal(none)" } else { "Seal(..)" })
    }
}

impl Seal {
    /// Of a file that is not encrypted: values are stored as they are.
    pub(crate) fn none() -> Seal {
        Seal(None)
    }

    /// Of the file with this salt.
    ///
    /// # Errors
    /// Never with the algorithms of this module.
    pub(crate) fn new(key: &Key, salt: &[u8; SALT_BYTES]) -> Result<Seal, CannotSeal> {
        let derived = Salt::new(HKDF_SHA256, salt).extract(&key.0);
        let cipher = |purpose| {
            expanded(&derived, purpose, &CHACHA20_POLY1305, |okm| {
                LessSafeKey::new(UnboundKey::from(okm))
            })
        };
        Ok(Seal(Some(Arc::new(Keys {
            values: cipher(b"realm-ingest outbox values 1")?,
            names: cipher(b"realm-ingest outbox names 1")?,
            tags: expanded(&derived, b"realm-ingest outbox tags 1", HMAC_SHA256, |okm| {
                hmac::Key::from(okm)
            })?,
            salt: *salt,
            random: SystemRandom::new(),
        }))))
    }

    /// A salt for a new file.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(crate) fn new_salt() -> Result<[u8; SALT_BYTES], CannotSeal> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| CannotSeal)?;
        Ok(salt)
    }

    /// Whether the file is not encrypted.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// What a file keeps to tell a wrong key; empty without encryption. Says nothing of the key.
    pub(crate) fn proof(&self) -> Vec<u8> {
        self.tag("proof", b"")
    }

    /// What [`mark`] makes of the text in this file; `None` without encryption.
    pub(crate) fn mark(&self, text: &str) -> Option<String> {
        self.0.as_ref().map(|keys| mark(&keys.salt, text))
    }

    /// `parts` back to back, sealed for a place: what it is, and numbers that say where, as many for each
    /// purpose.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(crate) fn seal(&self, purpose: &str, place: &[i64], parts: &[&[u8]]) -> Result<Vec<u8>, CannotSeal> {
        let Some(keys) = &self.0 else {
            return Ok(parts.concat());
        };
        let mut nonce = [0; NONCE_LEN];
        keys.random.fill(&mut nonce).map_err(|_| CannotSeal)?;
        sealed(&keys.values, nonce, &associated(purpose, place), parts)
    }

    /// What was sealed for this place; `None` when it is not as it was sealed.
    pub(crate) fn open(&self, purpose: &str, place: &[i64], stored: Vec<u8>) -> Option<Vec<u8>> {
        match &self.0 {
            None => Some(stored),
            Some(keys) => opened(&keys.values, &associated(purpose, place), stored),
        }
    }

    /// As [`Seal::seal`], of a text for a column of text.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(crate) fn seal_text(&self, purpose: &str, place: i64, text: &str) -> Result<String, CannotSeal> {
        if self.is_none() {
            return Ok(text.to_owned());
        }
        let sealed = self.seal(purpose, &[place], &[text.as_bytes()])?;
        Ok(STANDARD_NO_PAD.encode(sealed))
    }

    /// The text that was sealed for this place; `None` when it is not as it was sealed.
    pub(crate) fn open_text(&self, purpose: &str, place: i64, stored: &str) -> Option<String> {
        if self.is_none() {
            return Some(stored.to_owned());
        }
        let sealed = STANDARD_NO_PAD.decode(stored).ok()?;
        String::from_utf8(self.open(purpose, &[place], sealed)?).ok()
    }

    /// A text by which something is looked up: equal texts are sealed alike.
    ///
    /// # Errors
    /// Never for texts that memory holds.
    pub(crate) fn seal_name(&self, purpose: &str, name: &str) -> Result<String, CannotSeal> {
        let Some(keys) = &self.0 else {
            return Ok(name.to_owned());
        };
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&self.tag(purpose, name.as_bytes())[..NONCE_LEN]);
        let sealed = sealed(&keys.names, nonce, &associated(purpose, &[]), &[name.as_bytes()])?;
        Ok(STANDARD_NO_PAD.encode(sealed))
    }

    /// The text that [`Seal::seal_name`] sealed for this purpose; `None` when it is not as it was sealed.
    pub(crate) fn open_name(&self, purpose: &str, stored: &str) -> Option<String> {
        let Some(keys) = &self.0 else {
            return Some(stored.to_owned());
        };
        let sealed = STANDARD_NO_PAD.decode(stored).ok()?;
        String::from_utf8(opened(&keys.names, &associated(purpose, &[]), sealed)?).ok()
    }

    fn tag(&self, purpose: &str, bytes: &[u8]) -> Vec<u8> {
        let Some(keys) = &self.0 else {
            return Vec::new();
        };
        let mut context = hmac::Context::with_key(&keys.tags);
        context.update(&associated(purpose, &[]));
        context.update(bytes);
        context.sign().as_ref().to_vec()
    }
}

/// Tells without the key whether a text is the one that was marked: to who knows that text already, as it cannot
/// be found from this but by trying. The same text has another mark in each file.
pub(crate) fn mark(salt: &[u8; SALT_BYTES], text: &str) -> String {
    let key = hmac::Key::new(HMAC_SHA256, salt);
    STANDARD_NO_PAD.encode(hmac::sign(&key, text.as_bytes()))
}

fn expanded<L: KeyType, K>(
    derived: &Prk,
    purpose: &[u8],
    length: L,
    key: impl FnOnce(Okm<'_, L>) -> K,
) -> Result<K, CannotSeal> {
    derived
        .expand(&[purpose], length)
        .map(key)
        .map_err(|_| CannotSeal)
}

/// No two places have the same bytes: the length of the purpose, the purpose, its numbers.
fn associated(purpose: &str, place: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + purpose.len() + 8 * place.len());
    bytes.extend_from_slice(&(purpose.len() as u64).to_le_bytes());
    bytes.extend_from_slice(purpose.as_bytes());
    for number in place {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes
}

fn sealed(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    associated: &[u8],
    parts: &[&[u8]],
) -> Result<Vec<u8>, CannotSeal> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut value = Vec::with_capacity(length + SEAL_BYTES);
    value.extend_from_slice(&nonce);
    for part in parts {
        value.extend_from_slice(part);
    }
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(associated), &mut value[NONCE_LEN..])
        .map_err(|_| CannotSeal)?;
    value.extend_from_slice(tag.as_ref());
    Ok(value)
}

fn opened(key: &LessSafeKey, associated: &[u8], mut stored: Vec<u8>) -> Option<Vec<u8>> {
    let (nonce, sealed) = stored.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key
        .open_in_place(nonce, Aad::from(associated), sealed)
        .ok()?
        .len();
    stored.drain(..NONCE_LEN);
    stored.truncate(length);
    Some(stored)
}

#[cfg(test)]
mod tests {
    // A failed unwrap is a failed test.
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SALT: [u8; SALT_BYTES] = [5; SALT_BYTES];

    fn key(byte: u8) -> Key {
        Key::new([byte; KEY_BYTES])
    }

    fn seal() -> Seal {
        Seal::new(&key(1), &SALT).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_under_the_same_key_and_salt() {
        let sealed = seal().seal("row", &[7, 1], &[b"Reading", b"payload"]).unwrap();
        assert_eq!(sealed.len(), b"Readingpayload".len() + SEAL_BYTES);
        assert!(
            !sealed
                .windows(7)
                .any(|bytes| bytes == b"Reading" || bytes == b"payload")
        );
        assert_eq!(seal().open("row", &[7, 1], sealed).unwrap(), b"Readingpayload");
    }

    #[test]
    fn it_opens_at_no_other_place() {
        let sealed = seal().seal("row", &[7, 1], &[b"payload"]).unwrap();
        for place in [&[7, 2][..], &[8, 1], &[7], &[7, 1, 0], &[1, 7], &[]] {
            assert_eq!(seal().open("row", place, sealed.clone()), None, "{place:?}");
        }
        for purpose in ["ro", "row ", "schema", ""] {
            assert_eq!(seal().open(purpose, &[7, 1], sealed.clone()), None, "{purpose}");
        }
    }

    #[test]
    fn it_opens_under_no_other_key_and_in_no_other_file() {
        let sealed = seal().seal("row", &[7], &[b"payload"]).unwrap();
        let mut salt = SALT;
        salt[15] ^= 1;
        let of_another_file = Seal::new(&key(1), &salt).unwrap();
        let of_another_key = Seal::new(&key(2), &SALT).unwrap();
        for other in [of_another_file, of_another_key] {
            assert_eq!(other.open("row", &[7], sealed.clone()), None);
            assert_ne!(other.proof(), seal().proof());
        }
        assert_eq!(Seal::new(&key(1), &SALT).unwrap().proof(), seal().proof());
    }

    #[test]
    fn any_change_is_noticed() {
        let sealed = seal().seal("row", &[7], &[b"payload"]).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x10;
            assert_eq!(seal().open("row", &[7], changed), None, "byte {at}");
            assert_eq!(
                seal().open("row", &[7], sealed[..at].to_vec()),
                None,
                "cut at {at}"
            );
        }
        let longer = [&sealed[..], &[0]].concat();
        assert_eq!(seal().open("row", &[7], longer), None);
    }

    #[test]
    fn the_same_value_is_never_sealed_alike_twice_and_the_same_name_always_is() {
        let value = || seal().seal_text("user", 0, "anna").unwrap();
        assert_ne!(value(), value());
        let name = |text| seal().seal_name("fingerprint", text).unwrap();
        assert_eq!(name("0123"), name("0123"));
        assert_ne!(name("0123"), name("0124"));
        assert_ne!(name("0123"), seal().seal_name("class", "0123").unwrap());
    }

    #[test]
    fn texts_and_names_come_back_as_they_were() {
        for text in ["", "anna", "ü\n\0", &"x".repeat(100_000)] {
            let sealed = seal().seal_text("user", 3, text).unwrap();
            assert_eq!(seal().open_text("user", 3, &sealed).unwrap(), text);
            assert_eq!(seal().open_text("user", 4, &sealed), None);
            assert_eq!(seal().open_text("app", 3, &sealed), None);
            let name = seal().seal_name("fingerprint", text).unwrap();
            assert_eq!(seal().open_name("fingerprint", &name).unwrap(), text);
            assert_eq!(seal().open_name("class", &name), None);
            assert_eq!(seal().open_text("fingerprint", 0, &name), None);
        }
        assert_eq!(seal().open_text("user", 3, "no base64!"), None);
    }

    #[test]
    fn without_a_key_everything_stays_as_it_is() {
        let none = Seal::none();
        assert_eq!(none.seal("row", &[1], &[b"a", b"b"]).unwrap(), b"ab");
        assert_eq!(none.open("row", &[2], b"ab".to_vec()).unwrap(), b"ab");
        assert_eq!(none.seal_text("user", 1, "anna").unwrap(), "anna");
        assert_eq!(none.open_text("user", 2, "anna").unwrap(), "anna");
        assert_eq!(none.seal_name("fingerprint", "0123").unwrap(), "0123");
        assert_eq!(none.open_name("fingerprint", "0123").unwrap(), "0123");
        assert!(none.proof().is_empty());
    }

    #[test]
    fn a_key_is_in_no_message() {
        assert_eq!(format!("{:?} {:?}", key(7), seal()), "Key(..) Seal(..)");
    }
}
