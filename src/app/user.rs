//! A user of an app: what an application and the sessions do with one.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;

use super::account::{Account, UserState};
use super::remote::{Call, FUNCTION, Route};
use super::tokens;
use super::users::Identity;
use super::{App, Inner, answer, paths};
use crate::error::{Code, Error, Result};
use crate::process;
use crate::transport::Method;

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

    /// The user under whom what waits for this one is sent: itself, as long as it can log in.
    pub(crate) fn heir(&self) -> User {
        let mut heir = self.clone();
        // Successors do not lead in a circle: one who logs in again loses its own. Should a file say otherwise, it ends.
        for _ in 0..8 {
            let next = match heir.state() {
                UserState::LoggedOut => heir.account.successor(),
                UserState::LoggedIn | UserState::Removed => None,
            };
            match next.and_then(|id| self.app.known(&id)) {
                Some(account) => heir.account = account,
                None => break,
            }
        }
        heir
    }

    /// How the user logs in, as the owner of an outbox is noted: the provider, and the SHA-256 of the login name where
    /// it has one (`anon-user`, `local-userpass:5e88...`). Empty where that is not known.
    pub fn principal(&self) -> String {
        self.account.principal()
    }

    /// Logs out. The tokens are gone when this returns, also when it fails; sessions of the user are inactive.
    ///
    /// An anonymous user cannot log in again, so it is removed, and **what it has not uploaded is deleted** with its
    /// files when an app is next opened. This, removing a user and `discard` are the only acts that delete what waits: a
    /// user whom the server refuses is not logged out by that. What waits for other users stays until they log in again, and an
    /// outbox to which another process writes later, before it has heard of this, stays too: it is [`App::stranded`].
    ///
    /// # Errors
    /// The server could not be told, or the file of users could not be written: then the user may be logged in at the next
    /// start of the program, and this may be called again.
    pub fn log_out(&self) -> Result<()> {
        process::check()?;
        // Who was linked by another process is not removed.
        self.app.heed_stored();
        if self.state() != UserState::LoggedIn && !self.app.is_unstored(&self.account) {
            return Ok(());
        }
        self.end_session(self.account.state_after_logout())
    }

    /// Ends the session on this device and then at the server; `end` is what becomes of the user.
    pub(super) fn end_session(&self, end: UserState) -> Result<()> {
        let stored = self.app.store_logout(&self.account, end);
        let Some(token) = self.account.sign_out(end) else {
            return stored;
        };
        log::info!(target: "ingest::app", "user {} logged out", self.account.id);
        let app = self.app.clone();
        let ended = self.app.runtime.block_on(async move {
            let call = Call::json(Method::Delete, Route::Base("auth/session"), Some(token), "");
            app.remote.send(call).await.map(|_| ())
        });
        stored?;
        ended?
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
        let arguments = arguments(args_ejson)?;
        let name = serde_json::Value::from(name);
        let body = format!(r#"{{"arguments":{arguments},"name":{name}}}"#);
        let user = self.clone();
        let response = self.app.runtime.block_on(async move {
            let route = Route::App(FUNCTION.to_owned());
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
        let response = match self.app.remote.send(call).await {
            Ok(response) => response,
            Err(error) => return self.not_refreshed(&refresh_token, error),
        };
        let token = self.take_access_token(&response, &refresh_token)?;
        log::debug!(target: "ingest::app", "user {} has a new access token", self.account.id);
        self.app.persist_in_background(&self.account);
        Ok(token)
    }

    /// The token in the answer, which is the user's from now on, if the session is still the one of this refresh token:
    /// a logout while the request was on its way stands, and so does another login.
    pub(super) fn take_access_token(
        &self,
        response: &crate::transport::Response,
        refresh_token: &str,
    ) -> Result<String> {
        let token = answer::text(&answer::object(response)?, "access_token")?;
        let claims = tokens::claims(&token)
            .ok_or_else(|| Error::app(Code::BadToken, "Could not log in user: received malformed JWT"))?;
        tokens::check_subject(&token, &self.account.id)?;
        let mut data = self.account.data();
        if data.refresh_token != refresh_token {
            return current_token(&data);
        }
        Account::renew(&mut data, &token, claims);
        Ok(token)
    }

    /// What a failed refresh with this token means: nothing, where the user has logged in again since it was sent.
    fn not_refreshed(&self, refresh_token: &str, error: Error) -> Result<String> {
        let mut data = self.account.data();
        if data.refresh_token != refresh_token {
            return current_token(&data);
        }
        data.refused = is_refusal(&error);
        Err(error)
    }

    /// The server does not accept the session that was just refused ([`is_refusal`]). The user is logged out on this
    /// device, which is not the logout that the user asks for: nothing is removed, and what waits goes on under the
    /// same user or a successor. False if another session has begun meanwhile, which can be used.
    pub(crate) async fn rejected(&self, error: &Error) -> bool {
        let error = Error::App {
            code: error.code(),
            message: error.to_string(),
            link: error.link().to_owned(),
            status: error.status(),
        };
        let (sender, done) = tokio::sync::oneshot::channel();
        let user = self.clone();
        // A task of its own: the session that found out may be stopped at any moment, and this is to be done as a whole.
        self.app.runtime.spawn(async move {
            let _ = sender.send(user.reject(&error).await);
        });
        done.await.unwrap_or(true)
    }

    async fn reject(&self, error: &Error) -> bool {
        let _no_refresh = self.account.refreshing.lock().await;
        let refused = {
            let data = self.account.data();
            match data.state {
                UserState::LoggedIn if data.refused => data.refresh_token.clone(),
                state => return state != UserState::LoggedIn,
            }
        };
        if let Some(session) = self.app.store_rejection(&self.account.id, refused).await {
            self.account.sign_in(session);
            return false;
        }
        log::warn!(
            target: "ingest::app",
            "the server no longer accepts user {}: {error}",
            self.account.id
        );
        self.account.reject(error);
        self.app.find_successor(self);
        true
    }
}

/// The arguments of a function, as they were given.
///
/// # Errors
/// They are no JSON array.
pub(super) fn arguments(args_ejson: &str) -> Result<&RawValue> {
    let malformed = |text: String| Error::app(Code::MalformedJson, text);
    let arguments: &RawValue = serde_json::from_str(args_ejson)
        .map_err(|error| malformed(format!("the arguments are not valid JSON: {error}")))?;
    if arguments.get().starts_with('[') {
        Ok(arguments)
    } else {
        Err(malformed("the arguments are not a JSON array".to_owned()))
    }
}

fn current_token(data: &super::account::Data) -> Result<String> {
    if data.state == UserState::LoggedIn {
        Ok(data.access_token.clone())
    } else {
        Err(not_logged_in())
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
