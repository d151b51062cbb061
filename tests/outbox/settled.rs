//! Rows that were acknowledged and have not left yet: they are given out no more, whatever comes in between.

use realm_ingest::outbox::{Cap, Fate, Number, Options, Outbox, Pending, Policy, Settlement, SqliteOutbox};

use crate::common::{Folder, append, noise, open, open_with, rows, settle};

/// The gateway has answered for the rows up to this one, of which nothing was refused.
fn acknowledge(outbox: &dyn Outbox, through: i64) -> Settlement {
    let settlement = Settlement {
        first: through + 1,
        through,
        leave: true,
        sent_bytes: 70,
        ..Settlement::default()
    };
    let identity = outbox.origin().unwrap().identity;
    assert!(outbox.acknowledge(&identity, &settlement).unwrap());
    settlement
}

fn with_rows(folder: &Folder, count: u64) -> SqliteOutbox {
    let outbox = open(&folder.path());
    for number in 1..=count {
        append(&outbox, &noise(number, 50)).unwrap();
    }
    outbox
}

fn given_out(outbox: &dyn Outbox) -> Vec<i64> {
    let lease = outbox.lease(0, 1 << 20).unwrap();
    lease.map_or(Vec::new(), |lease| lease.rows.iter().map(|row| row.seq).collect())
}

#[test]
fn they_wait_until_they_leave_but_are_not_given_out_again() {
    let folder = Folder::new();
    let outbox = with_rows(&folder, 5);
    let before = outbox.origin().unwrap();
    let settlement = acknowledge(&outbox, 3);
    let after = outbox.origin().unwrap();
    assert_eq!((after.acked, &after.identity), (3, &before.identity));
    assert_ne!(
        after.lineage, before.lineage,
        "what follows is sent under another one"
    );
    assert_eq!(given_out(&outbox), [4, 5]);
    assert_eq!(outbox.pending().unwrap().transactions, 5);
    let fate = |seq| outbox.fate(Number::from_bits(seq), false).unwrap();
    assert_eq!((fate(3), fate(4)), (Fate::Persisted, Fate::Waiting));

    assert!(outbox.conclude(&after.identity, &settlement).unwrap());
    assert_eq!(outbox.origin().unwrap(), after, "it was settled already");
    assert_eq!(rows(&outbox).len(), 2);
    let tally = outbox.tally().unwrap();
    assert_eq!((tally.sent_objects, tally.sent_bytes), (3, 70), "counted once");
}

#[test]
fn they_are_gone_when_the_file_is_opened_next() {
    let folder = Folder::new();
    let outbox = with_rows(&folder, 5);
    acknowledge(&outbox, 3);
    drop(outbox);
    let outbox = open(&folder.path());
    let left: Vec<_> = rows(&outbox).iter().map(|row| row.seq).collect();
    assert_eq!(left, [4, 5]);
    let tally = outbox.tally().unwrap();
    assert_eq!((tally.sent_objects, tally.sent_bytes), (3, 70));
    assert!(tally.acknowledged.is_some());
}

#[test]
fn they_leave_when_somebody_else_becomes_the_uploader() {
    let folder = Folder::new();
    let outbox = with_rows(&folder, 5);
    let other = open(&folder.path());
    acknowledge(&outbox, 5);
    drop(outbox);
    assert_eq!(given_out(&other), Vec::<i64>::new());
    let _right = other.try_become_uploader().unwrap().unwrap();
    assert_eq!(other.pending().unwrap(), Pending::default());
}

#[test]
fn they_are_not_dropped_to_stay_under_a_cap() {
    let folder = Folder::new();
    let options = Options {
        cap: Cap {
            max_objects: Some(5),
            policy: Policy::DropOldest,
            ..Cap::default()
        },
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), options);
    for number in 1..=5 {
        append(&outbox, &noise(number, 50)).unwrap();
    }
    acknowledge(&outbox, 2);
    append(&outbox, &noise(6, 50)).unwrap();
    let left: Vec<_> = rows(&outbox).iter().map(|row| row.seq).collect();
    assert_eq!(left, [3, 4, 5, 6]);
    assert_eq!(outbox.dropped().unwrap(), Pending::default());
    assert_eq!(outbox.tally().unwrap().sent_objects, 2);
}

#[test]
fn the_rest_of_a_pack_goes_on_without_those_at_its_beginning() {
    let folder = Folder::new();
    let outbox = with_rows(&folder, 1_500);
    while outbox.tidy().unwrap() {}
    acknowledge(&outbox, 100);
    assert_eq!(given_out(&outbox)[..2], [101, 102]);
    drop(outbox);
    let outbox = open(&folder.path());
    let left = rows(&outbox);
    assert_eq!((left.len(), left[0].seq), (1_400, 101));
    settle(&outbox, 1_500).unwrap();
    assert_eq!(outbox.pending().unwrap(), Pending::default());
}

#[test]
fn they_do_not_come_back_under_another_identity() {
    let folder = Folder::new();
    let outbox = with_rows(&folder, 3);
    let former = outbox.origin().unwrap().identity;
    let settlement = acknowledge(&outbox, 2);
    outbox.renew_identity().unwrap();
    assert_eq!(given_out(&outbox), [3]);
    assert!(!outbox.acknowledge(&former, &settlement).unwrap());
    assert!(!outbox.conclude(&former, &settlement).unwrap());
    assert_eq!(rows(&outbox).len(), 1);
}
