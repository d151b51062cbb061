//! What becomes of batches and their documents, by app and by the door that they came through.

use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::registry::Registry;
use realm_ingest_protocol::RefusalCode;

use super::count_of;
use super::histogram::Histogram;
use super::waiting::{Waiting, Waits};
use crate::backend::BackendError;
use crate::ingest::{Batch, Door, IngestError, Refusals, Refused};
use crate::sink::Outcome;
use crate::work::WorkError;

/// From what one sync of a good disk takes to where clients give up.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

const DOCUMENTS: &[f64] = &[
    1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6,
];

/// From 256 bytes to 64 MiB, which is the largest batch.
const BYTES: &[f64] = &[
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// From a second to a month: devices may be without a network for that long.
const AGES: &[f64] = &[
    1.0,
    5.0,
    15.0,
    60.0,
    300.0,
    900.0,
    3_600.0,
    21_600.0,
    86_400.0,
    604_800.0,
    2_592_000.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDoor {
    app: String,
    door: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResult {
    app: String,
    door: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCode {
    app: String,
    door: &'static str,
    code: &'static str,
}

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

/// Those of every app, which the registry has.
#[derive(Debug)]
pub(super) struct IngestFamilies {
    batches: Family<OfResult, Counter>,
    stored: Family<OfDoor, Counter>,
    duplicates: Family<OfDoor, Counter>,
    refused: Family<OfCode, Counter>,
    batch_documents: Family<OfDoor, Histogram, Bounds>,
    batch_bytes: Family<OfDoor, Histogram, Bounds>,
    batch_seconds: Family<OfDoor, Histogram, Bounds>,
    store_seconds: Family<OfDoor, Histogram, Bounds>,
    waited: Family<OfDoor, Histogram, Bounds>,
    clock_error: Family<OfDoor, Histogram, Bounds>,
}

#[derive(Clone, Copy)]
struct Bounds(&'static [f64]);

impl MetricConstructor<Histogram> for Bounds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0)
    }
}

impl IngestFamilies {
    pub fn new(registry: &mut Registry) -> Self {
        let (batches, refused) = (Family::default(), Family::default());
        registry.register(
            "realm_ingest_batches",
            "Batches by what became of them",
            Family::clone(&batches),
        );
        registry.register(
            "realm_ingest_documents_refused",
            "Documents that were refused for good, by code",
            Family::clone(&refused),
        );
        let mut counter = |name: &str, help: &str| {
            let family = Family::<OfDoor, Counter>::default();
            registry.register(name, help, family.clone());
            family
        };
        let stored = counter("realm_ingest_documents_stored", "Documents that were stored");
        let duplicates = counter(
            "realm_ingest_documents_duplicate",
            "Documents that were found stored already, and equal",
        );
        let mut histogram = |name: &str, help: &str, bounds| {
            let family = Family::<OfDoor, Histogram, _>::new_with_constructor(Bounds(bounds));
            registry.register(name, help, family.clone());
            family
        };
        Self {
            batches,
            stored,
            duplicates,
            refused,
            batch_documents: histogram("realm_ingest_batch_documents", "Documents of a batch", DOCUMENTS),
            batch_bytes: histogram(
                "realm_ingest_batch_bytes",
                "Bytes of documents of a batch, unpacked",
                BYTES,
            ),
            batch_seconds: histogram(
                "realm_ingest_batch_seconds",
                "From when a batch had arrived to its answer",
                SECONDS,
            ),
            store_seconds: histogram(
                "realm_ingest_store_seconds",
                "How long the store took for a batch, its commit included",
                SECONDS,
            ),
            waited: histogram(
                "realm_ingest_document_age_seconds",
                "How long the oldest document of a device had waited there when a batch was sent, by the device's own clock",
                AGES,
            ),
            clock_error: histogram(
                "realm_ingest_device_clock_error_seconds",
                "How far a device's clock was from the gateway's when a batch arrived, either way",
                AGES,
            ),
        }
    }

    /// The counters of one app. All of them are there from now on, so that a first refusal is seen as one.
    pub fn of(&self, app: &str) -> IngestMetrics {
        IngestMetrics {
            doors: Door::ALL.map(|door| self.through(app, door.as_str())),
            waiting: Waiting::default(),
        }
    }

    fn through(&self, app: &str, door: &'static str) -> Counters {
        let app = || app.to_owned();
        let of_door = OfDoor { app: app(), door };
        let of_code = |code| {
            let of_code = OfCode {
                app: app(),
                door,
                code,
            };
            self.refused.get_or_create_owned(&of_code)
        };
        let of_result = |result| {
            let of_result = OfResult {
                app: app(),
                door,
                result,
            };
            self.batches.get_or_create_owned(&of_result)
        };
        Counters {
            batches: RESULTS.map(of_result),
            stored: self.stored.get_or_create_owned(&of_door),
            duplicates: self.duplicates.get_or_create_owned(&of_door),
            refused: RefusalCode::ALL.map(|code| of_code(code.as_str())),
            refused_other: of_code("other"),
            batch_documents: self.batch_documents.get_or_create_owned(&of_door),
            batch_bytes: self.batch_bytes.get_or_create_owned(&of_door),
            batch_seconds: self.batch_seconds.get_or_create_owned(&of_door),
            store_seconds: self.store_seconds.get_or_create_owned(&of_door),
            waited: self.waited.get_or_create_owned(&of_door),
            clock_error: self.clock_error.get_or_create_owned(&of_door),
        }
    }
}

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
