//! The sink as one SQLite file: the default that needs no setting up.
//!
//! One thread writes. Batches that wait at the same time share one SQLite transaction and so one sync of
//! the disk; each is answered after the commit. A long batch is stored in several, and between any two what waits has its
//! turn. Reading goes over connections of its own.
//!
//! Invariants:
//!  1. Documents, dead letters, counts and positions of a batch are committed together. Of a long one its documents come
//!     first, then its dead letters, then its position; what is committed is counted with it.
//!  2. `(collection, id)` is unique. What is stored first stands.
//!  3. `seq` grows in the order of arrival and is never reused: documents are not deleted here.
//!  4. A dead letter leaves only for the documents, in one transaction with its arrival there, or because the operator says
//!     so.
//!  5. A block in which a collection has documents is noted in the transaction that stores the first of them.
//!  6. A failure concerns only the batches it was about: what one batch of a group did is undone alone. Of a long one what
//!     was committed stays, and is found when it is sent again.

mod census;
mod group;
mod integrity;
mod later;
mod letters;
mod operator;
mod overview;
mod positions;
mod purge;
mod reader;
mod replay;
mod schema;
mod slices;
#[cfg(test)]
mod testing;
mod which;
mod worker;
mod writer;

pub(crate) use integrity::check;
pub use operator::EmbeddedOperator;
pub use purge::Purge;
pub use reader::{Arrival, CollectionStats, Reader};
pub use replay::Replay;
pub(crate) use schema::{FILE, FORMAT};

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::{Census, OutboxKey, Outcome, Quota, Sink};
use crate::backend::{Answer, BackendError};
use crate::ingest::Batch;
use crate::sqlite::{OpenError, open_reader, open_writer};

/// What the writer is asked for.
enum Job {
    Store(Waiting),
    /// Whether something can be written.
    Probe(Reply<()>),
}

/// A batch that waits to be stored.
struct Waiting {
    batch: Arc<Batch>,
    reply: Reply<Outcome>,
}

/// Where an answer goes. Nobody may be waiting for it any more; what was stored is stored.
type Reply<T> = oneshot::Sender<Result<T, BackendError>>;

/// See the module.
pub struct EmbeddedSink {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Its sender goes with the writer, however that ends.
    ended: watch::Receiver<()>,
    reader: Arc<Mutex<Connection>>,
}

impl EmbeddedSink {
    /// Opens or creates the sink in the directory `data` and starts its writer.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        Self::with(data, Quota::default())
    }

    /// The same with another quota of dead letters.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn with(data: &Path, quota: Quota) -> Result<Self, OpenError> {
        let path = data.join(schema::FILE);
        let connection = open_writer(&path, schema::FORMAT, schema::STEPS)?;
        schema::tune(&connection).map_err(BackendError::from)?;
        let (reader, _) = open_reader(&path, schema::FORMAT)?;
        let (jobs, waiting) = mpsc::channel();
        let (writer, ended) = start(move || worker::run(connection, quota, &waiting))?;
        Ok(Self {
            jobs: Some(jobs),
            writer: Some(writer),
            ended,
            reader: Arc::new(Mutex::new(reader)),
        })
    }

    fn send<T: Send + 'static>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Answer<'_, T> {
        let (reply, result) = oneshot::channel();
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(job(reply)).is_ok());
        Box::pin(async move {
            if !sent {
                return Err(BackendError::Closed);
            }
            result.await.map_err(|_| BackendError::Closed)?
        })
    }
}

/// Starts the writer.
fn start(work: impl FnOnce() + Send + 'static) -> Result<(JoinHandle<()>, watch::Receiver<()>), OpenError> {
    let (alive, ended) = watch::channel(());
    let thread = std::thread::Builder::new().name("ingest-writer".into());
    let writer = thread.spawn(move || {
        let _alive = alive;
        work();
    });
    Ok((writer.map_err(OpenError::Thread)?, ended))
}

impl Drop for EmbeddedSink {
    /// Lets the writer finish what it was given.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Sink for EmbeddedSink {
    fn store(&self, batch: Arc<Batch>) -> Answer<'_, Outcome> {
        self.send(|reply| Job::Store(Waiting { batch, reply }))
    }

    fn position(&self, outbox: &OutboxKey) -> Answer<'_, i64> {
        let (reader, outbox) = (Arc::clone(&self.reader), outbox.clone());
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || {
                let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
                positions::known(&reader, &outbox)
            });
            let known = task.await.map_err(|_| BackendError::Closed)??;
            Ok(known.map_or(0, |known| known.position))
        })
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.send(Job::Probe)
    }

    /// The file is of one app.
    fn census<'a>(&'a self, _: &'a str, now: i64) -> Answer<'a, Option<Census>> {
        let reader = Arc::clone(&self.reader);
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || census::census(&reader, now));
            task.await.map_err(|_| BackendError::Closed)?.map(Some)
        })
    }

    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut ended = self.ended.clone();
        Box::pin(async move { while ended.changed().await.is_ok() {} })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[tokio::test]
    async fn it_is_told_when_the_writer_has_died() {
        let data = tempfile::tempdir().unwrap();
        let mut sink = EmbeddedSink::open(data.path()).unwrap();
        assert_eq!(
            tokio::time::timeout(Default::default(), sink.ended()).await.ok(),
            None
        );
        sink.probe().await.unwrap();
        (_, sink.ended) = start(|| std::panic::resume_unwind(Box::new(()))).unwrap();
        sink.ended().await;
    }
}
