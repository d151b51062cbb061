//! The users of this device: who is current, and whom the application takes away.

use std::sync::Arc;

use super::account::{Account, UserState};
use super::remote::{Call, Route};
use super::{App, User, login};
use crate::error::{Code, Error, Result};
use crate::process;
use crate::transport::Method;

impl App {
    /// The user who logged in last and still is, or whom [`App::switch_user`] chose.
    pub fn current_user(&self) -> Option<User> {
        let users = self.inner.users();
        let logged_in = |account: &&Arc<Account>| account.state() == UserState::LoggedIn;
        let current = users
            .accounts
            .iter()
            .find(|account| Some(&account.id) == users.current.as_ref());
        let account = current
            .filter(logged_in)
            .or_else(|| users.accounts.iter().find(logged_in))?;
        Some(self.inner.user(account.clone()))
    }

    /// Every user this device knows, logged in or out, in the order in which they first logged in.
    pub fn users(&self) -> Vec<User> {
        let users = self.inner.users();
        let accounts = users.accounts.iter();
        accounts.map(|account| self.inner.user(account.clone())).collect()
    }

    /// Makes a user who is logged in the current one. Asks no server.
    ///
    /// # Errors
    /// The user is not logged in, is none of this app, or the file of users could not be written.
    pub fn switch_user(&self, user: &User) -> Result<()> {
        process::check()?;
        if user.state() != UserState::LoggedIn {
            return Err(Error::app(
                Code::ClientUserNotLoggedIn,
                "User is no longer valid or is logged out",
            ));
        }
        self.owned(user, "User does not exist")?;
        self.inner.make_current(user.id())
    }

    /// Forgets a user; one who is logged in is logged out first. **What the user has not uploaded is deleted** with its
    /// files when an app is next opened. The account at the server stays.
    ///
    /// # Errors
    /// The user was removed before, is none of this app, the server could not be told (the user is removed all the same),
    /// or the file of users could not be written: then this may be called again.
    pub fn remove_user(&self, user: &User) -> Result<()> {
        process::check()?;
        if !self.inner.is_unstored(&user.account) {
            if user.state() == UserState::Removed {
                return Err(unknown("User has already been removed"));
            }
            self.owned(user, "No user has been found")?;
        }
        user.end_session(UserState::Removed)
    }

    /// Deletes the account of a user who is logged in at the server and, once that is done, **the user's files with what
    /// was not uploaded** on this device. Files that are still open go when an app is next opened. What was uploaded stays
    /// at the server.
    ///
    /// # Errors
    /// The user is not logged in, is none of this app, the server refused or could not be reached: then nothing is
    /// deleted. Or the account is gone, and the file of users could not be written: then [`App::remove_user`] removes
    /// the user here.
    pub fn delete_user(&self, user: &User) -> Result<()> {
        process::check()?;
        if user.state() != UserState::LoggedIn {
            return Err(Error::app(
                Code::ClientUserNotLoggedIn,
                "User must be logged in to be deleted.",
            ));
        }
        self.owned(user, "No user has been found")?;
        let deleting = user.clone();
        self.inner
            .runtime
            .block_on(async move { deleting.delete().await })??;
        let stored = self.inner.store.load()?;
        self.inner.clear_away(vec![user.id().to_owned()], &stored.written);
        Ok(())
    }

    fn owned(&self, user: &User, text: &str) -> Result<()> {
        let users = self.inner.users();
        if users
            .accounts
            .iter()
            .any(|known| Arc::ptr_eq(known, &user.account))
        {
            Ok(())
        } else {
            Err(unknown(text))
        }
    }
}

impl User {
    async fn delete(&self) -> Result<()> {
        let token = self.fresh_token().await?;
        match self.delete_with(token.clone()).await {
            Err(error) if error.status() == 401 => match self.refresh(Some(&token)).await {
                Ok(token) => self.delete_with(token).await,
                Err(_) => Err(error),
            },
            done => done,
        }
    }

    async fn delete_with(&self, token: String) -> Result<()> {
        // Whoever finds out meanwhile that the server does not know the user any more would have it replaced.
        let _no_refresh = self.account.refreshing.lock().await;
        let call = Call::json(Method::Delete, Route::Base("auth/delete"), Some(token), "");
        self.app.remote.send(call).await?;
        let deleted = self.clone();
        let stored =
            login::blocking(move || deleted.app.store_logout(&deleted.account, UserState::Removed)).await;
        // There is no session left to end.
        self.account.sign_out(UserState::Removed);
        log::info!(target: "ingest::app", "user {} was deleted", self.id());
        stored
    }
}

fn unknown(text: &str) -> Error {
    Error::app(Code::ClientUserNotFound, text)
}
