//! argon2id in memory that is used again: each hash fills 19 MiB, and an allocator may keep as much for every thread that
//! once made one.

use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

use super::AuthError;

/// Hashes whose memory is kept for the next ones: 152 MiB. More are made at the same time only by many processors, and those
/// pay for what they allocate.
const KEPT: usize = 8;

/// See the module. Holds the memory of as many hashes as were made at the same time, up to `KEPT`.
#[derive(Default)]
pub struct Hasher(Mutex<Vec<Vec<Block>>>);

impl Hasher {
    /// The hash of a password under a new salt, in PHC form.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn hash(&self, password: &str) -> Result<String, AuthError> {
        let argon2 = Argon2::default();
        let salt = Salt::generate();
        let hash = PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: ParamsString::try_from(argon2.params()).map_err(unmade)?,
            hash: Some(self.output(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?),
            salt: Some(salt),
        };
        Ok(hash.to_string())
    }

    /// Whether the password belongs to the hash, in time that does not tell how far it is right.
    ///
    /// # Errors
    /// When the hash cannot be read.
    pub fn verify(&self, password: &str, hash: &str) -> Result<bool, AuthError> {
        let unreadable =
            |what: &str| AuthError::Internal(format!("a stored password hash cannot be read: {what}"));
        let hash = PasswordHash::new(hash).map_err(|error| unreadable(&error.to_string()))?;
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
            return Err(unreadable("it has no salt or no output"));
        };
        let algorithm =
            Algorithm::try_from(hash.algorithm.as_str()).map_err(|error| unreadable(&error.to_string()))?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from);
        let version = version.map_err(|error| unreadable(&error.to_string()))?;
        let params = Params::try_from(&hash).map_err(|error| unreadable(&error.to_string()))?;
        let argon2 = Argon2::new(algorithm, version, params);
        Ok(self.output(&argon2, password, &salt, expected.len())? == expected)
    }

    fn output(
        &self,
        argon2: &Argon2<'_>,
        password: &str,
        salt: &Salt,
        length: usize,
    ) -> Result<Output, AuthError> {
        let mut memory = self.memory().pop().unwrap_or_default();
        let blocks = argon2.params().block_count();
        if memory.len() < blocks {
            memory.resize(blocks, Block::default());
        }
        let mut bytes = [0; Output::MAX_LENGTH];
        let out = bytes
            .get_mut(..length)
            .ok_or_else(|| unmade("the output is too long"))?;
        let made = argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut memory);
        self.keep(memory);
        made.map_err(unmade)?;
        Output::new(out).map_err(unmade)
    }

    fn keep(&self, memory: Vec<Block>) {
        let mut kept = self.memory();
        if kept.len() < KEPT {
            kept.push(memory);
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unmade(error: impl std::fmt::Display) -> AuthError {
    AuthError::Internal(format!("argon2: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use argon2::{PasswordHasher, PasswordVerifier};

    use super::*;

    #[test]
    fn hashes_are_those_of_argon2_whatever_the_memory_held_before() {
        let hasher = Hasher::default();
        let ours = hasher.hash("one").unwrap();
        Argon2::default().verify_password(b"one", ours.as_str()).unwrap();
        let small = Argon2::from(Params::new(64, 1, 1, Some(16)).unwrap());
        let small: PasswordHash = small.hash_password(b"two").unwrap();
        for (password, hash, right) in [
            ("two", small.to_string(), true),
            ("one", small.to_string(), false),
            ("one", ours.clone(), true),
            ("two", ours, false),
        ] {
            assert_eq!(
                hasher.verify(password, &hash).unwrap(),
                right,
                "{password} {hash}"
            );
        }
        assert_eq!(hasher.memory().len(), 1, "it is used again");
    }

    #[test]
    fn of_many_at_once_the_memory_of_a_few_is_kept() {
        let hasher = Hasher::default();
        let small = Argon2::from(Params::new(64, 1, 1, Some(16)).unwrap());
        let small: PasswordHash = small.hash_password(b"one").unwrap();
        let small = small.to_string();
        // As if many had just been made.
        hasher.memory().resize(3 * KEPT, Vec::new());
        let taken: Vec<_> = hasher.memory().drain(..).collect();
        taken.into_iter().for_each(|memory| hasher.keep(memory));
        assert!(hasher.verify("one", &small).unwrap());
        assert_eq!(hasher.memory().len(), KEPT);
    }

    #[test]
    fn a_hash_that_cannot_be_read_is_an_error() {
        for text in [
            "",
            "$argon2id$v=19$m=64,t=1,p=1",
            "$scrypt$ln=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ] {
            assert!(Hasher::default().verify("x", text).is_err(), "{text}");
        }
    }
}
