//! The cap by bytes, objects and age, and what each policy does at it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use realm_ingest::outbox::{
    Cap, CapLimit, DropHandler, Durability, Error, Loss, LossReason, Options, Outbox, Pending, Policy,
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
