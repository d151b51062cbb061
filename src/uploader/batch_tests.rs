//! What is sent of rows, and that it can be read.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use realm_ingest_protocol::BatchReader;

use super::*;
use crate::outbox::{MemoryOutbox, Run as StoredRun, WriteTransaction};

const DOCUMENT: &[u8] = &[5, 0, 0, 0, 0];

fn run(class: &str, count: u32) -> StoredRun {
    StoredRun {
        class: class.to_owned(),
        count,
    }
}

fn outbox(rows: &[u32]) -> MemoryOutbox {
    let outbox = MemoryOutbox::new();
    let schema = outbox.register_schema(&"a".repeat(32), "{}").unwrap();
    for count in rows {
        let runs = [run("Reading", *count)];
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

fn decoded(outbox: &dyn Outbox, batch: &Batch) -> (&'static str, Vec<u8>) {
    let body = batch
        .body(outbox.origin().unwrap(), 0, DeviceReport::default())
        .unwrap();
    let bytes = match body.encoding {
        "zstd" => zstd::stream::decode_all(&body.bytes[..]).unwrap(),
        _ => body.bytes.to_vec(),
    };
    (body.encoding, bytes)
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
    let store = outbox(&[1]);
    let small = Batch::next(&store, 0, u64::MAX).unwrap().unwrap();
    let (encoding, bytes) = decoded(&store, &small);
    assert_eq!((encoding, documents(&bytes)), ("identity", vec![(1, 1)]));
    let store = outbox(&[3, 100]);
    let large = Batch::next(&store, 0, u64::MAX).unwrap().unwrap();
    let (encoding, bytes) = decoded(&store, &large);
    assert_eq!((encoding, documents(&bytes)), ("zstd", vec![(1, 3), (2, 100)]));
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
        runs: vec![run("Reading", 2)].into(),
        objects: 2,
        bytes: 10,
        codec,
        payload: payload.into(),
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
        batch.rest.windows(frame.len()).filter(|at| *at == frame).count(),
        3
    );
    let (_, bytes) = decoded(&store, &batch);
    assert_eq!(documents(&bytes), [(4, 2), (5, 2), (6, 2), (7, 2)]);
}

#[test]
fn the_header_says_where_the_outbox_is_when_it_is_sent() {
    let store = outbox(&[1, 1]);
    let ahead = Batch::next(&store, 1, u64::MAX).unwrap().unwrap();
    store.settle(&store.origin().unwrap().identity, 1).unwrap();
    let (_, bytes) = decoded(&store, &ahead);
    let header = BatchReader::new(&bytes).unwrap().header().clone();
    let origin = store.origin().unwrap();
    assert_eq!((header.lineage, header.acked), (origin.lineage, 1));
}

#[test]
fn more_schemas_than_a_header_may_name_are_left_to_the_next_batch() {
    let store = MemoryOutbox::new();
    let runs = [run("Reading", 1)];
    for n in 0..MAX_BATCH_SCHEMAS + 5 {
        let schema = store.register_schema(&format!("{n:032x}"), "{}").unwrap();
        for _ in 0..2 {
            let payload = DOCUMENT;
            let transaction = WriteTransaction {
                schema,
                runs: &runs,
                payload,
            };
            store.append(&transaction).unwrap();
        }
    }
    let first = Batch::next(&store, 0, u64::MAX).unwrap().unwrap();
    assert_eq!(
        (first.schemas.len(), first.last),
        (MAX_BATCH_SCHEMAS, 2 * MAX_BATCH_SCHEMAS as i64)
    );
    let (_, bytes) = decoded(&store, &first);
    assert_eq!(documents(&bytes).len(), 2 * MAX_BATCH_SCHEMAS);
    let second = Batch::next(&store, first.last, u64::MAX).unwrap().unwrap();
    assert_eq!((second.schemas.len(), second.transactions()), (5, 10));
}

/// As many alternating runs as make a header that no server reads.
fn alternating() -> (Vec<StoredRun>, Vec<u8>) {
    let runs = (0..30_000).map(|n| run(["A", "B"][n % 2], 1)).collect();
    (runs, DOCUMENT.repeat(30_000))
}

#[test]
fn a_row_from_before_runs_were_brought_together_is_brought_into_order_when_it_is_sent() {
    let store = MemoryOutbox::new();
    let schema = store.register_schema(&"a".repeat(32), "{}").unwrap();
    let (runs, payload) = alternating();
    let row = Row {
        seq: 1,
        schema,
        runs: runs.into(),
        objects: 30_000,
        bytes: payload.len() as u64,
        codec: Codec::Zstd,
        payload: zstd::bulk::compress(&payload, 1).unwrap().into(),
    };
    let batch = Batch::of(&store, Lease { rows: vec![row] }).unwrap();
    assert_eq!(documents(&decoded(&store, &batch).1), [(1, 30_000)]);
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A transaction of the kinds that may be hard to send, and of some that are not let in.
fn generated(numbers: &mut Numbers) -> (Vec<StoredRun>, Vec<u8>) {
    if numbers.below(20) == 0 {
        return alternating();
    }
    let classes = [1, 2, 7, 300, 9_000][numbers.below(5) as usize];
    let name = [1, 20, 57][numbers.below(3) as usize];
    let runs: Vec<_> = (0..numbers.below(2 * classes) + 1)
        .map(|_| {
            let class = format!("{:0name$}", numbers.below(classes));
            run(&class, numbers.below(4) as u32)
        })
        .collect();
    let count: u64 = runs.iter().map(|run| u64::from(run.count)).sum();
    let mut payload = Vec::new();
    for n in 0..count {
        let document = bson::doc! {"_id": n as i64, "text": "x".repeat(numbers.below(40) as usize)};
        payload.extend(bson::serialize_to_vec(&document).unwrap());
    }
    match numbers.below(12) {
        0 => payload.truncate(payload.len().saturating_sub(1)),
        1 => payload.extend_from_slice(DOCUMENT),
        _ => {}
    }
    (runs, payload)
}

/// By class, in their order.
fn by_class<'a>(
    runs: impl Iterator<Item = &'a StoredRun>,
    payload: &'a [u8],
) -> BTreeMap<String, Vec<&'a [u8]>> {
    let mut found = BTreeMap::<String, Vec<&[u8]>>::new();
    let mut rest = payload;
    for run in runs {
        for _ in 0..run.count {
            let (document, behind) = realm_ingest_protocol::document::split(rest).unwrap();
            found.entry(run.class.clone()).or_default().push(document);
            rest = behind;
        }
    }
    found
}

#[test]
fn what_append_takes_the_server_reads() {
    let mut numbers = Numbers(0x5eed);
    let store = MemoryOutbox::new();
    let schema = store.register_schema(&"a".repeat(32), "{}").unwrap();
    let (mut written, mut refused) = (Vec::new(), 0);
    for _ in 0..60 {
        let (runs, payload) = generated(&mut numbers);
        let Ok(transaction) = Transaction::of(&runs, &payload) else {
            refused += 1;
            continue;
        };
        if transaction.payload.is_empty() {
            continue;
        }
        store
            .append(&WriteTransaction {
                schema,
                runs: &transaction.runs,
                payload: &transaction.payload,
            })
            .unwrap();
        written.push((runs, payload));
    }
    assert!(refused > 3 && written.len() > 25, "{refused} {}", written.len());
    let mut read = 0;
    while let Some(batch) = Batch::next(&store, read as i64, 100_000).unwrap() {
        let (_, bytes) = decoded(&store, &batch);
        let mut reader = BatchReader::new(&bytes).unwrap();
        while let Some(transaction) = reader.next_transaction().unwrap() {
            let (runs, payload) = &written[read];
            let sent = by_class(transaction.header.runs.iter(), transaction.payload);
            assert!(sent == by_class(runs.iter(), payload), "transaction {read}");
            read += 1;
        }
    }
    assert_eq!(read, written.len());
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
        r#"{"acked":2,"unlisted":[{"class":"Reading","code":"TypeMismatch","reason":"r","count":4}]}"#,
        r#"{"acked":2,"unlisted":[{"class":"","code":"","reason":"","count":1},{"class":"","code":"","reason":"","count":18446744073709551615}]}"#,
        r#"{"acked":3,"refused":7}"#,
    ] {
        assert!(batch.acknowledgement(body.as_bytes()).is_err(), "{body}");
    }
}
