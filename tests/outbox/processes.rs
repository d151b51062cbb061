//! Invariant 5: several processes write one outbox, one uploader drains it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use realm_ingest::outbox::{Error, Options, Outbox, Owner, SqliteOutbox};

use crate::common::{
    Folder, append, drain, numbered, open, other_part, other_process, payload, rows, said, settle,
};

const WRITES: u64 = 120;

#[test]
fn processes_share_one_outbox() {
    const TEST: &str = "processes::processes_share_one_outbox";
    if let Some(path) = other_part(TEST) {
        return write_some(&path);
    }
    let folder = Folder::new();
    // Both may be the one that makes it.
    let writers: Vec<_> = (0..2)
        .map(|_| other_process(TEST, &folder.path()).spawn().unwrap())
        .collect();
    let mut numbers = Vec::new();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let given: Vec<i64> = text
            .lines()
            .filter_map(said)
            .map(|seq| seq.parse().unwrap())
            .collect();
        assert_eq!(given.len() as u64, WRITES);
        assert!(given.is_sorted(), "a writer's transactions keep their order");
        numbers.extend(given);
    }
    let distinct: BTreeSet<i64> = numbers.iter().copied().collect();
    assert_eq!(distinct, (1..=2 * WRITES as i64).collect(), "each number once");
    let outbox = open(&folder.path());
    let rows = rows(&outbox);
    assert_eq!(rows.len() as u64, 2 * WRITES);
    for number in 0..WRITES {
        let expected = numbered(number);
        assert_eq!(
            rows.iter().filter(|row| payload(row) == expected).count(),
            2,
            "payload {number}"
        );
    }
}

fn write_some(path: &Path) {
    let outbox = open(path);
    for number in 0..WRITES {
        println!("##{}", append(&outbox, &numbered(number)).unwrap());
    }
}

#[test]
fn one_process_drains_until_it_ends() {
    const TEST: &str = "processes::one_process_drains_until_it_ends";
    if let Some(path) = other_part(TEST) {
        return hold_the_right(&path);
    }
    let folder = Folder::new();
    let outbox = open(&folder.path());
    append(&outbox, b"document").unwrap();
    let mut uploader = other_process(TEST, &folder.path()).spawn().unwrap();
    let mut lines = BufReader::new(uploader.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    lines.find(|line| said(line) == Some("mine")).unwrap();
    assert!(outbox.try_become_uploader().unwrap().is_none());
    append(&outbox, b"others may still write").unwrap();
    uploader.kill().unwrap();
    uploader.wait().unwrap();
    let guard = outbox.try_become_uploader().unwrap();
    assert!(guard.is_some(), "the end of a process frees it, however it ended");
    drain(&outbox);
    drop(guard);
}

fn hold_the_right(path: &Path) {
    let outbox = open(path);
    let guard = outbox.try_become_uploader().unwrap();
    println!("##{}", if guard.is_some() { "mine" } else { "taken" });
    std::io::stdout().flush().unwrap();
    // Until the parent kills it or ends.
    let _ = std::io::stdin().lock().lines().next();
    drop(guard);
}

#[test]
fn a_file_that_stays_locked_is_an_error_and_stays_in_place() {
    // Invariant 6: what is only busy is not moved aside.
    let folder = Folder::new();
    let options = Options {
        lock_wait: std::time::Duration::from_millis(50),
        ..Options::default()
    };
    let (outbox, _) = SqliteOutbox::open(folder.path(), options.clone()).unwrap();
    append(&outbox, b"document").unwrap();
    let other = rusqlite::Connection::open(folder.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(append(&outbox, b"document"), Err(Error::Locked { .. })));
    assert!(matches!(settle(&outbox, 1), Err(Error::Locked { .. })));
    let again =
        SqliteOutbox::open(folder.path(), options).map(|(outbox, recovered)| (outbox.last_seq(), recovered));
    if let Ok((_, recovered)) = again {
        assert_eq!(recovered, None);
    }
    assert_eq!(
        outbox.lease(0, 100).unwrap().unwrap().rows.len(),
        1,
        "reading does not wait"
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(append(&outbox, b"document").unwrap(), 2);
    settle(&outbox, 1).unwrap();
    assert_eq!(rows(&outbox).len(), 1);
}

#[test]
fn of_two_that_find_no_owner_the_first_becomes_it() {
    let folder = Folder::new();
    let (one, other) = (open(&folder.path()), open(&folder.path()));
    let named = |user: &str| Owner {
        app: "app".to_owned(),
        user: user.to_owned(),
        principal: String::new(),
    };
    assert_eq!((one.owner().unwrap(), other.owner().unwrap()), (None, None));
    assert_eq!(one.set_first_owner(&named("anna")).unwrap(), named("anna"));
    assert_eq!(other.set_first_owner(&named("bert")).unwrap(), named("anna"));
    assert_eq!(other.owner().unwrap(), Some(named("anna")));
}
