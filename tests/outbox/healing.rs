//! Invariant 6 for an outbox that is open: whichever call meets damage, the file is replaced by one with
//! all that can be read of it, the application is told, and the call succeeds.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::sync::Barrier;
use std::thread;

use realm_ingest::outbox::{
    Error, Loss, LossReason, Options, Outbox, Owner, Pending, Run, Salvaged, SchemaId, SqliteOutbox,
    WriteTransaction,
};

use crate::common::{
    Folder, append, drain, noise, open, open_recovered, other_part, other_process, payload, rows_with_gaps,
    said, schema, settle,
};
use crate::damage::{
    Told, are_left, change_a_bit_of, damaged, overwrite, overwrite_free_list, overwrite_page_of,
    overwrite_table,
};

const RUNS: &[Run] = &[Run {
    class: String::new(),
    count: 1,
}];

fn transaction(schema: SchemaId) -> WriteTransaction<'static> {
    WriteTransaction {
        schema,
        runs: RUNS,
        payload: b"document",
    }
}

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
    settle(&outbox, 1).unwrap();
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

/// Three rows, the columns of the last of them as the statement sets them.
fn forged(statement: &str) -> Folder {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for _ in 0..3 {
        append(&outbox, b"document").unwrap();
    }
    drop(outbox);
    let file = rusqlite::Connection::open(folder.path()).unwrap();
    let sql = format!("UPDATE tx SET {statement} WHERE seq = 3");
    assert_eq!(file.execute(&sql, []).unwrap(), 1);
    folder
}

#[test]
fn a_row_whose_number_no_outbox_reaches_costs_itself_alone() {
    for seq in [i64::MAX, i64::MAX - 1_000, 1 << 62, 0, i64::MIN] {
        let folder = forged(&format!("seq = {seq}"));
        let (outbox, recovered) = open_recovered(&folder.path());
        let next = append(&outbox, b"document").unwrap();
        let numbers: Vec<_> = rows_with_gaps(&outbox).iter().map(|row| row.seq).collect();
        assert_eq!(numbers, [1, 2, next], "{seq}");
        assert_eq!(outbox.pending().unwrap().objects, 3);
        assert_eq!(recovered.salvaged.unwrap().kept, 2);
    }
}

#[test]
fn sums_that_are_damaged_are_made_anew() {
    for sums in ["objects_through = 9223372036854775807", "bytes_through = -1"] {
        let folder = forged(sums);
        let told = Told::default();
        let outbox = told.open(&folder.path());
        assert_eq!(append(&outbox, b"document").unwrap(), 4);
        let pending = outbox.pending().unwrap();
        assert_eq!((pending.objects, pending.bytes), (4, 32), "{sums}");
        assert_eq!(told.once().salvaged, Some(Salvaged { kept: 3, lost: 0 }));
    }
}

#[test]
fn a_row_that_says_it_is_larger_than_any_is_given_to_nobody() {
    let bytes = i64::MAX;
    let mut sum = crc32fast::Hasher::new();
    for number in [1, 1, bytes, 0] {
        sum.update(&number.to_le_bytes());
    }
    sum.update(b"\x01\x07Readingdocument");
    let folder = forged(&format!("bytes = {bytes}, checksum = {}", sum.finalize()));
    let outbox = Told::default().open(&folder.path());
    assert_eq!(rows_with_gaps(&outbox).len(), 2);
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
fn processes_that_meet_damage_together_share_one_repair() {
    const TEST: &str = "healing::processes_that_meet_damage_together_share_one_repair";
    let until_read = |outbox: &SqliteOutbox| {
        while let Err(error) = read_all(outbox) {
            assert!(error.is_retryable(), "{error:?}");
        }
    };
    if let Some(path) = other_part(TEST) {
        let outbox = open(&path);
        println!("##open");
        std::io::stdout().flush().unwrap();
        until_read(&outbox);
        append(&outbox, b"document").unwrap();
        return;
    }
    let folder = damaged(|path| overwrite_page_of(path, 20));
    let outbox = open(&folder.path());
    let mut processes: Vec<_> = (0..3)
        .map(|_| other_process(TEST, &folder.path()).spawn().unwrap())
        .collect();
    // Kept until they end: they also say there how the test went.
    let mut outputs = Vec::new();
    for process in &mut processes {
        let mut lines = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        lines.find(|line| said(line) == Some("open")).unwrap();
        outputs.push(lines);
    }
    until_read(&outbox);
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let moved = folder
        .names()
        .into_iter()
        .filter(|name| name.contains(".corrupt-") && !name.ends_with("-wal") && !name.ends_with("-shm"));
    assert_eq!(moved.count(), 1, "replaced once");
    let rows = rows_with_gaps(&outbox);
    assert!(rows.len() >= 40, "{} rows", rows.len());
    assert_eq!(rows.last().unwrap().seq, 43);
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

/// An outbox of so many rows and many unused pages, whose list is damaged.
fn with_damaged_free_list(rows: u64) -> (Folder, Told, SqliteOutbox) {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 1..=30 + rows {
        append(&outbox, &noise(number, 100_000)).unwrap();
    }
    settle(&outbox, 30).unwrap();
    drop(outbox);
    overwrite_free_list(&folder.path());
    let told = Told::default();
    let outbox = told.open(&folder.path());
    assert_eq!(
        outbox.pending().unwrap().transactions,
        rows,
        "reading meets nothing"
    );
    (folder, told, outbox)
}

fn all_are_kept(kept: usize, told: &Told, outbox: &SqliteOutbox, further: usize) {
    let expected = Salvaged {
        kept: kept as u64,
        lost: 0,
    };
    assert_eq!(told.once().salvaged, Some(expected));
    let rows = rows_with_gaps(outbox);
    assert_eq!(rows.len(), kept + further);
    for row in &rows[..kept] {
        assert_eq!(payload(row), noise(row.seq as u64, 100_000));
    }
    assert!(told.nothing());
}

#[test]
fn a_write_that_meets_damage_is_stored_in_the_repaired_file() {
    let (_folder, told, outbox) = with_damaged_free_list(10);
    assert_eq!(append(&outbox, &noise(41, 100_000)).unwrap(), 41);
    all_are_kept(10, &told, &outbox, 1);
    assert_eq!(append(&outbox, &noise(42, 100_000)).unwrap(), 42);
}

#[test]
fn giving_space_back_repairs_what_it_meets() {
    // Fewer rows are copied to a new file, and what is unused of the old one does not matter.
    let (_folder, told, outbox) = with_damaged_free_list(60);
    outbox.compact().unwrap();
    all_are_kept(60, &told, &outbox, 0);
}

#[test]
fn settling_repairs_what_it_meets() {
    let (_folder, told, outbox) = with_damaged_free_list(10);
    let former = outbox.origin().unwrap().identity;
    // The repaired file goes under another identity, and its rows are sent again.
    assert!(!outbox.settle(&former, 35).unwrap());
    assert_eq!(told.once().salvaged, Some(Salvaged { kept: 10, lost: 0 }));
    assert_eq!(outbox.pending().unwrap().transactions, 10);
    assert_eq!(outbox.origin().unwrap().acked, 0);
    settle(&outbox, 35).unwrap();
    assert_eq!(outbox.pending().unwrap().transactions, 5);
}

#[test]
fn an_acknowledgement_of_the_file_before_the_repair_removes_nothing() {
    let (_folder, told, outbox) = with_damaged_free_list(10);
    let former = outbox.origin().unwrap().identity;
    // Rows up to 10 are under way.
    append(&outbox, &noise(100, 100_000)).unwrap();
    told.once();
    let waiting = outbox.pending().unwrap();
    assert!(!outbox.settle(&former, 100).unwrap());
    assert_eq!(outbox.pending().unwrap(), waiting);
    assert_eq!(outbox.origin().unwrap().acked, 0);
}

#[test]
fn the_numbers_of_rows_that_damage_took_are_not_given_out_again() {
    let folder = damaged(|path| change_a_bit_of(path, 39));
    let told = Told::default();
    let outbox = told.open(&folder.path());
    read_all(&outbox).unwrap();
    assert_eq!(told.once().salvaged, Some(Salvaged { kept: 39, lost: 1 }));
    assert_eq!(append(&outbox, b"document").unwrap(), 41);
}

#[test]
fn writers_that_meet_damage_together_share_one_repair() {
    let (_folder, told, outbox) = with_damaged_free_list(10);
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for number in 0..8 {
            let (outbox, start) = (&outbox, &start);
            scope.spawn(move || {
                start.wait();
                append(outbox, &noise(100 + number, 100_000)).unwrap();
            });
        }
    });
    all_are_kept(10, &told, &outbox, 8);
}

#[test]
fn schemas_that_the_file_has_lost_are_remembered() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for number in 0..40 {
        append(&outbox, &noise(number, 2_000)).unwrap();
    }
    let known = schema(&outbox);
    drop(outbox);
    let told = Told::default();
    let outbox = told.open(&folder.path());
    assert_eq!(schema(&outbox), known);
    // As the disk would change it under the program.
    overwrite_table(&folder.path(), "schema");
    // After this the page is read again.
    append(&outbox, &noise(40, 2_000)).unwrap();
    assert!(told.nothing());
    outbox.register_schema("fedcba9876543210", "{}").unwrap();
    assert_eq!(told.once().salvaged, Some(Salvaged { kept: 41, lost: 0 }));
    assert_eq!(schema(&outbox), known);
    assert_eq!(outbox.schema(known).unwrap().json, "{\"classes\":[]}");
    append(&outbox, &noise(41, 2_000)).unwrap();
    assert_eq!(rows_with_gaps(&outbox).len(), 42);
    assert!(told.nothing());
}

#[test]
fn a_file_of_which_nothing_can_be_read_is_replaced_under_way() {
    let folder = damaged(|_| ());
    let told = Told::default();
    let outbox = told.open(&folder.path());
    let known = schema(&outbox);
    let owner = Owner {
        app: "app".to_owned(),
        user: "user".to_owned(),
        principal: "anon-user".to_owned(),
    };
    outbox.set_owner(&owner).unwrap();
    let mark = outbox.loss_mark().unwrap();
    outbox.compact().unwrap();
    let length = fs::metadata(folder.path()).unwrap().len() as usize;
    let log = folder.join("default.realm-wal");
    let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
    file.set_len(0).unwrap();
    overwrite(&folder.path(), 0, &noise(17, length));
    assert_eq!(append(&outbox, b"document").unwrap(), 1);
    assert_eq!(told.once().salvaged, None);
    assert_eq!(outbox.owner().unwrap(), Some(owner));
    assert_eq!(schema(&outbox), known);
    let all = Loss {
        first: 1,
        last: 40,
        reason: LossReason::Damaged,
    };
    assert_eq!(outbox.losses(mark, 40).unwrap(), [all]);
    let mark = outbox.loss_mark().unwrap();
    assert_eq!(outbox.losses(mark, 1).unwrap(), []);
}

#[test]
fn every_table_is_repaired_by_whatever_meets_its_damage() {
    for table in ["meta", "loss", "recovery", "schema", "sqlite_autoindex_schema_1"] {
        let folder = damaged(|path| overwrite_table(path, table));
        let told = Told::default();
        let options = told.options();
        let (outbox, recovered) = SqliteOutbox::open(folder.path(), options).unwrap();
        let mark = outbox.loss_mark().unwrap();
        let schema = outbox.register_schema("fedcba9876543210", "{}").unwrap();
        outbox.append(&transaction(schema)).unwrap();
        outbox.losses(mark, 40).unwrap();
        read_all(&outbox).unwrap();
        settle(&outbox, 1).unwrap();
        outbox.compact().unwrap();
        let recovered = recovered.unwrap_or_else(|| told.once());
        assert!(told.nothing(), "{table}");
        assert_eq!(
            recovered.salvaged,
            Some(Salvaged { kept: 40, lost: 0 }),
            "{table}: {recovered}"
        );
        assert_eq!(rows_with_gaps(&outbox)[0].seq, 2, "{table}");
        drop(outbox);
        assert_eq!(append(&open(&folder.path()), b"document").unwrap(), 42, "{table}");
    }
}

#[test]
fn a_schema_whose_text_is_lost_gets_it_back_when_it_is_registered() {
    let folder = damaged(|path| overwrite_table(path, "schema"));
    let (outbox, _) = SqliteOutbox::open(folder.path(), Told::default().options()).unwrap();
    outbox.register_schema("fedcba9876543210", "{}").unwrap();
    let former = rows_with_gaps(&outbox)[0].schema;
    let lost = outbox.schema(former).unwrap();
    assert_eq!(
        (lost.fingerprint.as_str(), lost.json.as_str()),
        ("0123456789abcdef", "")
    );
    assert_eq!(schema(&outbox), former);
    assert_eq!(outbox.schema(former).unwrap().json, "{\"classes\":[]}");
    drop(outbox);
    assert_eq!(
        open(&folder.path()).schema(former).unwrap().json,
        "{\"classes\":[]}"
    );
}

#[test]
fn a_row_that_is_always_there_and_is_gone_is_damage() {
    let folder = damaged(|_| ());
    let told = Told::default();
    let outbox = told.open(&folder.path());
    rusqlite::Connection::open(folder.path())
        .unwrap()
        .execute_batch("DELETE FROM meta")
        .unwrap();
    outbox.origin().unwrap();
    assert_eq!(told.once().salvaged, Some(Salvaged { kept: 40, lost: 0 }));
    are_left(&outbox, 0);
}

#[test]
fn who_may_send_what_waits_is_known_to_who_has_the_file_open() {
    for guarded in [true, false] {
        let folder = damaged(|_| ());
        let told = Told::default();
        let outbox = told.open(&folder.path());
        outbox.set_guarded(guarded).unwrap();
        let file = rusqlite::Connection::open(folder.path()).unwrap();
        file.execute_batch("DELETE FROM meta").unwrap();
        drop(file);
        outbox.origin().unwrap();
        told.once();
        assert_eq!(outbox.is_guarded().unwrap(), guarded);
    }
}
