//! A user of an app: its state, its tokens, and who wants to know when they change.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::credentials::ANONYMOUS;
use super::remote::{Call, Route};
use super::tokens::{self, Claims};
use super::users::{Identity, StoredUser};
use super::{App, Inner, answer, paths};
use crate::error::{Code, Error, Result};
use crate::process;
use crate::transport::Method;

/// Whether a user can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum UserState {
    /// Known, without tokens; can log in again.
    LoggedOut = 0,
    /// Has tokens.
    LoggedIn = 1,
    /// Gone for good: an anonymous user that logged out.
    Removed = 2,
}

/// Told about a user's logins and logouts. Called on the thread that caused them; must return at once.
pub(crate) trait Follower: Send + Sync {
    fn logged_in(&self);
    /// `reason` is set where the server took the session away.
    fn logged_out(&self, reason: Option<&Error>);
}

/// What all handles of one user share.
pub(crate) struct Account {
    pub(crate) id: String,
    data: Mutex<Data>,
    /// One refresh at a time; who waited uses its result.
    refreshing: tokio::sync::Mutex<()>,
    followers: Mutex<Vec<Weak<dyn Follower>>>,
}

struct Data {
    state: UserState,
    access_token: String,
    refresh_token: String,
    claims: Option<Claims>,
    renew_at: Instant,
    device_id: String,
    identities: Vec<Identity>,
}

/// The answer to a login.
pub(crate) struct SignIn {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) device_id: String,
    pub(crate) claims: Claims,
}

impl Account {
    pub(crate) fn restored(stored: StoredUser) -> Account {
        let claims = tokens::claims(&stored.access_token);
        let valid = claims.is_some() && tokens::claims(&stored.refresh_token).is_some();
        let renew_at = claims.as_ref().map_or_else(Instant::now, |claims| {
            claims.renew_at_by_wall_clock(Instant::now(), std::time::SystemTime::now())
        });
        let (state, access_token, refresh_token) = if valid {
            (UserState::LoggedIn, stored.access_token, stored.refresh_token)
        } else {
            (UserState::LoggedOut, String::new(), String::new())
        };
        let data = Data {
            state,
            access_token,
            refresh_token,
            claims: claims.filter(|_| valid),
            renew_at,
            device_id: stored.device_id,
            identities: stored.identities,
        };
        Account {
            id: stored.id,
            data: Mutex::new(data),
            refreshing: tokio::sync::Mutex::new(()),
            followers: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn new(id: &str) -> Account {
        Account::restored(StoredUser {
            id: id.to_owned(),
            ..StoredUser::default()
        })
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> UserState {
        self.data().state
    }

    pub(crate) fn stored(&self) -> StoredUser {
        let data = self.data();
        StoredUser {
            id: self.id.clone(),
            access_token: data.access_token.clone(),
            refresh_token: data.refresh_token.clone(),
            device_id: data.device_id.clone(),
            identities: data.identities.clone(),
        }
    }

    pub(crate) fn is_only_anonymous(&self) -> bool {
        let data = self.data();
        matches!(&data.identities[..], [identity] if identity.provider_type == ANONYMOUS)
    }

    pub(crate) fn has_no_identity(&self) -> bool {
        self.data().identities.is_empty()
    }

    pub(crate) fn set_identities(&self, identities: Vec<Identity>) {
        self.data().identities = identities;
    }

    pub(crate) fn sign_in(&self, session: SignIn) {
        let mut data = self.data();
        data.state = UserState::LoggedIn;
        data.renew_at = session.claims.renew_at(Instant::now());
        data.claims = Some(session.claims);
        data.access_token = session.access_token;
        data.refresh_token = session.refresh_token;
        data.device_id = session.device_id;
        drop(data);
        self.each_follower(|follower| follower.logged_in());
    }

    /// Takes the tokens away and returns the one for refreshing, or none if the user was not logged in.
    pub(crate) fn sign_out(&self, reason: Option<&Error>) -> Option<String> {
        let anonymous = self.is_only_anonymous();
        let mut data = self.data();
        if data.state != UserState::LoggedIn {
            return None;
        }
        data.state = if anonymous {
            UserState::Removed
        } else {
            UserState::LoggedOut
        };
        data.access_token.clear();
        data.claims = None;
        let token = std::mem::take(&mut data.refresh_token);
        drop(data);
        self.each_follower(|follower| follower.logged_out(reason));
        Some(token)
    }

    pub(crate) fn follow(&self, follower: Weak<dyn Follower>) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|known| known.strong_count() > 0);
        followers.push(follower);
    }

    fn each_follower(&self, tell: impl Fn(&dyn Follower)) {
        let followers = self
            .followers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        followers
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|follower| tell(&*follower));
    }
}

/// A user of an app. Handles are cheap to clone; all of one user show the same state. Any thread may use them.
#[derive(Clone)]
pub struct User {
    pub(crate) app: Arc<Inner>,
    pub(crate) account: Arc<Account>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.account.id)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl PartialEq for User {
    fn eq(&self, other: &User) -> bool {
        Arc::ptr_eq(&self.account, &other.account)
    }
}

impl Eq for User {}

impl User {
    /// The server's id of the user.
    pub fn id(&self) -> &str {
        &self.account.id
    }

    /// Whether the user can act.
    pub fn state(&self) -> UserState {
        self.account.state()
    }

    /// The app the user belongs to.
    pub fn app(&self) -> App {
        App {
            inner: self.app.clone(),
        }
    }

    /// The JWT for requests; empty after logout.
    pub fn access_token(&self) -> String {
        self.account.data().access_token.clone()
    }

    /// The JWT that gets new access tokens; empty after logout.
    pub fn refresh_token(&self) -> String {
        self.account.data().refresh_token.clone()
    }

    /// How the user logs in.
    pub fn identities(&self) -> Vec<Identity> {
        self.account.data().identities.clone()
    }

    /// The custom data in the current access token, as extended JSON.
    pub fn custom_data(&self) -> Option<String> {
        self.account
            .data()
            .claims
            .as_ref()
            .and_then(|claims| claims.user_data.clone())
    }

    /// The file of this user's realm, which need not exist yet.
    ///
    /// # Errors
    /// The user's id cannot be a directory's name.
    pub fn realm_path(&self) -> Result<PathBuf> {
        paths::realm_file(&self.app.directory, &self.account.id)
    }

    /// Logs out. The tokens are gone when this returns, also when it fails; sessions of the user are inactive. An
    /// anonymous user is removed, and its files go when an app is next opened.
    ///
    /// # Errors
    /// The server could not be told, or the file of users could not be written.
    pub fn log_out(&self) -> Result<()> {
        process::check()?;
        let Some(token) = self.sign_out(None)? else {
            return Ok(());
        };
        let app = self.app.clone();
        self.app.runtime.block_on(async move {
            let call = Call::json(Method::Delete, Route::Base("auth/session"), Some(token), "");
            app.remote.send(call).await.map(|_| ())
        })?
    }

    fn sign_out(&self, reason: Option<&Error>) -> Result<Option<String>> {
        let Some(token) = self.account.sign_out(reason) else {
            return Ok(None);
        };
        log::info!(target: "ingest::app", "user {} logged out", self.account.id);
        self.app.after_logout(&self.account)?;
        Ok(Some(token))
    }

    /// Fetches a new access token, and with it the custom data.
    ///
    /// # Errors
    /// The user is not logged in, or the server refused.
    pub fn refresh_custom_data(&self) -> Result<()> {
        let user = self.clone();
        self.app
            .runtime
            .block_on(async move { user.refresh(None).await.map(|_| ()) })?
    }

    /// Calls a function of the app with a JSON array of arguments (extended JSON) and returns the server's answer as
    /// it is.
    ///
    /// # Errors
    /// The user is not logged in, the arguments are no JSON array, or the server refused.
    pub fn call_function(&self, name: &str, args_ejson: &str) -> Result<String> {
        let arguments: &serde_json::value::RawValue = serde_json::from_str(args_ejson).map_err(|error| {
            Error::app(
                Code::MalformedJson,
                format!("the arguments are not valid JSON: {error}"),
            )
        })?;
        if !arguments.get().starts_with('[') {
            return Err(Error::app(
                Code::MalformedJson,
                "the arguments are not a JSON array",
            ));
        }
        let name = serde_json::Value::from(name);
        let body = format!(r#"{{"arguments":{arguments},"name":{name}}}"#);
        let user = self.clone();
        let response = self.app.runtime.block_on(async move {
            let route = Route::App("functions/call".to_owned());
            user.send(Call::json(Method::Post, route, None, body)).await
        })??;
        Ok(String::from_utf8_lossy(&response.body).into_owned())
    }

    /// Sends a request with the access token; a 401 refreshes the token and sends it once more. If there is no new
    /// token, the first answer stands.
    pub(crate) async fn send(&self, mut call: Call) -> Result<crate::transport::Response> {
        let token = self.access_token();
        if token.is_empty() {
            return Err(not_logged_in());
        }
        call.token = Some(token.clone());
        let first = self.app.remote.send(call.clone()).await;
        match first {
            Err(error) if error.status() == 401 => match self.refresh(Some(&token)).await {
                Ok(token) => {
                    call.token = Some(token);
                    self.app.remote.send(call).await
                }
                Err(_) => Err(error),
            },
            other => other,
        }
    }

    /// A token that will be accepted for a while.
    pub(crate) async fn fresh_token(&self) -> Result<String> {
        let (token, due) = {
            let data = self.account.data();
            (data.access_token.clone(), data.renew_at <= Instant::now())
        };
        match (token.is_empty(), due) {
            (true, _) => Err(not_logged_in()),
            (false, false) => Ok(token),
            (false, true) => match self.refresh(Some(&token)).await {
                // The old one may still do: the server decides, by its own clock.
                Err(error) if !is_refusal(&error) => Ok(token),
                other => other,
            },
        }
    }

    /// Whether [`User::fresh_token`] will have to ask the server.
    pub(crate) fn needs_refresh(&self) -> bool {
        self.account.data().renew_at <= Instant::now()
    }

    /// Gets a new access token. With `stale`, only if that is still the current one: another request may have seen to
    /// it already.
    pub(crate) async fn refresh(&self, stale: Option<&str>) -> Result<String> {
        let _one_at_a_time = self.account.refreshing.lock().await;
        let (current, refresh_token, state) = {
            let data = self.account.data();
            (data.access_token.clone(), data.refresh_token.clone(), data.state)
        };
        match state {
            UserState::LoggedIn => {}
            UserState::LoggedOut => return Err(not_logged_in()),
            UserState::Removed => {
                return Err(Error::app(
                    Code::ClientUserNotFound,
                    format!(
                        "Cannot initiate a refresh on user '{}' because the user has been removed",
                        self.account.id
                    ),
                ));
            }
        }
        if stale.is_some_and(|stale| stale != current) {
            return Ok(current);
        }
        let call = Call::json(
            Method::Post,
            Route::Base("auth/session"),
            Some(refresh_token.clone()),
            "",
        );
        let response = self.app.remote.send(call).await?;
        let token = answer::text(&answer::object(&response)?, "access_token")?;
        let claims = tokens::claims(&token)
            .ok_or_else(|| Error::app(Code::BadToken, "Could not log in user: received malformed JWT"))?;
        {
            let mut data = self.account.data();
            // A logout while the request was on its way stands.
            if data.refresh_token != refresh_token {
                return Err(not_logged_in());
            }
            data.renew_at = claims.renew_at(Instant::now());
            data.claims = Some(claims);
            data.access_token.clone_from(&token);
        }
        log::debug!(target: "ingest::app", "user {} has a new access token", self.account.id);
        self.app.persist_in_background(&self.account);
        Ok(token)
    }

    /// The server does not accept this user's session any more: the user is logged out on this device.
    pub(crate) fn rejected(&self, error: &Error) {
        if let Err(error) = self.sign_out(Some(error)) {
            log::warn!(target: "ingest::app", "the logout could not be stored: {}", error.full_message());
        }
    }
}

/// Whether a refresh failed for good: the session is gone. Only the server's own words count; a portal or proxy on the
/// way may answer 401 or 403 too, and must not log a device out.
pub(crate) fn is_refusal(error: &Error) -> bool {
    matches!(error.status(), 401 | 403) && error.code().is_service_error()
}

fn not_logged_in() -> Error {
    Error::app(Code::ClientUserNotLoggedIn, "The user is not logged in")
}
