//! One session as the application's threads and the loop share it: what was asked of it, what it is doing, who waits.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::admission::Gate;
use super::following::Following;
use super::live::Live;
use super::observer::Tokens;
use super::receipts::ReceiptWaits;
use super::session::{ConnectionState, ErrorHandler, StopPolicy};
use super::status::Status;
use super::told::Told;
use super::waits::Waits;
use crate::app::{Inner, User};
use crate::error::{Error, Result};
use crate::outbox::Outbox;
use crate::realm::homes;
use crate::realm::options::Choices;
use crate::transport::Transport;

/// One session. Callbacks are queued and never run under its lock.
pub(crate) struct Core {
    pub(crate) path: PathBuf,
    pub(super) app: Arc<Inner>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) tokens: Arc<Tokens>,
    status: Mutex<Status>,
    live: Mutex<Live>,
    /// Somebody wants to hear of the progress.
    pub(super) progress_observed: AtomicBool,
    /// The progress is about to be told.
    pub(super) progress_queued: AtomicBool,
    /// Rows were added, a wait began, or the last realm was closed.
    pub(crate) work: Notify,
    /// The pause between two attempts is over.
    pub(super) hurry: Notify,
    /// Whether the loop may run may have changed.
    changed: watch::Sender<()>,
}

impl Core {
    pub(crate) fn new(
        path: PathBuf,
        user: User,
        outbox: Arc<dyn Outbox>,
        transport: Arc<dyn Transport>,
        stop: StopPolicy,
        handler: Option<ErrorHandler>,
        choices: Choices,
    ) -> Arc<Core> {
        let app = user.app.clone();
        let core = Arc::new_cyclic(|core| {
            let status = Status {
                following: Following::begin(core.clone(), &user),
                user,
                opens: 0,
                background: false,
                stops: 0,
                paused: false,
                failed: false,
                told: Told::default(),
                ended: false,
                refreshing: false,
                connection: ConnectionState::Disconnected,
                observers: Vec::new(),
                progress_observers: Vec::new(),
                waits: Waits::default(),
                receipts: ReceiptWaits::default(),
                handler,
                stop,
                choices,
            };
            Core {
                path,
                app,
                outbox,
                transport,
                tokens: Arc::default(),
                status: Mutex::new(status),
                live: Mutex::default(),
                progress_observed: AtomicBool::new(false),
                progress_queued: AtomicBool::new(false),
                work: Notify::new(),
                hurry: Notify::new(),
                changed: watch::Sender::new(()),
            }
        });
        // Who came in the user's place before its account was listened to has told nobody here.
        homes::move_to_heir(&core);
        core
    }

    pub(super) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose rows these are, and with whose tokens they are sent.
    pub(crate) fn user(&self) -> User {
        self.status().user.clone()
    }

    /// The rows go on under this user of the same app: the loop starts over at once with its tokens. Waits stay.
    pub(crate) fn rehome(self: &Arc<Self>, mut user: User) {
        let mut following = Following::begin(Arc::downgrade(self), &user);
        let mut status = self.status();
        std::mem::swap(&mut status.user, &mut user);
        std::mem::swap(&mut status.following, &mut following);
        drop(status);
        drop((following, user));
        self.try_anew();
        if !self.status().takes_waits() {
            // Who was chosen has logged out meanwhile.
            self.fail_waits(&Error::aborted());
        }
        self.stopped();
        // As in `new`.
        homes::move_to_heir(self);
    }

    /// A realm of this path was opened. What stopped the session before is forgotten.
    pub(crate) fn opened(&self) {
        self.status().opens += 1;
        self.try_anew();
        self.notify_changed();
    }

    /// Somebody has reason to think that it will work now: what failed is forgotten, and a pause ends.
    pub(super) fn try_anew(&self) {
        let mut status = self.status();
        let waiting = status.told.forget();
        status.failed = false;
        drop(status);
        if waiting {
            self.hurry.notify_one();
        }
    }

    /// What the loop that runs since `stops` sent was taken, or there was nothing to send.
    pub(super) fn succeeded(&self, stops: u64) {
        let mut status = self.status();
        let failed = std::mem::take(&mut status.failed);
        status.told.forget();
        drop(status);
        self.note_success();
        if failed {
            log::info!(target: "ingest::session", "works again for {}", self.path.display());
        }
        self.show_connection(stops, ConnectionState::Connected);
    }

    /// A realm of this path was closed; true if it was the last.
    pub(crate) fn closed(&self) -> bool {
        let mut status = self.status();
        status.opens = status.opens.saturating_sub(1);
        let last = status.opens == 0 && !status.ended;
        drop(status);
        self.work.notify_one();
        last
    }

    pub(crate) fn set_background(&self) {
        self.status().background = true;
    }

    pub(crate) fn is_background(&self) -> bool {
        self.status().background
    }

    /// Another realm of the path brings its settings. A session that somebody has open keeps what it has.
    ///
    /// # Errors
    /// The realm chose otherwise than those who have the path open.
    pub(crate) fn adopt(
        &self,
        stop: StopPolicy,
        mut handler: Option<ErrorHandler>,
        choices: &Choices,
    ) -> Result<()> {
        let mut status = self.status();
        let is_free = status.opens == 0 || status.background;
        if !is_free || status.choices.storage != choices.storage {
            status.choices.check_same(choices, &self.path)?;
        }
        let was_background = std::mem::take(&mut status.background);
        let mut other_policy = false;
        let mut other_callback = false;
        let mut choices = choices.clone();
        if is_free {
            status.stop = stop;
            other_callback = choices.gate.policy().may_upload.is_some();
            other_policy = status.choices.gate.policy() != choices.gate.policy();
            std::mem::swap(&mut status.choices, &mut choices);
        }
        if (handler.is_some() && (is_free || status.handler.is_none())) || was_background {
            std::mem::swap(&mut status.handler, &mut handler);
        }
        drop(status);
        // The former ones are dropped here, outside the lock: their destructors belong to the application.
        drop((handler, choices));
        if other_policy {
            self.stopped();
        } else if other_callback {
            // A no of the former one says nothing any more.
            self.hurry.notify_one();
        }
        Ok(())
    }

    pub(crate) fn choices(&self) -> Choices {
        self.status().choices.clone()
    }

    pub(super) fn gate(&self) -> Arc<Gate> {
        self.status().choices.gate.clone()
    }

    pub(crate) fn stop_policy(&self) -> StopPolicy {
        self.status().stop
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.status().opens == 0
    }

    /// An unreadable outbox counts as one with data: nothing is given up because of it.
    pub(crate) fn has_pending(&self) -> bool {
        self.outbox
            .pending()
            .map_or(true, |pending| pending.transactions > 0)
    }

    /// The session stops for good; a later open of the path makes another.
    pub(crate) fn end(&self) {
        self.status().ended = true;
        self.fail_waits(&Error::aborted());
        self.end_receipts(None);
        self.stopped();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.status().ended
    }

    /// Whether the loop has anything to do: nobody paused it, and there is a user to work for.
    pub(crate) fn may_run(&self) -> bool {
        self.status().may_run()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.status().paused
    }

    /// Whether there is hope that what is pending leaves without anybody's doing.
    #[cfg(test)]
    pub(super) fn is_active(&self) -> bool {
        self.status().is_active()
    }

    /// The last realm is closed and the loop stops when everything is uploaded.
    pub(super) fn is_dying(&self) -> bool {
        let status = self.status();
        status.opens == 0 && status.stop == StopPolicy::AfterChangesUploaded
    }

    pub(super) fn stopped(&self) {
        self.status().stops += 1;
        self.disconnected();
        self.notify_changed();
    }

    pub(super) fn notify_changed(&self) {
        self.changed.send_replace(());
        self.work.notify_one();
    }

    /// Waits until the loop may run, and returns what to give to [`Core::until_stopped`]; none when the session has
    /// ended.
    pub(super) async fn until_may_run(&self) -> Option<u64> {
        let mut changes = self.changed.subscribe();
        loop {
            {
                let status = self.status();
                if status.ended {
                    return None;
                }
                if status.may_run() {
                    return Some(status.stops);
                }
            }
            changes.changed().await.ok()?;
        }
    }

    /// Waits until something has stopped the loop since `stops`.
    pub(super) async fn until_stopped(&self, stops: u64) {
        let mut changes = self.changed.subscribe();
        while self.status().stops == stops {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    pub(super) fn set_refreshing(&self, refreshing: bool) {
        self.status().refreshing = refreshing;
    }

    pub(super) fn pause(&self) {
        {
            let mut status = self.status();
            if status.paused || status.ended {
                return;
            }
            status.paused = true;
        }
        self.fail_waits(&Error::aborted());
        self.stopped();
    }

    pub(super) fn resume(&self) {
        self.status().paused = false;
        self.try_anew();
        self.notify_changed();
    }

    /// The pause between two attempts ends: the one that is going on, or the one that the running attempt would make.
    pub(super) fn reconnect(&self) {
        self.gate().ask_anew();
        self.app.remote.hurry();
        if self.may_run() {
            self.hurry.notify_one();
        }
    }
}
