//! Invariant 6: a file that cannot be an outbox is moved aside as it is, and what can be read of it is
//! carried over; one that may be a good one stays.

use std::fs;
use std::path::Path;

use realm_ingest::outbox::{Error, Options, Outbox, Recovered, RecoveredReason, Salvaged, SqliteOutbox};
use rusqlite::Connection;

use crate::common::{Folder, append, noise, open, open_recovered, rows, rows_with_gaps};
use crate::damage::{
    Told, are_left, change_a_bit_of, damaged, overwrite, overwrite_page_of, overwrite_table, place_of,
};

/// Opens over whatever stands there and checks that each file of it is kept byte for byte.
fn is_moved_aside(folder: &Folder, label: &str) -> Recovered {
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
    let kept = recovered.salvaged.map_or(0, |salvaged| salvaged.kept as usize);
    append(&outbox, b"document").unwrap();
    assert_eq!(rows(&outbox).len(), kept + 1);
    drop(outbox);
    assert_eq!(
        rows(&open(&folder.path())).len(),
        kept + 1,
        "and opens as usual from then on"
    );
    recovered
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
            is_moved_aside(&folder, ".corrupt-").reason,
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
            is_moved_aside(&folder, ".realm-core-").reason,
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

type Damage<'a> = &'a dyn Fn(&Path);

#[test]
fn a_damaged_outbox_is_moved_aside() {
    let no_table = |table: &'static str| {
        move |path: &Path| {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch(&format!("DROP TABLE {table}")).unwrap();
        }
    };
    let identity = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch("UPDATE meta SET identity = 'me'")
            .unwrap();
    };
    let no_column = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch("ALTER TABLE meta DROP COLUMN app")
            .unwrap();
    };
    let left = |kept, lost| Some(Salvaged { kept, lost });
    let cases: [(Damage<'_>, _); 8] = [
        (&no_table("meta"), left(40, 0)),
        (&no_table("tx"), None),
        (&no_table("schema"), left(0, 40)),
        (&identity, left(40, 0)),
        (&no_column, left(40, 0)),
        (&|path| overwrite(path, 0, &noise(5, 100)), None),
        (&|path| overwrite(path, 100, &noise(6, 12_000)), None),
        (
            &|path| fs::write(path, &fs::read(path).unwrap()[..4096]).unwrap(),
            None,
        ),
    ];
    for (case, (damage, salvaged)) in cases.into_iter().enumerate() {
        let recovered = is_moved_aside(&damaged(damage), ".corrupt-");
        assert_eq!(recovered.salvaged, salvaged, "case {case}: {recovered}");
    }
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
fn each_recovery_that_was_not_told_is_told_in_its_turn() {
    let folder = damaged(|path| overwrite_page_of(path, 39));
    drop(open_recovered(&folder.path()));
    let connection = Connection::open(folder.path()).unwrap();
    connection
        .execute_batch(
            "UPDATE recovery SET reported = 0;
             INSERT INTO recovery SELECT 2, '.later', former_sdk, reason, kept, lost, 0 FROM recovery",
        )
        .unwrap();
    drop(connection);
    let told = || open_recovered(&folder.path()).1.moved_to.display().to_string();
    assert!(told().ends_with(".later"));
    assert!(told().contains(".corrupt-"));
    open(&folder.path());
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let folder = damaged(|path| {
        Connection::open(path)
            .unwrap()
            .pragma_update(None, "user_version", 3)
            .unwrap();
    });
    let before = fs::read(folder.path()).unwrap();
    let error = SqliteOutbox::open(folder.path(), Options::default()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NewerFormat {
                found: 3,
                supported: 2,
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

const FAR: i64 = 1 << 40;

/// Moves the rows from the 21st on so far up, as rows of format 1, which are tied to no number.
fn make_a_gap(path: &Path) {
    let connection = Connection::open(path).unwrap();
    // From the last one down, as each number is there once.
    for seq in (21..=40).rev() {
        connection
            .execute(
                "UPDATE tx SET seq = ?1, checksum = checksum & 4294967295 WHERE seq = ?2",
                [seq + FAR, seq],
            )
            .unwrap();
    }
}

#[test]
fn rows_beyond_a_gap_of_any_length_are_found() {
    // What is damaged beside the gap between the 20th row and the next one: a row, the one behind the gap, or
    // an end.
    for number in [10, 20, 0, 39] {
        let folder = damaged(|path| {
            make_a_gap(path);
            overwrite_page_of(path, number);
        });
        let (outbox, _) = SqliteOutbox::open(folder.path(), Told::default().options()).unwrap();
        let mut after = 0;
        let mut left = Vec::new();
        while let Some(lease) = outbox.lease(after, u64::MAX).unwrap() {
            after = lease.last_seq();
            left.extend(lease.rows.into_iter().map(|row| row.seq));
        }
        assert!(left.len() >= 37, "{left:?}");
        let beyond = left.iter().filter(|seq| **seq > FAR).count();
        assert!(beyond >= 17, "{left:?}");
    }
}

#[test]
fn a_gap_that_is_on_record_is_not_counted_again() {
    let folder = damaged(|path| {
        make_a_gap(path);
        change_a_bit_of(path, 10);
    });
    let told = Told::default();
    let lost = || {
        let outbox = told.open(&folder.path());
        rows_with_gaps(&outbox);
        told.once().salvaged.unwrap().lost
    };
    assert_eq!(lost(), 1 + FAR as u64);
    change_a_bit_of(&folder.path(), 30);
    assert_eq!(lost(), 1);
}

#[test]
fn an_end_that_cannot_be_read_costs_what_is_in_it() {
    for end in [0, 39] {
        let folder = damaged(|path| overwrite(path, place_of(path, end) / 4096 * 4096, &noise(7, 4096)));
        let (outbox, recovered) = open_recovered(&folder.path());
        let Salvaged { kept, lost } = recovered.salvaged.unwrap();
        assert!((1..=3).contains(&lost) && kept >= 37, "end {end}: {recovered}");
        are_left(&outbox, 40 - kept);
        assert!(append(&outbox, b"document").unwrap() > kept as i64);
    }
}

#[test]
fn what_only_the_application_may_send_stays_so_when_damage_is_met() {
    for guarded in [true, false] {
        let folder = damaged(|path| {
            open(path).set_guarded(guarded).unwrap();
            overwrite_page_of(path, 0);
        });
        let (outbox, _) = open_recovered(&folder.path());
        assert_eq!(outbox.is_guarded().unwrap(), guarded);
    }
    let folder = damaged(|path| overwrite_table(path, "meta"));
    let (outbox, _) = open_recovered(&folder.path());
    assert!(
        outbox.is_guarded().unwrap(),
        "where nobody knows, the application is waited for"
    );
}
