//! Makes the body of an ingest request from leased rows, and checks the acknowledgement against it.
//!
//! Rows that are stored compressed are sent as they are, each a zstd frame of its own; what lies between them
//! (headers, and rows too small to be stored compressed) is compressed together. A decoder sees one stream.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{Ack, BatchHeader, Refusal, Run, TransactionHeader};

use crate::error::CompensatingWrite;
use crate::outbox::{Codec, Error, Lease, Outbox, Result, SchemaId, StoredSchema};

/// Better than the outbox's own level 1 and still faster than any link.
const LEVEL: i32 = 3;
/// Below this compression costs more than it saves.
const WORTH_COMPRESSING: usize = 384;

/// A batch, ready to be sent as often as it takes.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) first: i64,
    pub(super) last: i64,
    /// Of the documents, before compression.
    pub(super) bytes: u64,
    pub(super) body: Bytes,
    pub(super) encoding: &'static str,
    pub(super) schemas: Vec<StoredSchema>,
    /// Objects by sequence number.
    rows: BTreeMap<i64, u64>,
}

impl Batch {
    /// The rows after `after`, up to `max_bytes`, as a batch. Reads the outbox.
    pub(super) fn next(outbox: &dyn Outbox, after: i64, max_bytes: u64) -> Result<Option<Batch>> {
        match outbox.lease(after, max_bytes)? {
            Some(lease) => Batch::of(outbox, lease).map(Some),
            None => Ok(None),
        }
    }

    fn of(outbox: &dyn Outbox, lease: Lease) -> Result<Batch> {
        let mut ids: Vec<SchemaId> = Vec::new();
        for row in &lease.rows {
            if !ids.contains(&row.schema) {
                ids.push(row.schema);
            }
        }
        let schemas = ids
            .iter()
            .map(|id| outbox.schema(*id))
            .collect::<Result<Vec<_>>>()?;
        let origin = outbox.origin()?;
        let header = BatchHeader {
            outbox: origin.identity,
            lineage: origin.lineage,
            acked: origin.acked,
            first_seq: lease.first_seq(),
            last_seq: lease.last_seq(),
            count: lease.rows.iter().map(|row| row.objects).sum(),
            schemas: schemas.iter().map(|schema| schema.fingerprint.clone()).collect(),
        };
        let rows: BTreeMap<i64, u64> = lease.rows.iter().map(|row| (row.seq, row.objects)).collect();
        let bytes = lease.rows.iter().map(|row| row.bytes).sum();

        let mut body = Vec::new();
        let mut plain = Vec::new();
        let mut compressed = false;
        encode_batch_header(&header, &mut plain);
        for row in lease.rows {
            let index = ids.iter().position(|id| *id == row.schema).unwrap_or_default();
            let runs = row
                .runs
                .into_iter()
                .map(|run| Run {
                    class: run.class,
                    count: run.count,
                })
                .collect();
            let header = TransactionHeader {
                seq: row.seq,
                schema: u32::try_from(index).unwrap_or(u32::MAX),
                runs,
            };
            encode_transaction_header(&header, &mut plain);
            match row.codec {
                Codec::Identity => plain.extend_from_slice(&row.payload),
                Codec::Zstd => {
                    body.extend(compress(&plain)?);
                    plain.clear();
                    body.extend(row.payload);
                    compressed = true;
                }
            }
        }
        let encoding = if compressed || plain.len() > WORTH_COMPRESSING {
            if !plain.is_empty() {
                body.extend(compress(&plain)?);
            }
            "zstd"
        } else {
            body = plain;
            "identity"
        };
        let (first, last) = (header.first_seq, header.last_seq);
        Ok(Batch {
            first,
            last,
            bytes,
            body: body.into(),
            encoding,
            schemas,
            rows,
        })
    }

    /// How many rows it holds.
    pub(super) fn transactions(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn objects(&self) -> u64 {
        self.rows.values().sum()
    }

    /// The acknowledgement in this body, if it speaks of this batch and of nothing else. A row is settled by what is
    /// said here alone, so whatever does not fit makes the whole of it worthless.
    pub(super) fn acknowledgement(&self, body: &[u8]) -> std::result::Result<Ack, String> {
        let ack: Ack =
            serde_json::from_slice(body).map_err(|error| format!("no acknowledgement: {error}"))?;
        if !self.rows.contains_key(&ack.acked) {
            let (first, last) = (self.first, self.last);
            return Err(format!(
                "transaction {} is acknowledged, {first} to {last} were sent",
                ack.acked
            ));
        }
        let mut seen = BTreeSet::new();
        for Refusal { seq, index, .. } in &ack.refused {
            let sent = self
                .rows
                .get(seq)
                .is_some_and(|objects| u64::from(*index) < *objects);
            if !sent || *seq > ack.acked || !seen.insert((*seq, *index)) {
                return Err(format!(
                    "object {index} of transaction {seq} is refused, which was not asked"
                ));
            }
        }
        Ok(ack)
    }
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

fn compress(plain: &[u8]) -> Result<Vec<u8>> {
    // Compressing into a buffer that always suffices has no other way to fail.
    zstd::bulk::compress(plain, LEVEL).map_err(|_| Error::NoMemory)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use realm_ingest_protocol::BatchReader;

    use super::*;
    use crate::outbox::{MemoryOutbox, Row, Run as StoredRun, WriteTransaction};

    const DOCUMENT: &[u8] = &[5, 0, 0, 0, 0];

    fn outbox(rows: &[u32]) -> MemoryOutbox {
        let outbox = MemoryOutbox::new();
        let schema = outbox.register_schema(&"a".repeat(32), "{}").unwrap();
        for count in rows {
            let runs = [StoredRun {
                class: "Reading".to_owned(),
                count: *count,
            }];
            let payload = DOCUMENT.repeat(*count as usize);
            outbox
                .append(&WriteTransaction {
                    schema,
                    runs: &runs,
                    payload: &payload,
                })
                .unwrap();
        }
        outbox
    }

    fn decoded(batch: &Batch) -> Vec<u8> {
        match batch.encoding {
            "zstd" => zstd::stream::decode_all(&batch.body[..]).unwrap(),
            _ => batch.body.to_vec(),
        }
    }

    fn documents(bytes: &[u8]) -> Vec<(i64, usize)> {
        let mut reader = BatchReader::new(bytes).unwrap();
        let mut found = Vec::new();
        while let Some(transaction) = reader.next_transaction().unwrap() {
            found.push((transaction.header.seq, transaction.documents().count()));
        }
        found
    }

    #[test]
    fn a_small_batch_goes_as_it_is_and_a_larger_one_compressed() {
        let small = Batch::next(&outbox(&[1]), 0, u64::MAX).unwrap().unwrap();
        assert_eq!(small.encoding, "identity");
        assert_eq!(documents(&decoded(&small)), [(1, 1)]);
        let large = Batch::next(&outbox(&[3, 100]), 0, u64::MAX).unwrap().unwrap();
        assert_eq!(large.encoding, "zstd");
        assert_eq!(documents(&decoded(&large)), [(1, 3), (2, 100)]);
        assert_eq!(
            (large.first, large.last, large.objects(), large.bytes),
            (1, 2, 103, 515)
        );
    }

    #[test]
    fn stored_frames_pass_unchanged_between_compressed_ones() {
        let schema = outbox(&[]).register_schema(&"a".repeat(32), "{}").unwrap();
        let store = outbox(&[]);
        let row = |seq, codec, payload: Vec<u8>| Row {
            seq,
            schema,
            runs: vec![StoredRun {
                class: "Reading".to_owned(),
                count: 2,
            }],
            objects: 2,
            bytes: 10,
            codec,
            payload,
        };
        let frame = zstd::bulk::compress(&DOCUMENT.repeat(2), 1).unwrap();
        let rows = vec![
            row(4, Codec::Zstd, frame.clone()),
            row(5, Codec::Identity, DOCUMENT.repeat(2)),
            row(6, Codec::Zstd, frame.clone()),
            row(7, Codec::Zstd, frame.clone()),
        ];
        let batch = Batch::of(&store, Lease { rows }).unwrap();
        assert_eq!(
            batch.body.windows(frame.len()).filter(|at| *at == frame).count(),
            3
        );
        assert_eq!(documents(&decoded(&batch)), [(4, 2), (5, 2), (6, 2), (7, 2)]);
    }

    #[test]
    fn only_what_was_sent_can_be_acknowledged_or_refused() {
        let batch = Batch::next(&outbox(&[1, 2, 1]), 0, u64::MAX).unwrap().unwrap();
        let refused = |seq: i64, index: i64| {
            format!(
                r#"{{"seq":{seq},"index":{index},"class":"Reading","_id":null,"code":"TypeMismatch","reason":"r"}}"#
            )
        };
        let ack = |acked: i64, refused: &[String]| {
            let body = format!(r#"{{"acked":{acked},"refused":[{}]}}"#, refused.join(","));
            batch.acknowledgement(body.as_bytes())
        };
        assert!(ack(3, &[]).is_ok());
        assert!(ack(2, &[refused(2, 1)]).is_ok());
        for (acked, refusals) in [
            (4, vec![]),
            (0, vec![]),
            (-1, vec![]),
            (i64::MAX, vec![]),
            (3, vec![refused(2, 2)]),
            (3, vec![refused(4, 0)]),
            (2, vec![refused(3, 0)]),
            (3, vec![refused(2, 0), refused(2, 0)]),
            (3, vec![refused(2, -1)]),
        ] {
            assert!(ack(acked, &refusals).is_err(), "{acked} {refusals:?}");
        }
        for body in [
            "",
            "{}",
            "[]",
            "<html>",
            r#"{"acked":"3"}"#,
            r#"{"acked":3,"refused":7}"#,
        ] {
            assert!(batch.acknowledgement(body.as_bytes()).is_err(), "{body}");
        }
    }
}
