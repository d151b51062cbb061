//! The cap by bytes, objects and age, and what each policy does at it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use realm_ingest::outbox::{
    Cap, CapLimit, DropHandler, Durability, Error, Fate, Loss, LossReason, Number, Options, Outbox, Pending,
    Policy, RefusedObject, Settlement,
};
use rusqlite::Connection;

use crate::common::{Folder, append, drain, noise, open, open_with, payload, rows, rows_with_gaps, settle};

const CAP: u64 = 300_000;
/// The cap of tests about age.
const DAY: Duration = Duration::from_secs(24 * 3600);

fn capped(cap: Cap) -> Options {
    Options {
        cap,
        ..Options::default()
    }
}

fn bytes(policy: Policy) -> Cap {
    Cap {
        max_bytes: Some(CAP),
        policy,
        ..Cap::default()
    }
}

fn objects(limit: u64, policy: Policy) -> Cap {
    Cap {
        max_objects: Some(limit),
        policy,
        ..Cap::default()
    }
}

fn age(policy: Policy) -> Cap {
    Cap {
        max_age: Some(DAY),
        policy,
        ..Cap::default()
    }
}

/// A handler for drops, and what it was told in all.
fn drops() -> (DropHandler, Arc<Mutex<Pending>>) {
    let told = Arc::new(Mutex::new(Pending::default()));
    let sum = Arc::clone(&told);
    let handler: DropHandler = Arc::new(move |dropped| {
        let mut sum = sum.lock().unwrap();
        sum.transactions += dropped.transactions;
        sum.objects += dropped.objects;
        sum.bytes += dropped.bytes;
    });
    (handler, told)
}

/// Changes when the rows up to `through` were written, by so many days.
fn shift(folder: &Folder, through: i64, days: i64) {
    let file = Connection::open(folder.path()).unwrap();
    file.execute(
        "UPDATE tx SET created = created + ?1 * 86400000 WHERE seq <= ?2",
        [days, through],
    )
    .unwrap();
}

fn seqs(outbox: &dyn Outbox) -> Vec<i64> {
    rows_with_gaps(outbox).iter().map(|row| row.seq).collect()
}

fn dropped(first: i64, last: i64) -> Loss {
    Loss {
        first,
        last,
        reason: LossReason::Dropped,
    }
}

#[test]
fn a_write_over_the_cap_fails_and_what_is_stored_stays() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), capped(bytes(Policy::Fail)));
    let mut stored = 0;
    let error = loop {
        match append(&outbox, &noise(stored, 10_000)) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            error,
            Error::CapReached {
                limit: CapLimit::Bytes(CAP),
                ..
            }
        ),
        "{error:?}"
    );
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
    let (on_drop, told) = drops();
    let options = Options {
        on_drop: Some(on_drop),
        ..capped(bytes(Policy::DropOldest))
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
    let outbox = open_with(&folder.path(), capped(bytes(Policy::DropOldest)));
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

#[test]
fn a_cap_by_objects_counts_documents_and_not_transactions() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), capped(objects(3, Policy::Fail)));
    for number in 1..=3 {
        append(&outbox, &noise(number, 100)).unwrap();
    }
    let error = append(&outbox, &noise(4, 100)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::CapReached {
                limit: CapLimit::Objects(3),
                ..
            }
        ),
        "{error:?}"
    );
    settle(&outbox, 1).unwrap();
    append(&outbox, &noise(4, 100)).unwrap();
    drop(outbox);
    let outbox = open_with(&folder.path(), capped(objects(3, Policy::DropOldest)));
    append(&outbox, &noise(5, 100)).unwrap();
    assert_eq!(seqs(&outbox), [3, 4, 5]);
}

#[test]
fn a_write_while_the_oldest_is_too_old_is_refused_until_that_has_left() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), capped(age(Policy::Fail)));
    append(&outbox, &noise(1, 100)).unwrap();
    append(&outbox, &noise(2, 100)).unwrap();
    shift(&folder, 1, -2);
    let error = append(&outbox, &noise(3, 100)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::CapReached {
                limit: CapLimit::Age(DAY),
                ..
            }
        ),
        "{error:?}"
    );
    settle(&outbox, 1).unwrap();
    append(&outbox, &noise(3, 100)).unwrap();
}

#[test]
fn what_is_too_old_goes_first_where_the_oldest_are_dropped() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), capped(age(Policy::DropOldest)));
    for number in 1..=4 {
        append(&outbox, &noise(number, 100)).unwrap();
    }
    let mark = outbox.loss_mark().unwrap();
    shift(&folder, 2, -2);
    append(&outbox, &noise(5, 100)).unwrap();
    assert_eq!(seqs(&outbox), [3, 4, 5]);
    assert_eq!(outbox.losses(mark, 5).unwrap(), [dropped(1, 2)]);
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_old() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), capped(age(Policy::DropOldest)));
    append(&outbox, &noise(1, 100)).unwrap();
    // As if it had been written before the clock was set back by a year.
    shift(&folder, 1, 365);
    append(&outbox, &noise(2, 100)).unwrap();
    assert_eq!(seqs(&outbox), [1, 2]);
}

#[test]
fn the_newest_is_dropped_without_an_error_where_that_was_chosen() {
    let folder = Folder::new();
    let (on_drop, told) = drops();
    let options = Options {
        on_drop: Some(on_drop),
        ..capped(objects(2, Policy::DropNewest))
    };
    let outbox = open_with(&folder.path(), options.clone());
    let mark = outbox.loss_mark().unwrap();
    for number in 1..=4 {
        assert_eq!(append(&outbox, &noise(number, 100)).unwrap(), number as i64);
    }
    assert_eq!(seqs(&outbox), [1, 2], "what was there first stays");
    let expected = Pending {
        transactions: 2,
        objects: 2,
        bytes: 200,
    };
    assert_eq!(*told.lock().unwrap(), expected, "each drop is reported");
    assert_eq!(outbox.dropped().unwrap(), expected, "and counted");
    assert_eq!(
        outbox.losses(mark, 4).unwrap(),
        [dropped(3, 4)],
        "and on record by its number"
    );
    assert_eq!(
        (outbox.last_seq().unwrap(), outbox.newest_waiting().unwrap()),
        (4, 2)
    );
    settle(&outbox, 1).unwrap();
    assert_eq!(append(&outbox, &noise(5, 100)).unwrap(), 5);
    assert_eq!(seqs(&outbox), [2, 5]);
    assert_eq!(outbox.pending().unwrap().objects, 2);
}

#[test]
fn the_number_of_a_dropped_write_is_not_given_out_again() {
    // Invariant 4, also across a restart, and where nothing else is in the file.
    let folder = Folder::new();
    for durability in [Durability::Full, Durability::Relaxed] {
        let options = Options {
            durability,
            ..capped(objects(0, Policy::DropNewest))
        };
        let outbox = open_with(&folder.path(), options);
        let last = outbox.last_seq().unwrap();
        assert_eq!(append(&outbox, &noise(1, 100)).unwrap(), last + 1);
        drop(outbox);
        let outbox = open(&folder.path());
        assert_eq!(append(&outbox, &noise(2, 100)).unwrap(), last + 2);
        drain(&outbox);
    }
}

/// An outbox with so many rows, which was closed.
fn with_backlog(count: i64) -> Folder {
    let folder = Folder::new();
    let relaxed = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), relaxed);
    for number in 1..=count {
        append(&outbox, &noise(number as u64, 100)).unwrap();
    }
    folder
}

#[test]
fn a_backlog_over_a_lowered_cap_is_dropped_and_all_of_it_is_on_record() {
    const ROWS: i64 = 3_000;
    let folder = with_backlog(ROWS);
    let (on_drop, told) = drops();
    let options = Options {
        on_drop: Some(on_drop),
        ..capped(objects(10, Policy::DropOldest))
    };
    let outbox = open_with(&folder.path(), options);
    let mark = outbox.loss_mark().unwrap();
    assert_eq!(append(&outbox, &noise(0, 100)).unwrap(), ROWS + 1);
    let gone = ROWS - 9;
    assert_eq!(seqs(&outbox), Vec::from_iter(gone + 1..=ROWS + 1));
    assert_eq!(outbox.losses(mark, ROWS).unwrap(), [dropped(1, gone)]);
    let expected = Pending {
        transactions: gone as u64,
        objects: gone as u64,
        bytes: 100 * gone as u64,
    };
    assert_eq!(*told.lock().unwrap(), expected);
    assert_eq!(outbox.dropped().unwrap(), expected);
}

#[test]
fn a_write_does_not_wait_until_all_that_is_too_old_is_dropped() {
    const ROWS: i64 = 3_000;
    let folder = with_backlog(ROWS);
    shift(&folder, ROWS, -2);
    let outbox = open_with(&folder.path(), capped(age(Policy::DropOldest)));
    let mark = outbox.loss_mark().unwrap();
    let mut left = Vec::new();
    for number in 1..=4 {
        append(&outbox, &noise(number, 100)).unwrap();
        left.push(outbox.pending().unwrap().transactions as i64 - number as i64);
    }
    assert!(
        left.is_sorted_by(|more, less| more >= less) && left[0] > 1_000,
        "{left:?}"
    );
    assert_eq!(left[3], 0, "{left:?}");
    assert_eq!(outbox.losses(mark, ROWS).unwrap(), [dropped(1, ROWS)]);
}

#[test]
fn nothing_is_dropped_for_a_row_that_a_file_without_rows_has_no_room_for() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), capped(bytes(Policy::DropOldest)));
    // Most of the cap, which does not leave with rows.
    let json = "x".repeat(200_000);
    outbox.register_schema("fedcba9876543210", &json).unwrap();
    append(&outbox, &noise(1, 100)).unwrap();
    let error = append(&outbox, &noise(2, 80_000)).unwrap_err();
    assert!(matches!(error, Error::CapReached { .. }), "{error:?}");
    assert_eq!(seqs(&outbox), [1]);
}

#[test]
fn the_record_of_refused_objects_gives_way_to_rows() {
    const REFUSED: i64 = 800;
    const BATCH: i64 = 50;
    let refused = |seq: i64| {
        let object = RefusedObject {
            index: 0,
            class: "Reading".to_owned(),
            primary_key: seq.to_string(),
            reason: "x".repeat(300),
        };
        (seq, object)
    };
    for lowered in [false, true] {
        let folder = Folder::new();
        let cap = capped(bytes(Policy::Fail));
        let options = if lowered { Options::default() } else { cap.clone() };
        let outbox = open_with(&folder.path(), options);
        for number in 1..=REFUSED {
            append(&outbox, &noise(number as u64, 100)).unwrap();
        }
        let identity = outbox.origin().unwrap().identity;
        for through in (BATCH..=REFUSED).step_by(BATCH as usize) {
            let first = through - BATCH + 1;
            let settlement = Settlement {
                first,
                through,
                leave: true,
                refused: (first..=through).map(refused).collect(),
                ..Settlement::default()
            };
            assert!(outbox.conclude(&identity, &settlement).unwrap());
        }
        drop(outbox);
        let outbox = open_with(&folder.path(), cap);
        append(&outbox, &noise(0, 100_000)).unwrap();
        let is_whole = |seq: i64| match outbox.fate(Number::from_bits(seq as u64), false).unwrap() {
            Fate::Refused(refusals) => refusals.complete,
            other => panic!("{seq}: {other:?}"),
        };
        assert!(is_whole(REFUSED), "the newest are kept");
        assert!(!is_whole(1), "of the oldest it is known that they were refused");
    }
}
