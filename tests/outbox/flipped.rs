//! Bits that the disk changed where no row lies: what the file says of itself. None of them costs a row.

use std::fs;
use std::path::Path;

use realm_ingest::outbox::{Fate, Number, Outbox, Settlement, SqliteOutbox};
use rusqlite::Connection;

use crate::common::{Folder, append, drain, noise, open, rows_with_gaps, settle};
use crate::damage::{Told, overwrite};
use crate::disk::in_memory;

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
fn with_settled_rows() -> Folder {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 1..=6 {
        append(&outbox, &noise(number, 50)).unwrap();
    }
    settle(&outbox, 3).unwrap();
    folder
}

#[test]
fn a_bit_of_what_the_file_says_of_itself_costs_no_row() {
    let source = with_settled_rows();
    let page = page_of(&source.path(), "meta");
    let content = fs::read(source.path()).unwrap();
    let cell = cells(&content, page)[0];
    for at in cell..page + PAGE {
        let folder = in_memory();
        let path = folder.path().join("default.realm");
        let mut changed = content.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(&path, &changed).unwrap();
        let place = format!("byte {}", at - cell);
        let opened = SqliteOutbox::open(&path, Told::default().options());
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

#[test]
fn a_bit_of_a_number_takes_no_other_row_along() {
    const ROWS: u64 = 12;
    let source = Folder::new();
    let outbox = open(&source.path());
    for number in 1..=ROWS {
        append(&outbox, &noise(number, 100)).unwrap();
    }
    drop(outbox);
    let content = fs::read(source.path()).unwrap();
    let cells = cells(&content, page_of(&source.path(), "tx"));
    for (row, bit) in (1..=ROWS).flat_map(|row| (0..8).map(move |bit| (row, bit))) {
        let mut changed = content.clone();
        let key = behind(&content, cells[row as usize - 1]);
        assert_eq!(u64::from(content[key]), row);
        changed[key] ^= 1 << bit;
        let folder = in_memory();
        let path = folder.path().join("default.realm");
        fs::write(&path, &changed).unwrap();
        let told = Told::default();
        let (outbox, recovered) = SqliteOutbox::open(&path, told.options()).unwrap();
        let mut sent = Vec::new();
        loop {
            let identity = outbox.origin().unwrap().identity;
            // One row at a time, as with large ones.
            let Some(lease) = outbox.lease(0, 1).unwrap() else {
                break;
            };
            sent.extend(lease.rows.iter().map(|row| row.payload.to_vec()));
            assert!(
                sent.len() as u64 <= 3 * ROWS,
                "bit {bit} of row {row} is sent without end"
            );
            // Where that is repaired meanwhile, it is sent again.
            outbox.settle(&identity, lease.last_seq()).unwrap();
        }
        drop(outbox);
        let (outbox, again) = SqliteOutbox::open(&path, told.options()).unwrap();
        while let Some(lease) = outbox.lease(0, 1).unwrap() {
            sent.extend(lease.rows.iter().map(|row| row.payload.to_vec()));
            settle(&outbox, lease.last_seq()).unwrap();
        }
        let missing: Vec<_> = (1..=ROWS)
            .filter(|row| !sent.contains(&noise(*row, 100)))
            .collect();
        assert!(
            missing.iter().all(|other| *other == row),
            "bit {bit} of row {row}: {missing:?}"
        );
        let is_told = recovered.is_some() || again.is_some() || !told.nothing();
        assert!(missing.is_empty() || is_told, "bit {bit} of row {row}");
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
        let folder = with_settled_rows();
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

/// A page of the table's that is not its first one takes the place of its neighbour, as when the disk wrote it to the
/// wrong place: what is on it is there twice.
fn repeat_a_page(path: &Path, table: &str) {
    let root = page_of(path, table);
    let content = fs::read(path).unwrap();
    assert_eq!(content[root], 5, "there are several pages of {table}");
    let number = |at: usize| u32::from_be_bytes(content[at..at + 4].try_into().unwrap()) as usize;
    let pointer = |cell: usize| {
        let at = root + 12 + 2 * cell;
        number(root + usize::from(u16::from_be_bytes([content[at], content[at + 1]])))
    };
    let (first, second) = ((pointer(0) - 1) * PAGE, (pointer(1) - 1) * PAGE);
    overwrite(path, second, &content[first..first + PAGE]);
}

#[test]
fn a_record_that_says_something_twice_keeps_no_file_from_being_repaired() {
    for table in ["refused", "epoch", "loss"] {
        let folder = with_settled_rows();
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
