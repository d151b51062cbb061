//! Invariants 1, 2 and 6 when the power is cut, by chance: lives of an outbox are recorded, and the files are
//! opened in thousands of states that a disk may be in at any moment of them, with any sectors of what was not
//! synced, in any order, some torn. `docs/testing.md` says how to try more of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use realm_ingest::outbox::{Durability, Options, Outbox};

use crate::common::{append, noise, open, open_with, other_part, payload, rows_with_gaps, settle};
use crate::disk::{Chance, Disk, Event, Place, Recorded, Survives, in_memory, say};
use crate::power_loss::{
    DAMAGED, SYNC, with_a_damaged_row, write_and_drain, write_in_groups, write_on_after_failures,
};
use crate::recording::{record, recorded_on};
use crate::told::{Promise, Told, content, try_append, try_settle};
use crate::upgrade::format_1;

/// How many states of each life are tried; more of them by hand.
const STATES: &str = "REALM_INGEST_POWER_STATES";
const FEW_STATES: u64 = 600;

/// The number of the first state: what a failure names, to have that one again.
const SEED: &str = "REALM_INGEST_POWER_SEED";

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A number that the environment may set.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// What a life begins with, and what was recorded of it.
struct Life<'a> {
    files: &'a Files,
    recorded: &'a Recorded,
    told: Told,
    /// What is on the disk of what a failed sync should have put there.
    kept_on_failure: Survives,
}

impl Life<'_> {
    /// Gives states of the disk by chance, each in a folder and with what the process had been told by then.
    fn cut(&self, states: u64, check: impl Fn(&Path, &Told, &str)) {
        let events = &self.recorded.events;
        let first = setting(SEED, 1);
        let mut moments: Vec<(usize, u64)> = (first..first + states)
            .map(|seed| (Chance::new(!seed).below(events.len()), seed))
            .collect();
        moments.sort_unstable();
        let mut moments = moments.into_iter().peekable();
        let mut disk = Disk::new(&self.recorded.folder, self.files, self.kept_on_failure);
        let mut told = self.told.clone();
        for (index, event) in events.iter().enumerate() {
            disk.apply(event);
            told.hear(event);
            while let Some((_, seed)) = moments.next_if(|(moment, _)| *moment == index) {
                let folder = in_memory();
                disk.lose_power(folder.path(), Survives::Sectors(seed));
                let state = format!("after event {index} of {}, {SEED}={seed}", events.len());
                check(&folder.path().join("default.realm"), &told, &state);
            }
        }
    }
}

/// Records `test` and tries states of it.
fn survives(test: &str, files: &Files, told: Told, promise: Promise) {
    let recorded = record(test, files, None);
    let life = Life {
        files,
        recorded: &recorded,
        told,
        kept_on_failure: Survives::All,
    };
    life.cut(setting(STATES, FEW_STATES), |path, told, state| {
        assert_eq!(told.holds(path, promise, state), None, "{state}");
    });
    let mut told = life.told;
    recorded.events.iter().for_each(|event| told.hear(event));
    assert!(told.stored.len() > 10, "most of it went well");
}

/// A closed outbox with these attempts, and what its process was told.
fn with_attempts(attempts: impl Iterator<Item = u64>) -> (Files, Told) {
    let folder = in_memory();
    let path = folder.path().join("default.realm");
    let outbox = open(&path);
    let mut told = Told::default();
    for attempt in attempts {
        let seq = append(&outbox, &content(attempt)).unwrap();
        told.stored.insert(seq, attempt);
    }
    drop(outbox);
    (
        Files::from([("default.realm".into(), fs::read(&path).unwrap())]),
        told,
    )
}

#[test]
fn of_rows_that_are_written_and_settled() {
    const TEST: &str = "power_states::of_rows_that_are_written_and_settled";
    match other_part(TEST) {
        Some(path) => write_and_drain(&path),
        None => survives(TEST, &Files::new(), Told::default(), Promise::Everything),
    }
}

#[test]
fn of_rows_that_threads_write_together() {
    const TEST: &str = "power_states::of_rows_that_threads_write_together";
    match other_part(TEST) {
        Some(path) => write_in_groups(&path),
        None => survives(TEST, &Files::new(), Told::default(), Promise::Everything),
    }
}

#[test]
fn of_rows_that_are_written_with_relaxed_durability() {
    const TEST: &str = "power_states::of_rows_that_are_written_with_relaxed_durability";
    let Some(path) = other_part(TEST) else {
        return survives(TEST, &Files::new(), Told::default(), Promise::WhatWasLeased);
    };
    let relaxed = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    let outbox = open_with(&path, relaxed);
    for attempt in 1..=120 {
        try_append(&outbox, attempt);
        if attempt % 10 == 0 {
            try_settle(&outbox, 4);
        }
    }
}

#[test]
fn of_rows_that_are_packed() {
    const TEST: &str = "power_states::of_rows_that_are_packed";
    let Some(path) = other_part(TEST) else {
        // Small ones all.
        let (files, told) = with_attempts((1..=800).map(|number| number * 4));
        return survives(TEST, &files, told, Promise::Everything);
    };
    let outbox = open(&path);
    while outbox.tidy().unwrap() {
        // In the middle of a pack.
        try_settle(&outbox, 100);
        try_append(&outbox, 100_000 + outbox.last_seq().unwrap() as u64);
    }
}

#[test]
fn of_a_file_that_gives_space_back() {
    const TEST: &str = "power_states::of_a_file_that_gives_space_back";
    let Some(path) = other_part(TEST) else {
        let (files, told) = with_attempts((1..=120).map(|number| number * 4 + 3));
        return survives(TEST, &files, told, Promise::Everything);
    };
    let outbox = open(&path);
    for attempt in [2, 6, 10] {
        try_settle(&outbox, 40);
        outbox.compact().unwrap();
        try_append(&outbox, attempt);
    }
}

#[test]
fn of_a_file_of_format_1_that_is_upgraded() {
    const TEST: &str = "power_states::of_a_file_of_format_1_that_is_upgraded";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        for attempt in 8..=20 {
            try_append(&outbox, attempt);
        }
        return;
    }
    let files = Files::from([("default.realm".into(), fs::read(format_1().path()).unwrap())]);
    let recorded = record(TEST, &files, None);
    let life = Life {
        files: &files,
        recorded: &recorded,
        told: Told::default(),
        kept_on_failure: Survives::All,
    };
    life.cut(setting(STATES, FEW_STATES), |path, told, state| {
        assert_eq!(told.holds(path, Promise::Everything, state), None, "{state}");
        let former = rows_with_gaps(&open(path)).into_iter().filter(|row| row.seq <= 7);
        let former: Vec<_> = former.map(|row| (row.seq, payload(&row))).collect();
        let expected: Vec<_> = (3..=7).map(|seq| (seq, noise(seq as u64, 100))).collect();
        assert_eq!(former, expected, "{state}");
    });
}

#[test]
fn of_a_damaged_file_that_is_exchanged() {
    const TEST: &str = "power_states::of_a_damaged_file_that_is_exchanged";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        rows_with_gaps(&outbox);
        for attempt in 31..=40 {
            try_append(&outbox, attempt);
        }
        return;
    }
    let files = with_a_damaged_row();
    let mut told = Told::default();
    for seq in (1..=30).filter(|seq| *seq != DAMAGED) {
        told.stored.insert(seq as i64, seq);
    }
    let recorded = record(TEST, &files, None);
    let life = Life {
        files: &files,
        recorded: &recorded,
        told,
        kept_on_failure: Survives::All,
    };
    life.cut(setting(STATES, FEW_STATES), |path, told, state| {
        told.holds(path, Promise::Everything, state);
    });
}

#[test]
fn of_a_disk_whose_syncs_fail() {
    const TEST: &str = "power_states::of_a_disk_whose_syncs_fail";
    /// Syncs of the log and of the database, by their numbers.
    const FAILING: [&str; 10] = [
        "2 -wal", "3 -wal", "5 -wal", "8 -wal", "11 -wal", "14 -wal", "17 -wal", "2 .realm", "3 .realm",
        "4 .realm",
    ];
    if let Some(path) = other_part(TEST) {
        return write_on_after_failures(&path);
    }
    let states = setting(STATES, FEW_STATES) / 4;
    for failing in FAILING {
        let recorded = record(TEST, &Files::new(), Some((SYNC, failing)));
        assert!(recorded.events.iter().any(Event::is_failure), "{failing}");
        for kept_on_failure in [Survives::Nothing, Survives::Sectors(setting(SEED, 1))] {
            let life = Life {
                files: &Files::new(),
                recorded: &recorded,
                told: Told::default(),
                kept_on_failure,
            };
            life.cut(states / 2, |path, told, state| {
                let state = format!("{state}, sync {failing} failed and kept {kept_on_failure:?}");
                told.check(path, &state);
            });
        }
    }
}

#[test]
fn of_a_disk_that_loses_power_again_while_its_files_are_opened() {
    const TEST: &str = "power_states::of_a_disk_that_loses_power_again_while_its_files_are_opened";
    const SECOND: &str = "REALM_INGEST_TEST_SECOND";
    const FIRST_CUTS: u64 = 20;
    if let Some(path) = other_part(TEST) {
        if std::env::var_os(SECOND).is_none() {
            return write_and_drain(&path);
        }
        let outbox = open(&path);
        say("open");
        for attempt in 900..=910 {
            try_append(&outbox, attempt);
        }
        if let Some(lease) = outbox.lease(0, 1 << 10).unwrap() {
            say(&format!("settling {}", lease.last_seq()));
            settle(&outbox, lease.last_seq()).unwrap();
        }
        return;
    }
    let recorded = record(TEST, &Files::new(), None);
    let first = Life {
        files: &Files::new(),
        recorded: &recorded,
        told: Told::default(),
        kept_on_failure: Survives::All,
    };
    let states = setting(STATES, FEW_STATES).div_ceil(FIRST_CUTS);
    first.cut(FIRST_CUTS, |path, told, first_state| {
        let folder = fs::read_dir(path.parent().unwrap()).unwrap();
        let files: Files = folder
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into(), fs::read(entry.path()).unwrap()))
            .collect();
        let recorded = recorded_on(Place::new(&files), TEST, Some((SECOND, "1")));
        let second = Life {
            files: &files,
            recorded: &recorded,
            told: told.clone(),
            kept_on_failure: Survives::All,
        };
        second.cut(states, |path, told, state| {
            told.check(path, &format!("{state}, and before that {first_state}"));
        });
    });
}

#[test]
fn a_state_is_the_same_for_the_same_seed() {
    const TEST: &str = "power_states::a_state_is_the_same_for_the_same_seed";
    if let Some(path) = other_part(TEST) {
        return write_and_drain(&path);
    }
    let recorded = record(TEST, &Files::new(), None);
    let state = |events, seed| {
        let mut disk = Disk::new(&recorded.folder, &Files::new(), Survives::All);
        recorded
            .events
            .iter()
            .take(events)
            .for_each(|event| disk.apply(event));
        let folder = in_memory();
        disk.lose_power(folder.path(), Survives::Sectors(seed));
        fs::read(folder.path().join("default.realm")).ok()
    };
    // Some of these moments are right behind a sync, with nothing that could be lost.
    let mut moments = (20..200).step_by(20);
    assert!(
        moments
            .clone()
            .all(|events| (1..=5).all(|seed| state(events, seed) == state(events, seed)))
    );
    assert!(moments.any(|events| (1..=5).any(|seed| state(events, seed) != state(events, 0))));
}
