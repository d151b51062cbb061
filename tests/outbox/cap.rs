//! The cap in bytes, and what each policy does at it.

use std::sync::{Arc, Mutex};

use realm_ingest::outbox::{DropHandler, Error, Options, Pending, Policy};

use crate::common::{Folder, append, drain, noise, open, open_with, payload, rows};

const CAP: u64 = 300_000;

#[test]
fn a_write_over_the_cap_fails_and_what_is_stored_stays() {
    let folder = Folder::new();
    let outbox = open_with(
        &folder.path(),
        Options {
            max_bytes: Some(CAP),
            ..Options::default()
        },
    );
    let mut stored = 0;
    let error = loop {
        match append(&outbox, &noise(stored, 10_000)) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::CapReached { limit: CAP, .. }), "{error:?}");
    assert!(error.is_retryable());
    assert!(
        stored * 10_000 > CAP / 2 && stored * 10_000 <= CAP,
        "{stored} rows"
    );
    assert_eq!(rows(&outbox).len() as u64, stored);
    drain(&outbox);
    append(&outbox, &noise(0, 10_000)).unwrap();
}

#[test]
fn the_oldest_make_room_where_that_was_chosen() {
    let folder = Folder::new();
    let told = Arc::new(Mutex::new(Pending::default()));
    let on_drop: DropHandler = Arc::new({
        let told = Arc::clone(&told);
        move |dropped| {
            let mut told = told.lock().unwrap();
            told.transactions += dropped.transactions;
            told.objects += dropped.objects;
            told.bytes += dropped.bytes;
        }
    });
    let options = Options {
        max_bytes: Some(CAP),
        policy: Policy::DropOldest,
        on_drop: Some(on_drop),
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), options.clone());
    for number in 1..=100 {
        assert_eq!(append(&outbox, &noise(number, 10_000)).unwrap(), number as i64);
    }
    let left = rows(&outbox);
    assert_eq!(left.last().unwrap().seq, 100);
    for row in &left {
        assert_eq!(payload(row), noise(row.seq as u64, 10_000));
    }
    let dropped = 100 - left.len() as u64;
    assert!(dropped > 50);
    let expected = Pending {
        transactions: dropped,
        objects: dropped,
        bytes: dropped * 10_000,
    };
    assert_eq!(*told.lock().unwrap(), expected, "each drop is reported");
    assert_eq!(outbox.dropped().unwrap(), expected, "and counted");

    let error = append(&outbox, &noise(0, 2 * CAP as usize)).unwrap_err();
    assert!(matches!(error, Error::CapReached { .. }), "{error:?}");
    assert_eq!(
        rows(&outbox),
        left,
        "nothing is dropped for a write that fails anyway"
    );
    drop(outbox);
    assert_eq!(open_with(&folder.path(), options).dropped().unwrap(), expected);
}

#[test]
fn dropping_everything_does_not_repeat_a_number() {
    // Invariant 4.
    let folder = Folder::new();
    let options = Options {
        max_bytes: Some(CAP),
        policy: Policy::DropOldest,
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), options);
    for expected in 1..=4 {
        assert_eq!(
            append(&outbox, &noise(expected as u64, 200_000)).unwrap(),
            expected
        );
    }
    assert_eq!(rows(&outbox).len(), 1);
}

#[test]
fn without_a_cap_nothing_is_dropped() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..100 {
        append(&outbox, &noise(number, 10_000)).unwrap();
    }
    assert_eq!(rows(&outbox).len(), 100);
    assert_eq!(outbox.dropped().unwrap(), Pending::default());
}
