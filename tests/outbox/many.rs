//! Thousands of outboxes in one process: what each of them takes, and what happens when there is no more.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "limits of a process have no safe form")]

use std::fs;
use std::path::Path;

use realm_ingest::outbox::{Error, Options, Outbox, SqliteOutbox};

use crate::common::{append, numbered, other_part, other_process, rows, settle};
use crate::disk::in_memory;

/// Sets how many files this process may have open; returns what the system allows instead, if that is less.
fn limit_files(wanted: u64) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is written to.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    limit.rlim_cur = wanted.min(limit.rlim_max);
    // SAFETY: the structure is read.
    assert_eq!(
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) },
        0
    );
    limit.rlim_cur
}

fn open_files() -> u64 {
    fs::read_dir("/proc/self/fd").unwrap().count() as u64
}

/// What the process holds of the machine's memory, in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn in_a_process_of_its_own(test: &str) {
    let folder = in_memory();
    let status = other_process(test, &folder.path().join("0.realm")).status();
    assert!(status.unwrap().success());
}

fn open_numbered(path: &Path, number: u64) -> Result<SqliteOutbox, Error> {
    let path = path.with_file_name(format!("{number}.realm"));
    SqliteOutbox::open(path, Options::default()).map(|(outbox, _)| outbox)
}

/// Writes, reads and removes.
fn use_all_of_it(outbox: &SqliteOutbox, number: u64) {
    append(outbox, &numbered(number)).unwrap();
    append(outbox, &numbered(number + 1)).unwrap();
    let lease = outbox.lease(0, 1 << 20).unwrap().unwrap();
    settle(outbox, lease.first_seq()).unwrap();
    assert_eq!(rows(outbox).len(), 1);
}

/// An outbox that is in use has its database and its log open twice, to write and to read meanwhile, and the index of
/// the log; one that drains has a lock as well.
const FILES: u64 = 6;

/// Of memory, in KiB.
const MEMORY: u64 = 384;

#[test]
fn each_of_a_thousand_outboxes_takes_little() {
    const TEST: &str = "many::each_of_a_thousand_outboxes_takes_little";
    const OUTBOXES: u64 = 1_000;
    let Some(path) = other_part(TEST) else {
        return in_a_process_of_its_own(TEST);
    };
    let allowed = limit_files(OUTBOXES * FILES + 100);
    assert!(
        allowed > OUTBOXES * FILES,
        "this system lets a process have {allowed} files open"
    );
    // What is made once for all.
    let first = open_numbered(&path, 0).unwrap();
    use_all_of_it(&first, 0);
    let (files, used) = (open_files(), memory());
    let outboxes: Vec<SqliteOutbox> = (1..=OUTBOXES)
        .map(|number| open_numbered(&path, number).unwrap())
        .collect();
    let mut rights = Vec::new();
    for (number, outbox) in (1..).zip(&outboxes) {
        rights.push(outbox.try_become_uploader().unwrap().unwrap());
        use_all_of_it(outbox, number);
    }
    let (files, used) = (open_files() - files, memory() - used);
    println!(
        "each takes {} files, {} KiB",
        files as f64 / OUTBOXES as f64,
        used / OUTBOXES
    );
    assert!(files <= OUTBOXES * FILES, "{files} files");
    assert!(used <= OUTBOXES * MEMORY, "{used} KiB");
}

#[test]
fn where_no_more_files_may_be_open_that_is_said_and_the_others_go_on() {
    const TEST: &str = "many::where_no_more_files_may_be_open_that_is_said_and_the_others_go_on";
    let Some(path) = other_part(TEST) else {
        return in_a_process_of_its_own(TEST);
    };
    limit_files(open_files() + 10 * FILES);
    let mut outboxes = Vec::new();
    let error = loop {
        match open_numbered(&path, outboxes.len() as u64) {
            Ok(outbox) => outboxes.push(outbox),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::TooManyOpenFiles { .. }), "{error:?}");
    assert!(error.to_string().contains("ulimit -n"), "{error}");
    assert!(error.is_retryable());
    assert!(outboxes.len() >= 8);
    for (number, outbox) in (0..).zip(&outboxes) {
        use_all_of_it(outbox, number);
    }
    let number = outboxes.len() as u64;
    outboxes.truncate(5);
    use_all_of_it(&open_numbered(&path, number).unwrap(), number);
}
