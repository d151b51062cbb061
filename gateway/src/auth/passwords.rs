//! Passwords as argon2id. Hashing is slow on purpose, so it runs off the async threads and only a few at
//! a time, and neither one address nor those who register hold up those who log in.

use std::sync::Arc;
use std::time::Duration;

use super::hashing::Hasher;
use super::{Address, AuthError};
use crate::ids;
use crate::turns::{Turn, Turns};

/// How long somebody waits for a turn.
const WAIT: Duration = Duration::from_secs(10);

/// Characters a password may have.
const LENGTHS: std::ops::RangeInclusive<usize> = 6..=128;

/// See the module.
pub struct Passwords {
    to_log_in: Turns,
    to_register: Turns,
    hasher: Arc<Hasher>,
    /// Hash of a password nobody knows, for users who do not exist.
    decoy: Arc<str>,
}

impl Passwords {
    /// Hashes at most `at_once` passwords at the same time to log in, and half as many to register; each takes 19 MiB and
    /// a processor.
    ///
    /// # Errors
    /// When argon2 does not work at all.
    pub fn new(at_once: usize) -> Result<Self, AuthError> {
        let hasher = Hasher::default();
        let decoy = hasher.hash(&ids::object_id())?;
        Ok(Self {
            to_log_in: Turns::new(at_once, WAIT),
            to_register: Turns::new(at_once / 2, WAIT),
            hasher: Arc::new(hasher),
            decoy: decoy.into(),
        })
    }

    /// Checks the length.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub fn check_length(password: &str) -> Result<(), AuthError> {
        if LENGTHS.contains(&password.chars().count()) {
            Ok(())
        } else {
            Err(AuthError::PasswordLength)
        }
    }

    /// Waits for the turn of somebody who logs in.
    ///
    /// # Errors
    /// When that takes too long, or too many are waiting.
    pub async fn turn_to_log_in(&self, from: Address) -> Result<Turn, AuthError> {
        Ok(self.to_log_in.turn(from).await?)
    }

    /// Waits for the turn of somebody who registers.
    ///
    /// # Errors
    /// When that takes too long, or too many are waiting.
    pub async fn turn_to_register(&self, from: Address) -> Result<Turn, AuthError> {
        Ok(self.to_register.turn(from).await?)
    }

    /// Hashes a password for the store.
    ///
    /// # Errors
    /// When the hash cannot be made.
    pub async fn hash(&self, turn: Turn, password: String) -> Result<String, AuthError> {
        let hasher = Arc::clone(&self.hasher);
        blocking(turn, move || hasher.hash(&password)).await
    }

    /// Whether the password belongs to the hash. Without a hash the answer is no, after the same work.
    ///
    /// # Errors
    /// When the stored hash cannot be read.
    pub async fn verify(
        &self,
        turn: Turn,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, AuthError> {
        let (hasher, decoy) = (Arc::clone(&self.hasher), Arc::clone(&self.decoy));
        blocking(turn, move || {
            let right = hasher.verify(&password, stored.as_deref().unwrap_or(&decoy))?;
            Ok(right && stored.is_some())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, AuthError> + Send + 'static,
) -> Result<T, AuthError> {
    let task = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(turn);
        result
    });
    task.await
        .map_err(|error| AuthError::Internal(error.to_string()))?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::net::IpAddr;

    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_is_right() {
        let passwords = Passwords::new(1).unwrap();
        let from = Address::from(IpAddr::from([127, 0, 0, 1]));
        let stored = passwords
            .hash(passwords.turn_to_register(from).await.unwrap(), "secret1".into())
            .await
            .unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        for (password, stored, right) in [
            ("secret1", Some(stored.clone()), true),
            ("secret2", Some(stored), false),
            ("secret1", None, false),
        ] {
            let turn = passwords.turn_to_log_in(from).await.unwrap();
            assert_eq!(
                passwords.verify(turn, password.into(), stored).await.unwrap(),
                right
            );
        }
    }

    #[tokio::test]
    async fn those_who_register_hold_up_nobody_who_logs_in() {
        let passwords = Passwords::new(1).unwrap();
        let from = Address::from(IpAddr::from([127, 0, 0, 1]));
        let _registering = passwords.turn_to_register(from).await.unwrap();
        passwords.turn_to_log_in(from).await.unwrap();
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        for (password, good) in [
            ("12345", false),
            ("123456", true),
            ("éééééé", true),
            (&"x".repeat(128), true),
            (&"x".repeat(129), false),
        ] {
            assert_eq!(Passwords::check_length(password).is_ok(), good, "{password}");
        }
    }
}
