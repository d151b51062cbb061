//! The end of a user's session: as the application wants it, or because the server refused it. Stored first and told
//! afterwards, as everything that changes a user.

use std::collections::HashMap;
use std::sync::Arc;

use super::Inner;
use super::account::{Account, SignIn, UserState};
use super::users::Document;
use crate::error::Result;
use crate::realm::files;

impl Inner {
    /// Stores that the application logs this user out, or removes it.
    pub(super) fn store_logout(&self, account: &Account, end: UserState) -> Result<()> {
        let removed = end == UserState::Removed;
        let written = if removed {
            files::written(self, &account.id)
        } else {
            HashMap::new()
        };
        let current = self.leave(account, removed);
        let stored = self.store.update(|document| {
            document.current = current;
            document.written.extend(written);
            if removed {
                document.users.retain(|user| user.id != account.id);
                document.removed.push(account.id.clone());
            } else {
                let record = document.user(&account.id);
                *record = account.stored();
                record.access_token.clear();
                record.refresh_token.clear();
            }
        });
        account.data().unstored = stored.is_err();
        stored
    }

    /// Whether a logout of this account could not be stored, and is still to be: once a user who was removed logs in
    /// again, that is another account.
    pub(super) fn is_unstored(&self, account: &Arc<Account>) -> bool {
        account.data().unstored
            && self
                .known(&account.id)
                .is_none_or(|known| Arc::ptr_eq(&known, account))
    }

    /// Deletes what the users who were removed have left, all but what was `written` there later.
    pub(super) fn clear_away(&self, removed: Vec<String>, written: &HashMap<String, i64>) {
        let deleted = files::delete_removed(self, removed, written);
        if deleted.is_empty() {
            return;
        }
        let forget = |document: &mut Document| {
            document.removed.retain(|id| !deleted.contains(id));
            if document.removed.is_empty() {
                document.written.clear();
            }
        };
        if let Err(error) = self.store.update(forget) {
            log::warn!(target: "ingest::app", "{}", error.full_message());
        }
    }

    /// Stores that the server has refused this token of the user, unless another process has a session of the user
    /// that it did not refuse: then it is returned.
    pub(super) async fn store_rejection(self: &Arc<Inner>, id: &str, refused: String) -> Option<SignIn> {
        let user = id.to_owned();
        let stored = self.change(move |document| {
            let Document { users, current, .. } = document;
            let record = users.iter_mut().find(|record| record.id == user)?;
            if record.refresh_token.is_empty() {
                return None;
            }
            if record.refresh_token != refused {
                return SignIn::stored(record);
            }
            record.rejected = true;
            record.access_token.clear();
            record.refresh_token.clear();
            if current.as_deref() == Some(&user) {
                *current = None;
            }
            None
        });
        match stored.await {
            Ok(Some(session)) => return Some(session),
            Ok(None) => {}
            Err(error) => {
                log::warn!(target: "ingest::app", "a rejection could not be stored: {}", error.full_message());
            }
        }
        let mut users = self.users();
        if users.current.as_deref() == Some(id) {
            users.current = None;
        }
        None
    }

    /// Who is current when this user is not any more.
    fn leave(&self, account: &Account, removed: bool) -> Option<String> {
        let mut users = self.users();
        if removed {
            users.accounts.retain(|known| known.id != account.id);
            users.removed.insert(account.id.clone(), account.last_session());
        }
        if users.current.as_deref() == Some(&account.id) {
            let next = users
                .accounts
                .iter()
                .find(|known| known.state() == UserState::LoggedIn && known.id != account.id);
            users.current = next.map(|account| account.id.clone());
        }
        users.current.clone()
    }
}
