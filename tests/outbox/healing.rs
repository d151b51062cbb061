//! Invariant 6 for an outbox that is open: whichever call meets damage, the file is replaced by one with
//! all that can be read of it, the application is told, and the call succeeds.

use std::fs;
use std::io::{BufRead, BufReader, Write};

use realm_ingest::outbox::{Error, Options, Outbox, Pending, Salvaged, SqliteOutbox};

use crate::common::{append, drain, open, other_part, other_process, rows_with_gaps, said};
use crate::damage::{Told, are_left, change_a_bit_of, damaged, overwrite_page_of};

/// Reads all rows in small steps, as the uploader does.
fn read_all(outbox: &SqliteOutbox) -> Result<(), Error> {
    let mut after = 0;
    while let Some(lease) = outbox.lease(after, 10_000)? {
        after = lease.last_seq();
    }
    Ok(())
}

#[test]
fn damage_among_the_rows_costs_those_rows_alone() {
    let folder = damaged(|path| overwrite_page_of(path, 20));
    let told = Told::default();
    let outbox = told.open(&folder.path());
    let origin = outbox.origin().unwrap();
    assert_eq!(append(&outbox, b"written before it is met").unwrap(), 41);
    outbox.settle(1).unwrap();
    assert!(told.nothing());

    read_all(&outbox).unwrap();
    let recovered = told.once();
    let Salvaged { kept, lost } = recovered.salvaged.unwrap();
    assert!((1..=3).contains(&lost), "{lost} rows of one page");
    assert_eq!(kept, 40 - lost);
    assert!(recovered.moved_to.exists());
    assert_eq!(append(&outbox, b"document").unwrap(), 42);
    let left = rows_with_gaps(&outbox);
    assert_eq!((left[0].seq, left.len() as u64), (2, 41 - lost));
    let renewed = outbox.origin().unwrap();
    assert_ne!(renewed.identity, origin.identity, "invariant 4");
    assert_eq!(renewed.acked, 0);

    drain(&outbox);
    assert_eq!(outbox.pending().unwrap(), Pending::default());
    drop(outbox);
    assert_eq!(append(&open(&folder.path()), b"document").unwrap(), 43);
}

#[test]
fn a_single_bit_that_changed_is_noticed_and_costs_one_row() {
    let folder = damaged(|path| change_a_bit_of(path, 20));
    let told = Told::default();
    let outbox = told.open(&folder.path());
    read_all(&outbox).unwrap();
    let recovered = told.once();
    assert_eq!(recovered.salvaged, Some(Salvaged { kept: 39, lost: 1 }));
    assert!(
        recovered.to_string().contains("39 write transactions"),
        "{recovered}"
    );
    are_left(&outbox, 1);
}

#[test]
fn a_damaged_file_that_another_process_has_open_stays_in_its_place() {
    let folder = damaged(|path| overwrite_page_of(path, 20));
    let told = Told::default();
    let outbox = told.open(&folder.path());
    // As another process would have it: SQLite tells connections apart, not processes.
    let other = open(&folder.path());
    let error = read_all(&outbox).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(error.is_retryable());
    assert!(
        error.to_string().contains("no other process has it open"),
        "{error}"
    );
    assert_eq!(append(&outbox, b"document").unwrap(), 41);
    assert_eq!(append(&other, b"document").unwrap(), 42);
    assert!(folder.names().iter().all(|name| !name.contains(".corrupt-")));
    drop(other);
    assert!(told.nothing());
    read_all(&outbox).unwrap();
    told.once();
    assert_eq!(append(&outbox, b"document").unwrap(), 43);
}

#[test]
fn without_room_for_a_new_file_the_damaged_one_goes_on() {
    let folder = damaged(|path| overwrite_page_of(path, 20));
    let told = Told::default();
    let outbox = told.open(&folder.path());
    let in_the_way = folder.join("default.realm.salvaged");
    fs::create_dir(&in_the_way).unwrap();
    let error = read_all(&outbox).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("default.realm.salvaged"), "{error}");
    assert_eq!(append(&outbox, b"document").unwrap(), 41);
    assert!(read_all(&outbox).is_err());
    assert!(told.nothing());

    fs::remove_dir(&in_the_way).unwrap();
    read_all(&outbox).unwrap();
    let recovered = told.once();
    assert!(recovered.salvaged.unwrap().kept >= 38, "{recovered}");
    assert_eq!(append(&outbox, b"document").unwrap(), 42);
}

#[test]
fn a_recovery_that_is_killed_loses_nothing_more() {
    const TEST: &str = "healing::a_recovery_that_is_killed_loses_nothing_more";
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        println!("##open");
        std::io::stdout().flush().unwrap();
        read_all(&outbox).unwrap();
        return;
    }
    for round in 0..12 {
        let folder = damaged(|path| change_a_bit_of(path, 20));
        let mut process = other_process(TEST, &folder.path()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        lines.find(|line| said(line) == Some("open")).unwrap();
        // The whole of it takes some milliseconds.
        for _ in 0..round * 40_000 {
            std::hint::spin_loop();
        }
        process.kill().unwrap();
        process.wait().unwrap();

        let (outbox, _) = SqliteOutbox::open(folder.path(), Options::default()).unwrap();
        read_all(&outbox).unwrap();
        are_left(&outbox, 1);
    }
}
