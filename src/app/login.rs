//! Logging in. Every change of a user is stored first and told afterwards. A directory gets one anonymous user, however many processes start
//! together: they take turns, and find the user that another one has made.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::account::{Account, SignIn, UserState};
use super::credentials::Credentials;
use super::remote::{Call, Route};
use super::user::User;
use super::users::{Document, Held, Identity, StoredUser};
use super::{Inner, Users, answer, tokens};
use crate::error::{Code, Error, Result};
use crate::transport::Method;

/// How long to wait for another process that is making a user: longer than its request may take. A process that was
/// stopped in the middle keeps the turn; then a second user is better than none.
const TURN_LIMIT: Duration = Duration::from_secs(90);
/// A turn takes a round trip to the server.
const TURN_POLL: Duration = Duration::from_millis(20);

/// Whom the server has logged in.
pub(super) struct Granted {
    id: String,
    provider: String,
    session: SignIn,
}

impl Inner {
    /// Logs in at the server.
    pub(super) async fn log_in(self: &Arc<Inner>, credentials: &Credentials) -> Result<User> {
        let granted = self.ask(credentials).await?;
        let account = self.store_log_in(&granted).await?;
        self.begin(account, granted.session).await
    }

    async fn ask(&self, credentials: &Credentials) -> Result<Granted> {
        let response = self.remote.send(self.login_call(credentials, "")).await?;
        granted(&response, credentials)
    }

    pub(super) fn login_call(&self, credentials: &Credentials, query: &str) -> Call {
        let provider = credentials.provider();
        let route = Route::App(format!("auth/providers/{provider}/login{query}"));
        let body = credentials.body(&self.device.options(&self.app_id));
        Call::json(Method::Post, route, None, body)
    }

    async fn store_log_in(self: &Arc<Inner>, granted: &Granted) -> Result<Arc<Account>> {
        let Granted {
            id,
            provider,
            session,
        } = granted;
        let account = self.account(id);
        // Until the profile is known, and so that a logout tells anonymous users from others also if it never is.
        account.add_provider(provider);
        let record = account.stored_with(session);
        self.change(move |document| {
            document.current = Some(record.id.clone());
            document.removed.retain(|id| *id != record.id);
            let place = document.user(&record.id);
            *place = record;
        })
        .await?;
        Ok(account)
    }

    /// The log-in is stored: tells everybody.
    async fn begin(self: &Arc<Inner>, account: Arc<Account>, session: SignIn) -> Result<User> {
        {
            let mut users = self.users();
            users.current = Some(account.id.clone());
            users.removed.remove(&account.id);
        }
        account.sign_in(session);
        log::info!(target: "ingest::app", "user {} logged in", account.id);
        let user = self.user(account);
        self.become_successor(&user).await;
        self.fetch_profile(&user).await?;
        Ok(user)
    }

    /// The anonymous user of this directory: the one who is logged in, in whatever process that was, or a new one.
    pub(super) async fn log_in_anonymously(self: &Arc<Inner>) -> Result<User> {
        let _turn = self.login_turn().await?;
        self.adopt_stored().await?;
        let Some(user) = self.anonymous_user() else {
            return self.make_anonymous_user().await;
        };
        let id = user.id().to_owned();
        self.users().current = Some(id.clone());
        self.change(move |document| document.current = Some(id)).await?;
        self.become_successor(&user).await;
        Ok(user)
    }

    /// Each answer is one user more at the server: none is asked for that could not be stored, and one that was not
    /// stored after all is kept for the next attempt.
    async fn make_anonymous_user(self: &Arc<Inner>) -> Result<User> {
        let kept = self.unstored().take();
        let granted = match kept {
            Some(granted) => granted,
            None => {
                self.change(|_| ()).await?;
                self.ask(&Credentials::anonymous()).await?
            }
        };
        match self.store_log_in(&granted).await {
            Ok(account) => self.begin(account, granted.session).await,
            Err(error) => {
                *self.unstored() = Some(granted);
                Err(error)
            }
        }
    }

    fn unstored(&self) -> MutexGuard<'_, Option<Granted>> {
        self.unstored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn anonymous_user(self: &Arc<Inner>) -> Option<User> {
        self.anonymous().map(|account| self.user(account))
    }

    fn anonymous(&self) -> Option<Arc<Account>> {
        let users = self.users();
        let mut accounts = users.accounts.iter();
        accounts
            .find(|known| known.state() == UserState::LoggedIn && known.is_only_anonymous())
            .cloned()
    }

    async fn login_turn(&self) -> Result<Option<Held>> {
        let begun = Instant::now();
        loop {
            if let Some(turn) = self.store.try_login_turn()? {
                return Ok(Some(turn));
            }
            if begun.elapsed() > TURN_LIMIT {
                log::warn!(target: "ingest::app", "another process has been logging in for {TURN_LIMIT:?}: not waiting for it");
                return Ok(None);
            }
            tokio::time::sleep(TURN_POLL).await;
        }
    }

    /// Takes over the log-ins of other processes.
    pub(crate) async fn adopt_stored(self: &Arc<Inner>) -> Result<()> {
        let inner = self.clone();
        let stored = blocking(move || inner.store.load()).await?;
        self.heed_links(&stored.users);
        self.remove(stored.removed);
        for record in stored.users {
            let known = {
                let mut users = self.users();
                if users.is_still_removed(&record) {
                    continue;
                }
                users.removed.remove(&record.id);
                let known = users.accounts.iter().find(|known| known.id == record.id).cloned();
                if known.is_none() {
                    users.accounts.push(Arc::new(Account::restored(record.clone())));
                }
                known
            };
            let Some(account) = known.filter(|known| known.state() == UserState::LoggedOut) else {
                continue;
            };
            if let Some(session) = SignIn::stored(&record) {
                account.adopt(session);
            } else if let Some(successor) = record.successor.filter(|_| account.successor().is_none())
                && let Some(successor) = self.logged_in(&successor)
            {
                account.succeed(&successor);
            }
        }
        Ok(())
    }

    /// Takes note of the users whom other processes have linked or logged out for good.
    pub(crate) fn heed_stored(&self) {
        match self.store.load() {
            Ok(stored) => {
                self.heed_links(&stored.users);
                self.remove(stored.removed);
            }
            // What users who are gone write is not deleted.
            Err(error) => log::warn!(target: "ingest::app", "{}", error.full_message()),
        }
    }

    fn heed_links(&self, records: &[StoredUser]) {
        for record in records {
            if let Some(account) = self.known(&record.id) {
                account.heed_link(record);
            }
        }
    }

    /// Those whom other processes have logged out for good are gone here too.
    fn remove(&self, ids: Vec<String>) {
        let gone: Vec<_> = {
            let mut users = self.users();
            let Users {
                accounts, removed, ..
            } = &mut *users;
            for id in ids {
                let known = accounts.iter().find(|known| known.id == id);
                let ended = known.map(|known| known.last_session());
                removed.entry(id).or_insert(ended.unwrap_or_default());
            }
            let is_gone = |known: &mut Arc<Account>| {
                removed.contains_key(&known.id) && known.state() == UserState::LoggedIn
            };
            accounts.extract_if(.., is_gone).collect()
        };
        for account in gone {
            log::warn!(target: "ingest::app", "user {} was logged out by another process", account.id);
            account.sign_out(UserState::Removed);
        }
    }

    pub(crate) fn logged_in(self: &Arc<Inner>, id: &str) -> Option<User> {
        let users = self.users();
        let account = users
            .accounts
            .iter()
            .find(|known| known.id == id && known.state() == UserState::LoggedIn)?;
        Some(self.user(account.clone()))
    }

    pub(super) async fn fetch_profile(self: &Arc<Inner>, user: &User) -> Result<()> {
        let response = user
            .send(Call::json(Method::Get, Route::Base("auth/profile"), None, ""))
            .await?;
        let profile = answer::object(&response)?;
        let identities: Vec<Identity> = match profile.get("identities") {
            Some(identities) => serde_json::from_value(identities.clone()).map_err(|error| {
                Error::app(
                    Code::MalformedJson,
                    format!("'identities' in the profile cannot be read: {error}"),
                )
            })?,
            None => return Err(Error::app(Code::MissingJsonKey, "identities")),
        };
        user.account.set_identities(identities.clone());
        let id = user.id().to_owned();
        self.change(move |document| {
            if let Some(record) = document.find(&id) {
                record.identities = identities;
            }
        })
        .await
    }

    /// Keeps a changed token for the next start. If that fails the next start refreshes again.
    pub(super) fn persist_in_background(self: &Arc<Inner>, account: &Account) {
        let (inner, user) = (self.clone(), account.stored());
        self.runtime.spawn(async move {
            let stored = inner.change(move |document| {
                // Another process may have logged the user out meanwhile; that stands.
                let known = document.find(&user.id);
                if let Some(record) = known.filter(|record| record.refresh_token == user.refresh_token) {
                    record.access_token = user.access_token;
                }
            });
            if let Err(error) = stored.await {
                log::warn!(target: "ingest::app", "a new token could not be stored: {}", error.full_message());
            }
        });
    }

    /// Changes the file of users without holding up the runtime.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<Inner>,
        change: impl FnOnce(&mut Document) -> T + Send + 'static,
    ) -> Result<T> {
        let inner = self.clone();
        blocking(move || inner.store.update(change)).await
    }

    pub(crate) fn user(self: &Arc<Inner>, account: Arc<Account>) -> User {
        User {
            app: self.clone(),
            account,
        }
    }
}

impl Users {
    /// Whether the user of this record was removed and has not logged in since. A record that has the session which
    /// ended then was read before, or the removal could not be stored.
    fn is_still_removed(&self, record: &StoredUser) -> bool {
        let ended = self.removed.get(&record.id);
        ended.is_some_and(|ended| *ended == record.refresh_token || SignIn::stored(record).is_none())
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Error::Panic("the users' file could not be used".to_owned())))
}

/// What the answer to a log-in says.
fn granted(response: &crate::transport::Response, credentials: &Credentials) -> Result<Granted> {
    let body = answer::object(response)?;
    let access_token = answer::text(&body, "access_token")?;
    let refresh_token = answer::text(&body, "refresh_token")?;
    let id = answer::text(&body, "user_id")?;
    let device_id = body
        .get("device_id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let malformed = || Error::app(Code::BadToken, "Could not log in user: received malformed JWT");
    tokens::claims(&refresh_token).ok_or_else(malformed)?;
    let claims = tokens::claims(&access_token).ok_or_else(malformed)?;
    tokens::check_subject(&access_token, &id)?;
    let session = SignIn {
        access_token,
        refresh_token,
        device_id,
        claims,
        principal: credentials.principal(),
    };
    Ok(Granted {
        id,
        provider: credentials.provider().to_owned(),
        session,
    })
}
