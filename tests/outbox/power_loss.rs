//! Invariants 1 and 2 when the power is cut: whatever part of what was not synced is lost, every
//! append that had returned is there, whole. What a process writes is recorded, and the outbox is
//! opened in the states that a disk may be in at any moment of it.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use realm_ingest::outbox::{Options, Outbox, SqliteOutbox};

use crate::common::{append, open, other_part, payload, rows_with_gaps};
use crate::disk::{Disk, Recorded, Survives, in_memory, say};
use crate::recording::record;
use crate::told::{Told, content, try_append, try_settle};

/// Says which sync fails.
pub const SYNC: &str = "UNRELIABLE_SYNC";

/// Opens the outbox in states from all over the recording, at every so many events and wherever the process
/// said something; returns in how many.
fn judge(recorded: &Recorded, kept_on_failure: Survives, every: usize, states: &[Survives]) -> usize {
    judge_from(
        recorded,
        &BTreeMap::new(),
        Told::default(),
        kept_on_failure,
        every,
        states,
    )
}

fn judge_from(
    recorded: &Recorded,
    files: &BTreeMap<PathBuf, Vec<u8>>,
    mut told: Told,
    kept_on_failure: Survives,
    every: usize,
    states: &[Survives],
) -> usize {
    let mut disk = Disk::new(&recorded.folder, files, kept_on_failure);
    let mut judged = 0;
    for (index, event) in recorded.events.iter().enumerate() {
        disk.apply(event);
        told.hear(event);
        if index % every != 0 && event.said().is_none() {
            continue;
        }
        for survives in states {
            let survives = match survives {
                Survives::Some(seed) => Survives::Some(seed + index as u64),
                survives => *survives,
            };
            let folder = in_memory();
            disk.lose_power(folder.path(), survives);
            let state = format!("after event {index}, {survives:?} of what was not synced");
            told.check(&folder.path().join("default.realm"), &state);
            judged += 1;
        }
    }
    assert!(told.stored.len() > 10, "most of it went well");
    judged
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_that_had_returned() {
    const TEST: &str = "power_loss::a_power_cut_at_any_moment_loses_nothing_that_had_returned";
    if let Some(path) = other_part(TEST) {
        return write_and_drain(&path);
    }
    let recorded = record(TEST, &BTreeMap::new(), None);
    let states = [
        Survives::Nothing,
        Survives::All,
        Survives::Some(1),
        Survives::Some(2),
    ];
    let judged = judge(&recorded, Survives::All, 4, &states);
    assert!(judged > 500, "{judged}");
}

pub fn write_and_drain(path: &Path) {
    for part in 0..2 {
        let outbox = open(path);
        for attempt in 1..=40 {
            try_append(&outbox, part * 100 + attempt);
            if attempt % 4 == 0 {
                try_settle(&outbox, 3);
            }
        }
        outbox.compact().unwrap();
    }
}

#[test]
fn a_power_cut_while_rows_are_packed_loses_none() {
    const TEST: &str = "power_loss::a_power_cut_while_rows_are_packed_loses_none";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        while outbox.tidy().unwrap() {}
        try_append(&outbox, 1);
        try_settle(&outbox, 100);
        try_append(&outbox, 2);
        return;
    }
    let folder = in_memory();
    let path = folder.path().join("default.realm");
    let outbox = open(&path);
    let mut told = Told::default();
    for attempt in (1..=700).map(|number| number * 4) {
        told.stored
            .insert(append(&outbox, &content(attempt)).unwrap(), attempt);
    }
    drop(outbox);
    let files = BTreeMap::from([("default.realm".into(), fs::read(&path).unwrap())]);
    let recorded = record(TEST, &files, None);
    let states = [Survives::Nothing, Survives::All, Survives::Some(1)];
    let judged = judge_from(&recorded, &files, told, Survives::All, 3, &states);
    assert!(judged > 50, "{judged}");
}

#[test]
fn a_failed_sync_and_a_power_cut_lose_nothing_that_had_returned() {
    const TEST: &str = "power_loss::a_failed_sync_and_a_power_cut_lose_nothing_that_had_returned";
    if let Some(path) = other_part(TEST) {
        return write_on_after_failures(&path);
    }
    let mut failures = 0;
    // Syncs of the log, by commits; of either file, when the log is emptied.
    let of_log = (2..=12).map(|number| format!("{number} -wal"));
    let of_database = (2..=4).map(|number| format!("{number} .realm"));
    for failing in of_log.chain(of_database) {
        let recorded = record(TEST, &BTreeMap::new(), Some((SYNC, &failing)));
        failures += recorded.events.iter().filter(|event| event.is_failure()).count();
        for kept in [Survives::Nothing, Survives::Some(7), Survives::All] {
            judge(
                &recorded,
                kept,
                usize::MAX,
                &[Survives::Nothing, Survives::Some(3)],
            );
        }
    }
    assert_eq!(failures, 14, "each of them met a failed sync");
}

#[test]
fn a_failed_sync_that_ended_the_process_and_a_power_cut_lose_nothing_that_had_returned() {
    const TEST: &str =
        "power_loss::a_failed_sync_that_ended_the_process_and_a_power_cut_lose_nothing_that_had_returned";
    if let Some(path) = other_part(TEST) {
        return start_over_after_a_failure(&path);
    }
    for failing in (6..=12).map(|number| format!("{number} -wal")) {
        let recorded = record(TEST, &BTreeMap::new(), Some((SYNC, &failing)));
        judge(&recorded, Survives::Nothing, usize::MAX, &[Survives::Nothing]);
    }
}

/// The process that goes on knows nothing of the failure.
fn start_over_after_a_failure(path: &Path) {
    const FROM: &str = "REALM_INGEST_TEST_FROM";
    let from = std::env::var(FROM).map_or(1, |from| from.parse().unwrap());
    let outbox = open(path);
    let _ = outbox.register_schema("0123456789abcdef", "{\"classes\":[]}");
    for attempt in from..=30 {
        let stored = try_append(&outbox, attempt);
        let settled = attempt % 3 != 2 || try_settle(&outbox, 1);
        if from == 1 && !(stored && settled) {
            let mut again = std::process::Command::new(std::env::current_exe().unwrap());
            again.args(std::env::args_os().skip(1)).env_remove(SYNC);
            let error = again.env(FROM, (attempt + 1).to_string()).exec();
            panic!("{error}");
        }
    }
}

pub fn write_on_after_failures(path: &Path) {
    // Where the failure hits the opening, the application tries again.
    let opened = (0..2).find_map(|_| SqliteOutbox::open(path, Options::default()).ok());
    let (outbox, _) = opened.unwrap();
    let _ = outbox.register_schema("0123456789abcdef", "{\"classes\":[]}");
    for attempt in 1..=30 {
        try_append(&outbox, attempt);
        if attempt % 3 == 2 {
            try_settle(&outbox, 1);
        }
    }
}

#[test]
fn a_group_that_met_a_failed_sync_is_not_tried_again_behind_it() {
    const TEST: &str = "power_loss::a_group_that_met_a_failed_sync_is_not_tried_again_behind_it";
    if let Some(path) = other_part(TEST) {
        return write_in_groups(&path);
    }
    for failing in (8..=14).map(|number| format!("{number} -wal")) {
        let recorded = record(TEST, &BTreeMap::new(), Some((SYNC, &failing)));
        judge(&recorded, Survives::Nothing, usize::MAX, &[Survives::Nothing]);
    }
}

/// Rows leave, without a sync, and threads whose rows share commits come after them.
pub fn write_in_groups(path: &Path) {
    let outbox = open(path);
    outbox
        .register_schema("0123456789abcdef", "{\"classes\":[]}")
        .unwrap();
    for round in 1..=6 {
        try_append(&outbox, round * 100);
        try_settle(&outbox, 1);
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let outbox = &outbox;
                scope.spawn(move || {
                    for attempt in 1..=3 {
                        try_append(outbox, round * 100 + thread * 10 + attempt);
                    }
                });
            }
        });
    }
}

#[test]
fn a_power_cut_during_a_recovery_loses_nothing_more() {
    const TEST: &str = "power_loss::a_power_cut_during_a_recovery_loses_nothing_more";
    if let Some(path) = other_part(TEST) {
        let found = rows_with_gaps(&open(&path));
        assert_eq!(found.len(), 29, "it recovered");
        return;
    }
    let files = with_a_damaged_row();
    let recorded = record(TEST, &files, None);
    let mut disk = Disk::new(&recorded.folder, &files, Survives::All);
    for (index, event) in recorded.events.iter().enumerate() {
        disk.apply(event);
        // Steps of the exchange all, writes in samples.
        if event.is_write() && index % 4 != 0 {
            continue;
        }
        for survives in [Survives::Nothing, Survives::All, Survives::Some(index as u64)] {
            let folder = in_memory();
            disk.lose_power(folder.path(), survives);
            let (outbox, _) =
                SqliteOutbox::open(folder.path().join("default.realm"), Options::default()).unwrap();
            let found: Vec<u64> = rows_with_gaps(&outbox)
                .iter()
                .map(|row| {
                    assert_eq!(payload(row), content(row.seq as u64));
                    row.seq as u64
                })
                .collect();
            let readable: Vec<u64> = (1..=30).filter(|seq| *seq != DAMAGED).collect();
            assert_eq!(
                found, readable,
                "after event {index}, {survives:?} of what was not synced"
            );
        }
    }
}

pub const DAMAGED: u64 = 6;

/// Thirty rows, some of them in the log alone; one bit of one of the others has changed.
pub fn with_a_damaged_row() -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = in_memory();
    let path = folder.path().join("default.realm");
    for part in [1..=15, 16..=30] {
        let outbox = open(&path);
        for number in part {
            append(&outbox, &content(number)).unwrap();
        }
        if outbox.last_seq().unwrap() == 30 {
            let file = |name: &str| (PathBuf::from(name), fs::read(folder.path().join(name)).unwrap());
            let mut files = BTreeMap::from(["default.realm", "default.realm-wal"].map(file));
            let database = files.get_mut(Path::new("default.realm")).unwrap();
            let wanted = &content(DAMAGED)[..64];
            let at = database.windows(64).position(|bytes| bytes == wanted).unwrap();
            database[at] ^= 1;
            return files;
        }
    }
    unreachable!("the second part ends with row 30");
}

#[test]
fn a_folder_that_was_made_outlasts_a_power_cut() {
    const TEST: &str = "power_loss::a_folder_that_was_made_outlasts_a_power_cut";
    if let Some(path) = other_part(TEST) {
        let folder = path.with_file_name("app").join("user/app_id");
        realm_ingest_durable::create_dir_all(&folder).unwrap();
        return say("made");
    }
    let recorded = record(TEST, &BTreeMap::new(), None);
    let mut disk = Disk::new(&recorded.folder, &BTreeMap::new(), Survives::All);
    recorded.events.iter().for_each(|event| disk.apply(event));
    for folder in ["app", "app/user", "app/user/app_id"] {
        assert!(disk.keeps(&recorded.folder.join(folder)), "{folder}");
    }
}

#[test]
fn a_file_that_was_replaced_is_the_former_or_the_new_one() {
    const TEST: &str = "power_loss::a_file_that_was_replaced_is_the_former_or_the_new_one";
    const NAME: &str = "users.json";
    if let Some(path) = other_part(TEST) {
        for content in ["first", "second"] {
            realm_ingest_durable::replace(&path.with_file_name(NAME), content.as_bytes(), true).unwrap();
            say(content);
        }
        return;
    }
    let recorded = record(TEST, &BTreeMap::new(), None);
    let mut disk = Disk::new(&recorded.folder, &BTreeMap::new(), Survives::All);
    let mut allowed: Vec<Option<&str>> = vec![None, Some("first")];
    for (index, event) in recorded.events.iter().enumerate() {
        disk.apply(event);
        match event.said() {
            Some("first") => allowed = vec![Some("first"), Some("second")],
            Some(_) => allowed = vec![Some("second")],
            None => {}
        }
        for survives in [
            Survives::Nothing,
            Survives::All,
            Survives::Some(1),
            Survives::Some(2),
        ] {
            let folder = in_memory();
            disk.lose_power(folder.path(), survives);
            let found = fs::read_to_string(folder.path().join(NAME)).ok();
            assert!(
                allowed.contains(&found.as_deref()),
                "{found:?} after event {index}, {survives:?} of what was not synced"
            );
        }
    }
    assert_eq!(allowed, [Some("second")]);
}
