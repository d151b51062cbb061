//! Numbers that are given out a second time are told apart from what had them first.

use std::fs;

use realm_ingest::outbox::{Cap, Fate, Number, Options, Outbox, Policy, SqliteOutbox};

use super::{fate, relaxed, store};
use crate::common::{Folder, drain, open, open_recovered, open_with, rows, rows_with_gaps, settle};
use crate::damage::{damaged, overwrite_page_of, overwrite_table};

#[test]
fn numbers_that_are_given_out_again_after_damage_are_told_apart() {
    let folder = damaged(|path| {
        let outbox = open(path);
        settle(&outbox, 10).unwrap();
        drop(outbox);
        overwrite_table(path, "tx");
    });
    let (outbox, recovered) = open_recovered(&folder.path());
    assert_eq!(recovered.salvaged, None, "nothing can be read");
    let number = store(&outbox);
    assert!(number.seq() <= 40, "{number:?}");
    let former = Number::from_bits(number.seq() as u64);
    assert_ne!(number, former);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Waiting);
    for seq in 1..=40 {
        assert_eq!(fate(&outbox, seq), Fate::Unknown, "{seq}: some of them had left");
    }
    drain(&outbox);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Persisted);
    assert_eq!(outbox.fate(former, false).unwrap(), Fate::Unknown);
}

#[test]
fn numbers_of_a_drained_file_that_forgot_them_are_told_apart_from_those_given_out_anew() {
    let folder = damaged(|path| {
        drain(&open(path));
        overwrite_table(path, "meta");
    });
    let (outbox, _) = open_recovered(&folder.path());
    let number = store(&outbox);
    let former = Number::from_bits(number.seq() as u64);
    assert!(number.seq() <= 40 && number != former, "{number:?}");
    drain(&outbox);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Persisted);
    assert_eq!(outbox.fate(former, false).unwrap(), Fate::Unknown);
}

#[test]
fn numbers_of_dropped_writes_that_a_file_forgot_are_told_apart_from_those_given_out_anew() {
    let folder = Folder::new();
    let capped = Options {
        cap: Cap {
            max_objects: Some(1),
            policy: Policy::DropNewest,
            ..Cap::default()
        },
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), capped);
    let former: Vec<_> = (0..3).map(|_| store(&outbox)).collect();
    drop(outbox);
    overwrite_table(&folder.path(), "loss");
    let (outbox, _) = SqliteOutbox::open(folder.path(), Options::default()).unwrap();
    let number = store(&outbox);
    assert!(!former.contains(&number), "{number:?}");
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Waiting);
    for dropped in &former[1..] {
        assert_eq!(outbox.fate(*dropped, false).unwrap(), Fate::Unknown);
    }
}

#[test]
fn a_record_that_grew_coarse_gives_no_number_of_a_dropped_write_out_again() {
    let folder = Folder::new();
    let capped = Options {
        cap: Cap {
            max_objects: Some(700),
            policy: Policy::DropNewest,
            ..Cap::default()
        },
        ..relaxed()
    };
    let outbox = open_with(&folder.path(), capped);
    let former: Vec<_> = (0..710).map(|_| store(&outbox)).collect();
    assert_eq!(outbox.fate(former[709], false).unwrap(), Fate::Dropped);
    drop(outbox);
    // More places than the record has entries.
    let file = rusqlite::Connection::open(folder.path()).unwrap();
    file.execute(
        "UPDATE tx SET checksum = checksum + 1 WHERE seq % 2 = 0 AND seq <= 620",
        [],
    )
    .unwrap();
    drop(file);
    let outbox = open(&folder.path());
    assert_eq!(rows_with_gaps(&outbox).len(), 390);
    let number = store(&outbox);
    assert!(!former.contains(&number), "{number:?}");
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Waiting);
}

#[test]
fn what_was_lost_with_the_end_of_a_file_is_damaged_and_its_numbers_are_given_out_anew() {
    let folder = damaged(|path| overwrite_page_of(path, 39));
    let (outbox, _) = open_recovered(&folder.path());
    let kept = rows(&outbox).len() as i64;
    assert!((1..40).contains(&kept));
    let number = store(&outbox);
    assert_eq!(number.seq(), kept + 1);
    for seq in 1..=40 {
        let expected = if seq <= kept { Fate::Waiting } else { Fate::Damaged };
        assert_eq!(fate(&outbox, seq), expected, "{seq}");
    }
    drain(&outbox);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Persisted);
    assert_eq!(
        (fate(&outbox, kept), fate(&outbox, kept + 1)),
        (Fate::Persisted, Fate::Damaged)
    );
}

#[test]
fn a_restored_backup_does_not_answer_for_what_came_after_it() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let before = store(&outbox);
    drop(outbox);
    let backup = folder.join("backup");
    fs::copy(folder.path(), &backup).unwrap();
    let outbox = open(&folder.path());
    let after = store(&outbox);
    drop(outbox);
    fs::remove_file(folder.path()).unwrap();
    fs::rename(&backup, folder.path()).unwrap();

    let restored = open(&folder.path());
    assert_eq!(restored.fate(before, false).unwrap(), Fate::Waiting);
    assert_eq!(restored.fate(after, false).unwrap(), Fate::Unknown);
    let again = store(&restored);
    assert_eq!(again.seq(), after.seq());
    drain(&restored);
    assert_eq!(restored.fate(before, false).unwrap(), Fate::Persisted);
    assert_eq!(restored.fate(again, false).unwrap(), Fate::Persisted);
    assert_eq!(restored.fate(after, false).unwrap(), Fate::Unknown);
    drop(restored);
    assert_eq!(open(&folder.path()).fate(again, false).unwrap(), Fate::Persisted);
}

#[test]
fn a_copy_that_gets_another_name_gives_out_other_numbers() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let before = store(&outbox);
    outbox.renew_identity().unwrap();
    let after = store(&outbox);
    assert_eq!((before.bits(), after.seq()), (1, 2));
    assert_ne!(after.bits(), 2);
    assert_eq!(outbox.fate(before, false).unwrap(), Fate::Waiting);
    assert_eq!(outbox.fate(after, false).unwrap(), Fate::Waiting);
    assert_eq!(fate(&outbox, 2), Fate::Unknown, "it may be of the other copy");
}
