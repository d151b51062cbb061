//! Damaged outboxes, and what is left of them.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use realm_ingest::outbox::{Options, Outbox, Recovered, SqliteOutbox};

use crate::common::{Folder, append, noise, open, open_with, payload, rows_with_gaps};

/// An outbox of 40 rows, closed, then changed by `damage`.
pub fn damaged(damage: impl Fn(&Path)) -> Folder {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..40 {
        append(&outbox, &noise(number, 2_000)).unwrap();
    }
    drop(outbox);
    damage(&folder.path());
    folder
}

pub fn overwrite(path: &Path, at: usize, with: &[u8]) {
    let mut content = fs::read(path).unwrap();
    content[at..at + with.len()].copy_from_slice(with);
    fs::write(path, content).unwrap();
}

/// Where the row with `noise(number, 2_000)` has its payload in the file. Pages before that may have
/// kept a copy.
pub fn place_of(path: &Path, number: u64) -> usize {
    let content = fs::read(path).unwrap();
    let start = &noise(number, 2_000)[..16];
    content.windows(16).rposition(|found| found == start).unwrap()
}

/// Checks that the rows left are some of the 40, whole, in order, and `lost` fewer.
pub fn are_left(outbox: &SqliteOutbox, lost: u64) {
    let left = rows_with_gaps(outbox);
    assert_eq!(left.len() as u64, 40 - lost);
    for row in &left {
        assert_eq!(payload(row), noise(row.seq as u64 - 1, 2_000), "row {}", row.seq);
    }
    assert_eq!(outbox.pending().unwrap().objects, 40 - lost);
}

/// Overwrites the page that has the payload of that row.
pub fn overwrite_page_of(path: &Path, number: u64) {
    overwrite(path, place_of(path, number) / 4096 * 4096, &noise(7, 4096));
}

/// Changes one bit of the payload of that row.
pub fn change_a_bit_of(path: &Path, number: u64) {
    let place = place_of(path, number) + 1_000;
    let bit = fs::read(path).unwrap()[place] ^ 4;
    overwrite(path, place, &[bit]);
}

/// What the handler of an outbox was told.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<Recovered>>>);

impl Told {
    pub fn open(&self, path: &Path) -> SqliteOutbox {
        open_with(path, self.options())
    }

    pub fn options(&self) -> Options {
        let told = Arc::clone(&self.0);
        Options {
            on_recover: Some(Arc::new(move |recovered| {
                told.lock().unwrap().push(recovered.clone())
            })),
            ..Options::default()
        }
    }

    /// The one recovery it was told of since the last call.
    pub fn once(&self) -> Recovered {
        let told = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(told.len(), 1, "{told:?}");
        told.into_iter().next().unwrap()
    }

    pub fn nothing(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

/// The file's pages begin here, by their numbers.
fn page(number: u32) -> usize {
    (number as usize - 1) * 4096
}

fn number_at(content: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(content[at..at + 4].try_into().unwrap())
}

/// Overwrites the first page that lists unused ones.
pub fn overwrite_free_list(path: &Path) {
    let first = number_at(&fs::read(path).unwrap(), 32);
    assert_ne!(first, 0, "there are unused pages");
    overwrite(path, page(first), &noise(11, 4096));
}

/// Overwrites the first page of a table.
pub fn overwrite_table(path: &Path, table: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u32 = connection.query_row(sql, [table], |row| row.get(0)).unwrap();
    drop(connection);
    overwrite(path, page(root), &noise(13, 4096));
}
