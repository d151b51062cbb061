//! Any call that fails while the key of an outbox is changed: the outbox has one key or the other, and every row,
//! also when the power is cut then; and the key is changed by the next attempt.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use realm_ingest::outbox::{Options, SqliteOutbox, rekey};

use crate::calls::{self, Kind, Times, begin_record, heal, hurry};
use crate::common::{Folder, other_part};
use crate::disk::{Disk, Survives, in_memory, say};
use crate::encryption::{holds_secrets, key, with_key, with_secrets};
use crate::recording::record;

const ROWS: u64 = 20;

const ERRORS: [(Kind, i32); 9] = [
    (Kind::Write, libc::ENOSPC),
    (Kind::Sync, libc::EIO),
    (Kind::Open, libc::EMFILE),
    (Kind::Read, libc::ENOMEM),
    (Kind::Read, libc::EIO),
    (Kind::Truncate, libc::EIO),
    (Kind::Rename, libc::EIO),
    (Kind::Unlink, libc::EIO),
    (Kind::Map, libc::ENOMEM),
];

/// Each call of a kind in the life of a change fails, or as many of them.
const CALLS: usize = 12;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// An outbox without a key, as a process that is killed leaves it.
fn without_a_key() -> Files {
    let folder = Folder::new();
    let outbox = with_secrets(&folder.path(), Options::default(), ROWS);
    let names = ["default.realm", "default.realm-wal"];
    let files = names.map(|name| (PathBuf::from(name), fs::read(folder.join(name)).unwrap()));
    drop(outbox);
    files.into()
}

/// Checks that the outbox has one of the keys, and every row; returns whether it is the new one.
fn has_a_key(path: &Path, state: &str) -> bool {
    let opened = [Options::default(), with_key(1)].map(|options| SqliteOutbox::open(path, options));
    let is_new = opened[1].is_ok();
    assert!(opened[0].is_ok() != is_new, "{state}: {opened:?}");
    let (outbox, recovered) = opened.into_iter().find_map(Result::ok).unwrap();
    assert_eq!(recovered, None, "{state}");
    holds_secrets(&outbox, ROWS);
    is_new
}

/// One change of the key; returns how many calls of the kind there were.
fn change(files: &Files, number: usize, kind: Kind, times: Times, error: i32, folder: &Path) -> usize {
    let state = format!("{kind:?} {number} failed {times:?} with error {error}");
    for (kind, _) in ERRORS {
        heal(kind);
    }
    fs::create_dir(folder).unwrap();
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    let path = folder.join("default.realm");
    begin_record();
    calls::fail(kind, number, times, error);
    let changed = rekey(&path, None, Some(&key(1)));
    let seen = heal(kind);

    let mut disk = Disk::new(folder, files, Survives::Nothing);
    calls::events().iter().for_each(|event| disk.apply(event));
    let after_loss = in_memory();
    disk.lose_power(after_loss.path(), Survives::Nothing);
    let after = after_loss.path().join("default.realm");
    let is_new = has_a_key(&after, &format!("{state}, and the power was cut"));
    assert!(is_new || changed.is_err(), "{state}: it was changed");
    let is_new = has_a_key(&path, &state);
    assert!(is_new || changed.is_err(), "{state}: it was changed");
    rekey(&path, None, Some(&key(1))).unwrap_or_else(|error| panic!("{state}: {error}"));
    assert!(
        has_a_key(&path, &state),
        "{state}: it is changed by the next attempt"
    );
    fs::remove_dir_all(folder).unwrap();
    seen
}

#[test]
fn leaves_one_key_or_the_other_and_every_row() {
    const TEST: &str = "failing_rekey::leaves_one_key_or_the_other_and_every_row";
    let Some(path) = other_part(TEST) else {
        let recorded = record(TEST, &BTreeMap::new(), None);
        let said = recorded
            .events
            .iter()
            .rev()
            .find_map(|event| event.said()?.parse().ok());
        assert!(
            said.is_some_and(|changes: usize| changes > 60),
            "{said:?} changes"
        );
        return;
    };
    hurry();
    let files = without_a_key();
    let folder = |number: usize| path.with_file_name(number.to_string());
    let mut changes = 0;
    for (kind, error) in ERRORS {
        let all = change(&files, 0, kind, Times::Once, error, &folder(0));
        let step = all.div_ceil(CALLS).max(1);
        for number in (1..=all).filter(|number| number % step == 0) {
            for times in [Times::Once, Times::FromThenOn] {
                changes += 1;
                change(&files, number, kind, times, error, &folder(changes));
            }
        }
    }
    say(&changes.to_string());
}
