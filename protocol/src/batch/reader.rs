//! Reads batches: the headers that `batch.rs` describes, and the frames of what lies between them.
//!
//! Small transactions come in thousands whose headers differ in nothing but the number. Such a header is compared with the
//! one before, byte by byte, and not read again.

use super::{
    BatchError, BatchHeader, DeviceReport, HEADER_LIMITS, MAX_BATCH_SCHEMAS, MAX_REPORT_TEXT, Run,
    TransactionHeader, is_identity,
};
use crate::document::{self, Document, Value};
use crate::schema::MAX_CLASS_NAME;

/// What a header begins with behind its length, when the number is where the library puts it: type and name of a 64-bit
/// `seq`, whose value follows.
const NUMBER_FIRST: &[u8] = b"\x12seq\0";

/// Bytes of a document's length.
const LENGTH: usize = 4;

/// One transaction of a batch, while its reader stays where it is. The documents' frames are sound; their contents have not
/// been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchTransaction<'r, 'a> {
    /// The transaction's header.
    pub header: &'r TransactionHeader,
    /// Whether the header is the one before in everything but the number, so that what was made of that one serves again.
    /// A header that says the same in other bytes does not count.
    pub is_repeated: bool,
    /// Its documents back to back, in the order of the runs.
    pub payload: &'a [u8],
}

impl<'a> BatchTransaction<'_, 'a> {
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
    /// Header of the transaction read last, and its bytes or those of one that it repeats; empty before the first.
    last: TransactionHeader,
    last_bytes: &'a [u8],
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
            last: TransactionHeader {
                seq: 0,
                schema: 0,
                runs: Vec::new(),
            },
            last_bytes: &[],
            documents: 0,
        };
        let document = validated(reader.take(PART)?, PART, 0)?;
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
    pub fn next_transaction(&mut self) -> Result<Option<BatchTransaction<'_, 'a>>, BatchError> {
        if self.rest.is_empty() {
            return self.check_end().map(|()| None);
        }
        let is_repeated = self.read_transaction_header()?;
        let declared = self.last.documents();
        let start = self.rest;
        for _ in 0..declared {
            self.take("document")?;
        }
        let payload = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        self.documents += declared;
        if self.documents > self.header.count {
            return Err(self.count_contradiction());
        }
        Ok(Some(BatchTransaction {
            header: &self.last,
            is_repeated,
            payload,
        }))
    }

    /// Moves on to the next header; the answer is whether it repeats the one before.
    fn read_transaction_header(&mut self) -> Result<bool, BatchError> {
        const PART: &str = "transaction header";
        let offset = self.offset();
        let bytes = self.take(PART)?;
        if let Some(seq) = number_of_repeated(self.last_bytes, bytes) {
            self.check_order(seq)?;
            self.last.seq = seq;
            return Ok(true);
        }
        let header = self.transaction_header(&validated(bytes, PART, offset)?, PART)?;
        self.check_order(header.seq)?;
        (self.last, self.last_bytes) = (header, bytes);
        Ok(false)
    }

    fn transaction_header(
        &self,
        document: &Document<'_>,
        part: &'static str,
    ) -> Result<TransactionHeader, BatchError> {
        let wrong = |field| BatchError::Field { part, field };
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
        let runs = runs.collect::<Result<Vec<_>, _>>()?;
        if runs.is_empty() {
            return Err(wrong("runs"));
        }
        if usize::try_from(schema).map_or(true, |index| index >= self.header.schemas.len()) {
            let text = format!(
                "transaction {seq} names schema {schema} of {}",
                self.header.schemas.len()
            );
            return Err(BatchError::Contradiction(text));
        }
        Ok(TransactionHeader { seq, schema, runs })
    }

    fn check_order(&self, seq: i64) -> Result<(), BatchError> {
        let BatchHeader {
            first_seq, last_seq, ..
        } = self.header;
        let text = match self.last_seq() {
            None if seq != first_seq => format!("it starts with transaction {seq}, not {first_seq}"),
            Some(last) if seq <= last => format!("transaction {seq} follows transaction {last}"),
            _ if seq > last_seq => format!("transaction {seq} lies behind the last one, {last_seq}"),
            _ => return Ok(()),
        };
        Err(BatchError::Contradiction(text))
    }

    fn check_end(&self) -> Result<(), BatchError> {
        match self.last_seq() {
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

    fn last_seq(&self) -> Option<i64> {
        (!self.last_bytes.is_empty()).then_some(self.last.seq)
    }

    const fn offset(&self) -> usize {
        self.whole - self.rest.len()
    }

    fn take(&mut self, part: &'static str) -> Result<&'a [u8], BatchError> {
        let offset = self.offset();
        let (document, rest) =
            document::split(self.rest).map_err(|source| BatchError::Malformed { part, offset, source })?;
        self.rest = rest;
        Ok(document)
    }
}

fn validated<'a>(bytes: &'a [u8], part: &'static str, offset: usize) -> Result<Document<'a>, BatchError> {
    Document::validate(bytes, &HEADER_LIMITS).map_err(|source| BatchError::Malformed { part, offset, source })
}

/// The number in a header that is in all other bytes the one `before`, which was read. It is then as sound as that one:
/// any eight bytes are a number.
fn number_of_repeated(before: &[u8], header: &[u8]) -> Option<i64> {
    let (start, rest) = header.split_at_checked(LENGTH + NUMBER_FIRST.len())?;
    let (number, rest) = rest.split_first_chunk()?;
    let rest_before = before.strip_prefix(start)?.get(number.len()..)?;
    let is_repeated = start.ends_with(NUMBER_FIRST) && rest == rest_before;
    is_repeated.then(|| i64::from_le_bytes(*number))
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
