//! Tells a session what happens to the account it works for.

use std::sync::{Arc, Weak};

use super::core::Core;
use crate::app::{Follower, User};
use crate::error::Error;
use crate::realm::homes;

/// Listens to one account for a session. An account that the session has left has nobody to tell any more.
pub(super) struct Following(Weak<Core>);

impl Following {
    pub(super) fn begin(core: Weak<Core>, user: &User) -> Arc<Following> {
        let following = Arc::new(Following(core));
        let follower: Weak<dyn Follower> = Arc::downgrade(&following) as Weak<dyn Follower>;
        user.account.follow(follower);
        following
    }
}

impl Follower for Following {
    fn logged_in(&self) {
        if let Some(core) = self.0.upgrade() {
            core.logged_in();
        }
    }

    fn logged_out(&self) {
        if let Some(core) = self.0.upgrade() {
            core.logged_out();
        }
    }

    fn still_rejected(&self, reason: &Error) {
        if let Some(core) = self.0.upgrade() {
            core.still_rejected(reason);
        }
    }

    fn rejected(&self, reason: &Error, replaced: bool) {
        if let Some(core) = self.0.upgrade() {
            core.rejected(reason, replaced);
        }
    }

    fn succeeded_by(&self, _: &User) {
        if let Some(core) = self.0.upgrade() {
            homes::move_to_heir(&core);
        }
    }
}
