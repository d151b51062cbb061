//! Sizes: of a transaction, and of what a lease holds in memory.

use std::path::Path;

use realm_ingest::outbox::{
    Durability, Error, MAX_TRANSACTION_BYTES, Options, Outbox, Run, WriteTransaction,
};

use crate::common::{Folder, append, noise, open, open_with, other_part, other_process, rows, schema};
#[cfg(target_os = "linux")]
use crate::disk::in_memory;

#[test]
fn a_transaction_over_the_limit_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    schema(&outbox);
    let before = (folder.bytes(), outbox.version().unwrap());
    let payload = vec![b'x'; MAX_TRANSACTION_BYTES as usize + 1];
    let error = append(&outbox, &payload).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { bytes, limit } if bytes == limit + 1),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    assert_eq!((folder.bytes(), outbox.version().unwrap()), before);
    assert_eq!(append(&outbox, &payload[1..]).unwrap(), 1);
    assert_eq!(rows(&outbox)[0].bytes, MAX_TRANSACTION_BYTES);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_follows_the_batch_and_not_the_backlog() {
    const TEST: &str = "limits::memory_follows_the_batch_and_not_the_backlog";
    if let Some(path) = other_part(TEST) {
        return lease_all(&path);
    }
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..64 {
        append(&outbox, &noise(number, 1 << 20)).unwrap();
    }
    drop(outbox);
    let status = other_process(TEST, &folder.path()).status().unwrap();
    assert!(status.success());
}

/// The most memory that this process has held, in KiB.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded_also_where_rows_are_small() {
    const TEST: &str = "limits::memory_is_bounded_also_where_rows_are_small";
    const ROWS: usize = 60_000;
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        let before = peak();
        let (mut after, mut found) = (0, 0);
        while let Some(lease) = outbox.lease(after, 64 << 20).unwrap() {
            assert_eq!(lease.first_seq(), after + 1);
            after = lease.last_seq();
            found += lease.rows.len();
        }
        assert_eq!(found, ROWS);
        let grown = peak() - before;
        assert!(grown < 16 * 1024, "{grown} KiB");
        return;
    }
    let folder = in_memory();
    let path = folder.path().join("default.realm");
    let relaxed = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    let outbox = open_with(&path, relaxed);
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    let transaction = WriteTransaction {
        schema: schema(&outbox),
        runs: &runs,
        payload: &noise(1, 30),
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..ROWS / 4).for_each(|_| assert!(outbox.append(&transaction).is_ok())));
        }
    });
    drop(outbox);
    assert!(other_process(TEST, &path).status().unwrap().success());
}

#[cfg(target_os = "linux")]
fn lease_all(path: &Path) {
    let outbox = open(path);
    let before = peak();
    let mut after = 0;
    let mut leases = 0;
    while let Some(lease) = outbox.lease(after, 1 << 20).unwrap() {
        after = lease.last_seq();
        leases += 1;
    }
    assert_eq!(leases, 64);
    let grown = peak() - before;
    assert!(grown < 12 * 1024, "{grown} KiB for batches of 1 MiB");
}
