//! Invariant 6: a full disk fails the write with a clear error and harms nothing already stored.
//! Two real ones: a file size limit, which every Unix process may set itself, and a small file
//! system where the system lets a process mount one for itself.

#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use realm_ingest::outbox::{Error, Outbox, Pending, SqliteOutbox};

use crate::common::{
    Folder, append, as_other_part, drain, noise, numbered, open, other_part, payload, rows, settle,
};

/// Fills the outbox; checks the error, and that a smaller write may still go through or fail alike.
fn fill(outbox: &SqliteOutbox) -> i64 {
    let mut stored = outbox.last_seq().unwrap();
    let error = loop {
        match append(outbox, &noise(stored as u64 + 1, 100_000)) {
            Ok(seq) => stored = seq,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::DiskFull { .. }), "{error:?}");
    assert!(
        error.to_string().contains(outbox.path().to_str().unwrap()),
        "{error}"
    );
    assert!(error.is_retryable());
    assert!(
        matches!(append(outbox, &noise(0, 2_000_000)), Err(Error::DiskFull { .. })),
        "it stays full"
    );
    assert_all_there(outbox, stored);
    stored
}

fn assert_all_there(outbox: &SqliteOutbox, stored: i64) {
    let rows = rows(outbox);
    assert_eq!(rows.last().unwrap().seq, stored);
    for row in &rows {
        assert_eq!(payload(row), noise(row.seq as u64, 100_000), "row {}", row.seq);
    }
}

#[test]
fn a_file_size_limit_harms_nothing_stored() {
    const TEST: &str = "full_disk::a_file_size_limit_harms_nothing_stored";
    if let Some(path) = other_part(TEST) {
        fill(&open(&path));
        return;
    }
    let folder = Folder::new();
    // In units of 512 bytes; the signal would end the process before it sees the error.
    let limited = "trap '' XFSZ; ulimit -f 6000; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap());
    as_other_part(&mut command, TEST, &folder.path());
    assert!(command.status().unwrap().success());

    let outbox = open(&folder.path());
    let stored = outbox.last_seq().unwrap();
    assert!(stored > 5, "{stored} rows");
    assert_all_there(&outbox, stored);
    assert_eq!(
        append(&outbox, &numbered(1)).unwrap(),
        stored + 1,
        "there is room again"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_file_system_works_again_when_there_is_space() {
    const TEST: &str = "full_disk::a_full_file_system_works_again_when_there_is_space";
    if let Some(path) = other_part(TEST) {
        return fill_a_small_disk(&path);
    }
    let folder = Folder::new();
    let mount = folder.join("small");
    fs::create_dir(&mount).unwrap();
    // A mount that only this process and its children see.
    let with_mount = |then: &str| {
        let script = format!("mount -t tmpfs -o size=8m none \"$MOUNT\" && {then}");
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-c", &script])
            .env("MOUNT", &mount);
        command
    };
    if !with_mount("true")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("not checked: this system lets no process mount a file system for itself");
        return;
    }
    let mut command = with_mount("exec \"$0\" \"$@\"");
    command.arg(std::env::current_exe().unwrap());
    as_other_part(&mut command, TEST, &mount.join("outbox"));
    assert!(command.status().unwrap().success());
}

#[cfg(target_os = "linux")]
fn fill_a_small_disk(path: &Path) {
    let filler = path.with_file_name("filler");
    fs::write(&filler, vec![1; 2_000_000]).unwrap();
    let outbox = open(path);
    let stored = fill(&outbox);
    assert!(stored > 5, "{stored} rows");
    fs::remove_file(&filler).unwrap();
    assert_eq!(
        append(&outbox, &noise(stored as u64 + 1, 100_000)).unwrap(),
        stored + 1,
        "there is space again"
    );

    // An outbox that filled the disk must be able to leave it: to the brim, in small steps.
    let stored = fill(&outbox);
    fill_up(&filler);
    assert!(
        fs::write(path.with_file_name("more"), [1; 5000]).is_err(),
        "the disk is full"
    );
    for row in rows(&outbox) {
        settle(&outbox, row.seq).unwrap();
    }
    outbox.compact().unwrap();
    fs::remove_file(&filler).unwrap();
    assert!(append(&outbox, &noise(stored as u64 + 1, 100_000)).unwrap() > stored);
    drain(&outbox);

    // The same after a restart, and with one large transaction.
    append(&outbox, &noise(0, 3_000_000)).unwrap();
    drop(outbox);
    let outbox = open(path);
    fill_up(&filler);
    drain(&outbox);
    outbox.compact().unwrap();
    assert_eq!(outbox.pending().unwrap(), Pending::default());
}

/// Takes what space is left, to the last block.
fn fill_up(filler: &Path) {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(filler)
        .unwrap();
    for size in [100_000, 4096, 512] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}
