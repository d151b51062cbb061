//! Makes the body of an ingest request from leased rows, and checks the acknowledgement against it.
//!
//! Rows that are stored compressed are sent as they are, each a zstd frame of its own; what lies between them
//! (headers, and rows too small to be stored compressed) is compressed together. A decoder sees one stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use realm_ingest_protocol::batch::{MAX_BATCH_SCHEMAS, encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{Ack, BatchHeader, DeviceReport, Refusal, TransactionHeader};
use zstd::bulk::Compressor;

use super::answers;
use super::policy::BatchSize;
use crate::error::CompensatingWrite;
use crate::outbox::{
    Codec, Error, Lease, MAX_LEASE_ROWS, Origin, Outbox, Result, Row, Run, SchemaId, Settlement, StoredSchema,
};
use crate::transaction::{Transaction, fits_a_header};

/// Better than the outbox's own level 1 and still faster than any link.
const LEVEL: i32 = 3;
/// Below this, the header not counted, compression costs more than it saves.
const WORTH_COMPRESSING: usize = 160;
/// So many bytes become a frame, so that not all of a batch is in memory twice. Larger frames are hardly smaller together.
const STEP: usize = 512 * 1024;

/// Consecutive rows, ready to be sent. Only the header is missing, which says how far the outbox is when it is sent.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) first: i64,
    pub(super) last: i64,
    /// Of the documents, before compression.
    pub(super) bytes: u64,
    pub(super) schemas: Vec<StoredSchema>,
    /// Objects by sequence number.
    rows: BTreeMap<i64, u64>,
    /// What follows the header.
    rest: Vec<u8>,
    /// The rest is a row of zstd frames.
    compressed: bool,
}

/// What is sent of a batch, as often as it takes.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) encoding: &'static str,
}

impl Batch {
    /// The rows after `after`, up to `max_bytes`, as a batch. Reads the outbox.
    pub(super) fn next(outbox: &dyn Outbox, after: i64, max_bytes: u64) -> Result<Option<Batch>> {
        match outbox.lease(after, max_bytes)? {
            Some(lease) => Batch::of(outbox, lease).map(Some),
            None => Ok(None),
        }
    }

    fn of(outbox: &dyn Outbox, mut lease: Lease) -> Result<Batch> {
        let ids = schemas(&mut lease);
        let schemas = ids
            .iter()
            .map(|id| outbox.schema(*id))
            .collect::<Result<Vec<_>>>()?;
        let (first, last) = (lease.first_seq(), lease.last_seq());
        let rows: BTreeMap<i64, u64> = lease.rows.iter().map(|row| (row.seq, row.objects)).collect();
        let bytes = lease.rows.iter().map(|row| row.bytes).sum();

        let mut rest = Rest::default();
        let mut header = None;
        for row in lease.rows {
            let row = readable(row)?;
            encode_transaction_header(header_of(&mut header, &row, &ids), &mut rest.plain);
            match row.codec {
                Codec::Identity => rest.plain.extend_from_slice(&row.payload),
                Codec::Zstd => rest.frame(&row.payload)?,
            }
            rest.step()?;
        }
        let (rest, compressed) = rest.finish()?;
        Ok(Batch {
            first,
            last,
            bytes,
            schemas,
            rows,
            rest,
            compressed,
        })
    }

    /// With the header that says where it comes from: as the outbox is when it is sent, not when it was made ready. `sent`
    /// is the last transaction that was sent and acknowledged under this lineage, 0 when there is none.
    pub(super) fn body(&self, origin: Origin, sent: i64, device: DeviceReport) -> Result<Body> {
        let header = BatchHeader {
            outbox: origin.identity,
            lineage: origin.lineage,
            acked: origin.acked,
            after: sent.max(origin.acked),
            first_seq: self.first,
            last_seq: self.last,
            count: self.objects(),
            schemas: self
                .schemas
                .iter()
                .map(|schema| schema.fingerprint.clone())
                .collect(),
            device: Some(device),
        };
        let mut bytes = Vec::new();
        encode_batch_header(&header, &mut bytes);
        if self.compressed {
            bytes = compress(&bytes)?;
        }
        bytes.extend_from_slice(&self.rest);
        Ok(Body {
            bytes: bytes.into(),
            encoding: if self.compressed { "zstd" } else { "identity" },
        })
    }

    /// How many rows it holds.
    pub(super) fn transactions(&self) -> usize {
        self.rows.len()
    }

    /// Whether it is as large as it may be: then there is probably more.
    pub(super) fn is_full(&self, size: BatchSize) -> bool {
        size.is_full(self.bytes) || self.rows.len() >= MAX_LEASE_ROWS
    }

    pub(super) fn objects(&self) -> u64 {
        self.rows.values().sum()
    }

    /// The rows up to this one, each with the number of its objects.
    pub(super) fn rows_through(&self, seq: i64) -> Vec<(i64, u64)> {
        let rows = self.rows.range(..=seq);
        rows.map(|(seq, objects)| (*seq, *objects)).collect()
    }

    /// What is to be noted of the rows that this acknowledgement of the batch speaks of.
    pub(super) fn settlement(&self, ack: &Ack) -> Settlement {
        answers::settlement(&self.rows, ack)
    }

    /// The acknowledgement in this body, if it speaks of this batch and of nothing else. A row is settled by what is
    /// said here alone, so whatever does not fit makes the whole of it worthless.
    pub(super) fn acknowledgement(&self, body: &[u8]) -> std::result::Result<Ack, String> {
        acknowledgement(&self.rows, body)
    }
}

/// The acknowledgement of a batch of these transactions, each with the number of its objects.
pub(crate) fn acknowledgement(rows: &BTreeMap<i64, u64>, body: &[u8]) -> std::result::Result<Ack, String> {
    let ack: Ack = serde_json::from_slice(body).map_err(|error| format!("no acknowledgement: {error}"))?;
    if !rows.contains_key(&ack.acked) {
        let seq = |end: Option<(&i64, _)>| end.map_or(0, |(seq, _): (_, &u64)| *seq);
        let (first, last) = (seq(rows.first_key_value()), seq(rows.last_key_value()));
        return Err(format!(
            "transaction {} is acknowledged, {first} to {last} were sent",
            ack.acked
        ));
    }
    let mut seen = BTreeSet::new();
    for Refusal { seq, index, .. } in &ack.refused {
        let sent = rows.get(seq).is_some_and(|objects| u64::from(*index) < *objects);
        if !sent || *seq > ack.acked || !seen.insert((*seq, *index)) {
            return Err(format!(
                "object {index} of transaction {seq} is refused, which was not asked"
            ));
        }
    }
    if refused(&ack) > rows.range(..=ack.acked).map(|(_, objects)| objects).sum() {
        return Err("more objects are refused than were sent".to_owned());
    }
    Ok(ack)
}

/// How many objects are refused, listed or not.
pub(super) fn refused(ack: &Ack) -> u64 {
    let counts = ack.unlisted.iter().map(|one| one.count);
    counts.fold(ack.refused.len() as u64, u64::saturating_add)
}

/// What the application gets to know of a refused object.
pub(super) fn compensating_write(refusal: Refusal) -> CompensatingWrite {
    CompensatingWrite {
        object_name: refusal.class,
        primary_key: refusal.id,
        reason: if refusal.reason.is_empty() {
            refusal.code
        } else {
            refusal.reason
        },
    }
}

/// The schemas of the rows, of which as many stay as one header may name.
fn schemas(lease: &mut Lease) -> Vec<SchemaId> {
    let mut ids: Vec<SchemaId> = Vec::new();
    let fit = lease.rows.iter().take_while(|row| {
        if ids.contains(&row.schema) {
            return true;
        }
        ids.push(row.schema);
        ids.len() <= MAX_BATCH_SCHEMAS
    });
    let fit = fit.count();
    lease.rows.truncate(fit);
    ids.truncate(MAX_BATCH_SCHEMAS);
    ids
}

/// The header of a row. Most are as the one before but for the number.
fn header_of<'a>(
    before: &'a mut Option<(Arc<[Run]>, SchemaId, TransactionHeader)>,
    row: &Row,
    schemas: &[SchemaId],
) -> &'a TransactionHeader {
    let same = before
        .take()
        .filter(|(runs, schema, _)| *schema == row.schema && Arc::ptr_eq(runs, &row.runs));
    let (.., header) = before.insert(same.unwrap_or_else(|| {
        let index = schemas
            .iter()
            .position(|id| *id == row.schema)
            .unwrap_or_default();
        let header = TransactionHeader {
            seq: row.seq,
            schema: u32::try_from(index).unwrap_or(u32::MAX),
            runs: row.runs.to_vec(),
        };
        (Arc::clone(&row.runs), row.schema, header)
    }));
    header.seq = row.seq;
    header
}

/// What follows the header, as it grows.
#[derive(Default)]
struct Rest {
    /// Whole frames.
    frames: Vec<u8>,
    /// What comes behind them, not compressed yet.
    plain: Vec<u8>,
    compressor: Option<Compressor<'static>>,
}

impl Rest {
    /// Compresses what has gathered, if it is enough.
    fn step(&mut self) -> Result<()> {
        if self.plain.len() < STEP {
            return Ok(());
        }
        self.compress()
    }

    /// Appends a frame as it is.
    fn frame(&mut self, frame: &[u8]) -> Result<()> {
        self.compress()?;
        self.frames.extend_from_slice(frame);
        Ok(())
    }

    fn compress(&mut self) -> Result<()> {
        if self.plain.is_empty() {
            return Ok(());
        }
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(LEVEL).map_err(|_| Error::NoMemory)?),
        };
        // Into a buffer that always suffices: there is no other way to fail.
        let frame = compressor.compress(&self.plain).map_err(|_| Error::NoMemory)?;
        self.frames.extend(frame);
        self.plain.clear();
        Ok(())
    }

    /// All of it, and whether it is a row of zstd frames.
    fn finish(mut self) -> Result<(Vec<u8>, bool)> {
        if self.frames.is_empty() && self.plain.len() <= WORTH_COMPRESSING {
            return Ok((self.plain, false));
        }
        self.compress()?;
        Ok((self.frames, true))
    }
}

/// A row that was stored before transactions were brought into the form that the server reads.
fn readable(mut row: Row) -> Result<Row> {
    if fits_a_header(&row.runs) {
        return Ok(row);
    }
    if row.codec == Codec::Zstd {
        let bytes = usize::try_from(row.bytes).unwrap_or(usize::MAX);
        row.payload = zstd::bulk::decompress(&row.payload, bytes)
            .map_err(|_| Error::NoMemory)?
            .into();
        row.codec = Codec::Identity;
    }
    // What cannot be mended is sent as it is, and the server says what is wrong with it.
    if let Ok(mended) = Transaction::of(&row.runs, &row.payload) {
        let (runs, payload) = (mended.runs.into_owned(), mended.payload.into_owned());
        (row.runs, row.payload) = (runs.into(), payload.into());
    }
    Ok(row)
}

fn compress(plain: &[u8]) -> Result<Vec<u8>> {
    // Compressing into a buffer that always suffices has no other way to fail.
    zstd::bulk::compress(plain, LEVEL).map_err(|_| Error::NoMemory)
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
