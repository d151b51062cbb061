//! The thread that writes: gathers what waits, has it stored, answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tracing::warn;

use super::Job;
use super::slices::{self, SLICE};
use super::writer::{Outcomes, store};
use crate::backend::BackendError;
use crate::ingest::{Batch, Context};
use crate::sink::Quota;

/// Bytes of batches that share a transaction. More would only make the first of them wait.
const MAX_GROUP_BYTES: usize = 64 * 1024 * 1024;

/// Batches that share a transaction: far more than wait in practice.
const MAX_GROUP: usize = 1_024;

/// See the module.
pub(super) struct Worker<'j> {
    pub(super) connection: Connection,
    pub(super) quota: Quota,
    jobs: &'j Receiver<Job>,
    /// Long batches, and what their outboxes sent behind them, in the order of arrival. The first is being stored.
    later: VecDeque<Job>,
}

/// Works until every sender is gone and everything is stored.
pub(super) fn run(connection: Connection, quota: Quota, jobs: &Receiver<Job>) {
    let mut worker = Worker {
        connection,
        quota,
        jobs,
        later: VecDeque::new(),
    };
    while let Ok(first) = jobs.recv() {
        worker.group(Some(first));
        while worker.first_of_later() {}
    }
    // Leaves one tidy file behind.
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    if let Err(error) = worker.connection.query_row(checkpoint, [], |_| Ok(())) {
        warn!(%error, "the log was not folded into the document file; nothing is lost");
    }
}

impl Worker<'_> {
    /// Gives what waits meanwhile its turn.
    pub(super) fn others(&mut self) {
        self.group(None);
    }

    /// Stores what waits, in one transaction.
    fn group(&mut self, first: Option<Job>) {
        let mut next = first;
        let mut group = Vec::new();
        let (mut bytes, mut documents) = (0, 0);
        while bytes < MAX_GROUP_BYTES && documents < SLICE && group.len() < MAX_GROUP {
            let Some(job) = next.take().or_else(|| self.jobs.try_recv().ok()) else {
                break;
            };
            if self.is_for_later(&job) {
                self.later.push_back(job);
                continue;
            }
            bytes += batch_of(&job).map_or(0, Batch::bytes);
            documents += batch_of(&job).map_or(0, Batch::count);
            group.push(job);
        }
        if group.is_empty() {
            return;
        }
        let batches: Vec<&Batch> = group.iter().filter_map(batch_of).collect();
        let probe = group.iter().any(|job| matches!(job, Job::Probe { .. }));
        let stored = store(&mut self.connection, self.quota, &batches, probe);
        answer(group, stored);
    }

    /// Long batches are. What an outbox sends behind one waits for it: the order of arrival decides what is taken.
    fn is_for_later(&self, job: &Job) -> bool {
        batch_of(job).is_some_and(|batch| {
            let mut later = self.later.iter().filter_map(batch_of);
            batch.count() > SLICE || later.any(|one| have_one_outbox(&one.context, &batch.context))
        })
    }

    /// Stores the first of those that are for later; false when there is none.
    fn first_of_later(&mut self) -> bool {
        if let Some(Job::Store { batch, .. }) = self.later.front() {
            let batch = Arc::clone(batch);
            let stored = slices::store(self, &batch);
            let job = self.later.pop_front();
            answer(job.into_iter().collect(), stored.map(|outcome| vec![Ok(outcome)]));
            return true;
        }
        false
    }
}

fn have_one_outbox(one: &Context, other: &Context) -> bool {
    one.source.outbox == other.source.outbox && one.user == other.user && one.app == other.app
}

fn batch_of(job: &Job) -> Option<&Batch> {
    match job {
        Job::Store { batch, .. } => Some(batch),
        Job::Probe { .. } => None,
    }
}

fn answer(group: Vec<Job>, stored: Result<Outcomes, BackendError>) {
    let failed = |error: &BackendError| match error {
        BackendError::NoMemory(error) => (*error).into(),
        error => BackendError::Unavailable(error.to_string()),
    };
    let (mut outcomes, all) = match stored {
        Ok(outcomes) => (outcomes.into_iter(), Ok(())),
        Err(error) => (Vec::new().into_iter(), Err(error)),
    };
    if let Err(error) = &all {
        let batches = group.iter().filter_map(batch_of).count();
        warn!(batches, %error, "none of this group is settled");
    }
    for job in group {
        // Nobody may be waiting any more; what was stored is stored.
        match job {
            Job::Store { answer, .. } => {
                let outcome = match &all {
                    Ok(()) => outcomes.next().unwrap_or(Err(BackendError::Closed)),
                    Err(error) => Err(failed(error)),
                };
                let _ = answer.send(outcome);
            }
            Job::Probe { answer } => {
                let _ = answer.send(all.as_ref().map_err(failed).copied());
            }
        }
    }
}
