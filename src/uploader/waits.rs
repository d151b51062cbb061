//! The waits of a session: who wants to know when everything up to a number is answered for.

use std::sync::atomic::{AtomicU64, Ordering};

use super::core::Core;
use crate::error::{Code, Error, Result};
use crate::outbox::{self, Loss, LossMark, LossReason};

type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// What a wait is given up by: no two of this process have the same, and none has 0.
pub(crate) type WaitId = u64;

pub(crate) fn next_wait() -> WaitId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) struct Until {
    /// Everything up to this has to be answered for.
    pub(super) through: i64,
    /// From when on rows that are taken away are missed; none where it is an answer alone that is waited for.
    pub(super) mark: Option<LossMark>,
    /// The server has answered something since the wait began.
    pub(super) answered: bool,
}

pub(super) struct Wait {
    id: WaitId,
    until: Until,
    pub(super) done: Done,
}

#[derive(Default)]
pub(super) struct Waits {
    list: Vec<Wait>,
}

impl Waits {
    pub(super) fn begin(&mut self, id: WaitId, until: Until, done: Done) {
        self.list.push(Wait { id, until, done });
    }

    pub(super) fn ids(&self) -> Vec<WaitId> {
        self.list.iter().map(|wait| wait.id).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn has_unanswered(&self) -> bool {
        self.list.iter().any(|wait| !wait.until.answered)
    }

    pub(super) fn answered(&mut self, ids: &[WaitId]) {
        for wait in self.list.iter_mut().filter(|wait| ids.contains(&wait.id)) {
            wait.until.answered = true;
        }
    }

    /// Those that end when their rows are gone.
    pub(super) fn candidates(&self) -> Vec<(WaitId, Until)> {
        let answered = self.list.iter().filter(|wait| wait.until.answered);
        answered.map(|wait| (wait.id, wait.until)).collect()
    }

    pub(super) fn take(&mut self, id: WaitId) -> Option<Wait> {
        let at = self.list.iter().position(|wait| wait.id == id)?;
        Some(self.list.remove(at))
    }

    pub(super) fn take_all(&mut self) -> Vec<Wait> {
        std::mem::take(&mut self.list)
    }
}

impl Core {
    pub(super) fn fail_waits(&self, error: &Error) {
        let waits = self.status().waits.take_all();
        self.finish(waits, || {
            Err(Error::Sync {
                code: error.code(),
                message: error.to_string(),
            })
        });
    }

    fn finish(&self, waits: Vec<Wait>, result: impl Fn() -> Result<()>) {
        for wait in waits {
            let result = result();
            self.app.runtime.callback(move || (wait.done)(result));
        }
    }

    /// The waits that have begun: whatever the server answers from now on is an answer to them too.
    pub(super) fn waits(&self) -> Vec<WaitId> {
        self.status().waits.ids()
    }

    pub(super) fn has_waits(&self) -> bool {
        !self.status().waits.is_empty()
    }

    pub(super) fn has_unanswered_waits(&self) -> bool {
        self.status().waits.has_unanswered()
    }

    /// The server answered a request that began when these waits had begun.
    pub(super) fn answered(&self, waits: &[WaitId]) {
        self.status().waits.answered(waits);
    }

    /// Ends the waits whose rows are gone, with what was lost of them if not all left by way of the server. Reads the
    /// outbox: not for the runtime's thread.
    pub(super) fn finish_waits(&self) -> outbox::Result<()> {
        self.finish_receipts()?;
        let candidates = self.status().waits.candidates();
        for (id, until) in candidates {
            if self.outbox.pending_through(until.through)? {
                continue;
            }
            let losses = match until.mark {
                Some(mark) => self.outbox.losses(mark, until.through)?,
                None => Vec::new(),
            };
            let wait = self.status().waits.take(id);
            self.finish(wait.into_iter().collect(), || outcome(&losses));
        }
        Ok(())
    }

    /// The wait of this number, for the upload or for an outcome, is not told any more, if there still is one.
    pub(crate) fn give_up(&self, id: WaitId) {
        let mut status = self.status();
        let gone = (status.waits.take(id), status.receipts.take(id));
        drop(status);
        // Outside the lock: what they own may be the application's.
        drop(gone);
    }

    pub(super) fn wait(&self, upload: bool, id: WaitId, done: Done) {
        let until = if upload {
            self.upload_mark()
        } else {
            Ok(Until {
                through: i64::MIN,
                mark: None,
                answered: false,
            })
        };
        let mut status = self.status();
        let refused = match until {
            Err(error) => error,
            // Looked at under the lock: an end that comes later finds the wait.
            Ok(_) if !status.takes_waits() => Error::aborted(),
            Ok(until) => {
                status.waits.begin(id, until, done);
                drop(status);
                self.work.notify_one();
                return;
            }
        };
        drop(status);
        self.app.runtime.callback(move || done(Err(refused)));
    }

    /// Up to where to wait. The acknowledgement of rows that are pending is answer enough.
    fn upload_mark(&self) -> Result<Until> {
        // First: what is taken away while this looks is missed too.
        let mark = Some(self.outbox.loss_mark()?);
        // Not the last number: what was dropped before is no part of it.
        let through = self.outbox.newest_waiting()?;
        let answered = self.outbox.pending_through(through)?;
        Ok(Until {
            through,
            mark,
            answered,
        })
    }
}

/// More ranges than this are counted and not named.
const NAMED_LOSSES: usize = 3;

/// What a wait says whose rows are gone, though not all of them by way of the server.
fn outcome(losses: &[Loss]) -> Result<()> {
    if losses.is_empty() {
        return Ok(());
    }
    let damaged = losses.iter().any(|loss| loss.reason == LossReason::Damaged);
    let named: Vec<_> = losses.iter().take(NAMED_LOSSES).map(Loss::to_string).collect();
    let more = match losses.len().saturating_sub(NAMED_LOSSES) {
        0 => String::new(),
        more => format!(", and so on in {more} more places"),
    };
    Err(Error::Sync {
        code: if damaged {
            Code::InvalidDatabase
        } else {
            Code::LimitExceeded
        },
        message: format!(
            "not all of what was waited for was uploaded: {}{more}",
            named.join(", ")
        ),
    })
}
