//! The waits of a session: who wants to know when everything up to a number is answered for.

use crate::error::{Code, Error, Result};
use crate::outbox::{Loss, LossMark, LossReason};

pub(super) type Done = Box<dyn FnOnce(Result<()>) + Send>;

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
    id: u64,
    until: Until,
    pub(super) done: Done,
}

#[derive(Default)]
pub(super) struct Waits {
    list: Vec<Wait>,
    next: u64,
}

impl Waits {
    pub(super) fn begin(&mut self, until: Until, done: Done) {
        let id = self.next;
        self.next += 1;
        self.list.push(Wait { id, until, done });
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.list.iter().map(|wait| wait.id).collect()
    }

    pub(super) fn has_unanswered(&self) -> bool {
        self.list.iter().any(|wait| !wait.until.answered)
    }

    pub(super) fn answered(&mut self, ids: &[u64]) {
        for wait in self.list.iter_mut().filter(|wait| ids.contains(&wait.id)) {
            wait.until.answered = true;
        }
    }

    /// Those that end when their rows are gone.
    pub(super) fn candidates(&self) -> Vec<(u64, Until)> {
        let answered = self.list.iter().filter(|wait| wait.until.answered);
        answered.map(|wait| (wait.id, wait.until)).collect()
    }

    pub(super) fn take(&mut self, id: u64) -> Option<Wait> {
        let at = self.list.iter().position(|wait| wait.id == id)?;
        Some(self.list.remove(at))
    }

    pub(super) fn take_all(&mut self) -> Vec<Wait> {
        std::mem::take(&mut self.list)
    }
}

/// More ranges than this are counted and not named.
const NAMED_LOSSES: usize = 3;

/// What a wait says whose rows are gone, though not all of them by way of the server.
pub(super) fn outcome(losses: &[Loss]) -> Result<()> {
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
