//! Opening a file that another process has for itself, and takes from the path meanwhile: what is opened is what has taken
//! its place, and nothing is written beside that on account of the former one.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use realm_ingest::outbox::{Options, Outbox, SqliteOutbox, rekey};
use rusqlite::Connection;

use crate::common::{Folder, rows};
use crate::encryption::{append_secret, holds_secrets, key, with_key, with_secrets};

/// Many pages more than the former file has.
const ROWS: u64 = 300;

/// Opens the outbox while another connection has its file for itself, which then puts the outbox that is called `next` in
/// its place.
fn open_while_exchanged(folder: &Folder, options: &Options) -> SqliteOutbox {
    let other = Connection::open(folder.path()).unwrap();
    let alone = "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT";
    other.execute_batch(alone).unwrap();
    let opener = {
        let (path, options) = (folder.path(), options.clone());
        std::thread::spawn(move || SqliteOutbox::open(path, options))
    };
    until_opened(&folder.path(), 2);
    fs::rename(folder.join("next"), folder.path()).unwrap();
    drop(other);
    let (outbox, recovered) = opener.join().unwrap().unwrap();
    assert_eq!(recovered, None);
    outbox
}

/// Waits until this process has the file open so many times. What follows then finds it locked.
fn until_opened(path: &Path, times: usize) {
    let since = Instant::now();
    let opened = || {
        let files = fs::read_dir("/proc/self/fd").unwrap();
        let names = files.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
        names.filter(|name| name == path).count()
    };
    while opened() < times {
        assert!(since.elapsed() < Duration::from_secs(60), "nobody opens it");
        std::thread::yield_now();
    }
}

fn patient(options: Options) -> Options {
    Options {
        lock_wait: Duration::from_secs(60),
        ..options
    }
}

#[test]
fn a_file_that_is_exchanged_while_it_is_opened_leaves_nothing_beside_the_new_one() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), Options::default(), 3));
    let next = with_secrets(&folder.join("next"), Options::default(), ROWS);
    let origin = next.origin().unwrap();
    drop(next);
    let outbox = open_while_exchanged(&folder, &patient(Options::default()));
    assert_eq!(outbox.origin().unwrap(), origin);
    holds_secrets(&outbox, ROWS);
    append_secret(&outbox, ROWS + 1);
    drop(outbox);
    let (outbox, recovered) = SqliteOutbox::open(folder.path(), Options::default()).unwrap();
    assert_eq!(recovered, None);
    holds_secrets(&outbox, ROWS + 1);
}

#[test]
fn a_key_is_not_refused_for_a_file_that_has_just_got_it() {
    let folder = Folder::new();
    for name in ["default.realm", "next"] {
        drop(with_secrets(&folder.join(name), with_key(1), ROWS));
    }
    rekey(folder.join("next"), Some(&key(1)), Some(&key(2))).unwrap();
    let outbox = open_while_exchanged(&folder, &patient(with_key(2)));
    assert_eq!(rows(&outbox).len() as u64, ROWS);
}
