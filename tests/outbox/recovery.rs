//! Invariant 6: a file that cannot be an outbox is moved aside as it is, and what can be read of it is
//! carried over; one that may be a good one stays.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use realm_ingest::outbox::{
    Error, Options, Outbox, Pending, Recovered, RecoveredReason, Salvaged, SqliteOutbox,
};
use rusqlite::Connection;

use crate::common::{
    Folder, append, drain, noise, open, open_recovered, other_part, other_process, payload, rows,
    rows_with_gaps, said,
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
    let left = |kept, lost| Some(Salvaged { kept, lost });
    let cases: [(Damage<'_>, _); 7] = [
        (&no_table("meta"), left(40, 0)),
        (&no_table("tx"), None),
        (&no_table("schema"), left(0, 40)),
        (&identity, left(40, 0)),
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

/// Where the row with `noise(number, 2_000)` has its payload in the file. Pages before that may have
/// kept a copy.
fn place_of(path: &Path, number: u64) -> usize {
    let content = fs::read(path).unwrap();
    let start = &noise(number, 2_000)[..16];
    content.windows(16).rposition(|found| found == start).unwrap()
}

/// What a lease says of the damage, once it meets it.
fn met(outbox: &SqliteOutbox) -> Error {
    let mut after = 0;
    loop {
        match outbox.lease(after, 10_000) {
            Ok(lease) => after = lease.expect("the damage before the end").last_seq(),
            Err(error) => return error,
        }
    }
}

/// Checks that the rows left are some of the 40, whole, in order, and `lost` fewer.
fn are_left(outbox: &SqliteOutbox, lost: u64) {
    let left = rows_with_gaps(outbox);
    assert_eq!(left.len() as u64, 40 - lost);
    for row in &left {
        assert_eq!(payload(row), noise(row.seq as u64 - 1, 2_000), "row {}", row.seq);
    }
    assert_eq!(outbox.pending().unwrap().objects, 40 - lost);
}

#[test]
fn damage_among_the_rows_costs_those_rows_alone() {
    let folder = damaged(|path| overwrite(path, place_of(path, 20) / 4096 * 4096, &noise(7, 4096)));
    let outbox = open(&folder.path());
    let identity = outbox.identity();
    let error = met(&outbox);
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(append(&outbox, b"written meanwhile").unwrap(), 41);
    outbox.settle(1, 1).unwrap();

    let recovered = outbox.recover().unwrap();
    let Salvaged { kept, lost } = recovered.salvaged.unwrap();
    assert!((1..=3).contains(&lost), "{lost} rows of one page");
    assert_eq!(kept, 40 - lost);
    assert!(recovered.moved_to.exists());
    assert_eq!(append(&outbox, b"document").unwrap(), 42);
    let left = rows_with_gaps(&outbox);
    assert_eq!((left[0].seq, left.len() as u64), (2, 41 - lost));
    assert_ne!(outbox.identity(), identity, "invariant 4");

    drain(&outbox);
    assert_eq!(outbox.pending().unwrap(), Pending::default());
    drop(outbox);
    assert_eq!(append(&open(&folder.path()), b"document").unwrap(), 43);
}

#[test]
fn a_single_bit_that_changed_is_noticed_and_costs_one_row() {
    let folder = damaged(|path| {
        let place = place_of(path, 20) + 1_000;
        let bit = fs::read(path).unwrap()[place] ^ 4;
        overwrite(path, place, &[bit]);
    });
    let outbox = open(&folder.path());
    assert!(matches!(met(&outbox), Error::Corrupt { .. }));
    let recovered = outbox.recover().unwrap();
    assert_eq!(recovered.salvaged, Some(Salvaged { kept: 39, lost: 1 }));
    assert!(
        recovered.to_string().contains("39 write transactions"),
        "{recovered}"
    );
    are_left(&outbox, 1);
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
fn a_damaged_file_that_another_process_has_open_stays_in_its_place() {
    let folder = damaged(|path| overwrite(path, place_of(path, 20) / 4096 * 4096, &noise(7, 4096)));
    let outbox = open(&folder.path());
    // As another process would have it: SQLite tells connections apart, not processes.
    let other = open(&folder.path());
    assert!(matches!(met(&outbox), Error::Corrupt { .. }));
    assert!(matches!(outbox.recover(), Err(Error::Locked { .. })));
    assert_eq!(append(&outbox, b"document").unwrap(), 41);
    assert_eq!(append(&other, b"document").unwrap(), 42);
    assert!(folder.names().iter().all(|name| !name.contains(".corrupt-")));
    drop(other);
    outbox.recover().unwrap();
    assert_eq!(append(&outbox, b"document").unwrap(), 43);
}

#[test]
fn an_outbox_in_order_is_not_replaced() {
    let folder = damaged(|_| ());
    let outbox = open(&folder.path());
    // The uploader asks only after it has met damage; whatever it met, all rows are kept.
    let recovered = outbox.recover().unwrap();
    assert_eq!(recovered.salvaged, Some(Salvaged { kept: 40, lost: 0 }));
    are_left(&outbox, 0);
}

#[test]
fn without_room_for_a_new_file_the_damaged_one_goes_on() {
    let folder = damaged(|path| overwrite(path, place_of(path, 20) / 4096 * 4096, &noise(7, 4096)));
    let outbox = open(&folder.path());
    assert!(matches!(met(&outbox), Error::Corrupt { .. }));
    let in_the_way = folder.join("default.realm.salvaged");
    fs::create_dir(&in_the_way).unwrap();
    let error = outbox.recover().unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(append(&outbox, b"document").unwrap(), 41);
    assert!(matches!(met(&outbox), Error::Corrupt { .. }));

    fs::remove_dir(&in_the_way).unwrap();
    let recovered = outbox.recover().unwrap();
    assert!(recovered.salvaged.unwrap().kept >= 38, "{recovered}");
    assert_eq!(append(&outbox, b"document").unwrap(), 42);
}

#[test]
fn a_recovery_that_is_killed_loses_nothing_more() {
    const TEST: &str = "recovery::a_recovery_that_is_killed_loses_nothing_more";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        met(&outbox);
        println!("##met");
        std::io::stdout().flush().unwrap();
        outbox.recover().unwrap();
        return;
    }
    for round in 0..12 {
        let folder = damaged(|path| {
            let place = place_of(path, 20) + 1_000;
            let bit = fs::read(path).unwrap()[place] ^ 4;
            overwrite(path, place, &[bit]);
        });
        let mut process = other_process(TEST, &folder.path()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        lines.find(|line| said(line) == Some("met")).unwrap();
        // The whole of it takes some milliseconds.
        for _ in 0..round * 40_000 {
            std::hint::spin_loop();
        }
        process.kill().unwrap();
        process.wait().unwrap();

        let (outbox, _) = SqliteOutbox::open(folder.path(), Options::default()).unwrap();
        if outbox.lease(0, u64::MAX).is_err() {
            outbox.recover().unwrap();
        }
        are_left(&outbox, 1);
    }
}
