//! Invariant 7: what was taken away without having been settled is on record, exactly.

use realm_ingest::outbox::{Cap, Loss, LossReason, Options, Outbox, Policy, SqliteOutbox};

use crate::common::{Folder, append, noise, open_with, rows_with_gaps, settle};
use crate::damage::{Told, change_a_bit_of, damaged};

const ROW: usize = 10_000;

/// An outbox that holds some five rows of that size and drops the oldest for newer ones.
fn small(folder: &Folder) -> SqliteOutbox {
    open_with(
        &folder.path(),
        Options {
            cap: Cap {
                max_bytes: Some(100_000),
                policy: Policy::DropOldest,
                ..Cap::default()
            },
            ..Options::default()
        },
    )
}

fn write(outbox: &dyn Outbox) -> i64 {
    append(outbox, &noise(1, ROW)).unwrap()
}

fn oldest(outbox: &dyn Outbox) -> i64 {
    rows_with_gaps(outbox)[0].seq
}

/// Writes until rows were dropped; returns the first and the last of them.
fn drop_some(outbox: &dyn Outbox) -> (i64, i64) {
    let before = oldest(outbox);
    while oldest(outbox) < before + 2 {
        write(outbox);
    }
    (before, oldest(outbox) - 1)
}

fn dropped(first: i64, last: i64) -> Loss {
    Loss {
        first,
        last,
        reason: LossReason::Dropped,
    }
}

#[test]
fn what_is_dropped_after_the_mark_is_told() {
    let folder = Folder::new();
    let outbox = small(&folder);
    for _ in 0..3 {
        write(&outbox);
    }
    let mark = outbox.loss_mark().unwrap();
    assert_eq!(outbox.losses(mark, i64::MAX).unwrap(), []);
    let (first, last) = drop_some(&outbox);
    assert_eq!(first, 1);
    assert_eq!(outbox.losses(mark, i64::MAX).unwrap(), [dropped(1, last)]);
    assert_eq!(
        outbox.losses(mark, 1).unwrap(),
        [dropped(1, 1)],
        "cut to what was asked"
    );
    let (_, last) = drop_some(&outbox);
    assert_eq!(
        outbox.losses(mark, i64::MAX).unwrap(),
        [dropped(1, last)],
        "one range for what is dropped row by row"
    );
}

#[test]
fn what_was_dropped_before_the_mark_or_is_not_asked_for_is_not_told() {
    let folder = Folder::new();
    let outbox = small(&folder);
    write(&outbox);
    let (_, last) = drop_some(&outbox);
    let mark = outbox.loss_mark().unwrap();
    assert_eq!(outbox.losses(mark, i64::MAX).unwrap(), []);
    let (first, newest) = drop_some(&outbox);
    assert_eq!(first, last + 1);
    assert_eq!(
        outbox.losses(mark, i64::MAX).unwrap(),
        [dropped(first, newest)],
        "without those before it"
    );
    assert_eq!(outbox.losses(mark, last).unwrap(), []);
}

#[test]
fn what_was_settled_in_between_is_not_told() {
    let folder = Folder::new();
    let outbox = small(&folder);
    write(&outbox);
    let mark = outbox.loss_mark().unwrap();
    let (_, first) = drop_some(&outbox);
    settle(&outbox, first + 2).unwrap();
    let (again, second) = drop_some(&outbox);
    assert_eq!(again, first + 3);
    assert_eq!(
        outbox.losses(mark, i64::MAX).unwrap(),
        [dropped(1, first), dropped(again, second)]
    );
    let everything = outbox.last_seq().unwrap();
    settle(&outbox, everything).unwrap();
    let mark = outbox.loss_mark().unwrap();
    assert_eq!(outbox.losses(mark, i64::MAX).unwrap(), []);
    drop(outbox);
    let outbox = small(&folder);
    write(&outbox);
    let mark = outbox.loss_mark().unwrap();
    let (first, last) = drop_some(&outbox);
    assert_eq!(first, everything + 1);
    assert_eq!(outbox.losses(mark, i64::MAX).unwrap(), [dropped(first, last)]);
}

#[test]
fn rows_that_damage_took_are_told_and_others_are_not() {
    let folder = damaged(|path| {
        change_a_bit_of(path, 20);
        change_a_bit_of(path, 30);
    });
    let told = Told::default();
    let outbox = told.open(&folder.path());
    let mark = outbox.loss_mark().unwrap();
    settle(&outbox, 5).unwrap();
    assert_eq!(rows_with_gaps(&outbox).len(), 33);
    told.once();
    let lost = |seq| Loss {
        first: seq,
        last: seq,
        reason: LossReason::Damaged,
    };
    assert_eq!(outbox.losses(mark, 40).unwrap(), [lost(21), lost(31)]);
    assert_eq!(outbox.losses(mark, 30).unwrap(), [lost(21)]);
    let mark = outbox.loss_mark().unwrap();
    assert_eq!(outbox.losses(mark, 40).unwrap(), [], "told once");
    drop(outbox);

    // A second damage: gaps that are known are not counted again.
    change_a_bit_of(&folder.path(), 35);
    let outbox = told.open(&folder.path());
    let mark = outbox.loss_mark().unwrap();
    assert_eq!(rows_with_gaps(&outbox).len(), 32);
    assert_eq!(told.once().salvaged.unwrap().lost, 1);
    assert_eq!(outbox.losses(mark, 40).unwrap(), [lost(36)]);
}
