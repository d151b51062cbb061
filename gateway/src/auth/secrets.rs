//! Secrets that the gateway makes and keeps a hash of: API keys and one-time tokens.

use rand::RngExt;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};

use crate::state::SecretHash;

/// Letters and digits of a secret, of some 6 bits each: nobody guesses it, however fast the hash is.
const LENGTH: usize = 64;

/// A new secret: 64 letters and digits.
#[must_use]
pub fn new_secret() -> String {
    let random = rand::rng().sample_iter(Alphanumeric);
    random.take(LENGTH).map(char::from).collect()
}

/// What is kept of a secret.
#[must_use]
pub fn hash_of_secret(secret: &str) -> SecretHash {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_each_is_another() {
        let (one, other) = (new_secret(), new_secret());
        assert!(one.len() == LENGTH && one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one, other);
        assert_ne!(hash_of_secret(&one), hash_of_secret(&other));
        assert_eq!(hash_of_secret(&one), hash_of_secret(&one));
    }
}
