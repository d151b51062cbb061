//! Bits that the disk changed where no row lies: what the file says of itself. None of them costs a row.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use realm_ingest::outbox::{Durability, Fate, Number, Options, Outbox, Settlement, SqliteOutbox};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::common::{Folder, append, drain, noise, open_with, rows_with_gaps, settle};
use crate::damage::{Told, overwrite};
use crate::disk::in_memory;
use crate::encryption::with_key;

const PAGE: usize = 4096;

/// The file's first page of the table.
fn page_of(path: &Path, table: &str) -> usize {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u32 = connection.query_row(sql, [table], |row| row.get(0)).unwrap();
    (root as usize - 1) * PAGE
}

/// Where the cells of a leaf begin, in the order of their keys.
fn cells(content: &[u8], page: usize) -> Vec<usize> {
    assert_eq!(content[page], 13, "a leaf of a table");
    let number = |at: usize| usize::from(u16::from_be_bytes([content[at], content[at + 1]]));
    let count = number(page + 3);
    (0..count)
        .map(|cell| page + number(page + 8 + 2 * cell))
        .collect()
}

/// Behind a number of SQLite's.
fn behind(content: &[u8], at: usize) -> usize {
    at + 1 + content[at..].iter().position(|byte| *byte < 0x80).unwrap()
}

/// A file that was closed with rows 1 to 3 settled and gone, and 4 to 6 waiting.
fn with_settled_rows(options: Options) -> Folder {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), options);
    for number in 1..=6 {
        append(&outbox, &noise(number, 50)).unwrap();
    }
    settle(&outbox, 3).unwrap();
    folder
}

/// A copy of the file with one bit changed, in a folder of its own.
fn with_bit(content: &[u8], at: usize, bit: usize) -> (TempDir, PathBuf) {
    let folder = in_memory();
    let path = folder.path().join("default.realm");
    let mut changed = content.to_vec();
    changed[at] ^= 1 << bit;
    fs::write(&path, &changed).unwrap();
    (folder, path)
}

/// The same, who is told of what is found to be damaged.
fn telling(told: &Told, options: &Options) -> Options {
    Options {
        on_recover: told.options().on_recover,
        ..options.clone()
    }
}

#[test]
fn a_bit_of_what_the_file_says_of_itself_costs_no_row() {
    for options in [Options::default(), with_key(1)] {
        let source = with_settled_rows(options.clone());
        let page = page_of(&source.path(), "meta");
        let content = fs::read(source.path()).unwrap();
        let cell = cells(&content, page)[0];
        for at in cell..page + PAGE {
            let (_folder, path) = with_bit(&content, at, at % 8);
            let place = format!("byte {} with {options:?}", at - cell);
            let opened = SqliteOutbox::open(&path, telling(&Told::default(), &options));
            let (outbox, _) = opened.unwrap_or_else(|error| panic!("{place}: {error}"));
            let left: Vec<_> = rows_with_gaps(&outbox).iter().map(|row| row.seq).collect();
            assert_eq!(left, [4, 5, 6], "{place}");
            append(&outbox, b"document").unwrap_or_else(|error| panic!("{place}: {error}"));
            // A repair in between gives it another name, and the rows are sent again.
            let identity = outbox.origin().unwrap().identity;
            let last = outbox.last_seq().unwrap();
            if !outbox.settle(&identity, last).unwrap() {
                drain(&outbox);
            }
            assert_eq!(outbox.pending().unwrap().transactions, 0, "{place}");
        }
    }
}

/// All that is given out, in leases of so many bytes, also after the file was closed. Whether damage was told.
fn sent(path: &Path, options: &Options, bytes: u64, most: usize) -> (Vec<Vec<u8>>, bool) {
    let told = Told::default();
    let (mut sent, mut is_told) = (Vec::new(), false);
    for _ in 0..2 {
        let (outbox, recovered) = SqliteOutbox::open(path, telling(&told, options)).unwrap();
        is_told |= recovered.is_some();
        loop {
            let identity = outbox.origin().unwrap().identity;
            let Some(lease) = outbox.lease(0, bytes).unwrap() else {
                break;
            };
            sent.extend(lease.rows.iter().map(|row| row.payload.to_vec()));
            assert!(sent.len() <= most, "it is sent without end");
            // Where that is repaired meanwhile, it is sent again.
            outbox.settle(&identity, lease.last_seq()).unwrap();
        }
    }
    (sent, is_told || !told.nothing())
}

#[test]
fn a_bit_of_a_number_takes_no_other_row_along() {
    const ROWS: u64 = 12;
    for options in [Options::default(), with_key(1)] {
        let source = Folder::new();
        let outbox = open_with(&source.path(), options.clone());
        for number in 1..=ROWS {
            append(&outbox, &noise(number, 100)).unwrap();
        }
        drop(outbox);
        let content = fs::read(source.path()).unwrap();
        let cells = cells(&content, page_of(&source.path(), "tx"));
        for (row, bit) in (1..=ROWS).flat_map(|row| (0..8).map(move |bit| (row, bit))) {
            let key = behind(&content, cells[row as usize - 1]);
            assert_eq!(u64::from(content[key]), row);
            let (_folder, path) = with_bit(&content, key, bit);
            // One row at a time, as with large ones.
            let (sent, is_told) = sent(&path, &options, 1, 3 * ROWS as usize);
            let missing: Vec<_> = (1..=ROWS)
                .filter(|row| !sent.contains(&noise(*row, 100)))
                .collect();
            let place = format!("bit {bit} of row {row} with {options:?}");
            assert!(missing.iter().all(|other| *other == row), "{place}: {missing:?}");
            assert!(missing.is_empty() || is_told, "{place}");
        }
    }
}

#[test]
fn a_bit_of_the_number_of_a_pack_takes_no_other_pack_along() {
    const ROWS: u64 = 1_500;
    let source = Folder::new();
    let relaxed = Options {
        durability: Durability::Relaxed,
        ..Options::default()
    };
    let outbox = open_with(&source.path(), relaxed.clone());
    for number in 1..=ROWS {
        append(&outbox, &number.to_le_bytes().repeat(5)).unwrap();
    }
    while outbox.tidy().unwrap() {}
    drop(outbox);
    let content = fs::read(source.path()).unwrap();
    let root = page_of(&source.path(), "tx");
    let first = match content[root] {
        13 => root,
        _ => (children(&content, root)[0] - 1) * PAGE,
    };
    for (pack, cell) in cells(&content, first).into_iter().take(3).enumerate() {
        // The lower half of a number of two bytes.
        let key = behind(&content, cell) + 1;
        for bit in 0..7 {
            let (_folder, path) = with_bit(&content, key, bit);
            let (sent, is_told) = sent(&path, &relaxed, 2_000, 3 * ROWS as usize);
            let all: BTreeSet<_> = sent.into_iter().collect();
            let missing = (1..=ROWS).filter(|number| !all.contains(&number.to_le_bytes().repeat(5)));
            let missing: Vec<_> = missing.map(|number| (number - 1) / 256).collect();
            let place = format!("bit {bit} of pack {pack}");
            assert!(
                missing.iter().all(|other| *other == pack as u64),
                "{place}: {missing:?}"
            );
            assert!(missing.is_empty() || is_told, "{place}");
        }
    }
}

#[test]
fn counters_that_are_damaged_hold_up_no_row() {
    let columns = [
        "damaged",
        "refused_objects",
        "sent_objects",
        "sent_bytes",
        "dropped_objects",
        "syncs",
    ];
    for column in columns {
        let folder = with_settled_rows(Options::default());
        let file = Connection::open(folder.path()).unwrap();
        let sql = format!("UPDATE meta SET {column} = {}", i64::MAX);
        file.execute(&sql, []).unwrap();
        drop(file);
        let (outbox, _) = SqliteOutbox::open(folder.path(), Told::default().options()).unwrap();
        let lease = outbox.lease(0, 1 << 20).unwrap().unwrap();
        let settlement = Settlement {
            first: 4,
            through: lease.last_seq(),
            leave: true,
            refused_objects: 1,
            sent_bytes: 100,
            ..Settlement::default()
        };
        let identity = outbox.origin().unwrap().identity;
        assert!(outbox.conclude(&identity, &settlement).unwrap(), "{column}");
        assert_eq!(outbox.pending().unwrap().transactions, 0, "{column}");
    }
}

/// The pages that a page leads to.
fn children(content: &[u8], page: usize) -> Vec<usize> {
    assert_eq!(content[page], 5, "a page with others beneath it");
    let short = |at: usize| usize::from(u16::from_be_bytes([content[at], content[at + 1]]));
    let long = |at: usize| u32::from_be_bytes(content[at..at + 4].try_into().unwrap()) as usize;
    (0..short(page + 3))
        .map(|cell| long(page + short(page + 12 + 2 * cell)))
        .collect()
}

/// A page of the table's that is not its first one takes the place of its neighbour, as when the disk wrote it to the
/// wrong place: what is on it is there twice.
fn repeat_a_page(path: &Path, table: &str) {
    let content = fs::read(path).unwrap();
    let pages = children(&content, page_of(path, table));
    let (first, second) = ((pages[0] - 1) * PAGE, (pages[1] - 1) * PAGE);
    overwrite(path, second, &content[first..first + PAGE]);
}

#[test]
fn a_record_that_says_something_twice_keeps_no_file_from_being_repaired() {
    for table in ["refused", "epoch", "loss"] {
        let folder = with_settled_rows(Options::default());
        let file = Connection::open(folder.path()).unwrap();
        let insert = match table {
            "refused" => "INSERT INTO refused SELECT 2 * number, 2 * number, 2 FROM numbers",
            "epoch" => "INSERT INTO epoch SELECT -number, 1 + number % 16000, 0 FROM numbers",
            _ => "INSERT INTO loss SELECT number, -number, -number, 0 FROM numbers",
        };
        let numbers = "WITH RECURSIVE numbers(number) AS
                       (SELECT 1000 UNION ALL SELECT number + 1 FROM numbers WHERE number < 3000)";
        file.execute(&format!("{numbers} {insert}"), []).unwrap();
        file.execute("UPDATE meta SET identity = 'damaged'", []).unwrap();
        drop(file);
        repeat_a_page(&folder.path(), table);
        let opened = SqliteOutbox::open(folder.path(), Told::default().options());
        let (outbox, recovered) = opened.unwrap_or_else(|error| panic!("{table}: {error}"));
        assert_eq!(recovered.unwrap().salvaged.unwrap().kept, 3, "{table}");
        let left: Vec<_> = rows_with_gaps(&outbox).iter().map(|row| row.seq).collect();
        assert_eq!(left, [4, 5, 6], "{table}");
        // Nothing is said of what left before.
        let fate = outbox.fate(Number::from_bits(1), false).unwrap();
        assert_eq!(fate, Fate::Unknown, "{table}");
    }
}
