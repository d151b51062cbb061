//! Invariant 9: nothing is said of a number that is not so.

mod bounds;
mod refusals;
mod renumbered;
mod taken;

use realm_ingest::outbox::{
    Durability, Fate, Number, Options, Outbox, Refusals, RefusedObject, Run, Settlement, WriteTransaction,
};

use crate::common::{Folder, drain, open, schema, settle};

/// The fate of the transaction that has this sequence number in a file that was never damaged or restored.
fn fate(outbox: &dyn Outbox, seq: i64) -> Fate {
    outbox.fate(Number::from_bits(seq as u64), false).unwrap()
}

fn store(outbox: &dyn Outbox) -> Number {
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    let transaction = WriteTransaction {
        schema: schema(outbox),
        runs: &runs,
        payload: b"document",
    };
    outbox.store(&transaction).unwrap()
}

fn store_some(outbox: &dyn Outbox, count: i64) {
    for _ in 0..count {
        store(outbox);
    }
}

fn refused(seq: i64, index: u32) -> (i64, RefusedObject) {
    let object = RefusedObject {
        index,
        class: "Reading".to_owned(),
        primary_key: format!(r#"{{"$numberLong":"{seq}{index}"}}"#),
        reason: format!("reason {index} of {seq}"),
    };
    (seq, object)
}

fn conclude(outbox: &dyn Outbox, settlement: &Settlement) {
    let identity = outbox.origin().unwrap().identity;
    assert!(outbox.conclude(&identity, settlement).unwrap());
}

/// The gateway answers for these rows, and they leave.
fn settle_with(outbox: &dyn Outbox, first: i64, through: i64, refused: Vec<(i64, RefusedObject)>) {
    let settlement = Settlement {
        first,
        through,
        leave: true,
        refused_objects: refused.len() as u64,
        refused,
        ..Settlement::default()
    };
    conclude(outbox, &settlement);
}

fn all_of(objects: &[(i64, RefusedObject)]) -> Fate {
    Fate::Refused(Refusals {
        objects: objects.iter().map(|(_, object)| object.clone()).collect(),
        complete: true,
    })
}

fn relaxed() -> Options {
    Options {
        durability: Durability::Relaxed,
        ..Options::default()
    }
}

#[test]
fn a_transaction_waits_until_it_is_persisted_and_others_are_not_known() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let numbers: Vec<_> = (0..3).map(|_| store(&outbox)).collect();
    assert_eq!(
        numbers.iter().map(|number| number.bits()).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    settle(&outbox, 2).unwrap();
    let is_so = |outbox: &dyn Outbox| {
        let fates: Vec<_> = (0..5).map(|seq| fate(outbox, seq)).collect();
        let (persisted, unknown) = (Fate::Persisted, Fate::Unknown);
        assert_eq!(
            fates,
            [
                unknown.clone(),
                persisted.clone(),
                persisted,
                Fate::Waiting,
                unknown
            ]
        );
    };
    is_so(&outbox);
    drop(outbox);
    let outbox = open(&folder.path());
    is_so(&outbox);
    assert_eq!(
        outbox.fate(Number::from_bits(u64::MAX), false).unwrap(),
        Fate::Unknown
    );
    drain(&outbox);
    outbox.compact().unwrap();
    assert_eq!(fate(&outbox, 3), Fate::Persisted);
}

#[test]
fn transactions_of_one_commit_have_a_number_each() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let mut numbers: Vec<_> = std::thread::scope(|scope| {
        let write = || (0..25).map(|_| store(&outbox).bits()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(write)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

#[test]
fn transactions_in_a_pack_are_found_by_their_numbers() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for _ in 0..600 {
        store(&outbox);
    }
    while outbox.tidy().unwrap() {}
    assert!((1..=600).all(|seq| fate(&outbox, seq) == Fate::Waiting));
    settle(&outbox, 100).unwrap();
    assert_eq!(
        (fate(&outbox, 100), fate(&outbox, 101)),
        (Fate::Persisted, Fate::Waiting)
    );
}

#[test]
fn what_was_counted_is_there_after_a_restart() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    assert_eq!(outbox.tally().unwrap(), Default::default());
    store_some(&outbox, 6);
    let settlement = |through, bytes| Settlement {
        first: through,
        through,
        leave: true,
        sent_bytes: bytes,
        ..Settlement::default()
    };
    conclude(&outbox, &settlement(4, 100));
    drop(outbox);
    let outbox = open(&folder.path());
    let tally = outbox.tally().unwrap();
    assert_eq!((tally.waiting.objects, tally.round_objects), (2, 4));
    assert_eq!((tally.sent_objects, tally.sent_bytes), (4, 100));
    assert!(tally.acknowledged.unwrap() > 1_700_000_000_000 && tally.waiting_since.is_some());
    conclude(&outbox, &settlement(6, 50));
    let tally = outbox.tally().unwrap();
    assert_eq!(
        (tally.waiting.objects, tally.round_objects),
        (0, 6),
        "until something waits again"
    );
    store(&outbox);
    store(&outbox);
    assert_eq!(outbox.tally().unwrap().round_objects, 0);
    conclude(&outbox, &settlement(7, 50));
    let tally = outbox.tally().unwrap();
    assert_eq!((tally.waiting.objects, tally.round_objects), (1, 1));
    assert_eq!((tally.sent_objects, tally.sent_bytes), (7, 200));
}
