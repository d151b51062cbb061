//! What becomes of batches and their documents, by app and by the door that they came through.

mod families;

pub(super) use families::IngestFamilies;

use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use realm_ingest_protocol::RefusalCode;

use super::count_of;
use super::histogram::Histogram;
use super::waiting::{Waiting, Waits};
use crate::backend::BackendError;
use crate::ingest::{Batch, Door, IngestError, Refusals, Refused};
use crate::sink::Outcome;
use crate::work::WorkError;

/// What becomes of a batch: it is settled; is sent again from another place, under another name, with its schemas, in parts or when
/// there is room; comes too early; meets a store that does not answer, or a defect.
const RESULTS: [&str; 9] = [
    "stored",
    "out_of_order",
    "outbox_copied",
    "schema_required",
    "too_large",
    "limits_exceeded",
    "busy",
    "store_failed",
    "failed",
];

/// What is counted of one app's batches. Any thread may count.
#[derive(Debug)]
pub struct IngestMetrics {
    /// In the order of [`Door::ALL`].
    doors: [Counters; Door::ALL.len()],
    waiting: Waiting,
}

/// What is counted of those that come through one door.
#[derive(Debug)]
struct Counters {
    batches: [Counter; RESULTS.len()],
    stored: Counter,
    duplicates: Counter,
    refused: [Counter; RefusalCode::ALL.len()],
    refused_other: Counter,
    batch_documents: Histogram,
    batch_bytes: Histogram,
    batch_seconds: Histogram,
    store_seconds: Histogram,
    waited: Histogram,
    clock_error: Histogram,
}

/// A batch that has arrived, until it is answered or its client goes.
#[derive(Debug)]
pub struct Arrived<'m> {
    metrics: &'m Counters,
    begun: Instant,
    _waits: Waits<'m>,
}

impl IngestMetrics {
    /// A batch has arrived.
    pub fn arrived(&self, through: Door) -> Arrived<'_> {
        Arrived {
            metrics: self.of(through),
            begun: Instant::now(),
            _waits: self.waiting.begin(),
        }
    }

    /// It was checked.
    pub fn checked(&self, batch: &Batch) {
        self.of(batch.context.door).checked(batch);
    }

    /// The store has answered.
    pub fn answered(&self, batch: &Batch, outcome: &Result<Outcome, BackendError>, took: Duration) {
        self.of(batch.context.door).answered(batch, outcome, took);
    }

    fn of(&self, door: Door) -> &Counters {
        let [http, device_sync] = &self.doors;
        match door {
            Door::Http => http,
            Door::DeviceSync => device_sync,
        }
    }

    /// Batches that wait for their answer.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.count()
    }

    /// How long the one that has waited longest has.
    pub(super) fn longest_wait(&self) -> Duration {
        self.waiting.longest()
    }
}

impl Counters {
    fn checked(&self, batch: &Batch) {
        self.batch_documents.observe(batch.count() as f64);
        self.batch_bytes.observe(batch.bytes() as f64);
        if let Some(device) = &batch.context.source.device {
            self.waited.observe(seconds(device.oldest_age.max(0)));
            if batch.context.door == Door::Http {
                let apart = batch.received.saturating_sub(device.clock).saturating_abs();
                self.clock_error.observe(seconds(apart));
            }
        }
    }

    fn answered(&self, batch: &Batch, outcome: &Result<Outcome, BackendError>, took: Duration) {
        self.store_seconds.observe(took.as_secs_f64());
        let Ok(Outcome::Stored { found, .. }) = outcome else {
            return;
        };
        let (kept, found_other) = (batch.kept() as u64, found.len() as u64);
        let equal = found.equal();
        self.stored.inc_by(kept.saturating_sub(found_other + equal));
        self.duplicates.inc_by(equal);
        self.count_refused(&batch.refused);
        self.count_refused(found);
    }

    fn count_refused(&self, refused: &Refusals) {
        // One addition for each code, however many there are.
        for run in refused.as_slice().chunk_by(|one, next| one.code == next.code) {
            if let Some(Refused { code, .. }) = run.first() {
                self.of_code(*code).inc_by(run.len() as u64);
            }
        }
    }

    fn of_code(&self, code: RefusalCode) -> &Counter {
        count_of(&RefusalCode::ALL, &self.refused, &self.refused_other, |known| {
            *known == code
        })
    }
}

impl Arrived<'_> {
    /// It is answered.
    pub fn ended<T>(self, answer: &Result<T, IngestError>) {
        self.metrics
            .batch_seconds
            .observe(self.begun.elapsed().as_secs_f64());
        let [
            stored,
            out_of_order,
            copied,
            no_schema,
            too_large,
            limits,
            busy,
            store,
            failed,
        ] = &self.metrics.batches;
        let counter = match answer {
            Ok(_) => stored,
            Err(IngestError::Hole { .. }) => out_of_order,
            Err(IngestError::Copied) => copied,
            Err(IngestError::SchemaRequired(_)) => no_schema,
            Err(IngestError::SchemasTooLarge) => too_large,
            Err(IngestError::TooManySchemas | IngestError::TooManyDeadLetters(_)) => limits,
            Err(
                IngestError::NoMemory(_)
                | IngestError::Work(WorkError::Busy)
                | IngestError::Backend(BackendError::NoMemory(_)),
            ) => busy,
            Err(IngestError::Backend(_)) => store,
            Err(IngestError::Work(WorkError::Panicked(_)) | IngestError::Internal(_)) => failed,
        };
        counter.inc();
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1e3
}
