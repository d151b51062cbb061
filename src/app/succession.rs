//! What the server's refusals lead to. A refusal is never a logout that somebody asked for: the rejected user stays
//! known, and what waits for it goes on under the next user with the same principal. That is for an e-mail address
//! whoever the application logs in with it again; an anonymous user is replaced by the library itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Inner;
use super::account::{Account, UserState};
use super::credentials::ANONYMOUS;
use super::user::User;
use crate::realm::neighbours;
use crate::uploader;

impl Inner {
    /// What waits for users who logged in as this one does, and cannot any more, goes on under this one.
    pub(super) async fn become_successor(self: &Arc<Inner>, user: &User) {
        self.succeed_others(user).await;
        neighbours::send_all(self);
    }

    async fn succeed_others(self: &Arc<Inner>, user: &User) {
        let principal = user.principal();
        if principal.is_empty() {
            return;
        }
        let gone: Vec<_> = self
            .users()
            .accounts
            .iter()
            .filter(|known| {
                known.id != user.id()
                    && known.state() == UserState::LoggedOut
                    && known.successor().as_deref() != Some(user.id())
                    && known.principal() == principal
            })
            .cloned()
            .collect();
        if gone.is_empty() {
            return;
        }
        let ids: Vec<String> = gone.iter().map(|account| account.id.clone()).collect();
        let successor = user.id().to_owned();
        let stored = self.change(move |document| {
            for user in &mut document.users {
                if ids.contains(&user.id) {
                    user.successor = Some(successor.clone());
                }
            }
        });
        if let Err(error) = stored.await {
            log::warn!(target: "ingest::app", "a successor could not be stored: {}", error.full_message());
        }
        for account in gone {
            log::warn!(
                target: "ingest::app",
                "what waits for user {} goes on under user {}, who logs in in the same way",
                account.id,
                user.id()
            );
            account.succeed(user);
        }
    }

    /// Somebody to go on for a user whom the server has rejected.
    pub(super) fn find_successor(self: &Arc<Inner>, user: &User) {
        let principal = user.principal();
        if let Some(successor) = self.logged_in_as(&principal) {
            let inner = self.clone();
            self.runtime
                .spawn(async move { inner.become_successor(&successor).await });
        } else if principal == ANONYMOUS {
            self.replace(&user.account);
        }
    }

    /// Logs in anonymously in the place of this user, for as long as it takes.
    pub(crate) fn replace(self: &Arc<Inner>, lost: &Arc<Account>) {
        if lost.replacing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (inner, lost) = (Arc::downgrade(self), lost.clone());
        // A server that made a user and rejects it at once needs an operator, and no more users meanwhile.
        let earlier = self.relogins.fetch_add(1, Ordering::Relaxed);
        let first = earlier
            .checked_sub(1)
            .map(|attempt| uploader::slow_pause(attempt, self.clock.random()));
        self.runtime.spawn(async move {
            let (mut pause, mut attempt) = (first, 0);
            while lost.awaits_successor() {
                let Some(clock) = inner.upgrade().map(|app| app.clock.clone()) else {
                    return;
                };
                if let Some(pause) = pause {
                    clock.sleep(pause).await;
                    if !lost.awaits_successor() {
                        break;
                    }
                }
                let Some(app) = inner.upgrade() else { return };
                if let Err(error) = app.log_in_anonymously().await {
                    lost.still_rejected(&error);
                }
                pause = Some(uploader::backoff(attempt, clock.random()));
                attempt += 1;
            }
            lost.replacing.store(false, Ordering::Release);
        });
    }
}
