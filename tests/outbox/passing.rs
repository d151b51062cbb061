//! Invariant 6 where a recovery meets an error that passes, such as a lack of memory or of file descriptors: it
//! is given up, the file stays as it was, and the next attempt finds all there is.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use realm_ingest::outbox::{Options, Recovered, SqliteOutbox};

use crate::common::{open, other_part};
use crate::damage::{are_left, damaged, place_of};
use crate::disk::Event;
use crate::recording::record;

/// Runs `test` as another process again and again, each time with the next call of a kind failing, until none
/// is left to fail. Each has to leave all rows of the damaged file.
fn with_each_failing(test: &str, kind: &str) {
    let files = without_its_facts();
    for number in 1.. {
        let recorded = record(test, &files, Some((kind, &format!("{number} .realm"))));
        are_left(&open(&recorded.folder.join("default.realm")), 0);
        if !recorded.events.iter().any(Event::is_failure) {
            assert!(number > 5, "only {number} calls");
            return;
        }
    }
}

/// As an application that tries again.
fn open_in_the_end(path: &Path) -> (SqliteOutbox, Option<Recovered>) {
    (0..3)
        .find_map(|_| SqliteOutbox::open(path, Options::default()).ok())
        .expect("one call fails, not three")
}

/// A file in which damage is found when it is opened.
fn without_its_facts() -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = damaged(|path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.execute_batch("DROP TABLE meta").unwrap();
    });
    BTreeMap::from([("default.realm".into(), fs::read(folder.path()).unwrap())])
}

#[test]
fn a_read_that_fails_once_during_a_recovery_costs_no_row() {
    const TEST: &str = "passing::a_read_that_fails_once_during_a_recovery_costs_no_row";
    match other_part(TEST) {
        Some(path) => drop(open_in_the_end(&path)),
        None => with_each_failing(TEST, "UNRELIABLE_READ"),
    }
}

#[test]
fn a_sector_that_cannot_be_read_once_during_a_recovery_costs_no_row() {
    const TEST: &str = "passing::a_sector_that_cannot_be_read_once_during_a_recovery_costs_no_row";
    match other_part(TEST) {
        Some(path) => drop(open_in_the_end(&path)),
        None => with_each_failing(TEST, "UNRELIABLE_DISK"),
    }
}

#[test]
fn a_sector_that_can_never_be_read_costs_what_is_in_it_alone() {
    const TEST: &str = "passing::a_sector_that_can_never_be_read_costs_what_is_in_it_alone";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        are_left(&outbox, 1);
        return;
    }
    let folder = damaged(|_| {});
    // A row of 2,000 bytes is on two pages at most, which no other one shares with it.
    let sector = place_of(&folder.path(), 20);
    let files = BTreeMap::from([("default.realm".into(), fs::read(folder.path()).unwrap())]);
    let recorded = record(
        TEST,
        &files,
        Some(("UNRELIABLE_SECTOR", &format!("{sector} .realm"))),
    );
    are_left(&open(&recorded.folder.join("default.realm")), 1);
}

#[test]
fn a_damaged_file_that_could_not_be_opened_once_keeps_its_rows() {
    const TEST: &str = "passing::a_damaged_file_that_could_not_be_opened_once_keeps_its_rows";
    match other_part(TEST) {
        Some(path) => drop(open_in_the_end(&path)),
        None => with_each_failing(TEST, "UNRELIABLE_OPEN"),
    }
}

#[test]
fn a_recovery_is_told_by_the_call_that_opens_the_outbox_in_the_end() {
    const TEST: &str = "passing::a_recovery_is_told_by_the_call_that_opens_the_outbox_in_the_end";
    match other_part(TEST) {
        Some(path) => assert!(open_in_the_end(&path).1.is_some()),
        None => with_each_failing(TEST, "UNRELIABLE_OPEN"),
    }
}
