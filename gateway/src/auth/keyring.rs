//! The keys as the running server knows them. The operator makes and retires keys in another process, so they are read anew.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::Tokens;
use crate::backend::BackendError;
use crate::state::State;

/// How long what was read is taken for true: an operator who retires a key does not wait longer for it.
const RENEWED: Duration = Duration::from_secs(1);

/// See the module. Any thread may ask.
pub struct Keyring {
    state: Arc<dyn State>,
    known: RwLock<Known>,
    /// One reads at a time, so that what was read later is not replaced by what was read before.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    tokens: Arc<Tokens>,
    read: Instant,
}

impl Keyring {
    /// With the keys there are at `now`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn open(state: Arc<dyn State>, now: Instant) -> Result<Self, BackendError> {
        let tokens = Arc::new(Tokens::new(&state.secrets().await?));
        Ok(Self {
            state,
            known: RwLock::new(Known { tokens, read: now }),
            reading: tokio::sync::Mutex::default(),
        })
    }

    /// What makes and checks tokens, with the keys there were at most a second before `now`.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn tokens(&self, now: Instant) -> Result<Arc<Tokens>, BackendError> {
        let known = self.known();
        if now.saturating_duration_since(known.read) < RENEWED {
            return Ok(known.tokens);
        }
        match self.reading.try_lock() {
            Ok(_reading) => self.read(now).await,
            // Another request is at it.
            Err(_) => Ok(known.tokens),
        }
    }

    /// The same with a key that was there just now.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn tokens_with(&self, key: i64, now: Instant) -> Result<Arc<Tokens>, BackendError> {
        let known = self.known();
        if known.tokens.has(key) {
            return Ok(known.tokens);
        }
        let _reading = self.reading.lock().await;
        self.read(now).await
    }

    /// Internal id of the app, which never changes.
    #[must_use]
    pub fn domain(&self) -> String {
        self.known().tokens.domain().to_owned()
    }

    async fn read(&self, now: Instant) -> Result<Arc<Tokens>, BackendError> {
        let tokens = Arc::new(Tokens::new(&self.state.secrets().await?));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
            tokens: Arc::clone(&tokens),
            read: now,
        };
        Ok(tokens)
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::state::{EmbeddedState, OperatorStore};

    #[tokio::test]
    async fn keys_of_another_process_are_known_within_a_second_or_when_they_are_asked_for() {
        let data = tempfile::tempdir().unwrap();
        let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
        let now = Instant::now();
        let keyring = Keyring::open(state, now).await.unwrap();
        let mut operator = OperatorStore::open(data.path()).unwrap();
        assert_eq!(operator.rotate_keys().unwrap(), 2);
        assert!(keyring.tokens_with(2, now).await.unwrap().has(2));
        assert!(keyring.tokens(now).await.unwrap().has(2));

        assert_eq!(operator.retire_key(1, false).unwrap(), Ok(0));
        let almost = now + RENEWED - Duration::from_millis(1);
        assert!(keyring.tokens(almost).await.unwrap().has(1), "nothing is read");
        assert!(!keyring.tokens(now + RENEWED).await.unwrap().has(1));
    }
}
