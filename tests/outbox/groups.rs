//! Group commit: threads that append at the same time share commits, and only commits.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Barrier;
use std::thread;

use realm_ingest::outbox::{Cap, Error, Options, Outbox};
use rusqlite::Connection;

use crate::common::{
    Folder, append, commit_ends, noise, numbered, open, open_with, payload, rows, schema, settle,
};

const THREADS: u64 = 16;
const WRITES: u64 = 40;

/// How many commits there were, as the log tells until it is emptied.
fn commits(folder: &Folder) -> usize {
    commit_ends(&fs::read(folder.join("default.realm-wal")).unwrap()).len()
}

#[test]
fn threads_share_commits_and_every_write_is_there_once() {
    // So few that the log is not emptied meanwhile.
    const WRITES: u64 = 6;
    let folder = Folder::new();
    let outbox = open(&folder.path());
    schema(&outbox);
    let before = commits(&folder);
    // Nobody can commit until all have queued up or are about to.
    let blocker = Connection::open(folder.path()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Barrier::new(THREADS as usize + 1);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (outbox, start) = (&outbox, &start);
            scope.spawn(move || {
                start.wait();
                let mut last = 0;
                for write in 0..WRITES {
                    let seq = append(outbox, &small(thread * WRITES + write)).unwrap();
                    assert!(seq > last, "a thread's writes keep their order");
                    last = seq;
                }
            });
        }
        start.wait();
        blocker.execute_batch("ROLLBACK").unwrap();
    });
    let payloads: BTreeSet<_> = rows(&outbox).iter().map(payload).collect();
    assert_eq!(payloads, (0..THREADS * WRITES).map(small).collect());
    let commits = commits(&folder) - before;
    assert!(commits < (THREADS * WRITES / 2) as usize, "{commits} commits");
}

fn small(number: u64) -> Vec<u8> {
    format!("document {number}").into_bytes()
}

#[test]
fn one_thread_commits_each_write() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    schema(&outbox);
    let before = commits(&folder);
    for number in 1..=5 {
        append(&outbox, &small(number)).unwrap();
        assert_eq!(commits(&folder), before + number as usize);
    }
}

#[test]
fn a_row_that_fails_does_not_fail_the_others() {
    let folder = Folder::new();
    let outbox = open_with(
        &folder.path(),
        Options {
            cap: Cap {
                max_bytes: Some(400_000),
                ..Cap::default()
            },
            ..Options::default()
        },
    );
    schema(&outbox);
    // Nobody can commit until all have queued up or are about to.
    let blocker = Connection::open(folder.path()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let about_to = Barrier::new(9);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let (outbox, about_to) = (&outbox, &about_to);
                scope.spawn(move || {
                    let payload = noise(number, if number == 3 { 500_000 } else { 1_000 });
                    about_to.wait();
                    append(outbox, &payload)
                })
            })
            .collect();
        about_to.wait();
        blocker.execute_batch("ROLLBACK").unwrap();
        for (number, writer) in writers.into_iter().enumerate() {
            match writer.join().unwrap() {
                Ok(_) => assert_ne!(number, 3),
                Err(error) => {
                    assert_eq!(number, 3);
                    assert!(matches!(error, Error::CapReached { .. }), "{error:?}");
                }
            }
        }
    });
    assert_eq!(rows(&outbox).len(), 7);
}

#[test]
fn settling_takes_its_turn_among_writers() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    thread::scope(|scope| {
        for thread in 0..4 {
            let outbox = &outbox;
            scope.spawn(move || {
                for write in 0..WRITES {
                    append(outbox, &numbered(thread * WRITES + write)).unwrap();
                }
            });
        }
        let mut settled = 0;
        while settled < 4 * WRITES as i64 {
            match outbox.lease(settled, 100_000).unwrap() {
                Some(lease) => {
                    assert_eq!(lease.first_seq(), settled + 1);
                    settle(&outbox, lease.last_seq()).unwrap();
                    settled = lease.last_seq();
                }
                None => thread::yield_now(),
            }
        }
    });
    assert_eq!(rows(&outbox).len(), 0);
    assert_eq!(outbox.last_seq().unwrap(), 4 * WRITES as i64);
}
