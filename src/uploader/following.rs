//! Tells a session what happens to the account it works for, and what becomes of the session then.

use std::sync::{Arc, Weak};

use super::core::Core;
use super::policy::sync_error;
use crate::app::{Follower, User};
use crate::error::{Code, Error, SyncError};
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

impl Core {
    pub(super) fn logged_in(&self) {
        self.try_anew();
        self.notify_changed();
    }

    pub(super) fn logged_out(&self) {
        self.fail_waits(&Error::aborted());
        self.stopped();
    }

    /// Waits go on where another user will.
    pub(super) fn still_rejected(&self, reason: &Error) {
        let text = format!("No other anonymous user could be logged in yet: {reason}");
        self.report_soon(SyncError {
            link: reason.link().to_owned(),
            ..sync_error(Code::AuthError, text, false)
        });
    }

    pub(super) fn rejected(&self, reason: &Error, replaced: bool) {
        let text = if replaced {
            format!(
                "The server no longer accepts the anonymous user of this device: {reason}; another one is logged in, and \
                 what waits goes on under it"
            )
        } else {
            self.fail_waits(reason);
            format!("Unable to refresh the user access token: {reason}")
        };
        self.report_soon(SyncError {
            link: reason.link().to_owned(),
            ..sync_error(Code::AuthError, text, !replaced)
        });
        self.stopped();
    }
}
