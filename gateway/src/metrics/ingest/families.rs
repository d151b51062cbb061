//! What is told of batches, under which names and labels.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::registry::Registry;
use realm_ingest_protocol::RefusalCode;

use super::{Counters, IngestMetrics, RESULTS};
use crate::ingest::Door;
use crate::metrics::histogram::Histogram;
use crate::metrics::waiting::Waiting;

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

/// Those of every app, which the registry has.
#[derive(Debug)]
pub(in crate::metrics) struct IngestFamilies {
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
