//! A file of format 1 becomes one of format 2 when it is opened; what an outbox says of itself.

use std::fs;
use std::path::Path;

use realm_ingest::outbox::{Fate, Number, Outbox, Owner, Pending, Salvaged};
use rusqlite::{Connection, params};

use crate::common::{
    Folder, append, noise, open, open_recovered, payload, rows, rows_with_gaps, schema, settle,
};
use crate::damage::{are_left, damaged, overwrite, overwrite_table};

/// As the release before wrote it.
const FORMAT_1: &str = "
    PRAGMA page_size = 4096;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    BEGIN;
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        identity TEXT NOT NULL,
        stamp TEXT NOT NULL,
        high_seq INTEGER NOT NULL,
        relaxed INTEGER NOT NULL,
        dropped_transactions INTEGER NOT NULL,
        dropped_objects INTEGER NOT NULL,
        dropped_bytes INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE schema (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        json TEXT NOT NULL
    ) STRICT;
    CREATE TABLE tx (
        seq INTEGER PRIMARY KEY,
        created INTEGER NOT NULL,
        objects INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        objects_through INTEGER NOT NULL,
        bytes_through INTEGER NOT NULL,
        schema INTEGER NOT NULL,
        codec INTEGER NOT NULL,
        runs BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
    INSERT INTO schema VALUES (1, '0123456789abcdef', '{\"classes\":[]}');
    PRAGMA application_id = 1380544354;
    PRAGMA user_version = 1;
";

const IDENTITY: &str = "00112233445566778899aabbccddeeff";

#[cfg(unix)]
fn stamp(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).unwrap();
    let made = metadata.created().unwrap();
    let made = made.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("{}@{made}", metadata.ino())
}

/// Rows 3 to 7 of an outbox of format 1.
#[cfg(unix)]
pub fn format_1() -> Folder {
    let folder = Folder::new();
    let connection = Connection::open(folder.path()).unwrap();
    connection.execute_batch(FORMAT_1).unwrap();
    connection
        .execute(
            "INSERT INTO meta VALUES (1, ?1, ?2, 2, 0, 1, 1, 100)",
            params![IDENTITY, stamp(&folder.path())],
        )
        .unwrap();
    let runs = [&[1, 7][..], b"Reading"].concat();
    let (mut objects_through, mut bytes_through) = (0, 0);
    for seq in 3..=7_i64 {
        let payload = noise(seq as u64, 100);
        objects_through += 1;
        bytes_through += 100;
        let mut sum = crc32fast::Hasher::new();
        for number in [1_i64, 1, 100, 0] {
            sum.update(&number.to_le_bytes());
        }
        sum.update(&runs);
        sum.update(&payload);
        connection
            .execute(
                "INSERT INTO tx VALUES (?1, 0, 1, 100, ?2, ?3, 1, 0, ?4, ?5, ?6)",
                params![seq, objects_through, bytes_through, runs, sum.finalize(), payload],
            )
            .unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    folder
}

#[cfg(unix)]
#[test]
fn a_file_of_format_1_goes_on_as_it_was() {
    let folder = format_1();
    let outbox = open(&folder.path());
    let origin = outbox.origin().unwrap();
    assert_eq!(origin.identity, IDENTITY);
    assert_eq!(origin.lineage.len(), 32);
    assert_eq!(origin.acked, 0, "no more than is known");
    assert_eq!(outbox.owner().unwrap(), None);
    let found = rows(&outbox);
    assert_eq!(
        found.iter().map(|row| row.seq).collect::<Vec<_>>(),
        [3, 4, 5, 6, 7]
    );
    for row in &found {
        assert_eq!(payload(row), noise(row.seq as u64, 100));
        assert_eq!(row.schema, schema(&outbox));
    }
    let fate = |seq| outbox.fate(Number::from_bits(seq), false).unwrap();
    assert_eq!(
        (fate(2), fate(3)),
        (Fate::Unknown, Fate::Waiting),
        "it kept no record"
    );
    let dropped = Pending {
        transactions: 1,
        objects: 1,
        bytes: 100,
    };
    assert_eq!(outbox.dropped().unwrap(), dropped);
    assert_eq!(append(&outbox, b"document").unwrap(), 8);
    settle(&outbox, 7).unwrap();
    assert_eq!(outbox.origin().unwrap().acked, 7);
    drop(outbox);
    let format: i64 = Connection::open(folder.path())
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(format, 2);
    assert_eq!(rows(&open(&folder.path())).len(), 1);
}

/// What the release before did where it found damage.
#[cfg(unix)]
const MARKED: &str = "PRAGMA application_id = 1380544356";

#[cfg(unix)]
#[test]
fn a_damaged_file_of_format_1_is_carried_over() {
    let folder = format_1();
    let file = Connection::open(folder.path()).unwrap();
    file.execute_batch(MARKED).unwrap();
    file.execute("UPDATE tx SET payload = zeroblob(100) WHERE seq = 5", [])
        .unwrap();
    drop(file);
    let (outbox, recovered) = open_recovered(&folder.path());
    assert_eq!(recovered.salvaged, Some(Salvaged { kept: 4, lost: 1 }));
    let left = rows_with_gaps(&outbox);
    assert_eq!(left.iter().map(|row| row.seq).collect::<Vec<_>>(), [3, 4, 6, 7]);
    assert!(left.iter().all(|row| payload(row) == noise(row.seq as u64, 100)));
}

#[cfg(unix)]
#[test]
fn a_file_of_format_1_that_cannot_be_upgraded_for_damage_is_carried_over() {
    let folder = format_1();
    let file = Connection::open(folder.path()).unwrap();
    file.execute_batch(
        "CREATE TABLE free (x BLOB); INSERT INTO free VALUES (zeroblob(400000)); DROP TABLE free;
         PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .unwrap();
    drop(file);
    // The header says where the list of free pages begins.
    let content = fs::read(folder.path()).unwrap();
    let page = u32::from_be_bytes(content[32..36].try_into().unwrap()) as usize;
    assert!(page > 1);
    overwrite(&folder.path(), (page - 1) * 4096, &[0xff; 4096]);
    let (outbox, recovered) = open_recovered(&folder.path());
    assert_eq!(recovered.salvaged, Some(Salvaged { kept: 5, lost: 0 }));
    assert_eq!(rows(&outbox).len(), 5);
}

#[test]
fn whose_rows_they_are_is_kept_and_carried_over_from_a_damaged_file() {
    let owner = |user: &str| Owner {
        app: "weather".to_owned(),
        user: user.to_owned(),
        principal: "anon-user".to_owned(),
    };
    let folder = damaged(|_| ());
    let outbox = open(&folder.path());
    assert_eq!(outbox.owner().unwrap(), None);
    outbox.set_owner(&owner("a")).unwrap();
    assert_eq!(outbox.owner().unwrap(), Some(owner("a")));
    let other = open(&folder.path());
    other.set_owner(&owner("b")).unwrap();
    assert_eq!(
        outbox.owner().unwrap(),
        Some(owner("b")),
        "as the file says it now"
    );
    drop((outbox, other));
    overwrite_table(&folder.path(), "loss");
    // Whatever the damage, it is met by opening or by the first look.
    let outbox = open(&folder.path());
    outbox.loss_mark().unwrap();
    assert!(folder.names().iter().any(|name| name.contains(".corrupt-")));
    assert_eq!(outbox.owner().unwrap(), Some(owner("b")));
    are_left(&outbox, 0);
    drop(outbox);

    Connection::open(folder.path())
        .unwrap()
        .execute_batch("UPDATE meta SET identity = 'me'")
        .unwrap();
    let (outbox, _) = open_recovered(&folder.path());
    assert_eq!(outbox.owner().unwrap(), Some(owner("b")));
}

#[cfg(unix)]
#[test]
fn rows_of_format_1_are_packed_with_those_behind_them() {
    let folder = format_1();
    let outbox = open(&folder.path());
    for number in 8..=600 {
        append(&outbox, &noise(number, 20)).unwrap();
    }
    let before = rows(&outbox);
    while outbox.tidy().unwrap() {}
    assert_eq!(rows(&outbox), before);
    drop(outbox);
    let file = Connection::open(folder.path()).unwrap();
    let oldest: i64 = file
        .query_row("SELECT min(seq) FROM tx WHERE first = 3", [], |row| row.get(0))
        .unwrap();
    assert!(oldest > 200, "one row for all up to {oldest}");
}
