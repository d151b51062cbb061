//! What is not stored at once: long batches, and what their outboxes send behind them, for the order of arrival decides what is
//! taken. Each of these outboxes has a line, and the lines take turns.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Waiting;
use super::slices::SLICE;
use crate::ingest::{Batch, Context};
use crate::memory::NoMemory;

/// Batches in the line of one outbox. A device sends one at a time: others are what it sent and did not wait for. As there is
/// a line only for a long batch, the memory for batches bounds the lines, as it does what waits elsewhere.
pub(super) const LINE: usize = 64;

/// See the module.
#[derive(Default)]
pub(super) struct Later {
    /// None is empty. The first has its turn.
    lines: VecDeque<VecDeque<Waiting>>,
}

impl Later {
    /// Keeps what is for later; what can be stored now is given back. For whom the line is too long is asked to come back.
    pub fn keep(&mut self, waiting: Waiting) -> Option<Waiting> {
        let of_its_outbox = |line: &&mut VecDeque<Waiting>| {
            let first = line.front();
            first.is_some_and(|first| have_one_outbox(&first.batch.context, &waiting.batch.context))
        };
        match self.lines.iter_mut().find(of_its_outbox) {
            Some(line) if line.len() < LINE => line.push_back(waiting),
            Some(_) => {
                let _ = waiting.reply.send(Err(NoMemory.into()));
            }
            None if is_long(&waiting.batch) => self.lines.push_back([waiting].into()),
            None => return Some(waiting),
        }
        None
    }

    /// What has its turn, when it is long. It stays where it is, so that its outbox is known to wait.
    pub fn long(&self) -> Option<Arc<Batch>> {
        let first = self.lines.front()?.front()?;
        is_long(&first.batch).then(|| Arc::clone(&first.batch))
    }

    /// Takes what has its turn out of its line.
    pub fn take(&mut self) -> Option<Waiting> {
        self.lines.front_mut()?.pop_front()
    }

    /// Takes it if it is not long.
    pub fn take_short(&mut self) -> Option<Waiting> {
        if self.long().is_some() {
            return None;
        }
        self.take()
    }

    /// The next line has its turn.
    pub fn pass(&mut self) {
        if let Some(line) = self.lines.pop_front()
            && !line.is_empty()
        {
            self.lines.push_back(line);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

fn is_long(batch: &Batch) -> bool {
    batch.count() > SLICE
}

fn have_one_outbox(one: &Context, other: &Context) -> bool {
    one.source.outbox == other.source.outbox && one.user == other.user && one.app == other.app
}
