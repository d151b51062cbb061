//! Invariant 5: a forked child cannot use the outbox of its parent, and harms nothing by trying.

#![cfg(unix)]
#![allow(unsafe_code, reason = "fork has no safe form")]

use std::io::{BufRead, BufReader, Write};
use std::sync::atomic::{AtomicU32, Ordering};

use realm_ingest::outbox::{
    Error, LossMark, Options, Outbox, Owner, Run, SchemaId, SqliteOutbox, WriteTransaction,
};

use crate::common::{Folder, append, numbered, open, other_part, other_process, payload, rows, said, schema};

/// The process that forked.
static PARENT: AtomicU32 = AtomicU32::new(0);

/// Runs `child` in a child of this process, which ends with it; waits for its end if asked.
fn fork(child: impl FnOnce(), wait: bool) {
    PARENT.store(std::process::id(), Ordering::Relaxed);
    // SAFETY: the child has this one thread; what others may have held at the fork it does not touch: the
    // thread that started the tests waits, and no other runs.
    match unsafe { libc::fork() } {
        -1 => panic!("no fork"),
        0 => {
            let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).is_err();
            // SAFETY: ends the process, without what the parent wants to run at its own end.
            unsafe { libc::_exit(i32::from(failed)) }
        }
        child if wait => {
            let mut status = 0;
            // SAFETY: the status is written to a number of this thread.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0, "the child failed");
        }
        _ => {}
    }
}

fn is_refused<T>(result: Result<T, Error>) {
    let Err(error) = result else {
        panic!("not refused");
    };
    assert!(matches!(error, Error::ForeignProcess { .. }), "{error:?}");
    assert!(!error.is_retryable());
    let parent = PARENT.load(Ordering::Relaxed).to_string();
    assert!(error.to_string().contains(&parent), "{error}");
}

/// As `append` of the tests, without registering the schema each time.
fn write(outbox: &SqliteOutbox, schema: SchemaId) -> Result<i64, Error> {
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    outbox.append(&WriteTransaction {
        schema,
        runs: &runs,
        payload: b"document",
    })
}

fn everything_is_refused(outbox: &SqliteOutbox, known: SchemaId, mark: LossMark) {
    let owner = Owner {
        app: String::new(),
        user: String::new(),
        principal: String::new(),
    };
    is_refused(write(outbox, known));
    is_refused(outbox.register_schema("aa", "{}"));
    is_refused(outbox.schema(known));
    is_refused(outbox.losses(mark, 100));
    is_refused(outbox.tidy());
    is_refused(outbox.lease(0, 100));
    is_refused(outbox.settle("", 100));
    is_refused(outbox.pending());
    is_refused(outbox.pending_through(1));
    is_refused(outbox.last_seq());
    is_refused(outbox.version());
    is_refused(outbox.compact());
    is_refused(outbox.origin());
    is_refused(outbox.renew_identity());
    is_refused(outbox.owner());
    is_refused(outbox.set_owner(&owner));
    is_refused(outbox.loss_mark());
    is_refused(outbox.dropped());
    is_refused(outbox.try_become_uploader());
}

#[test]
fn every_call_in_a_forked_child_is_refused_and_harms_nothing() {
    const TEST: &str = "fork::every_call_in_a_forked_child_is_refused_and_harms_nothing";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        for number in 1..=20 {
            append(&outbox, &numbered(number)).unwrap();
        }
        let (known, mark) = (schema(&outbox), outbox.loss_mark().unwrap());
        fork(
            || {
                everything_is_refused(&outbox, known, mark);
                is_refused(SqliteOutbox::open(&path, Options::default()));
                drop(outbox);
                is_refused(SqliteOutbox::open(&path, Options::default()));
            },
            true,
        );
        return;
    }
    let folder = Folder::new();
    let status = other_process(TEST, &folder.path()).status().unwrap();
    assert!(status.success());
    check(&folder, 20);
}

#[test]
fn a_parent_goes_on_after_a_fork() {
    const TEST: &str = "fork::a_parent_goes_on_after_a_fork";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        for number in 1..=60 {
            append(&outbox, &numbered(number)).unwrap();
            if number % 20 == 0 {
                // SAFETY: the child has a copy of the outbox, and ends without dropping it again.
                fork(|| drop(unsafe { std::ptr::read(&raw const outbox) }), true);
            }
        }
        // Like a process that is killed: what returned is there.
        // SAFETY: ends the process.
        unsafe { libc::_exit(0) }
    }
    let folder = Folder::new();
    let status = other_process(TEST, &folder.path()).status().unwrap();
    assert!(status.success());
    check(&folder, 60);
}

#[test]
fn a_parent_that_leaves_its_work_to_a_child_loses_nothing() {
    const TEST: &str = "fork::a_parent_that_leaves_its_work_to_a_child_loses_nothing";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        for number in 1..=20 {
            append(&outbox, &numbered(number)).unwrap();
        }
        let known = schema(&outbox);
        let right = outbox.try_become_uploader().unwrap();
        assert!(right.is_some());
        let childs = || {
            is_refused(write(&outbox, known));
            println!("##refused");
            std::io::stdout().flush().unwrap();
            // Lives until the test is done.
            let _ = std::io::stdin().lock().lines().next();
            is_refused(write(&outbox, known));
            println!("##still refused");
        };
        fork(childs, false);
        drop(right);
        return;
    }
    let folder = Folder::new();
    let mut process = other_process(TEST, &folder.path()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    lines.find(|line| said(line) == Some("refused")).unwrap();
    let input = process.stdin.take();
    assert!(process.wait().unwrap().success(), "the parent");
    check(&folder, 20);
    let outbox = open(&folder.path());
    let right = outbox.try_become_uploader().unwrap();
    assert!(right.is_some(), "the child does not keep the right to drain");
    append(&outbox, &numbered(21)).unwrap();
    drop(input);
    // The child has ended when nobody can write any more.
    assert_eq!(
        lines.filter(|line| said(line) == Some("still refused")).count(),
        1
    );
    append(&outbox, &numbered(22)).unwrap();
    drop(outbox);
    check(&folder, 22);
}

#[test]
fn a_child_of_a_process_that_has_closed_its_outboxes_can_open_them() {
    const TEST: &str = "fork::a_child_of_a_process_that_has_closed_its_outboxes_can_open_them";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        append(&outbox, &numbered(1)).unwrap();
        schema(&outbox);
        drop(outbox);
        let childs = || {
            append(&open(&path), &numbered(2)).unwrap();
        };
        fork(childs, true);
        append(&open(&path), &numbered(3)).unwrap();
        return;
    }
    let folder = Folder::new();
    assert!(other_process(TEST, &folder.path()).status().unwrap().success());
    check(&folder, 3);
}

fn check(folder: &Folder, count: u64) {
    let rows = rows(&open(&folder.path()));
    assert_eq!(rows.len() as u64, count);
    for row in &rows {
        assert_eq!(payload(row), numbered(row.seq as u64));
    }
}
