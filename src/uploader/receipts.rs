//! What became of write transactions, for who asks by their numbers, and the waits for it.
//!
//! The file says what it can (outbox invariant 9); the session adds what is on its way. A wait ends when nothing can
//! change any more, or with the state of then when its realm is closed. Whoever settles, drops or recovers has the waits
//! looked at; there is no thread and no timer for them.

use std::collections::BTreeMap;

use super::core::Core;
use super::waits::{WaitId, next_wait};
use crate::outbox::{self, Fate, Number, Refusals};

/// What is known of a write transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ReceiptState {
    /// It is in the file, as durable as the realm was opened.
    Pending = 0,
    /// It was given to the network by this process, and there is no answer for it yet.
    Sent = 1,
    /// The server has stored all of it.
    Persisted = 2,
    /// The server has refused some or all of its objects for good, and stored the others.
    Refused = 3,
    /// It made room under the cap of the outbox.
    Dropped = 4,
    /// It was lost with a damaged file.
    Damaged = 5,
    /// The file never gave this number out, or the record does not say what became of it.
    Unknown = 6,
}

impl ReceiptState {
    /// Nothing will change any more.
    pub fn is_final(self) -> bool {
        !matches!(self, ReceiptState::Pending | ReceiptState::Sent)
    }
}

/// What became of a write transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// In one word.
    pub state: ReceiptState,
    /// For [`ReceiptState::Refused`], what was refused; otherwise empty.
    pub refusals: Refusals,
}

impl From<ReceiptState> for Outcome {
    fn from(state: ReceiptState) -> Outcome {
        Outcome {
            state,
            refusals: Refusals::default(),
        }
    }
}

/// Who wants to hear of an outcome.
pub(crate) enum Listener {
    /// The application, on its thread for callbacks.
    Application(Box<dyn FnOnce(Outcome) + Send>),
    /// A thread that waits. Called wherever the outcome is found, so it does not wait for callbacks.
    Thread(Box<dyn FnOnce(Outcome) + Send>),
}

pub(super) struct Wait {
    number: Number,
    /// The realm that the wait ends with.
    realm: u64,
    listener: Listener,
}

#[derive(Default)]
pub(super) struct ReceiptWaits {
    /// By sequence number, then in the order in which they began.
    list: BTreeMap<WaitKey, Wait>,
    /// How many of them are threads that wait.
    threads: usize,
}

impl ReceiptWaits {
    fn begin(&mut self, wait: Wait) -> WaitKey {
        let key = (wait.number.seq(), next_wait());
        self.threads += usize::from(wait.is_thread());
        self.list.insert(key, wait);
        key
    }

    fn end(&mut self, key: WaitKey) -> Option<Wait> {
        let wait = self.list.remove(&key)?;
        self.threads -= usize::from(wait.is_thread());
        Some(wait)
    }

    pub(super) fn take(&mut self, id: WaitId) -> Option<Wait> {
        let key = self.list.keys().copied().find(|(_, known)| *known == id)?;
        self.end(key)
    }
}

impl Wait {
    fn is_thread(&self) -> bool {
        matches!(self.listener, Listener::Thread(_))
    }
}

/// Which wait it is.
pub(crate) type WaitKey = (i64, WaitId);

impl Core {
    /// # Errors
    /// The outbox could not be read.
    pub(crate) fn outcome(&self, number: Number) -> outbox::Result<Outcome> {
        let seq = number.seq();
        let was_sent = self.was_sent(seq);
        let fate = self.outbox.fate(number, self.is_acknowledged(seq))?;
        Ok(Outcome::from(match fate {
            Fate::Waiting if was_sent => ReceiptState::Sent,
            Fate::Waiting => ReceiptState::Pending,
            Fate::Persisted => ReceiptState::Persisted,
            Fate::Dropped => ReceiptState::Dropped,
            Fate::Damaged => ReceiptState::Damaged,
            Fate::Unknown => ReceiptState::Unknown,
            Fate::Refused(refusals) => {
                return Ok(Outcome {
                    state: ReceiptState::Refused,
                    refusals,
                });
            }
        }))
    }

    /// Has the listener told once, when the outcome is final, or with the state of then when this realm is closed.
    ///
    /// # Errors
    /// The outbox could not be read; nobody is told then.
    pub(crate) fn await_outcome(
        &self,
        number: Number,
        realm: u64,
        listener: Listener,
    ) -> outbox::Result<WaitKey> {
        let wait = Wait {
            number,
            realm,
            listener,
        };
        let is_thread = wait.is_thread();
        let key = self.status().receipts.begin(wait);
        // What is settled from here on finds the wait; what was before is seen now.
        match self.outcome(number) {
            Ok(outcome) if outcome.state.is_final() || self.has_ended() => self.end_wait(key, outcome),
            // What a thread waits for is not held back for more to come.
            Ok(_) if is_thread => self.work.notify_one(),
            Ok(_) => {}
            Err(error) => {
                self.give_up_wait(key);
                return Err(error);
            }
        }
        Ok(key)
    }

    /// The listener of this wait is not told any more.
    pub(crate) fn give_up_wait(&self, key: WaitKey) {
        let gone = self.status().receipts.end(key);
        // Outside the lock: what it owns may be the application's.
        drop(gone);
    }

    /// Whether a thread waits for an outcome.
    pub(super) fn has_waiting_threads(&self) -> bool {
        self.status().receipts.threads > 0
    }

    /// Ends the waits whose transactions are settled. Reads the outbox: not for the runtime's thread.
    pub(super) fn finish_receipts(&self) -> outbox::Result<()> {
        if self.status().receipts.list.is_empty() {
            return Ok(());
        }
        let gone = self.outbox.oldest()?.map_or(i64::MAX, |oldest| oldest - 1);
        self.finish_receipts_through(gone.max(self.acknowledged_through()))
    }

    /// As [`Core::finish_receipts`], of transactions up to this one.
    fn finish_receipts_through(&self, through: i64) -> outbox::Result<()> {
        let candidates: Vec<_> = {
            let status = self.status();
            let waits = status.receipts.list.range(..=(through, u64::MAX));
            waits.map(|(key, wait)| (*key, wait.number)).collect()
        };
        for (key, number) in candidates {
            let outcome = self.outcome(number)?;
            if outcome.state.is_final() {
                self.end_wait(key, outcome);
            }
        }
        Ok(())
    }

    /// As [`Core::finish_receipts`], where nobody is to be told that the outbox could not be read.
    pub(crate) fn look_at_receipts(&self) {
        note_failure(self.finish_receipts());
    }

    /// Damage took some of the file, in the middle or at the end too: what comes to have the numbers of what it took was
    /// not sent yet.
    pub(crate) fn recovered(&self) {
        self.begins_anew();
        note_failure(self.finish_receipts_through(i64::MAX));
    }

    /// Ends the waits of a realm, or all, with the state of now.
    pub(crate) fn end_receipts(&self, realm: Option<u64>) {
        let ended: Vec<_> = {
            let mut status = self.status();
            let waits = &mut status.receipts;
            let is_of = |wait: &Wait| realm.is_none_or(|realm| wait.realm == realm);
            let of_realm = waits.list.iter().filter(|(_, wait)| is_of(wait));
            let keys: Vec<_> = of_realm.map(|(key, _)| *key).collect();
            keys.into_iter().filter_map(|key| waits.end(key)).collect()
        };
        for wait in ended {
            let outcome = self.outcome(wait.number);
            self.hear(wait.listener, outcome.unwrap_or(ReceiptState::Unknown.into()));
        }
    }

    fn end_wait(&self, key: WaitKey, outcome: Outcome) {
        let wait = self.status().receipts.end(key);
        if let Some(wait) = wait {
            self.hear(wait.listener, outcome);
        }
    }

    fn hear(&self, listener: Listener, outcome: Outcome) {
        match listener {
            Listener::Application(call) => self.call_application(move || call(outcome)),
            Listener::Thread(call) => call(outcome),
        }
    }

    /// Queues a call of the application's.
    pub(crate) fn call_application(&self, call: impl FnOnce() + Send + 'static) {
        self.app.runtime.callback(call);
    }

    /// Whether the calling thread is in code of the application that must not wait for this session.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.app.runtime.is_waited_for()
    }
}

fn note_failure(looked: outbox::Result<()>) {
    if let Err(error) = looked {
        log::debug!(target: "ingest::outbox", "receipts could not be looked at: {error}");
    }
}
