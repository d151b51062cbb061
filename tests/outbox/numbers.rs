//! Invariant 4: a number never repeats for an identity.

use std::fs;

use realm_ingest::outbox::Outbox;

use crate::common::{Folder, append, commit_ends, drain, open, rows, settle};

#[test]
fn numbers_go_on_after_a_drain_and_a_restart() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let identity = outbox.origin().unwrap().identity;
    assert_eq!(identity.len(), 32);
    for expected in 1..=3 {
        assert_eq!(append(&outbox, b"document").unwrap(), expected);
    }
    drain(&outbox);
    outbox.compact().unwrap();
    drop(outbox);
    let outbox = open(&folder.path());
    assert_eq!(outbox.last_seq().unwrap(), 3);
    assert_eq!(append(&outbox, b"document").unwrap(), 4);
    assert_eq!(outbox.origin().unwrap().identity, identity);
    drain(&outbox);
    assert_eq!(append(&outbox, b"document").unwrap(), 5);
}

#[test]
fn a_restored_copy_takes_another_identity() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let identity = outbox.origin().unwrap().identity;
    append(&outbox, b"in the backup").unwrap();
    drop(outbox);
    let backup = folder.join("backup");
    fs::copy(folder.path(), &backup).unwrap();

    let outbox = open(&folder.path());
    assert_eq!(append(&outbox, b"after the backup").unwrap(), 2);
    drop(outbox);
    fs::remove_file(folder.path()).unwrap();
    fs::copy(&backup, folder.path()).unwrap();

    let restored = open(&folder.path());
    assert_ne!(restored.origin().unwrap().identity, identity);
    assert_eq!(rows(&restored).len(), 1, "what waits in a backup is not lost");
    let renewed = restored.origin().unwrap().identity;
    drop(restored);
    assert_eq!(open(&folder.path()).origin().unwrap().identity, renewed, "once");
}

#[test]
fn a_renamed_file_keeps_its_identity() {
    let folder = Folder::new();
    let identity = open(&folder.path()).origin().unwrap().identity;
    let moved = folder.join("moved");
    fs::rename(folder.path(), &moved).unwrap();
    assert_eq!(open(&moved).origin().unwrap().identity, identity);
}

#[test]
fn a_renewed_identity_stays() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let other = open(&folder.path());
    let former = outbox.origin().unwrap().identity;
    let renewed = outbox.renew_identity().unwrap();
    assert_ne!(renewed, former);
    assert_eq!(outbox.origin().unwrap().identity, renewed);
    assert_eq!(
        other.origin().unwrap().identity,
        renewed,
        "whoever sends next uses it"
    );
    drop((outbox, other));
    assert_eq!(open(&folder.path()).origin().unwrap().identity, renewed);
}

#[test]
fn each_settle_and_each_identity_draws_a_lineage() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for _ in 0..5 {
        append(&outbox, b"document").unwrap();
    }
    let mut seen = vec![outbox.origin().unwrap()];
    assert_eq!(seen[0].acked, 0);
    for through in [2, 4] {
        settle(&outbox, through).unwrap();
        let origin = outbox.origin().unwrap();
        assert_eq!(origin.identity, seen[0].identity);
        assert_eq!(origin.acked, through);
        seen.push(origin);
        settle(&outbox, 1).unwrap();
        assert_eq!(&outbox.origin().unwrap(), seen.last().unwrap(), "nothing left");
    }
    outbox.renew_identity().unwrap();
    let renewed = outbox.origin().unwrap();
    assert_eq!(renewed.acked, 0, "nothing is settled of the new one");
    assert_eq!(rows(&outbox)[0].seq, 5, "rows keep their numbers");
    seen.push(renewed);
    for (index, origin) in seen.iter().enumerate() {
        assert_eq!(origin.lineage.len(), 32);
        assert!(
            seen[..index]
                .iter()
                .all(|former| former.lineage != origin.lineage)
        );
    }
    let other = open(&folder.path());
    settle(&outbox, 100).unwrap();
    let origin = other.origin().unwrap();
    assert_eq!(origin, outbox.origin().unwrap(), "as the file says it now");
    assert_eq!(origin.acked, 5, "no more than was given out");
}

#[test]
fn a_file_that_went_back_in_place_is_told_apart_by_its_lineage() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    append(&outbox, b"in the backup").unwrap();
    drop(outbox);
    let backup = fs::read(folder.path()).unwrap();

    let outbox = open(&folder.path());
    append(&outbox, b"after the backup").unwrap();
    settle(&outbox, 2).unwrap();
    let original = outbox.origin().unwrap();
    drop(outbox);
    // In place: the file is the same one for the system.
    fs::write(folder.path(), backup).unwrap();

    let outbox = open(&folder.path());
    append(&outbox, b"written again").unwrap();
    append(&outbox, b"and more than was lost").unwrap();
    let back = outbox.origin().unwrap();
    assert_eq!(back.identity, original.identity, "numbers repeat");
    assert_ne!(back.lineage, original.lineage);
    settle(&outbox, 2).unwrap();
    let later = outbox.origin().unwrap();
    assert_eq!(later.acked, original.acked);
    assert_ne!(later.lineage, original.lineage, "also when it has caught up");
}

#[test]
fn a_lineage_is_on_the_disk_before_it_is_given_out() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for _ in 0..5 {
        append(&outbox, b"document").unwrap();
    }
    // What is not settled by a synced commit is synced by one that is made for it.
    let commits = || commit_ends(&fs::read(folder.join("default.realm-wal")).unwrap()).len();
    outbox.origin().unwrap();
    let before = commits();
    settle(&outbox, 1).unwrap();
    assert_eq!(commits(), before + 1);
    outbox.origin().unwrap();
    outbox.origin().unwrap();
    assert_eq!(commits(), before + 2, "once");
    settle(&outbox, 2).unwrap();
    append(&outbox, b"document").unwrap();
    outbox.origin().unwrap();
    assert_eq!(commits(), before + 4, "writing a row has synced it");
    // It starts the log over.
    let other = open(&folder.path());
    settle(&outbox, 3).unwrap();
    other.origin().unwrap();
    assert_eq!(commits(), 2, "somebody else does not know");
}
