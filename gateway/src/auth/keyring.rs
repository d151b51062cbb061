//! The keys as the running server knows them. The operator makes and retires keys in another process, so they are read anew.

use std::sync::Arc;
use std::time::Instant;

use super::{Lifetimes, Tokens};
use crate::backend::BackendError;
use crate::renewed::Renewed;
use crate::state::State;

/// See the module. Any thread may ask.
pub struct Keyring {
    state: Arc<dyn State>,
    lifetimes: Lifetimes,
    known: Renewed<Tokens>,
}

impl Keyring {
    /// With the keys there are at `now`, for tokens that are good for so long.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn open(
        state: Arc<dyn State>,
        lifetimes: Lifetimes,
        now: Instant,
    ) -> Result<Self, BackendError> {
        let known = Renewed::new(read(&*state, lifetimes).await?, now);
        Ok(Self {
            state,
            lifetimes,
            known,
        })
    }

    /// What makes and checks tokens, with the keys there were at most a second before `now`.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn tokens(&self, now: Instant) -> Result<Arc<Tokens>, BackendError> {
        self.known.get(now, || read(&*self.state, self.lifetimes)).await
    }

    /// The same to check a token by, which another gateway may have made with a key that came just now. A key that nobody has costs a
    /// read a second at most.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn tokens_for(&self, token: &str, now: Instant) -> Result<Arc<Tokens>, BackendError> {
        let known = self.tokens(now).await?;
        if !known.are_older_than(token) {
            return Ok(known);
        }
        let is_old = |known: &Tokens| known.are_older_than(token);
        self.known
            .renew_if(is_old, now, || read(&*self.state, self.lifetimes))
            .await
    }

    /// The same with a key that was there just now.
    ///
    /// # Errors
    /// When the keys cannot be read.
    pub async fn tokens_with(&self, key: i64, now: Instant) -> Result<Arc<Tokens>, BackendError> {
        let known = self.known.known();
        if known.has(key) {
            return Ok(known);
        }
        self.known.renew(now, || read(&*self.state, self.lifetimes)).await
    }

    /// How long what it makes is good for.
    #[must_use]
    pub fn lifetimes(&self) -> Lifetimes {
        self.lifetimes
    }

    /// Internal id of the app, which never changes.
    #[must_use]
    pub fn domain(&self) -> String {
        self.known.known().domain().to_owned()
    }
}

async fn read(state: &dyn State, lifetimes: Lifetimes) -> Result<Tokens, BackendError> {
    Ok(Tokens::new(&state.secrets().await?, lifetimes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::time::Duration;

    use super::*;
    use crate::renewed::RENEWED;
    use crate::state::{EmbeddedState, Operator, Session};

    #[tokio::test]
    async fn keys_of_another_process_are_known_within_a_second_or_when_they_are_asked_for() {
        let data = tempfile::tempdir().unwrap();
        let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
        let now = Instant::now();
        let keyring = Keyring::open(state, Lifetimes::default(), now).await.unwrap();
        let operator = EmbeddedState::open_existing(data.path()).unwrap();
        assert_eq!(operator.rotate_keys().await.unwrap(), 2);
        assert!(keyring.tokens_with(2, now).await.unwrap().has(2));
        assert!(keyring.tokens(now).await.unwrap().has(2));

        assert_eq!(operator.retire_key(1, false).await.unwrap(), Ok(0));
        let almost = now + RENEWED - Duration::from_millis(1);
        assert!(keyring.tokens(almost).await.unwrap().has(1), "nothing is read");
        assert!(!keyring.tokens(now + RENEWED).await.unwrap().has(1));
    }

    #[tokio::test]
    async fn a_token_of_a_key_that_another_gateway_knows_already_is_good_at_once() {
        let data = tempfile::tempdir().unwrap();
        let one = Arc::new(EmbeddedState::open(data.path()).unwrap());
        let other = EmbeddedState::open_existing(data.path()).unwrap();
        let (now, time) = (Instant::now(), 1_000_000);
        let open = |state| Keyring::open(state, Lifetimes::default(), now);
        let (one, behind) = tokio::join!(open(Arc::clone(&one) as Arc<dyn State>), open(one));
        let (one, behind) = (one.unwrap(), behind.unwrap());
        assert_eq!(other.rotate_keys().await.unwrap(), 2);
        let session = Session {
            id: "s".to_owned(),
            user: "u".to_owned(),
            device: String::new(),
            api_key: None,
            expires: 2 * time,
        };
        let tokens = one.tokens_with(2, now).await.unwrap();
        let access = tokens.access(&session, None, time).unwrap();
        let checked = behind.tokens_for(&access, now).await.unwrap();
        assert_eq!(checked.check_access(&access, time / 1000).unwrap().sub, "u");
    }
}
