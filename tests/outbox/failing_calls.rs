//! Any call that the system can fail, at any moment of an outbox's life, once or from then on: what returned is
//! there, what failed is not, nothing crashes, the error says what is wrong, and everything works again when the
//! fault has gone. Also when the power is cut before that. `docs/testing.md` says how to try all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use realm_ingest::outbox::{Error, Options, Outbox, SqliteOutbox};

use crate::calls::{self, Kind, Times, begin_record, heal, hurry};
use crate::common::{append, noise, open, other_part};
use crate::damage::change_a_bit_of;
use crate::disk::{Disk, Survives, in_memory, say};
use crate::recording::record;
use crate::told::{Promise, Told, content, try_append, try_settle};

/// About how many calls of a kind are made to fail in each life; all of them by hand.
const CALLS: &str = "REALM_INGEST_FAILING_CALLS";
const FEW_CALLS: usize = 8;

/// What the system says.
const ERRORS: [(Kind, i32); 19] = [
    (Kind::Write, libc::ENOSPC),
    (Kind::Write, libc::EIO),
    (Kind::Write, libc::EDQUOT),
    (Kind::Write, libc::EROFS),
    (Kind::Short, libc::ENOSPC),
    (Kind::Sync, libc::EIO),
    (Kind::Sync, libc::ENOSPC),
    (Kind::Open, libc::EMFILE),
    (Kind::Open, libc::ENFILE),
    (Kind::Open, libc::EROFS),
    (Kind::Open, libc::EACCES),
    (Kind::Read, libc::ENOMEM),
    (Kind::Read, libc::EIO),
    (Kind::Truncate, libc::EIO),
    (Kind::Rename, libc::EIO),
    (Kind::Link, libc::EPERM),
    (Kind::Unlink, libc::EIO),
    (Kind::Lock, libc::ENOLCK),
    (Kind::Map, libc::ENOMEM),
];

/// A life of an outbox: the files that it begins with, with what is in them, and what is done.
struct Life {
    files: BTreeMap<PathBuf, Vec<u8>>,
    told: Told,
    work: fn(&SqliteOutbox),
}

/// Attempts of these numbers are not in any file.
const NEW: u64 = 100_000;

/// Rows of all sizes come and go.
fn write_and_settle(outbox: &SqliteOutbox) {
    for attempt in NEW..NEW + 12 {
        try_append(outbox, attempt);
        if attempt % 4 == 0 {
            try_settle(outbox, 2);
        }
    }
}

/// Large ones, which empty the log.
fn write_much(outbox: &SqliteOutbox) {
    for attempt in NEW..NEW + 60 {
        // 20,000 bytes each.
        try_append(outbox, attempt * 4 + 3);
    }
    try_settle(outbox, 50);
    let _ = outbox.compact();
    try_append(outbox, NEW);
}

fn pack(outbox: &SqliteOutbox) {
    while let Ok(true) = outbox.tidy() {}
    try_settle(outbox, 100);
    try_append(outbox, NEW);
}

fn closed(attempts: impl Iterator<Item = u64>) -> Life {
    let folder = in_memory();
    let path = folder.path().join("default.realm");
    let outbox = open(&path);
    let mut told = Told::default();
    for attempt in attempts {
        let seq = append(&outbox, &content(attempt)).unwrap();
        told.stored.insert(seq, attempt);
    }
    drop(outbox);
    Life {
        files: BTreeMap::from([("default.realm".into(), fs::read(&path).unwrap())]),
        told,
        work: write_and_settle,
    }
}

/// A bit of the oldest row has changed, which is found when it is read.
fn damaged() -> Life {
    let folder = in_memory();
    let path = folder.path().join("default.realm");
    let outbox = open(&path);
    let mut told = Told::default();
    for attempt in 1..=30 {
        let seq = append(&outbox, &noise(attempt - 1, 2_000)).unwrap();
        if attempt > 1 {
            told.carried.insert(seq, noise(attempt - 1, 2_000));
        }
    }
    drop(outbox);
    change_a_bit_of(&path, 0);
    Life {
        files: BTreeMap::from([("default.realm".into(), fs::read(&path).unwrap())]),
        told,
        work: write_and_settle,
    }
}

/// As an application: it tries again, and goes without if it must.
fn open_if_possible(path: &Path, told: &mut BTreeSet<String>) -> Option<SqliteOutbox> {
    (0..2).find_map(|_| {
        let options = Options {
            lock_wait: Duration::from_millis(20),
            ..Options::default()
        };
        match SqliteOutbox::open(path, options) {
            Ok((outbox, _)) => Some(outbox),
            Err(error) => {
                told.insert(is_clear(&error, path));
                None
            }
        }
    })
}

/// Checks that an error names the outbox and says what is wrong with it; returns all that it says.
fn is_clear(error: &Error, path: &Path) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    assert!(text.contains(path.parent().unwrap().to_str().unwrap()), "{text}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    assert!(error.is_retryable(), "{text}");
    text.replace(path.to_str().unwrap(), "PATH")
}

/// Where a life ended before its time.
fn heal_all() {
    for (kind, _) in ERRORS {
        heal(kind);
    }
}

/// One life in which calls fail; returns how many of the kind there were until they ceased to.
fn live(life: &Life, number: usize, kind: Kind, times: Times, error: i32, folder: &Path) -> usize {
    let state = format!("{kind:?} {number} failed {times:?} with error {error}");
    let path = folder.join("default.realm");
    heal_all();
    fs::create_dir(folder).unwrap();
    for (name, bytes) in &life.files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    begin_record();
    calls::fail(kind, number, times, error);
    let mut said = BTreeSet::new();
    let outbox = open_if_possible(&path, &mut said);
    if let Some(outbox) = &outbox {
        (life.work)(outbox);
    }
    let seen = heal(kind);

    let mut told = life.told.clone();
    let events = calls::events();
    let mut disk = Disk::new(folder, &life.files, Survives::Nothing);
    let mut seen_by_others = Disk::new(folder, &life.files, Survives::All);
    for event in &events {
        disk.apply(event);
        seen_by_others.apply(event);
        told.hear(event);
    }
    let after_loss = in_memory();
    disk.lose_power(after_loss.path(), Survives::Nothing);
    let after_kill = in_memory();
    seen_by_others.lose_power(after_kill.path(), Survives::All);
    let path_then = after_kill.path().join("default.realm");
    told.holds(
        &path_then,
        Promise::Everything,
        &format!("{state}, and the process was killed"),
    );

    // Nothing fails any more.
    let outbox = outbox.unwrap_or_else(|| open_if_possible(&path, &mut said).expect(&state));
    told.is_in(&outbox, Promise::Everything, &state);
    try_append(&outbox, NEW * 2);
    calls::events().iter().for_each(|event| told.hear(event));
    let last = calls::events()
        .iter()
        .rev()
        .find_map(|event| event.said().map(str::to_owned));
    assert!(
        last.as_ref().is_some_and(|said| said.starts_with("stored")),
        "{state}: it does not work again: {last:?}"
    );
    drop(outbox);
    told.holds(&path, Promise::Everything, &state);

    told.stored.retain(|_, attempt| *attempt != NEW * 2);
    if kind == Kind::Sync && times == Times::FromThenOn {
        // A write whose sync failed may come back where nothing could be synced after it either.
        told.failed.clear();
    }
    // A folder that may not be opened is not synced, which is passed over: it may be closed to the application.
    if kind != Kind::Open || ![libc::EROFS, libc::EACCES].contains(&error) {
        let path = after_loss.path().join("default.realm");
        told.holds(
            &path,
            Promise::Everything,
            &format!("{state}, and the power was cut"),
        );
    }
    for text in said {
        println!("##{kind:?} {error}: {text}");
    }
    fs::remove_dir_all(folder).unwrap();
    seen
}

/// Each call of a life in its turn, or some of them; returns how many lives there were.
fn sweep(life: &Life, folder: &Path) -> usize {
    hurry();
    let wanted = std::env::var(CALLS).map_or(FEW_CALLS, |text| text.parse().unwrap());
    let (mut lives, mut faults) = (0, 0);
    for (kind, error) in ERRORS {
        let all = live(life, 0, kind, Times::Once, error, &folder.join("none"));
        let step = all.div_ceil(wanted).max(1);
        // The first ones all: they are those of opening.
        for number in (1..=all).filter(|number| *number <= 4 || number % step == 0) {
            for times in [Times::Once, Times::FromThenOn] {
                if kind == Kind::Lock && times == Times::FromThenOn {
                    // SQLite takes it for somebody's lock, and waits for ten seconds a call.
                    continue;
                }
                lives += 1;
                let folder = folder.join(lives.to_string());
                // Each is told of by itself.
                let lived = std::panic::catch_unwind(|| live(life, number, kind, times, error, &folder));
                faults += usize::from(lived.is_err());
            }
        }
    }
    assert_eq!(faults, 0, "of {lives} lives");
    lives
}

/// Sweeps in a process of its own that is watched.
fn swept(test: &str, life: impl Fn() -> Life) {
    if let Some(path) = other_part(test) {
        let lives = sweep(&life(), path.parent().unwrap());
        return say(&format!("lives {lives}"));
    }
    let recorded = record(test, &BTreeMap::new(), None);
    let lives = recorded
        .events
        .iter()
        .rev()
        .find_map(|event| event.said()?.strip_prefix("lives ")?.parse().ok());
    assert!(lives.is_some_and(|lives: usize| lives > 100), "{lives:?} lives");
}

#[test]
fn of_a_new_outbox() {
    swept("failing_calls::of_a_new_outbox", || Life {
        files: BTreeMap::new(),
        told: Told::default(),
        work: write_and_settle,
    });
}

#[test]
fn of_an_outbox_with_a_backlog() {
    swept("failing_calls::of_an_outbox_with_a_backlog", || closed(1..=40));
}

#[test]
fn of_an_outbox_that_fills_and_gives_space_back() {
    swept(
        "failing_calls::of_an_outbox_that_fills_and_gives_space_back",
        || Life {
            work: write_much,
            ..closed(1..=4)
        },
    );
}

#[test]
fn of_an_outbox_that_packs_rows() {
    swept("failing_calls::of_an_outbox_that_packs_rows", || Life {
        work: pack,
        ..closed((1..=600).map(|number| number * 4))
    });
}

#[test]
fn of_a_damaged_outbox() {
    swept("failing_calls::of_a_damaged_outbox", damaged);
}
