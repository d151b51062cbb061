//! Whose access tokens are good no more, though they have not expired: users who were disabled, removed, or logged out by the
//! operator, and sessions whose API key was; maybe in another process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::renewed::Renewed;
use super::{Access, AuthError, Lifetimes};
use crate::backend::BackendError;
use crate::clock;
use crate::state::State;

/// See the module. Any thread may ask.
pub struct Revocations {
    state: Arc<dyn State>,
    /// Since when, in milliseconds since 1970, by user or session. Of the last half hour: older tokens have expired.
    known: Renewed<HashMap<String, i64>>,
}

impl Revocations {
    /// With those there are at `now`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn open(state: Arc<dyn State>, now: Instant) -> Result<Self, BackendError> {
        let known = Renewed::new(read(&*state).await?, now);
        Ok(Self { state, known })
    }

    /// Whether the token is good, as far as was known at most a second before `now`.
    ///
    /// # Errors
    /// When it is not.
    pub async fn check(&self, token: &Access, now: Instant) -> Result<Result<(), AuthError>, BackendError> {
        let known = self.known.get(now, || read(&*self.state)).await?;
        let is_of_before = known
            .get(&token.sub)
            .is_some_and(|since| token.issued() <= *since);
        // A session that has ended does not begin again: one who was about to make this token did so too late.
        Ok(if is_of_before || known.contains_key(&token.iss) {
            Err(AuthError::BadToken("the access token was revoked"))
        } else {
            Ok(())
        })
    }
}

async fn read(state: &dyn State) -> Result<HashMap<String, i64>, BackendError> {
    let since = clock::unix_millis() - Lifetimes::ACCESS.end() * 1000;
    let revocations = state.revocations(since).await?.into_iter();
    Ok(revocations.map(|one| (one.of, one.time)).collect())
}
