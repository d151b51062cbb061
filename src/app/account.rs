//! What all handles of one user share: its state, its tokens, and who wants to know when they change.
//!
//! A change is stored before it is made here (`login.rs` and `logout.rs` see to that), so that a program which ends in the
//! middle of hearing of it finds the same state when it starts again.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::User;
use super::credentials::{ANONYMOUS, Credentials};
use super::tokens::{self, Claims};
use super::users::{Identity, StoredUser};
use crate::error::Error;

/// Whether a user can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum UserState {
    /// Known, without tokens; can log in again.
    LoggedOut = 0,
    /// Has tokens.
    LoggedIn = 1,
    /// Gone for good: an anonymous user that logged out, or one that the application removed.
    Removed = 2,
}

/// Told about a user's logins and logouts. Called on the thread that caused them; must return at once.
pub(crate) trait Follower: Send + Sync {
    fn logged_in(&self);
    /// The application asked for it.
    fn logged_out(&self);
    /// The server took the session away. `replaced`: the library logs another user in, under whom it goes on.
    fn rejected(&self, reason: &Error, replaced: bool);
    /// Nobody could be logged in in its place yet, which is tried again.
    fn still_rejected(&self, reason: &Error);
    /// What waits goes on under this user.
    fn succeeded_by(&self, successor: &User);
}

pub(crate) struct Account {
    pub(crate) id: String,
    data: Mutex<Data>,
    /// One refresh at a time; who waited uses its result.
    pub(super) refreshing: tokio::sync::Mutex<()>,
    /// Somebody is being logged in in its place.
    pub(super) replacing: AtomicBool,
    followers: Mutex<Vec<Weak<dyn Follower>>>,
}

pub(super) struct Data {
    pub(super) state: UserState,
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) claims: Option<Claims>,
    pub(super) renew_at: Instant,
    /// The server has refused the refresh token that is current; whoever saw that says so.
    pub(super) refused: bool,
    rejected: bool,
    /// The refresh token of the session that ended last. A file that still has it says nothing new.
    ended: String,
    /// A logout could not be stored.
    pub(super) unstored: bool,
    successor: Option<String>,
    principal: String,
    device_id: String,
    pub(super) identities: Vec<Identity>,
}

/// The answer to a login.
#[derive(Clone)]
pub(crate) struct SignIn {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) device_id: String,
    pub(crate) claims: Claims,
    /// As [`super::Credentials::principal`].
    pub(crate) principal: String,
}

impl SignIn {
    /// The session that a record holds, if it holds one.
    pub(crate) fn stored(record: &StoredUser) -> Option<SignIn> {
        tokens::claims(&record.refresh_token)?;
        Some(SignIn {
            claims: tokens::claims(&record.access_token)?,
            access_token: record.access_token.clone(),
            refresh_token: record.refresh_token.clone(),
            device_id: record.device_id.clone(),
            principal: record.principal.clone(),
        })
    }
}

impl Account {
    pub(crate) fn restored(stored: StoredUser) -> Account {
        let session = SignIn::stored(&stored);
        let mut data = Data {
            state: UserState::LoggedOut,
            access_token: String::new(),
            refresh_token: String::new(),
            claims: None,
            renew_at: Instant::now(),
            refused: false,
            rejected: stored.rejected,
            ended: String::new(),
            unstored: false,
            successor: stored.successor,
            principal: stored.principal,
            device_id: stored.device_id,
            identities: stored.identities,
        };
        if let Some(session) = session {
            data.renew_at = session
                .claims
                .renew_at_by_wall_clock(Instant::now(), std::time::SystemTime::now());
            data.state = UserState::LoggedIn;
            data.claims = Some(session.claims);
            data.access_token = session.access_token;
            data.refresh_token = session.refresh_token;
        }
        Account {
            id: stored.id,
            data: Mutex::new(data),
            refreshing: tokio::sync::Mutex::new(()),
            replacing: AtomicBool::new(false),
            followers: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn new(id: &str) -> Account {
        Account::restored(StoredUser {
            id: id.to_owned(),
            ..StoredUser::default()
        })
    }

    pub(super) fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> UserState {
        self.data().state
    }

    /// What is to be kept of the account as it is.
    pub(crate) fn stored(&self) -> StoredUser {
        let data = self.data();
        StoredUser {
            id: self.id.clone(),
            access_token: data.access_token.clone(),
            refresh_token: data.refresh_token.clone(),
            device_id: data.device_id.clone(),
            identities: data.identities.clone(),
            rejected: data.rejected,
            successor: data.successor.clone(),
            principal: data.principal.clone(),
        }
    }

    /// What is to be kept of the account once [`Account::sign_in`] was called with this.
    pub(crate) fn stored_with(&self, session: &SignIn) -> StoredUser {
        StoredUser {
            access_token: session.access_token.clone(),
            refresh_token: session.refresh_token.clone(),
            device_id: session.device_id.clone(),
            principal: session.principal.clone(),
            rejected: false,
            successor: None,
            ..self.stored()
        }
    }

    pub(crate) fn is_only_anonymous(&self) -> bool {
        is_only_anonymous(&self.data().identities)
    }

    /// How the user logs in; empty where that is not known.
    pub(crate) fn principal(&self) -> String {
        let principal = self.data().principal.clone();
        if principal.is_empty() && self.is_only_anonymous() {
            // A user that an older release stored.
            return ANONYMOUS.to_owned();
        }
        principal
    }

    pub(crate) fn is_rejected(&self) -> bool {
        let data = self.data();
        data.state == UserState::LoggedOut && data.rejected
    }

    /// Rejected, without a successor, and of a kind for which the library finds one itself.
    pub(crate) fn awaits_successor(&self) -> bool {
        self.is_rejected() && self.successor().is_none() && self.principal() == ANONYMOUS
    }

    /// The user under whom the outboxes of this one go on.
    pub(crate) fn successor(&self) -> Option<String> {
        self.data().successor.clone()
    }

    /// A new access token of the session that is going on.
    pub(super) fn renew(data: &mut Data, token: &str, claims: Claims) {
        data.refused = false;
        data.renew_at = claims.renew_at(Instant::now());
        data.claims = Some(claims);
        token.clone_into(&mut data.access_token);
    }

    /// Another way of logging in leads to this user. An anonymous one is known by it from now on, also where it has no
    /// name that stays the same: then by none.
    pub(super) fn link(&self, credentials: &Credentials) {
        let known = self.principal();
        if known.is_empty() || known == ANONYMOUS {
            self.data().principal = credentials.principal();
        }
        self.add_provider(credentials.provider());
    }

    /// The user logs in this way, too: what is known of it until the profile says more.
    pub(super) fn add_provider(&self, provider: &str) {
        let identities = &mut self.data().identities;
        if !identities.iter().any(|known| known.provider_type == provider) {
            identities.push(Identity {
                id: self.id.clone(),
                provider_type: provider.to_owned(),
            });
        }
    }

    /// Another process may have linked this user, which its record says.
    pub(super) fn heed_link(&self, record: &StoredUser) {
        let mut data = self.data();
        if is_only_anonymous(&data.identities) && !is_only_anonymous(&record.identities) {
            data.identities.clone_from(&record.identities);
            data.principal.clone_from(&record.principal);
        }
    }

    pub(crate) fn set_identities(&self, identities: Vec<Identity>) {
        self.data().identities = identities;
    }

    /// A session that a file has is used, unless it has ended here: the file may have been read before.
    pub(crate) fn adopt(&self, session: SignIn) {
        if self.data().ended != session.refresh_token {
            self.sign_in(session);
        }
    }

    /// The refresh token of the session that goes on, or of the one that ended last.
    pub(crate) fn last_session(&self) -> String {
        let data = self.data();
        match data.state {
            UserState::LoggedIn => data.refresh_token.clone(),
            UserState::LoggedOut | UserState::Removed => data.ended.clone(),
        }
    }

    pub(crate) fn sign_in(&self, session: SignIn) {
        let mut data = self.data();
        data.state = UserState::LoggedIn;
        data.renew_at = session.claims.renew_at(Instant::now());
        data.claims = Some(session.claims);
        data.access_token = session.access_token;
        data.refresh_token = session.refresh_token;
        data.device_id = session.device_id;
        data.principal = session.principal;
        data.refused = false;
        data.rejected = false;
        data.unstored = false;
        data.successor = None;
        drop(data);
        self.each_follower(|follower| follower.logged_in());
    }

    /// The application logged the user out, or removed it. Returns the token to end the session with, or none if the
    /// user was not logged in.
    pub(crate) fn sign_out(&self, end: UserState) -> Option<String> {
        let token = self.clear(end, false);
        let is_removed = end == UserState::Removed && std::mem::replace(&mut self.data().state, end) != end;
        if token.is_some() || is_removed {
            self.each_follower(|follower| follower.logged_out());
        }
        token
    }

    /// What a logout makes of the user.
    pub(crate) fn state_after_logout(&self) -> UserState {
        if self.is_only_anonymous() || self.state() == UserState::Removed {
            UserState::Removed
        } else {
            UserState::LoggedOut
        }
    }

    /// The server took the session away. False if there was none.
    pub(crate) fn reject(&self, reason: &Error) -> bool {
        if self.clear(UserState::LoggedOut, true).is_none() {
            return false;
        }
        let replaced = self.awaits_successor();
        self.each_follower(|follower| follower.rejected(reason, replaced));
        true
    }

    /// A log-in in its place has failed.
    pub(crate) fn still_rejected(&self, reason: &Error) {
        if !self.awaits_successor() {
            // Somebody has come, and it is what follows a log-in that failed.
            log::warn!(
                target: "ingest::app",
                "user {} was replaced, and the profile of who came is not known yet: {}",
                self.id,
                reason.full_message()
            );
            return;
        }
        log::warn!(
            target: "ingest::app",
            "nobody could be logged in yet in the place of user {}: {}",
            self.id,
            reason.full_message()
        );
        self.each_follower(|follower| follower.still_rejected(reason));
    }

    fn clear(&self, state: UserState, rejected: bool) -> Option<String> {
        let mut data = self.data();
        if data.state != UserState::LoggedIn {
            return None;
        }
        data.state = state;
        data.rejected = rejected;
        data.refused = false;
        data.access_token.clear();
        data.claims = None;
        data.ended = std::mem::take(&mut data.refresh_token);
        Some(data.ended.clone())
    }

    /// What waits for this user goes on under `successor`.
    pub(crate) fn succeed(&self, successor: &User) {
        self.data().successor = Some(successor.id().to_owned());
        self.each_follower(|follower| follower.succeeded_by(successor));
    }

    pub(crate) fn follow(&self, follower: Weak<dyn Follower>) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|known| known.strong_count() > 0);
        followers.push(follower);
    }

    fn each_follower(&self, tell: impl Fn(&dyn Follower)) {
        let followers: Vec<Arc<dyn Follower>> = self
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        followers.iter().for_each(|follower| tell(&**follower));
    }
}

fn is_only_anonymous(identities: &[Identity]) -> bool {
    matches!(identities, [identity] if identity.provider_type == ANONYMOUS)
}
