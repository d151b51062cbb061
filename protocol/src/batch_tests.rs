#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use super::*;
use bson::doc;

const OUTBOX: &str = "00112233445566778899aabbccddeeff";
const LINEAGE: &str = "ffeeddccbbaa99887766554433221100";
const SCHEMA: &str = "0123456789abcdef0123456789abcdef";

fn header(first_seq: i64, last_seq: i64, count: u64) -> BatchHeader {
    BatchHeader {
        outbox: OUTBOX.into(),
        lineage: LINEAGE.into(),
        acked: 0,
        after: 0,
        first_seq,
        last_seq,
        count,
        schemas: vec![SCHEMA.into()],
        device: None,
    }
}

fn transaction(seq: i64, runs: &[(&str, u32)]) -> TransactionHeader {
    let runs = runs.iter().map(|(class, count)| Run {
        class: (*class).into(),
        count: *count,
    });
    TransactionHeader {
        seq,
        schema: 0,
        runs: runs.collect(),
    }
}

fn encode(header: &BatchHeader, transactions: &[TransactionHeader]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_batch_header(header, &mut out);
    for transaction in transactions {
        encode_transaction_header(transaction, &mut out);
        for number in 0..transaction.documents() {
            let number = i64::try_from(number).unwrap();
            out.extend(doc! {"_id": number, "seq": transaction.seq}.to_vec().unwrap());
        }
    }
    out
}

fn read(bytes: &[u8]) -> Result<Vec<(TransactionHeader, usize)>, BatchError> {
    let mut reader = BatchReader::new(bytes)?;
    let mut all = Vec::new();
    while let Some(transaction) = reader.next_transaction()? {
        let count = transaction.documents().count();
        all.push((transaction.header.clone(), count));
    }
    Ok(all)
}

fn good() -> Vec<u8> {
    encode(
        &header(3, 9, 6),
        &[transaction(3, &[("A", 2), ("B", 1)]), transaction(9, &[("A", 3)])],
    )
}

#[test]
fn a_batch_comes_back_as_it_was_written() {
    let bytes = good();
    assert_eq!(BatchReader::new(&bytes).unwrap().header(), &header(3, 9, 6));
    let expected = vec![
        (transaction(3, &[("A", 2), ("B", 1)]), 3),
        (transaction(9, &[("A", 3)]), 3),
    ];
    assert_eq!(read(&bytes).unwrap(), expected);
    let mut reader = BatchReader::new(&bytes).unwrap();
    let first = reader.next_transaction().unwrap().unwrap();
    assert_eq!(
        first.documents().nth(2).unwrap(),
        doc! {"_id": 2_i64, "seq": 3_i64}.to_vec().unwrap()
    );
}

#[test]
fn headers_are_what_the_bson_crate_reads_and_writes() {
    let mut bytes = Vec::new();
    let report = DeviceReport {
        clock: 1_700_000_000_000,
        transactions: 4,
        objects: 5,
        bytes: 600,
        oldest_age: 7_000,
        version: "1.2.3".into(),
        platform: "linux x86_64".into(),
    };
    let reported = BatchHeader {
        device: Some(report),
        ..header(1, 2, 3)
    };
    encode_batch_header(&reported, &mut bytes);
    let expected = doc! {
        "outbox": OUTBOX, "lineage": LINEAGE, "acked": 0_i64, "after": 0_i64, "first_seq": 1_i64, "last_seq": 2_i64,
        "count": 3_i64, "schemas": [SCHEMA],
        "device": {
            "clock": 1_700_000_000_000_i64, "transactions": 4_i64, "objects": 5_i64, "bytes": 600_i64,
            "oldest_age": 7_000_i64, "version": "1.2.3", "platform": "linux x86_64",
        },
    };
    assert_eq!(bson::Document::from_reader(&bytes[..]).unwrap(), expected);
    bytes.clear();
    encode_transaction_header(&transaction(7, &[("A", 2)]), &mut bytes);
    let expected = doc! {"seq": 7_i64, "schema": 0, "runs": [{"class": "A", "count": 2}]};
    assert_eq!(bson::Document::from_reader(&bytes[..]).unwrap(), expected);
    // A script's small integers are 32 bits wide.
    let mut script = doc! {"outbox": OUTBOX, "lineage": LINEAGE, "acked": 0_i64, "first_seq": 1, "last_seq": 1, "count": 1, "schemas": [SCHEMA]}
        .to_vec()
        .unwrap();
    script.extend(
        doc! {"seq": 1, "schema": 0_i64, "runs": [{"class": "A", "count": 1_i64}]}
            .to_vec()
            .unwrap(),
    );
    script.extend(doc! {"_id": 1}.to_vec().unwrap());
    assert_eq!(read(&script).unwrap().len(), 1);
}

#[test]
fn a_batch_cut_anywhere_is_refused() {
    let bytes = good();
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn contradictions_are_named() {
    let one = [transaction(1, &[("A", 1)])];
    let text = |header: BatchHeader, transactions: &[TransactionHeader]| {
        read(&encode(&header, transactions)).unwrap_err().to_string()
    };
    let ordered = [transaction(1, &[("A", 1)]), transaction(1, &[("A", 1)])];
    assert!(text(header(1, 1, 2), &ordered).ends_with("transaction 1 follows transaction 1"));
    assert!(text(header(2, 2, 1), &one).ends_with("it starts with transaction 1, not 2"));
    assert!(text(header(1, 4, 1), &one).ends_with("it ends with transaction 1, not 4"));
    let behind = [transaction(1, &[("A", 1)]), transaction(5, &[("A", 1)])];
    assert!(text(header(1, 4, 2), &behind).ends_with("transaction 5 lies behind the last one, 4"));
    assert!(text(header(1, 1, 7), &one).ends_with("7 documents are announced, 1 counted"));
    assert!(text(header(1, 1, 0), &one).ends_with("0 documents are announced, 1 counted"));
    assert!(text(header(1, 1, 0), &[]).ends_with("it holds no transaction"));
    let other_schema = [TransactionHeader {
        schema: 1,
        ..transaction(1, &[("A", 1)])
    }];
    assert!(text(header(1, 1, 1), &other_schema).ends_with("names schema 1 of 1"));
}

#[test]
fn a_header_is_taken_for_the_one_before_when_it_differs_in_nothing_but_the_number() {
    let differing = [
        transaction(4, &[("A", 3)]),
        transaction(4, &[("B", 2)]),
        transaction(4, &[("AA", 2)]),
        transaction(4, &[("A", 2), ("A", 1)]),
        TransactionHeader {
            schema: 1,
            ..transaction(4, &[("A", 2)])
        },
    ];
    let first = transaction(3, &[("A", 2)]);
    let same = transaction(4, &[("A", 2)]);
    for second in differing.iter().chain([&same]) {
        let third = TransactionHeader {
            seq: 1 << 40,
            ..second.clone()
        };
        let all = [first.clone(), second.clone(), third];
        let count = all.iter().map(TransactionHeader::documents).sum();
        let mut header = header(3, 1 << 40, count);
        header.schemas.push(LINEAGE.into());
        let bytes = encode(&header, &all);
        let mut reader = BatchReader::new(&bytes).unwrap();
        for (expected, is_repeated) in all.iter().zip([false, *second == same, true]) {
            let found = reader.next_transaction().unwrap().unwrap();
            assert_eq!((found.header, found.is_repeated), (expected, is_repeated));
        }
        assert_eq!(reader.next_transaction(), Ok(None));
    }
}

#[test]
fn a_header_with_its_number_elsewhere_is_read_each_time() {
    let script = |headers: [bson::Document; 2]| {
        let mut bytes = Vec::new();
        encode_batch_header(&header(1, 2, 2), &mut bytes);
        for header in headers {
            bytes.extend(header.to_vec().unwrap());
            bytes.extend(doc! {"_id": 1}.to_vec().unwrap());
        }
        bytes
    };
    let runs = || bson::bson!([{"class": "A", "count": 1}]);
    let last = |seq: i64| doc! {"schema": 0, "runs": runs(), "seq": seq};
    let narrow = |seq: i32| doc! {"seq": seq, "schema": 0, "runs": runs()};
    // The first field of a name counts, whatever comes behind.
    let other = |seq: i64| doc! {"set": seq, "seq": seq, "schema": 0, "runs": runs()};
    for headers in [
        [last(1), last(2)],
        [narrow(1), narrow(2)],
        [other(1), other(2)],
        [narrow(1), last(2)],
    ] {
        let read = read(&script(headers)).unwrap();
        let expected = [1, 2].map(|seq| (transaction(seq, &[("A", 1)]), 1));
        assert_eq!(read, expected);
    }
    let backwards = read(&script([last(1), last(1)])).unwrap_err().to_string();
    assert!(backwards.ends_with("transaction 1 follows transaction 1"));
}

#[test]
fn a_repeated_header_has_to_go_on_and_to_be_whole() {
    let all = |last: i64| {
        let transactions = [3, 9, last].map(|seq| transaction(seq, &[("A", 1)]));
        encode(&header(3, 9, 3), &transactions)
    };
    let text = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert!(text(&all(8)).ends_with("transaction 8 follows transaction 9"));
    assert!(text(&all(-1)).ends_with("transaction -1 follows transaction 9"));
    assert!(text(&all(10)).ends_with("transaction 10 lies behind the last one, 9"));
    let mut unterminated = Vec::new();
    encode_batch_header(&header(1, 2, 2), &mut unterminated);
    let start = unterminated.len();
    let header = doc! {"seq": 1_i64, "schema": 0, "runs": [{"class": "A", "count": 1}]}
        .to_vec()
        .unwrap();
    let document = doc! {"_id": 1}.to_vec().unwrap();
    unterminated.extend([&header[..], &document, &header, &document].concat());
    let second = start + header.len() + document.len();
    unterminated[second + header.len() - 1] = 1;
    assert!(matches!(
        read(&unterminated),
        Err(BatchError::Malformed { part: "transaction header", offset, .. }) if offset == second
    ));
}

#[test]
fn impossible_headers_are_refused() {
    let refused = |document: bson::Document, field: &str| {
        let error = BatchReader::new(&document.to_vec().unwrap()).unwrap_err();
        assert!(error.to_string().contains(&format!("'{field}'")), "{error}");
    };
    let base = || {
        doc! {"outbox": OUTBOX, "lineage": LINEAGE, "acked": 0_i64, "first_seq": 1_i64, "last_seq": 2_i64, "count": 3_i64, "schemas": [SCHEMA]}
    };
    for (field, value) in [
        ("outbox", bson::Bson::from("short")),
        ("outbox", bson::Bson::from("0".repeat(31) + "G")),
        ("lineage", bson::Bson::from("short")),
        ("acked", bson::Bson::from(-1)),
        ("first_seq", bson::Bson::from(0)),
        ("last_seq", bson::Bson::from(0)),
        ("last_seq", bson::Bson::from("2")),
        ("count", bson::Bson::from(-1)),
        ("schemas", bson::Bson::from(vec!["nonsense"])),
        ("schemas", bson::Bson::from(vec![SCHEMA; MAX_BATCH_SCHEMAS + 1])),
        ("schemas", bson::Bson::Null),
    ] {
        let mut document = base();
        document.insert(field, value);
        refused(document, field);
        let mut document = base();
        document.remove(field);
        refused(document, field);
    }
}

#[test]
fn a_huge_count_is_found_out() {
    let mut bytes = Vec::new();
    encode_batch_header(&header(1, 1, u64::MAX), &mut bytes);
    encode_transaction_header(
        &transaction(1, &[("A", u32::MAX >> 1), ("B", u32::MAX >> 1)]),
        &mut bytes,
    );
    assert!(matches!(
        read(&bytes),
        Err(BatchError::Malformed { part: "document", .. })
    ));
}

#[test]
fn mutated_batches_never_panic() {
    let good = good();
    let mut state = 0x0DD5_EED5_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    let (mut read_well, mut refused) = (0, 0);
    for _ in 0..50_000 {
        let mut bytes = good.clone();
        match next() % 4 {
            0 => bytes.truncate(next() % good.len()),
            1 => {
                let place = next() % bytes.len();
                bytes.insert(place, u8::try_from(next() % 256).unwrap());
            }
            _ => {}
        }
        for _ in 0..next() % 3 {
            if !bytes.is_empty() {
                let place = next() % bytes.len();
                bytes[place] = u8::try_from(next() % 256).unwrap();
            }
        }
        if read(&bytes).is_ok() {
            read_well += 1
        } else {
            refused += 1
        }
    }
    assert!(read_well > 0 && refused > 0);
}
