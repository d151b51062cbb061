//! The waits of a session: who wants to know when everything up to a number is answered for.

use crate::error::Result;

pub(super) type Done = Box<dyn FnOnce(Result<()>) + Send>;

pub(super) struct Wait {
    id: u64,
    /// Everything up to this has to be answered for.
    through: i64,
    /// The server has answered something since the wait began.
    answered: bool,
    pub(super) done: Done,
}

#[derive(Default)]
pub(super) struct Waits {
    list: Vec<Wait>,
    next: u64,
}

impl Waits {
    pub(super) fn begin(&mut self, through: i64, answered: bool, done: Done) {
        let id = self.next;
        self.next += 1;
        self.list.push(Wait {
            id,
            through,
            answered,
            done,
        });
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.list.iter().map(|wait| wait.id).collect()
    }

    pub(super) fn has_unanswered(&self) -> bool {
        self.list.iter().any(|wait| !wait.answered)
    }

    pub(super) fn answered(&mut self, ids: &[u64]) {
        for wait in self.list.iter_mut().filter(|wait| ids.contains(&wait.id)) {
            wait.answered = true;
        }
    }

    /// Those that end when their rows are gone.
    pub(super) fn candidates(&self) -> Vec<(u64, i64)> {
        let answered = self.list.iter().filter(|wait| wait.answered);
        answered.map(|wait| (wait.id, wait.through)).collect()
    }

    pub(super) fn take(&mut self, ids: &[u64]) -> Vec<Wait> {
        self.list.extract_if(.., |wait| ids.contains(&wait.id)).collect()
    }

    pub(super) fn take_all(&mut self) -> Vec<Wait> {
        std::mem::take(&mut self.list)
    }
}
