//! Invariant 6 when the exchange of a damaged file for the new one is interrupted: in whatever state the
//! files are found, everything that could be read is there, and is reported as if nothing had happened.

use std::fs;
use std::path::{Path, PathBuf};

use realm_ingest::outbox::{Options, Outbox, Recovered, Salvaged, SqliteOutbox};
use rusqlite::Connection;

use crate::common::{Folder, append, noise, open, open_recovered, other_part, payload, rows_with_gaps};
use crate::damage::overwrite_page_of;
#[cfg(target_os = "linux")]
use crate::disk::{Disk, Survives, in_memory, say};
#[cfg(target_os = "linux")]
use crate::recording::record;

/// A damaged file, with rows that are in its log alone.
struct Damaged {
    database: Vec<u8>,
    log: Vec<u8>,
}

const IN_FILE: u64 = 20;
const IN_LOG: u64 = 10;

impl Damaged {
    fn make() -> Damaged {
        let folder = Folder::new();
        let outbox = open(&folder.path());
        for number in 0..IN_FILE {
            append(&outbox, &noise(number, 2_000)).unwrap();
        }
        drop(outbox);
        let outbox = open(&folder.path());
        for number in IN_FILE..IN_FILE + IN_LOG {
            append(&outbox, &noise(number, 2_000)).unwrap();
        }
        let log = fs::read(folder.join("default.realm-wal")).unwrap();
        let copy = folder.join("copy");
        fs::copy(folder.path(), &copy).unwrap();
        // The oldest row, which opening the file looks at.
        overwrite_page_of(&copy, 0);
        Damaged {
            database: fs::read(copy).unwrap(),
            log,
        }
    }

    fn put(&self) -> Folder {
        let folder = Folder::new();
        fs::write(folder.path(), &self.database).unwrap();
        fs::write(folder.join("default.realm-wal"), &self.log).unwrap();
        folder
    }

    /// Checks that the database and its log are kept as they were found, under names that belong
    /// together.
    fn is_kept(&self, moved_to: &Path) {
        assert!(fs::read(moved_to).unwrap() == self.database);
        assert!(fs::read(beside(moved_to, "-wal")).unwrap() == self.log);
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

/// The complete new file, and what the names of the damaged ones get behind the path.
fn salvaged(damaged: &Damaged) -> (Vec<u8>, String) {
    let folder = damaged.put();
    // In the way of the next step.
    fs::create_dir(folder.join("default.realm.recovered")).unwrap();
    SqliteOutbox::open(folder.path(), Options::default()).unwrap_err();
    damaged.is_kept(&folder.path());
    let file = folder.join("default.realm.salvaged");
    let content = fs::read(&file).unwrap();
    let label = Connection::open(file)
        .unwrap()
        .query_row("SELECT label FROM recovery", [], |row| row.get(0))
        .unwrap();
    (content, label)
}

fn all_is_there(folder: &Folder, recovered: &Recovered, outbox: &SqliteOutbox) {
    let Salvaged { kept, lost } = recovered.salvaged.unwrap();
    assert!(
        kept >= IN_FILE + IN_LOG - 3 && (1..=3).contains(&lost),
        "{recovered}"
    );
    let rows = rows_with_gaps(outbox);
    assert_eq!(rows.len() as u64, kept);
    for row in &rows {
        assert_eq!(payload(row), noise(row.seq as u64 - 1, 2_000));
    }
    assert_eq!(rows.last().unwrap().seq as u64, IN_FILE + IN_LOG);
    assert_eq!(append(outbox, b"document").unwrap() as u64, IN_FILE + IN_LOG + 1);
    for name in folder.names() {
        assert!(
            !name.contains("salvaged") && !name.contains("recovered"),
            "{name} is left"
        );
    }
}

#[test]
fn an_exchange_is_finished_from_wherever_it_was_interrupted() {
    let damaged = Damaged::make();
    let (new, label) = salvaged(&damaged);
    let rename = |folder: &Folder, from: &str, to: &str| {
        let path = folder.path();
        fs::rename(beside(&path, from), beside(&path, to)).unwrap();
    };
    type Step<'a> = (&'static str, &'a dyn Fn(&Folder));
    let steps: [Step<'_>; 8] = [
        ("nothing was done", &|_| ()),
        ("half a file was made", &|folder| {
            fs::write(folder.join("default.realm.salvaged"), &new[..new.len() / 2]).unwrap();
            fs::write(folder.join("default.realm.salvaged-wal"), noise(3, 10_000)).unwrap();
        }),
        ("the file was made", &|folder| {
            fs::remove_file(folder.join("default.realm.salvaged-wal")).unwrap();
            fs::write(folder.join("default.realm.salvaged"), &new).unwrap();
        }),
        ("it became the outbox", &|folder| {
            rename(folder, ".salvaged", ".recovered")
        }),
        ("the log was moved", &|folder| {
            rename(folder, "-wal", &format!("{label}-wal"))
        }),
        ("the database got its other name", &|folder| {
            fs::hard_link(folder.path(), beside(&folder.path(), &label)).unwrap();
        }),
        (
            "the database was moved, where it cannot have two names",
            &|folder| {
                fs::remove_file(folder.path()).unwrap();
            },
        ),
        ("all was done", &|folder| rename(folder, ".recovered", "")),
    ];
    for done in 1..=steps.len() {
        let folder = damaged.put();
        for (_, step) in &steps[..done] {
            step(&folder);
        }
        let state = steps[done - 1].0;
        eprintln!("{state}");
        let (outbox, recovered) = open_recovered(&folder.path());
        all_is_there(&folder, &recovered, &outbox);
        damaged.is_kept(&recovered.moved_to);
        drop(outbox);
        let outbox = open(&folder.path());
        assert_eq!(
            outbox.last_seq().unwrap() as u64,
            IN_FILE + IN_LOG + 1,
            "{state}: reported once, and opens as usual from then on"
        );
    }
}

#[test]
fn what_has_the_name_by_chance_is_not_taken_for_the_new_file() {
    let folder = Folder::new();
    append(&open(&folder.path()), b"document").unwrap();
    fs::create_dir(folder.join("default.realm.recovered")).unwrap();
    assert_eq!(append(&open(&folder.path()), b"document").unwrap(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_power_cut_during_an_exchange_loses_nothing_that_could_be_read() {
    const TEST: &str = "exchange::a_power_cut_during_an_exchange_loses_nothing_that_could_be_read";
    if let Some(path) = other_part(TEST) {
        let (outbox, _) = open_recovered(&path);
        rows_with_gaps(&outbox);
        return say("done");
    }
    let damaged = Damaged::make();
    let kept = open_recovered(&damaged.put().path()).1.salvaged.unwrap().kept;
    assert!(kept >= IN_FILE + IN_LOG - 3);
    let files = [
        ("default.realm", &damaged.database),
        ("default.realm-wal", &damaged.log),
    ];
    let files = files
        .map(|(name, bytes)| (PathBuf::from(name), bytes.clone()))
        .into();
    let recorded = record(TEST, &files, None);
    let mut disk = Disk::new(&recorded.folder, &files, Survives::All);
    let (mut reports, mut judged) = (0, 0);
    for (index, event) in recorded.events.iter().enumerate() {
        disk.apply(event);
        for survives in [
            Survives::Nothing,
            Survives::All,
            Survives::Some(index as u64),
            Survives::Some(1_000 + 3 * index as u64),
        ] {
            let state = in_memory();
            disk.lose_power(state.path(), survives);
            let path = state.path().join("default.realm");
            let (outbox, recovered) = SqliteOutbox::open(&path, Options::default()).unwrap();
            let rows = rows_with_gaps(&outbox);
            assert_eq!(
                rows.len() as u64,
                kept,
                "after event {index}, {survives:?} of what was not synced: {recovered:?}"
            );
            for row in &rows {
                assert_eq!(payload(row), noise(row.seq as u64 - 1, 2_000));
            }
            assert_eq!(append(&outbox, b"document").unwrap() as u64, IN_FILE + IN_LOG + 1);
            if let Some(recovered) = recovered {
                assert_eq!(recovered.salvaged.unwrap().kept, kept);
                damaged.is_kept(&recovered.moved_to);
                reports += 1;
            }
            judged += 1;
        }
    }
    // Once the new file is in its place and says that it was reported, there is nothing to report.
    assert!(reports > judged / 2, "{reports} reports in {judged} states");
}
