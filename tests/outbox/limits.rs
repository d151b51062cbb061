//! Sizes: of a transaction, and of what a lease holds in memory.

use std::path::Path;

use realm_ingest::outbox::{Error, MAX_TRANSACTION_BYTES, Outbox};

use crate::common::{Folder, append, noise, open, other_part, other_process, rows, schema};

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

#[cfg(target_os = "linux")]
fn lease_all(path: &Path) {
    let peak = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
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
