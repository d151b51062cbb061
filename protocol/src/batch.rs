//! The body of an ingest request: BSON documents back to back.
//!
//! ```text
//! batch header        {outbox: string, lineage: string, acked: i64, after: i64, first_seq: i64, last_seq: i64, count: i64,
//!                      schemas: [string, ...], device: {...}}
//! per transaction, in ascending order of seq (gaps are allowed):
//!   its header        {seq: i64, schema: i32, runs: [{class: string, count: i32}, ...]}
//!   its documents     those of run 0, those of run 1, ..., exactly as they were made on the device
//! ```
//!
//! `schema` is an index into `schemas`. The numbers are redundant on purpose: a batch that lost its end
//! or its middle contradicts itself and is refused as a whole. Integers of either width are read.

mod reader;

pub use reader::{BatchReader, BatchTransaction, Documents};

use serde::{Deserialize, Serialize};

use crate::document::{DocumentError, Limits, Writer};

/// Header documents are small; one of this size is an attempt at something.
const MAX_HEADER_BYTES: usize = 1024 * 1024;

/// Bytes of a transaction's header that a sender may make. With the largest transaction behind it there is room left for
/// the batch header in one request.
pub const MAX_TRANSACTION_HEADER_BYTES: usize = MAX_HEADER_BYTES / 2;

/// Schemas that one batch may name, so that its header stays small and what it is checked by can be held. A sender begins
/// another batch for more.
pub const MAX_BATCH_SCHEMAS: usize = 1000;

/// Bytes of a text in a [`DeviceReport`].
pub const MAX_REPORT_TEXT: usize = 100;

/// A batch header lies two levels deep, a transaction header three.
const HEADER_LIMITS: Limits = Limits {
    max_bytes: MAX_HEADER_BYTES,
    max_depth: 4,
};

/// Number of documents of one class in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Name of the class.
    pub class: String,
    /// Documents that follow for it; never 0.
    pub count: u32,
}

/// First document of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Identity of the outbox the batch comes from: 32 lower-case hexadecimal digits.
    pub outbox: String,
    /// Drawn at random whenever acknowledged transactions have left the outbox: 32 lower-case hexadecimal digits. Two
    /// batches with overlapping numbers and different lineages do not come from one file.
    pub lineage: String,
    /// Highest sequence number that was acknowledged to the outbox under this identity, 0 before the first.
    pub acked: i64,
    /// Sequence number of the transaction before the first one, 0 when there is none. What was acknowledged, when it is
    /// left out: a sender that waits for each answer has sent nothing in between.
    pub after: i64,
    /// Sequence number of the first transaction.
    pub first_seq: i64,
    /// Sequence number of the last transaction.
    pub last_seq: i64,
    /// Documents in all transactions together.
    pub count: u64,
    /// Fingerprints of the schemas the documents were written under.
    pub schemas: Vec<String>,
    /// What the device says of itself; may be left out.
    pub device: Option<DeviceReport>,
}

/// How a device is, for the operator. The gateway keeps the latest of each outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// The device's clock when it sent: milliseconds since 1970.
    pub clock: i64,
    /// Transactions that wait in the outbox, those that are being sent included.
    pub transactions: u64,
    /// Objects in them.
    pub objects: u64,
    /// Bytes of documents in them.
    pub bytes: u64,
    /// Milliseconds that the oldest has waited, by the device's clock.
    pub oldest_age: i64,
    /// Version of the library, at most [`MAX_REPORT_TEXT`] bytes.
    pub version: String,
    /// Operating system and processor, at most [`MAX_REPORT_TEXT`] bytes.
    pub platform: String,
}

impl DeviceReport {
    /// As it is kept.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// First document of a transaction in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionHeader {
    /// Sequence number of the transaction.
    pub seq: i64,
    /// Index into [`BatchHeader::schemas`].
    pub schema: u32,
    /// What the documents belong to, in their order.
    pub runs: Vec<Run>,
}

impl TransactionHeader {
    /// Documents in all runs together.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.runs.iter().map(|run| u64::from(run.count)).sum()
    }
}

/// Why a body is not a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A header document is not well-formed.
    #[error("the {part} at byte {offset} is malformed: {source}")]
    Malformed {
        /// Which part of the batch.
        part: &'static str,
        /// Where it begins.
        offset: usize,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// A header lacks a field, or it has another type or an impossible value.
    #[error("field '{field}' of the {part} is missing or not valid")]
    Field {
        /// Which part of the batch.
        part: &'static str,
        /// Which field.
        field: &'static str,
    },
    /// The numbers of the headers contradict each other or the documents.
    #[error("the batch contradicts itself: {0}")]
    Contradiction(String),
}

/// Appends the batch header to `out`.
pub fn encode_batch_header(header: &BatchHeader, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    writer.string("outbox", &header.outbox);
    writer.string("lineage", &header.lineage);
    writer.int64("acked", header.acked);
    writer.int64("after", header.after);
    writer.int64("first_seq", header.first_seq);
    writer.int64("last_seq", header.last_seq);
    writer.int64("count", i64::try_from(header.count).unwrap_or(i64::MAX));
    writer.array("schemas", |array| {
        for (index, fingerprint) in header.schemas.iter().enumerate() {
            array.string(&index.to_string(), fingerprint);
        }
    });
    if let Some(report) = &header.device {
        let number = |value| i64::try_from(value).unwrap_or(i64::MAX);
        writer.document("device", |device| {
            device.int64("clock", report.clock);
            device.int64("transactions", number(report.transactions));
            device.int64("objects", number(report.objects));
            device.int64("bytes", number(report.bytes));
            device.int64("oldest_age", report.oldest_age);
            device.string("version", &report.version);
            device.string("platform", &report.platform);
        });
    }
    writer.finish();
}

/// Appends a transaction header to `out`; the transaction's documents follow it.
pub fn encode_transaction_header(header: &TransactionHeader, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    writer.int64("seq", header.seq);
    writer.int32("schema", i32::try_from(header.schema).unwrap_or(i32::MAX));
    writer.array("runs", |array| {
        for (index, run) in header.runs.iter().enumerate() {
            array.document(&index.to_string(), |document| {
                document.string("class", &run.class);
                document.int32("count", i32::try_from(run.count).unwrap_or(i32::MAX));
            });
        }
    });
    writer.finish();
}

/// Outboxes and schemas are both named by 16 bytes in lower-case hexadecimal.
#[must_use]
pub fn is_identity(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
