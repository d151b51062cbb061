//! Whose access tokens are good no more, though they have not expired: users who were disabled, removed, or logged out by the
//! operator, and sessions whose API key was; maybe in another process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Access, AuthError, Lifetimes};
use crate::backend::BackendError;
use crate::clock;
use crate::renewed::Renewed;
use crate::state::State;

/// See the module. Any thread may ask.
pub struct Revocations {
    state: Arc<dyn State>,
    known: Renewed<Known>,
}

/// Those of the last hour: older tokens have expired.
struct Known {
    /// Since when, in milliseconds since 1970, by user or session.
    times: HashMap<String, i64>,
    /// When they were read the last time, and when all of them.
    read: i64,
    read_all: i64,
}

/// Milliseconds that a revocation may take to be seen, after the time it names: it is stamped before it is written, and clocks differ.
const LATE: i64 = 60 * 1000;

/// Milliseconds after which all are read again: a database that has lost its majority may show a change later than that.
const ALL_EVERY: i64 = 60 * 1000;

impl Revocations {
    /// With those there are at `now`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn open(state: Arc<dyn State>, now: Instant) -> Result<Self, BackendError> {
        let known = Renewed::new(read(&*state, None).await?, now);
        Ok(Self { state, known })
    }

    /// Whether the token is good, as far as was known at most a second before `now`.
    ///
    /// # Errors
    /// When it is not.
    pub async fn check(&self, token: &Access, now: Instant) -> Result<Result<(), AuthError>, BackendError> {
        let renewed = || read(&*self.state, Some(self.known.known()));
        let known = &self.known.get(now, renewed).await?.times;
        // One of a clock that was ahead does not say when it was. The sessions that ended then have ended all the same.
        let ahead = clock::unix_millis().saturating_add(Lifetimes::AHEAD * 1000);
        let is_of_before = known
            .get(&token.sub)
            .is_some_and(|since| token.issued() <= *since && *since <= ahead);
        // A session that has ended does not begin again: one who was about to make this token did so too late.
        Ok(if is_of_before || known.contains_key(&token.iss) {
            Err(AuthError::BadToken("the access token was revoked"))
        } else {
            Ok(())
        })
    }
}

/// Reads all, or what has come since they were read before.
async fn read(state: &dyn State, before: Option<Arc<Known>>) -> Result<Known, BackendError> {
    let now = clock::unix_millis();
    let first = now - Lifetimes::REVOKED;
    let before = before.filter(|known| (0..ALL_EVERY).contains(&(now - known.read_all)));
    let since = before
        .as_ref()
        .map_or(first, |known| first.max(known.read - LATE));
    let mut known = Known {
        times: HashMap::new(),
        read: now,
        read_all: before.as_ref().map_or(now, |known| known.read_all),
    };
    if let Some(before) = before {
        let lasting = before.times.iter().filter(|(_, time)| **time >= first);
        known.times.extend(lasting.map(|(of, time)| (of.clone(), *time)));
    }
    for one in state.revocations(since).await? {
        let time = known.times.entry(one.of).or_insert(one.time);
        *time = one.time.max(*time);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;
    use crate::auth::Tokens;
    use crate::renewed::RENEWED;
    use crate::state::{EmbeddedState, Identity, Provider, Session, Sessions, UserKind, Users};

    async fn user(state: &EmbeddedState, identity: &str) -> String {
        let identity = Identity {
            provider: Provider::Anonymous,
            id: identity.to_owned(),
            data: serde_json::Map::default(),
        };
        let user = state.find_or_create(identity, UserKind::Normal);
        user.await.unwrap().unwrap().id
    }

    /// A state, and an access token in it that its user has lost.
    async fn revoked() -> (TempDir, Arc<EmbeddedState>, Access) {
        let data = tempfile::tempdir().unwrap();
        let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
        let user = user(&state, "one").await;
        assert!(state.end_sessions(&user).await.unwrap());
        let session = Session {
            id: "s".to_owned(),
            user,
            device: String::new(),
            api_key: None,
            expires: i64::MAX,
        };
        let tokens = Tokens::new(&state.secrets().await.unwrap(), Lifetimes::default());
        let token = tokens.access(&session, None, 1000).unwrap();
        let token = tokens.check_access(&token, 1).unwrap();
        (data, state, token)
    }

    fn change(data: &TempDir, revoked: i64) {
        let file = Connection::open(data.path().join("gateway.sqlite")).unwrap();
        file.execute("UPDATE users SET revoked = ?1", [revoked]).unwrap();
    }

    #[tokio::test]
    async fn a_revocation_that_took_a_while_to_be_written_outlives_the_tokens_of_before() {
        let (data, state, token) = revoked().await;
        let now = Instant::now();
        let life = Lifetimes::ACCESS.end() * 1000;
        change(&data, clock::unix_millis() - life - 30_000);
        let revocations = Revocations::open(state, now).await.unwrap();
        assert!(revocations.check(&token, now).await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_revocation_by_a_clock_that_was_ahead_does_not_concern_who_logs_in_later() {
        let (data, state, token) = revoked().await;
        let now = Instant::now();
        change(&data, clock::unix_millis() + 24 * 60 * 60 * 1000);
        let user = token.sub;
        let session = Session {
            id: "later".to_owned(),
            user,
            device: String::new(),
            api_key: None,
            expires: i64::MAX,
        };
        let tokens = Tokens::new(&state.secrets().await.unwrap(), Lifetimes::default());
        let made = tokens.access(&session, None, clock::unix_millis()).unwrap();
        let token = tokens.check_access(&made, clock::unix_seconds()).unwrap();
        let revocations = Revocations::open(state, now).await.unwrap();
        assert_eq!(revocations.check(&token, now).await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn what_was_read_once_is_known_beside_what_has_come_since() {
        let (data, state, mut token) = revoked().await;
        let now = Instant::now();
        let revocations = Revocations::open(Arc::clone(&state) as Arc<dyn State>, now)
            .await
            .unwrap();
        // It is too long ago to be read again.
        change(&data, 1);
        let other = user(&state, "other").await;
        assert!(state.end_sessions(&other).await.unwrap());
        let later = now + RENEWED;
        assert!(revocations.check(&token, later).await.unwrap().is_err());
        token.sub = other;
        assert!(revocations.check(&token, later).await.unwrap().is_err());
    }
}
