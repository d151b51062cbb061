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

use serde::{Deserialize, Serialize};

use crate::document::{self, Document, DocumentError, Limits, Value, Writer};
use crate::schema::MAX_CLASS_NAME;

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

/// One transaction of a batch. The documents' frames are sound; their contents have not been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchTransaction<'a> {
    /// The transaction's header.
    pub header: TransactionHeader,
    /// Its documents back to back, in the order of the runs.
    pub payload: &'a [u8],
}

impl<'a> BatchTransaction<'a> {
    /// The documents, in the order of the runs.
    #[must_use]
    pub const fn documents(&self) -> Documents<'a> {
        Documents::new(self.payload)
    }
}

/// Iterator over the documents of a [`BatchTransaction`].
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    rest: &'a [u8],
}

impl<'a> Documents<'a> {
    /// Over documents back to back. Ends where one is not framed soundly.
    #[must_use]
    pub const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (document, rest) = document::split(self.rest).ok()?;
        self.rest = rest;
        Some(document)
    }
}

/// Reads a batch, transaction by transaction.
#[derive(Debug)]
pub struct BatchReader<'a> {
    header: BatchHeader,
    whole: usize,
    rest: &'a [u8],
    last: Option<i64>,
    documents: u64,
}

impl<'a> BatchReader<'a> {
    /// Reads the batch header.
    ///
    /// # Errors
    /// When it is malformed or cannot be true.
    pub fn new(bytes: &'a [u8]) -> Result<Self, BatchError> {
        const PART: &str = "batch header";
        let mut reader = Self {
            header: BatchHeader {
                outbox: String::new(),
                lineage: String::new(),
                acked: 0,
                after: 0,
                first_seq: 0,
                last_seq: 0,
                count: 0,
                schemas: Vec::new(),
                device: None,
            },
            whole: bytes.len(),
            rest: bytes,
            last: None,
            documents: 0,
        };
        let document = reader.take_header(PART)?;
        let wrong = |field| BatchError::Field { part: PART, field };
        let outbox = string(&document, "outbox")
            .filter(|text| is_identity(text))
            .ok_or(wrong("outbox"))?;
        let lineage = string(&document, "lineage")
            .filter(|text| is_identity(text))
            .ok_or(wrong("lineage"))?;
        let acked = document.integer("acked").filter(|seq| *seq >= 0);
        let acked = acked.ok_or(wrong("acked"))?;
        let first_seq = document
            .integer("first_seq")
            .filter(|seq| *seq > 0)
            .ok_or(wrong("first_seq"))?;
        let after = match document.get("after") {
            None => acked.min(first_seq - 1),
            Some(_) => {
                let after = document.integer("after");
                after
                    .filter(|seq| (0..first_seq).contains(seq))
                    .ok_or(wrong("after"))?
            }
        };
        let last_seq = document.integer("last_seq").filter(|seq| *seq >= first_seq);
        let count = document
            .integer("count")
            .and_then(|count| u64::try_from(count).ok());
        let Some(Value::Array(schemas)) = document.get("schemas") else {
            return Err(wrong("schemas"));
        };
        if schemas.fields().nth(MAX_BATCH_SCHEMAS).is_some() {
            return Err(wrong("schemas"));
        }
        let schemas = schemas.fields().map(|field| match field.value {
            Value::String(text) if is_identity(text) => Ok(text.to_owned()),
            _ => Err(wrong("schemas")),
        });
        reader.header = BatchHeader {
            outbox: outbox.to_owned(),
            lineage: lineage.to_owned(),
            acked,
            after,
            first_seq,
            last_seq: last_seq.ok_or(wrong("last_seq"))?,
            count: count.ok_or(wrong("count"))?,
            schemas: schemas.collect::<Result<_, _>>()?,
            device: match document.get("device") {
                None => None,
                Some(Value::Document(device)) => Some(read_report(&device).ok_or(wrong("device"))?),
                Some(_) => return Err(wrong("device")),
            },
        };
        Ok(reader)
    }

    /// The batch header.
    #[must_use]
    pub const fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The next transaction, or `None` when the batch ended where its header says it ends.
    ///
    /// # Errors
    /// When the batch is malformed, cut off, or contradicts itself.
    pub fn next_transaction(&mut self) -> Result<Option<BatchTransaction<'a>>, BatchError> {
        if self.rest.is_empty() {
            return self.check_end().map(|()| None);
        }
        let header = self.read_transaction_header()?;
        let declared = header.documents();
        let start = self.rest;
        for _ in 0..declared {
            self.take("document")?;
        }
        let payload = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        self.documents += declared;
        if self.documents > self.header.count {
            return Err(self.count_contradiction());
        }
        Ok(Some(BatchTransaction { header, payload }))
    }

    fn read_transaction_header(&mut self) -> Result<TransactionHeader, BatchError> {
        const PART: &str = "transaction header";
        let document = self.take_header(PART)?;
        let wrong = |field| BatchError::Field { part: PART, field };
        let seq = document.integer("seq").ok_or(wrong("seq"))?;
        let schema = document
            .integer("schema")
            .and_then(|index| u32::try_from(index).ok());
        let schema = schema.ok_or(wrong("schema"))?;
        let Some(Value::Array(runs)) = document.get("runs") else {
            return Err(wrong("runs"));
        };
        let runs = runs.fields().map(|field| match field.value {
            Value::Document(run) => read_run(&run).ok_or(wrong("runs")),
            _ => Err(wrong("runs")),
        });
        let header = TransactionHeader {
            seq,
            schema,
            runs: runs.collect::<Result<_, _>>()?,
        };
        if header.runs.is_empty() {
            return Err(wrong("runs"));
        }
        if usize::try_from(schema).map_or(true, |index| index >= self.header.schemas.len()) {
            let text = format!(
                "transaction {seq} names schema {schema} of {}",
                self.header.schemas.len()
            );
            return Err(BatchError::Contradiction(text));
        }
        self.check_order(seq)?;
        self.last = Some(seq);
        Ok(header)
    }

    fn check_order(&self, seq: i64) -> Result<(), BatchError> {
        let BatchHeader {
            first_seq, last_seq, ..
        } = self.header;
        let text = match self.last {
            None if seq != first_seq => format!("it starts with transaction {seq}, not {first_seq}"),
            Some(last) if seq <= last => format!("transaction {seq} follows transaction {last}"),
            _ if seq > last_seq => format!("transaction {seq} lies behind the last one, {last_seq}"),
            _ => return Ok(()),
        };
        Err(BatchError::Contradiction(text))
    }

    fn check_end(&self) -> Result<(), BatchError> {
        match self.last {
            Some(last) if last == self.header.last_seq => {}
            Some(last) => {
                let text = format!("it ends with transaction {last}, not {}", self.header.last_seq);
                return Err(BatchError::Contradiction(text));
            }
            None => return Err(BatchError::Contradiction("it holds no transaction".into())),
        }
        if self.documents == self.header.count {
            Ok(())
        } else {
            Err(self.count_contradiction())
        }
    }

    fn count_contradiction(&self) -> BatchError {
        let text = format!(
            "{} documents are announced, {} counted",
            self.header.count, self.documents
        );
        BatchError::Contradiction(text)
    }

    fn take_header(&mut self, part: &'static str) -> Result<Document<'a>, BatchError> {
        let offset = self.whole - self.rest.len();
        let bytes = self.take(part)?;
        Document::validate(bytes, &HEADER_LIMITS).map_err(|source| BatchError::Malformed {
            part,
            offset,
            source,
        })
    }

    fn take(&mut self, part: &'static str) -> Result<&'a [u8], BatchError> {
        let offset = self.whole - self.rest.len();
        let (document, rest) =
            document::split(self.rest).map_err(|source| BatchError::Malformed { part, offset, source })?;
        self.rest = rest;
        Ok(document)
    }
}

fn read_run(document: &Document<'_>) -> Option<Run> {
    let class = string(document, "class")
        .filter(|name| (1..=MAX_CLASS_NAME).contains(&name.len()))?
        .to_owned();
    let count = document.integer("count").filter(|count| *count > 0)?;
    Some(Run {
        class,
        count: u32::try_from(count).ok()?,
    })
}

fn read_report(document: &Document<'_>) -> Option<DeviceReport> {
    let count = |key| u64::try_from(document.integer(key)?).ok();
    let text = |key| string(document, key).filter(|text| text.len() <= MAX_REPORT_TEXT);
    Some(DeviceReport {
        clock: document.integer("clock")?,
        transactions: count("transactions")?,
        objects: count("objects")?,
        bytes: count("bytes")?,
        oldest_age: document.integer("oldest_age")?,
        version: text("version")?.to_owned(),
        platform: text("platform")?.to_owned(),
    })
}

fn string<'a>(document: &Document<'a>, key: &str) -> Option<&'a str> {
    match document.get(key)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Outboxes and schemas are both named by 16 bytes in lower-case hexadecimal.
#[must_use]
pub fn is_identity(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
