//! Batches that are stored in one SQLite transaction, and answered after it.

use rusqlite::Connection;
use tracing::warn;

use super::slices::SLICE;
use super::writer::{Outcomes, store};
use super::{Reply, Waiting};
use crate::backend::BackendError;
use crate::ingest::Batch;
use crate::sink::Quota;

/// Bytes of batches that share a transaction. More would only make the first of them wait.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Batches and probes that share a transaction: far more than wait in practice.
const MAX: usize = 1_024;

/// See the module.
#[derive(Default)]
pub(super) struct Group {
    batches: Vec<Waiting>,
    probes: Vec<Reply<()>>,
    bytes: usize,
    documents: usize,
}

impl Group {
    /// Whether one more may join.
    pub fn has_room(&self) -> bool {
        let members = self.batches.len() + self.probes.len();
        self.bytes < MAX_BYTES && self.documents < SLICE && members < MAX
    }

    pub fn add(&mut self, waiting: Waiting) {
        self.bytes += waiting.batch.bytes();
        self.documents += waiting.batch.count();
        self.batches.push(waiting);
    }

    pub fn probe(&mut self, reply: Reply<()>) {
        self.probes.push(reply);
    }

    /// Stores and answers all of it, if there is anything.
    pub fn store(self, connection: &mut Connection, quota: Quota) {
        if self.batches.is_empty() && self.probes.is_empty() {
            return;
        }
        let batches: Vec<&Batch> = self.batches.iter().map(|one| &*one.batch).collect();
        let stored = store(connection, quota, &batches, !self.probes.is_empty());
        self.answer(stored);
    }

    /// Answers what became of each batch.
    pub fn answer(self, stored: Result<Outcomes, BackendError>) {
        let (mut outcomes, all) = match stored {
            Ok(outcomes) => (outcomes.into_iter(), Ok(())),
            Err(error) => (Vec::new().into_iter(), Err(error)),
        };
        if let Err(error) = &all {
            let batches = self.batches.len();
            warn!(batches, %error, "none of this group is settled");
        }
        for Waiting { reply, .. } in self.batches {
            let outcome = match &all {
                Ok(()) => outcomes.next().unwrap_or(Err(BackendError::Closed)),
                Err(error) => Err(again(error)),
            };
            let _ = reply.send(outcome);
        }
        for reply in self.probes {
            let _ = reply.send(all.as_ref().map_err(again).copied());
        }
    }
}

/// The error for one more of those whom it concerns.
fn again(error: &BackendError) -> BackendError {
    match error {
        BackendError::NoMemory(error) => (*error).into(),
        error => BackendError::Unavailable(error.to_string()),
    }
}
