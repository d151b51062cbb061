//! Receipts: what became of a write transaction of a realm, by its number.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::outbox::Number;
use crate::process;
use crate::uploader::core::Core;
use crate::uploader::receipts::Listener;
pub use crate::uploader::receipts::{Outcome, ReceiptState};
use crate::uploader::waits::next_wait;

/// Where what one open of an outbox gave out is asked for, until that is closed.
#[derive(Clone)]
pub(super) struct Desk {
    core: Weak<Core>,
    /// Tells the opens of this process apart.
    open: u64,
    closed: Arc<AtomicBool>,
}

impl Desk {
    pub(super) fn of(core: &Arc<Core>) -> Desk {
        static OPENS: AtomicU64 = AtomicU64::new(0);
        Desk {
            core: Arc::downgrade(core),
            open: OPENS.fetch_add(1, Ordering::Relaxed),
            closed: Arc::default(),
        }
    }

    /// Ends the waits that have begun. False if it was closed before.
    pub(super) fn close(&self) -> bool {
        if self.closed.swap(true, Ordering::AcqRel) {
            return false;
        }
        if let Some(core) = self.core.upgrade() {
            core.end_receipts(Some(self.open));
        }
        true
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn core(&self) -> Result<Arc<Core>> {
        process::check()?;
        let is_open = !self.is_closed();
        self.core.upgrade().filter(|_| is_open).ok_or(Error::Closed)
    }
}

/// Answers for the numbers that [`super::Realm::append`] gives, of this process or of an earlier one, while the realm is
/// open. Does not keep it open. Any thread may use it; clones stand for the same realm.
#[derive(Clone)]
pub struct Receipts(Vec<Desk>);

impl std::fmt::Debug for Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipts").finish_non_exhaustive()
    }
}

/// Who knows of a number.
struct Found<'a> {
    desk: &'a Desk,
    core: Arc<Core>,
    number: Number,
}

impl Receipts {
    /// By lane.
    pub(super) fn of<'a>(desks: impl Iterator<Item = &'a Desk>) -> Receipts {
        Receipts(desks.cloned().collect())
    }

    /// What is known of the transaction. Reads the file, and asks no server.
    ///
    /// # Errors
    /// The realm is closed, or the outbox could not be read.
    pub fn outcome(&self, number: u64) -> Result<Outcome> {
        match self.find(number)? {
            Some(Found { core, number, .. }) => Ok(core.outcome(number)?),
            None => Ok(ReceiptState::Unknown.into()),
        }
    }

    /// Waits until the outcome is final, and returns it; after `timeout`, or when the realm is closed, the one of then. A
    /// session that is paused, offline or has no user who is logged in does not end the wait.
    ///
    /// # Errors
    /// As [`Receipts::outcome`]; and in a callback, which would keep others from being called.
    pub fn wait(&self, number: u64, timeout: Option<Duration>) -> Result<Outcome> {
        let Some(Found { desk, core, number }) = self.find(number)? else {
            return Ok(ReceiptState::Unknown.into());
        };
        if core.is_waited_for() {
            return Err(Error::Logic(
                "a receipt cannot be waited for in a callback, which would keep other callbacks waiting: use on_settled"
                    .to_owned(),
            ));
        }
        let (sender, heard) = mpsc::sync_channel(1);
        let listener = Listener::Thread(Box::new(move |outcome| {
            // A caller that gave up has dropped the receiver.
            let _ = sender.send(outcome);
        }));
        let key = core.await_outcome(number, desk.open, listener)?;
        end_if_closed(desk, &core);
        let outcome = match timeout {
            None => heard.recv().ok(),
            Some(timeout) => heard.recv_timeout(timeout).ok(),
        };
        match outcome {
            Some(outcome) => Ok(outcome),
            None => {
                core.give_up_wait(key);
                Ok(core.outcome(number)?)
            }
        }
    }

    /// Calls back once, on the app's thread for callbacks: when the outcome is final, or with the one of then when the
    /// realm is closed. The number that it returns is for [`super::Realm::give_up`].
    ///
    /// # Errors
    /// As [`Receipts::outcome`]; it is not called back then.
    pub fn on_settled(&self, number: u64, callback: impl FnOnce(Outcome) + Send + 'static) -> Result<u64> {
        match self.find(number)? {
            Some(Found { desk, core, number }) => {
                let listener = Listener::Application(Box::new(callback));
                let (_, wait) = core.await_outcome(number, desk.open, listener)?;
                end_if_closed(desk, &core);
                Ok(wait)
            }
            None => {
                self.first()?
                    .call_application(move || callback(ReceiptState::Unknown.into()));
                Ok(next_wait())
            }
        }
    }

    fn first(&self) -> Result<Arc<Core>> {
        self.0.first().ok_or(Error::Closed)?.core()
    }

    /// None for a lane that this realm does not have.
    fn find(&self, number: u64) -> Result<Option<Found<'_>>> {
        self.first()?;
        let number = Number::from_bits(number);
        let Some(desk) = self.0.get(usize::from(number.lane())) else {
            return Ok(None);
        };
        let core = desk.core()?;
        Ok(Some(Found { desk, core, number }))
    }
}

/// A close that has begun meanwhile may not have found the wait.
fn end_if_closed(desk: &Desk, core: &Core) {
    if desk.is_closed() {
        core.end_receipts(Some(desk.open));
    }
}
