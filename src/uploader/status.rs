//! What is known of a session, under its lock.

use std::sync::Arc;

use super::following::Following;
use super::observer::{ConnectionObserver, Token};
use super::progress::ProgressObserver;
use super::receipts::ReceiptWaits;
use super::session::{ConnectionState, ErrorHandler, StopPolicy};
use super::told::Told;
use super::waits::Waits;
use crate::app::{User, UserState};
use crate::realm::options::Choices;

pub(super) struct Status {
    pub(super) user: User,
    /// What the user's account tells; taken away with it.
    pub(super) following: Arc<Following>,
    pub(super) opens: usize,
    /// No realm was opened for it: what waits in the file is sent because it is there.
    pub(super) background: bool,
    /// Counts what stops the loop, so that a stop is seen also when it is undone at once.
    pub(super) stops: u64,
    pub(super) paused: bool,
    /// An error that lasts was met: the session counts as inactive, though the loop tries again by and by.
    pub(super) failed: bool,
    /// That one, and milder ones.
    pub(super) told: Told,
    pub(super) ended: bool,
    pub(super) refreshing: bool,
    pub(super) connection: ConnectionState,
    pub(super) observers: Vec<(Token, Arc<ConnectionObserver>)>,
    pub(super) progress_observers: Vec<(Token, Arc<ProgressObserver>)>,
    pub(super) waits: Waits,
    pub(super) receipts: ReceiptWaits,
    pub(super) handler: Option<ErrorHandler>,
    pub(super) stop: StopPolicy,
    pub(super) choices: Choices,
}

impl Status {
    pub(super) fn may_run(&self) -> bool {
        !self.ended && !self.paused && self.user.state() == UserState::LoggedIn
    }

    pub(super) fn is_active(&self) -> bool {
        self.may_run() && !self.failed
    }

    pub(super) fn takes_waits(&self) -> bool {
        !self.ended && (self.paused || self.is_active() || self.awaits_user())
    }

    /// The user's session is over, and what waits goes on under another one: who is yet to be logged in, or who was and to
    /// whom it has not come yet.
    pub(super) fn awaits_user(&self) -> bool {
        let is_over = self.user.state() == UserState::LoggedOut;
        self.user.account.awaits_successor() || (is_over && self.user.heir().state() == UserState::LoggedIn)
    }
}
