//! Another key for an outbox: everything stays but the key, and a process or a disk that stops at any moment leaves the
//! outbox with one key or the other.

use std::fs;
use std::path::PathBuf;

use realm_ingest::outbox::{Durability, Error, Options, Outbox, SqliteOutbox, rekey};

use crate::common::{Folder, append, noise, open, other_part, other_process, rows, rows_with_gaps, said};
#[cfg(target_os = "linux")]
use crate::disk::{Disk, Survives, in_memory, say};
use crate::encryption::{
    append_secret, change, content, found, found_beside, holds_secrets, is_secret, key, nothing_is_found,
    owner, with_key, with_secrets,
};
use crate::packing::packed;
#[cfg(target_os = "linux")]
use crate::recording::record;
#[cfg(unix)]
use crate::upgrade::format_1;

/// A key, or none.
type Given = Option<u8>;

fn options(given: Given) -> Options {
    given.map_or_else(Options::default, with_key)
}

fn change_key(folder: &Folder, old: Given, new: Given) -> Result<(), Error> {
    rekey(folder.path(), old.map(key).as_ref(), new.map(key).as_ref())
}

#[test]
fn everything_stays_but_the_key() {
    let folder = Folder::new();
    let outbox = with_secrets(&folder.path(), Options::default(), 900);
    while outbox.tidy().unwrap() {}
    assert!(packed(&folder).0 >= 2);
    let identity = outbox.origin().unwrap().identity;
    assert!(outbox.settle(&identity, 40).unwrap());
    let before = rows(&outbox);
    let origin = outbox.origin().unwrap();
    let facts = |outbox: &SqliteOutbox| (outbox.pending().unwrap(), outbox.loss_mark().unwrap());
    let known = facts(&outbox);
    drop(outbox);
    for (old, new) in [
        (None, Some(1)),
        (Some(1), Some(2)),
        (Some(2), Some(2)),
        (Some(2), None),
        (None, Some(3)),
    ] {
        change_key(&folder, old, new).unwrap();
        let (outbox, recovered) = SqliteOutbox::open(folder.path(), options(new)).unwrap();
        assert_eq!(recovered, None);
        assert_eq!(rows(&outbox), before, "{old:?} to {new:?}");
        assert_eq!(outbox.origin().unwrap(), origin);
        assert_eq!(facts(&outbox), known);
        assert_eq!(outbox.owner().unwrap(), Some(owner()));
        is_secret(&outbox, &before[700]);
        drop(outbox);
        if new != old {
            SqliteOutbox::open(folder.path(), options(old)).unwrap_err();
        }
        assert_eq!(found(&folder).is_empty(), new.is_some());
        let left = folder.names().into_iter().filter(|name| name.contains("rekeyed"));
        assert_eq!(left.count(), 0);
    }
    let (outbox, _) = SqliteOutbox::open(folder.path(), options(Some(3))).unwrap();
    append_secret(&outbox, 901);
    assert_eq!(outbox.last_seq().unwrap(), 901);
}

#[cfg(unix)]
#[test]
fn who_may_read_the_file_stays() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 1));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o600)).unwrap();
    change_key(&folder, Some(1), None).unwrap();
    let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[cfg(unix)]
#[test]
fn a_file_of_format_1_gets_a_key() {
    let folder = format_1();
    let error = SqliteOutbox::open(folder.path(), with_key(1)).unwrap_err();
    assert!(matches!(error, Error::NotEncrypted { .. }), "{error}");
    change_key(&folder, None, Some(1)).unwrap();
    let (outbox, recovered) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
    assert_eq!(recovered, None);
    assert_eq!(rows(&outbox).len(), 5);
}

#[test]
fn the_salt_is_another_one_also_with_the_same_key() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 1));
    let salt = || -> Vec<u8> {
        let file = rusqlite::Connection::open(folder.path()).unwrap();
        file.query_row("SELECT salt FROM seal", [], |row| row.get(0))
            .unwrap()
    };
    let before = salt();
    change_key(&folder, Some(1), Some(1)).unwrap();
    assert_ne!(salt(), before);
}

#[test]
fn numbers_are_not_given_out_again_after_all_was_sent() {
    let folder = Folder::new();
    let outbox = with_secrets(&folder.path(), Options::default(), 5);
    crate::common::drain(&outbox);
    drop(outbox);
    change_key(&folder, None, Some(1)).unwrap();
    let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
    append_secret(&outbox, 6);
    assert_eq!(outbox.last_seq().unwrap(), 6);
}

#[test]
fn what_is_not_its_key_changes_nothing() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 20));
    let before = content(&folder);
    assert!(matches!(
        change_key(&folder, None, Some(2)),
        Err(Error::KeyRequired { .. })
    ));
    assert!(matches!(
        change_key(&folder, Some(2), None),
        Err(Error::WrongKey { .. })
    ));
    assert!(content(&folder) == before);
    let plain = Folder::new();
    drop(with_secrets(&plain.path(), Options::default(), 20));
    let before = content(&plain);
    assert!(matches!(
        change_key(&plain, Some(1), Some(2)),
        Err(Error::NotEncrypted { .. })
    ));
    assert!(content(&plain) == before);
}

#[test]
fn an_outbox_that_is_open_or_not_there_is_refused() {
    let folder = Folder::new();
    let error = change_key(&folder, None, Some(1)).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(folder.names().is_empty());
    let outbox = with_secrets(&folder.path(), Options::default(), 3);
    let error = change_key(&folder, None, Some(1)).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    append_secret(&outbox, 4);
    holds_secrets(&outbox, 4);
}

#[test]
fn what_an_interrupted_attempt_left_is_deleted_by_the_next_to_open() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), Options::default(), 3));
    for suffix in ["", "-wal", "-shm", "-journal"] {
        fs::write(
            folder.join(&format!("default.realm.rekeyed{suffix}")),
            noise(1, 10_000),
        )
        .unwrap();
    }
    drop(open(&folder.path()));
    assert!(!folder.names().iter().any(|name| name.contains("rekeyed")));
}

#[test]
fn a_file_in_which_damage_is_met_is_recovered_first() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 30));
    change(
        &folder.path(),
        "UPDATE tx SET payload = zeroblob(40) WHERE seq = 12",
    );
    change_key(&folder, Some(1), Some(2)).unwrap();
    let (outbox, recovered) = SqliteOutbox::open(folder.path(), with_key(2)).unwrap();
    let salvaged = recovered.unwrap().salvaged.unwrap();
    assert_eq!((salvaged.kept, salvaged.lost), (29, 1));
    assert_eq!(rows_with_gaps(&outbox).len(), 29);
    nothing_is_found(
        &folder,
        "the file that was moved aside is encrypted with the former key",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_power_cut_at_any_moment_leaves_one_key_or_the_other_and_every_row() {
    const TEST: &str = "rekey::a_power_cut_at_any_moment_leaves_one_key_or_the_other_and_every_row";
    const ROWS: u64 = 40;
    let keys = [(None, Some(1)), (Some(1), Some(2)), (Some(2), None)];
    let part = std::env::var("REALM_INGEST_TEST_KEYS").ok();
    if let Some(path) = other_part(TEST) {
        let (old, new) = keys[part.unwrap().parse::<usize>().unwrap()];
        rekey(&path, old.map(key).as_ref(), new.map(key).as_ref()).unwrap();
        return say("done");
    }
    for (index, (old, new)) in keys.into_iter().enumerate() {
        let folder = Folder::new();
        let outbox = with_secrets(&folder.path(), options(old), ROWS);
        // As a process that is killed leaves it, with rows that are in the log alone.
        let names = ["default.realm", "default.realm-wal"];
        let files = names
            .map(|name| (PathBuf::from(name), fs::read(folder.join(name)).unwrap()))
            .into();
        drop(outbox);
        let number = index.to_string();
        let recorded = record(TEST, &files, Some(("REALM_INGEST_TEST_KEYS", &number)));
        let mut disk = Disk::new(&recorded.folder, &files, Survives::All);
        let mut opened = [0, 0];
        for (index, event) in recorded.events.iter().enumerate() {
            disk.apply(event);
            for survives in [
                Survives::Nothing,
                Survives::All,
                Survives::Some(index as u64),
                Survives::Some(1_000 + 7 * index as u64),
                Survives::Sectors(index as u64),
            ] {
                let state = in_memory();
                disk.lose_power(state.path(), survives);
                let path = state.path().join("default.realm");
                if old.is_some() && new.is_some() && index % 8 == 0 {
                    assert_eq!(found_beside(&path), [""; 0], "after event {index}");
                }
                let attempts = [new, old].map(|given| SqliteOutbox::open(&path, options(given)).ok());
                let [with_new, with_old] = &attempts;
                let state = format!("after event {index}, {survives:?} of what was not synced");
                assert!(with_new.is_some() != with_old.is_some(), "{state}");
                opened[usize::from(with_new.is_some())] += 1;
                let (outbox, recovered) = with_new.as_ref().or(with_old.as_ref()).unwrap();
                assert_eq!(*recovered, None, "{state}");
                holds_secrets(outbox, ROWS);
            }
        }
        assert!(opened[0] > 50 && opened[1] > 0, "{opened:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_what_waits() {
    const TEST: &str = "rekey::memory_does_not_grow_with_what_waits";
    const ROW: usize = 1 << 20;
    const ROWS: usize = 160;
    // A step of the copy, and what an idle program has.
    const LIMIT_MIB: u64 = 64;
    if let Some(path) = other_part(TEST) {
        rekey(&path, None, Some(&key(1))).unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        println!("##{}", peak.trim().trim_end_matches(" kB"));
        return;
    }
    let folder = Folder::new();
    let relaxed = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    let (outbox, _) = SqliteOutbox::open(folder.path(), relaxed).unwrap();
    let mut content = noise(1, ROW);
    for number in 0..ROWS {
        content[..8].copy_from_slice(&number.to_le_bytes());
        append(&outbox, &content).unwrap();
    }
    drop(outbox);
    let output = other_process(TEST, &folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let peak: u64 = text.lines().find_map(said).unwrap().parse().unwrap();
    assert!(peak < LIMIT_MIB * 1024, "{peak} KiB");
    let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
    assert_eq!(outbox.pending().unwrap().transactions, ROWS as u64);
}
