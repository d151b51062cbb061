//! Invariant 6: a file that cannot be an outbox is moved aside as it is; one that may be one stays.

use std::fs;
use std::path::Path;

use realm_ingest::outbox::{Error, Options, Outbox, RecoveredReason, SqliteOutbox};
use rusqlite::Connection;

use crate::common::{Folder, append, noise, open, open_recovered, rows};

/// Opens over whatever stands there and checks that each file of it is kept byte for byte.
fn is_moved_aside(folder: &Folder, label: &str) -> RecoveredReason {
    let kept: Vec<_> = ["", "-wal", "-shm"]
        .into_iter()
        .filter_map(|suffix| {
            let name = format!("{}{suffix}", folder.path().display());
            fs::read(name).ok().map(|content| (suffix, content))
        })
        .collect();
    let (outbox, recovered) = open_recovered(&folder.path());
    let moved_to = recovered.moved_to.to_str().unwrap();
    assert!(moved_to.contains(label), "{moved_to}");
    assert!(recovered.to_string().contains(moved_to), "{recovered}");
    for (suffix, content) in kept {
        // The index is SQLite's scratch space, rebuilt from the log by whoever opens it.
        let found = fs::read(format!("{moved_to}{suffix}")).unwrap();
        assert!(suffix == "-shm" || found == content, "{moved_to}{suffix} differs");
    }
    assert_eq!(append(&outbox, b"document").unwrap(), 1);
    assert_eq!(rows(&outbox).len(), 1);
    drop(outbox);
    assert_eq!(
        rows(&open(&folder.path())).len(),
        1,
        "and opens as usual from then on"
    );
    recovered.reason
}

#[test]
fn what_is_not_a_database_is_moved_aside() {
    for content in [
        noise(1, 10),
        noise(2, 100),
        noise(3, 50_000),
        vec![0; 8192],
        b"hello".to_vec(),
    ] {
        let folder = Folder::new();
        fs::write(folder.path(), content).unwrap();
        assert!(matches!(
            is_moved_aside(&folder, ".corrupt-"),
            RecoveredReason::Damaged(_)
        ));
    }
}

#[test]
fn a_database_of_the_former_sdk_is_moved_aside_and_told_apart() {
    for size in [24, 24 + 16 * 1024] {
        let folder = Folder::new();
        let mut content = noise(4, size);
        content[16..20].copy_from_slice(b"T-DB");
        fs::write(folder.path(), content).unwrap();
        // Its lock file has the name of ours.
        fs::write(folder.join("default.realm.lock"), b"theirs").unwrap();
        assert_eq!(
            is_moved_aside(&folder, ".realm-core-"),
            RecoveredReason::FormerSdk
        );
        let outbox = open(&folder.path());
        assert!(outbox.try_become_uploader().unwrap().is_some());
        assert_eq!(fs::read(folder.join("default.realm.lock")).unwrap(), b"theirs");
    }
}

#[test]
fn another_programs_database_is_moved_aside() {
    let folder = Folder::new();
    let other = Connection::open(folder.path()).unwrap();
    other
        .execute_batch("CREATE TABLE music (title TEXT); INSERT INTO music VALUES ('Winterreise')")
        .unwrap();
    drop(other);
    is_moved_aside(&folder, ".corrupt-");
}

/// An outbox of 40 rows, closed, then changed by `damage`.
fn damaged(damage: impl Fn(&Path)) -> Folder {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..40 {
        append(&outbox, &noise(number, 2_000)).unwrap();
    }
    drop(outbox);
    damage(&folder.path());
    folder
}

fn overwrite(path: &Path, at: usize, with: &[u8]) {
    let mut content = fs::read(path).unwrap();
    content[at..at + with.len()].copy_from_slice(with);
    fs::write(path, content).unwrap();
}

#[test]
fn a_damaged_outbox_is_moved_aside() {
    let no_table = |table: &'static str| {
        move |path: &Path| {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        }
    };
    for table in ["meta", "tx", "schema"] {
        is_moved_aside(&damaged(no_table(table)), ".corrupt-");
    }
    is_moved_aside(&damaged(|path| overwrite(path, 0, &noise(5, 100))), ".corrupt-");
    is_moved_aside(
        &damaged(|path| overwrite(path, 100, &noise(6, 12_000))),
        ".corrupt-",
    );
    is_moved_aside(
        &damaged(|path| fs::write(path, &fs::read(path).unwrap()[..4096]).unwrap()),
        ".corrupt-",
    );
    is_moved_aside(
        &damaged(|path| {
            let connection = Connection::open(path).unwrap();
            connection
                .execute_batch("UPDATE meta SET identity = 'me'")
                .unwrap();
        }),
        ".corrupt-",
    );
}

#[test]
fn a_log_without_its_database_is_kept() {
    for empty in [true, false] {
        let folder = Folder::new();
        let outbox = open(&folder.path());
        append(&outbox, b"document").unwrap();
        let log = fs::read(folder.join("default.realm-wal")).unwrap();
        drop(outbox);
        fs::remove_file(folder.path()).unwrap();
        if empty {
            fs::write(folder.path(), b"").unwrap();
        }
        fs::write(folder.join("default.realm-wal"), log).unwrap();
        is_moved_aside(&folder, ".corrupt-");
    }
}

#[test]
fn a_damaged_database_keeps_its_log() {
    let folder = damaged(|path| overwrite(path, 0, &noise(5, 100)));
    fs::write(folder.join("default.realm-wal"), noise(8, 20_000)).unwrap();
    fs::write(folder.join("default.realm-shm"), noise(9, 32_768)).unwrap();
    is_moved_aside(&folder, ".corrupt-");
}

#[test]
fn two_files_moved_aside_in_one_second_keep_their_own_names() {
    let folder = Folder::new();
    for number in 0..3 {
        fs::write(folder.path(), noise(number, 1000)).unwrap();
        drop(open_recovered(&folder.path()));
    }
    let moved = folder
        .names()
        .into_iter()
        .filter(|name| name.contains(".corrupt-"));
    assert_eq!(
        moved
            .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
            .count(),
        3
    );
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let folder = damaged(|path| {
        Connection::open(path)
            .unwrap()
            .pragma_update(None, "user_version", 2)
            .unwrap();
    });
    let before = fs::read(folder.path()).unwrap();
    let error = SqliteOutbox::open(folder.path(), Options::default()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NewerFormat {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(fs::read(folder.path()).unwrap(), before);
    assert!(folder.names().iter().all(|name| !name.contains(".corrupt-")));
}

#[test]
fn a_folder_that_is_missing_and_a_folder_in_the_way_are_errors() {
    let folder = Folder::new();
    let error = SqliteOutbox::open(folder.join("no/such/outbox"), Options::default()).unwrap_err();
    assert!(matches!(error, Error::MissingFolder { .. }), "{error:?}");
    fs::create_dir(folder.path()).unwrap();
    let error = SqliteOutbox::open(folder.path(), Options::default()).unwrap_err();
    assert!(matches!(error, Error::Sqlite { .. }), "{error:?}");
    assert_eq!(folder.names(), ["default.realm"]);
}

#[test]
fn an_empty_file_becomes_an_outbox() {
    let folder = Folder::new();
    fs::write(folder.path(), b"").unwrap();
    assert_eq!(append(&open(&folder.path()), b"document").unwrap(), 1);
}

#[test]
fn damage_found_later_is_an_error_and_deletes_nothing() {
    let folder = damaged(|path| {
        // Somewhere in the middle of the rows, which opening does not read.
        let middle = fs::metadata(path).unwrap().len() as usize / 2 / 4096 * 4096;
        overwrite(path, middle, &noise(7, 8192));
    });
    let outbox = open(&folder.path());
    let mut after = 0;
    let error = loop {
        match outbox.lease(after, 10_000) {
            Ok(lease) => after = lease.expect("the damage before the end").last_seq(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(after > 1, "rows before the damage are still given out");
    drop(outbox);
    assert!(folder.names().iter().all(|name| !name.contains(".corrupt-")));
}
