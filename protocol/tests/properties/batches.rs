//! Batches that are written are read as they were, and only whole.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use realm_ingest_protocol::batch::{encode_batch_header, encode_transaction_header};
use realm_ingest_protocol::{BatchHeader, BatchReader, DeviceReport, Run, TransactionHeader};

type Transaction = (TransactionHeader, Vec<u8>);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_is_read_as_it_was_written((header, transactions) in batch()) {
        prop_assert_eq!(read(&bytes(&header, &transactions)), Some((header, transactions)));
    }

    #[test]
    fn a_batch_that_is_cut_off_is_none((header, transactions) in batch(), cut in any::<prop::sample::Index>()) {
        let bytes = bytes(&header, &transactions);
        let cut = cut.index(bytes.len());
        prop_assert_eq!(read(&bytes[..cut]), None);
    }

    #[test]
    fn a_batch_that_lost_a_transaction_is_none(
        (header, mut transactions) in batch(),
        lost in any::<prop::sample::Index>(),
    ) {
        transactions.remove(lost.index(transactions.len()));
        prop_assert_eq!(read(&bytes(&header, &transactions)), None);
    }
}

fn bytes(header: &BatchHeader, transactions: &[Transaction]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_batch_header(header, &mut bytes);
    for (header, payload) in transactions {
        encode_transaction_header(header, &mut bytes);
        bytes.extend_from_slice(payload);
    }
    bytes
}

fn read(bytes: &[u8]) -> Option<(BatchHeader, Vec<Transaction>)> {
    let mut reader = BatchReader::new(bytes).ok()?;
    let mut transactions = Vec::new();
    while let Some(one) = reader.next_transaction().ok()? {
        transactions.push((one.header.clone(), one.payload.to_vec()));
    }
    Some((reader.header().clone(), transactions))
}

fn batch() -> impl Strategy<Value = (BatchHeader, Vec<Transaction>)> {
    // Several in a row may be alike.
    let steps = vec((vec(1_i64..1_000, 1..4), transaction()), 1..6);
    let names = (identity(), identity(), vec(identity(), 1..4));
    let numbers = (0..i64::MAX / 2, 0..i64::MAX, option::of(device()));
    (names, numbers, steps).prop_map(|((outbox, lineage, schemas), (after, acked, device), steps)| {
        let mut seq = after;
        let mut transactions = Vec::new();
        for (steps, (mut header, payload)) in steps {
            header.schema %= u32::try_from(schemas.len()).unwrap();
            for step in steps {
                seq += step;
                header.seq = seq;
                transactions.push((header.clone(), payload.clone()));
            }
        }
        let header = BatchHeader {
            outbox,
            lineage,
            acked,
            after,
            first_seq: transactions[0].0.seq,
            last_seq: seq,
            count: transactions.iter().map(|(header, _)| header.documents()).sum(),
            schemas,
            device,
        };
        (header, transactions)
    })
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let run = ("[A-Za-zü]{1,20}", vec(0_usize..40, 1..4));
    (any::<u32>(), vec(run, 1..4)).prop_map(|(schema, runs)| {
        let documents = runs.iter().flat_map(|(_, sizes)| sizes);
        let payload = documents.flat_map(|size| document(*size)).collect();
        let runs = runs.iter().map(|(class, sizes)| Run {
            class: class.clone(),
            count: u32::try_from(sizes.len()).unwrap(),
        });
        let header = TransactionHeader {
            seq: 0,
            schema,
            runs: runs.collect(),
        };
        (header, payload)
    })
}

/// With a frame that is sound, which is all that a batch looks at.
fn document(size: usize) -> Vec<u8> {
    let length = u8::try_from(size + 5).unwrap();
    [&[length, 0, 0, 0][..], &vec![0xFF; size], &[0]].concat()
}

fn identity() -> impl Strategy<Value = String> {
    "[0-9a-f]{32}"
}

fn device() -> impl Strategy<Value = DeviceReport> {
    let count = || 0..i64::MAX.unsigned_abs();
    (
        any::<i64>(),
        count(),
        count(),
        count(),
        any::<i64>(),
        ".{0,20}",
        ".{0,20}",
    )
        .prop_map(
            |(clock, transactions, objects, bytes, oldest_age, version, platform)| DeviceReport {
                clock,
                transactions,
                objects,
                bytes,
                oldest_age,
                version,
                platform,
            },
        )
}
