//! The thread that writes: gathers what waits, has it stored, answers.

use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tracing::warn;

use super::Job;
use super::group::Group;
use super::later::Later;
use super::slices;
use crate::sink::Quota;

/// See the module.
pub(super) struct Worker<'j> {
    pub(super) connection: Connection,
    pub(super) quota: Quota,
    jobs: &'j Receiver<Job>,
    later: Later,
}

/// Works until every sender is gone and everything is stored.
pub(super) fn run(connection: Connection, quota: Quota, jobs: &Receiver<Job>) {
    let mut worker = Worker::new(connection, quota, jobs);
    while let Ok(first) = jobs.recv() {
        worker.group(Some(first));
        while !worker.later.is_empty() {
            worker.turn();
        }
    }
    // Leaves one tidy file behind.
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    if let Err(error) = worker.connection.query_row(checkpoint, [], |_| Ok(())) {
        warn!(%error, "the log was not folded into the document file; nothing is lost");
    }
}

impl<'j> Worker<'j> {
    fn new(connection: Connection, quota: Quota, jobs: &'j Receiver<Job>) -> Self {
        Self {
            connection,
            quota,
            jobs,
            later: Later::default(),
        }
    }

    /// Gives what waits meanwhile its turn.
    pub(super) fn others(&mut self) {
        self.group(None);
    }

    /// Stores what waits and is not for later, in one transaction.
    fn group(&mut self, first: Option<Job>) {
        let mut next = first;
        let mut group = Group::default();
        while group.has_room() {
            match next.take().or_else(|| self.jobs.try_recv().ok()) {
                Some(Job::Store(waiting)) => {
                    if let Some(waiting) = self.later.keep(waiting) {
                        group.add(waiting);
                    }
                }
                Some(Job::Probe(reply)) => group.probe(reply),
                None => break,
            }
        }
        group.store(&mut self.connection, self.quota);
    }

    /// Stores a long batch that is for later, or what is not long up to the next one that is; then the others have their turn.
    fn turn(&mut self) {
        let mut group = Group::default();
        if let Some(batch) = self.later.long() {
            let stored = slices::store(self, &batch);
            self.later.take().into_iter().for_each(|long| group.add(long));
            group.answer(stored.map(|outcome| vec![Ok(outcome)]));
        } else {
            while group.has_room()
                && let Some(waiting) = self.later.take_short()
            {
                group.add(waiting);
            }
            group.store(&mut self.connection, self.quota);
        }
        self.later.pass();
        self.others();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;
    use std::sync::mpsc::{self, Sender};

    use tokio::sync::oneshot;

    use super::*;
    use crate::backend::BackendError;
    use crate::sink::Outcome;
    use crate::sink::embedded::Waiting;
    use crate::sink::embedded::later::LINE;
    use crate::sink::embedded::slices::SLICE;
    use crate::sink::embedded::testing::{batch, opened};

    type Answer = oneshot::Receiver<Result<Outcome, BackendError>>;

    /// Sends so many documents as the transaction of this outbox behind the one with the number `after`.
    fn send(jobs: &Sender<Job>, outbox: i64, after: i64, documents: usize) -> Answer {
        let batch = Arc::new(batch(outbox, after, documents, &[]));
        let (reply, answer) = oneshot::channel();
        jobs.send(Job::Store(Waiting { batch, reply })).unwrap();
        answer
    }

    fn is_stored(answer: &mut Answer) -> bool {
        answer.try_recv().unwrap().unwrap().is_stored()
    }

    #[test]
    fn what_an_outbox_sends_behind_its_long_batch_holds_nobody_up() {
        let data = tempfile::tempdir().unwrap();
        let (jobs, waiting) = mpsc::channel();
        let mut worker = Worker::new(opened(&data), Quota::default(), &waiting);
        let mut long = send(&jobs, 1, 0, SLICE + 1);
        let mut behind: Vec<_> = (0..50).map(|number| send(&jobs, 1, 9 - number % 2, 1)).collect();
        worker.others();
        worker.turn();
        assert!(is_stored(&mut long));
        let mut neighbour = send(&jobs, 2, 0, 1);
        worker.turn();
        assert!(is_stored(&mut neighbour));
        for answer in &mut behind {
            let outcome = answer.try_recv().unwrap().unwrap();
            assert!(matches!(outcome, Outcome::Hole { position: 1 }), "{outcome:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_takes_no_more() {
        let data = tempfile::tempdir().unwrap();
        let (jobs, waiting) = mpsc::channel();
        let mut line = vec![send(&jobs, 1, 0, SLICE + 1)];
        line.extend((1..).take(LINE).map(|after| send(&jobs, 1, after, 1)));
        let mut neighbour = send(&jobs, 2, 0, 1);
        drop(jobs);
        run(opened(&data), Quota::default(), &waiting);
        let last = line.pop().unwrap().try_recv().unwrap();
        assert!(matches!(last, Err(BackendError::NoMemory(_))), "{last:?}");
        assert!(line.iter_mut().all(is_stored) && is_stored(&mut neighbour));
    }

    #[test]
    fn each_outbox_has_its_batches_taken_in_their_order_whichever_are_long() {
        let data = tempfile::tempdir().unwrap();
        let (jobs, waiting) = mpsc::channel();
        let counts = [SLICE + 1, 1, SLICE + 1, SLICE + 1, 1, 1];
        let mut answers = Vec::new();
        for (after, count) in (0..).zip(counts) {
            answers.extend([1, 2].map(|outbox| send(&jobs, outbox, after, count)));
        }
        drop(jobs);
        run(opened(&data), Quota::default(), &waiting);
        assert!(answers.iter_mut().all(is_stored));
    }
}
