//! Invariant 8: of an encrypted outbox nothing readable is on the disk, and nothing opens it but its key.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use realm_ingest::outbox::{
    Durability, Error, KEY_BYTES, Key, Options, Outbox, Owner, Recovered, Row, Run, Salvaged, SqliteOutbox,
    WriteTransaction,
};

use crate::common::{
    Folder, append, drain, noise, open, other_part, other_process, payload, rows, rows_with_gaps, said,
};
use crate::damage::Told;
use crate::packing::packed;

/// What must not be found.
const SECRETS: [&str; 7] = [
    "SecretClass",
    "SecretProperty",
    "c0ffee0123456789",
    "secret-app-abcde",
    "secret-user-0123456789abcdef",
    "local-userpass:secret",
    "SecretPayload",
];

pub const SCHEMA: &str = r#"{"classes":[{"name":"SecretClass","properties":["SecretProperty"]}]}"#;

pub fn key(byte: u8) -> Key {
    Key::new([byte; KEY_BYTES])
}

pub fn with_key(byte: u8) -> Options {
    Options {
        key: Some(key(byte)),
        ..Options::default()
    }
}

pub fn owner() -> Owner {
    Owner {
        app: "secret-app-abcde".to_owned(),
        user: "secret-user-0123456789abcdef".to_owned(),
        principal: "local-userpass:secret".to_owned(),
    }
}

/// Text that tells its number, of a size in which it is stored as it is, or compressed.
pub fn secret(number: u64) -> Vec<u8> {
    let times = if number.is_multiple_of(350) { 300 } else { 3 };
    format!("SecretPayload {number} ").repeat(times).into_bytes()
}

pub fn append_secret(outbox: &dyn Outbox, number: u64) {
    let schema = outbox.register_schema("c0ffee0123456789", SCHEMA).unwrap();
    let runs = [Run {
        class: "SecretClass".to_owned(),
        count: 1,
    }];
    let payload = secret(number);
    let transaction = WriteTransaction {
        schema,
        runs: &runs,
        payload: &payload,
    };
    outbox.append(&transaction).unwrap();
}

/// Rows `1..=count` of an owner.
pub fn with_secrets(path: &Path, options: Options, count: u64) -> SqliteOutbox {
    let (outbox, _) = SqliteOutbox::open(path, options).unwrap();
    outbox.set_owner(&owner()).unwrap();
    for number in 1..=count {
        append_secret(&outbox, number);
    }
    outbox
}

/// Checks that the outbox gives out what [`with_secrets`] wrote.
pub fn holds_secrets(outbox: &SqliteOutbox, count: u64) {
    let rows = rows(outbox);
    assert_eq!(rows.len() as u64, count);
    for row in &rows {
        is_secret(outbox, row);
    }
    assert_eq!(outbox.owner().unwrap(), Some(owner()));
}

pub fn is_secret(outbox: &SqliteOutbox, row: &Row) {
    assert_eq!(payload(row), secret(row.seq as u64));
    assert_eq!(row.runs[0].class, "SecretClass");
    let schema = outbox.schema(row.schema).unwrap();
    assert_eq!(
        (schema.fingerprint.as_str(), schema.json.as_str()),
        ("c0ffee0123456789", SCHEMA)
    );
}

/// What is in the folder, by name. The index of the log is no file's content.
pub fn content(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let names = folder.names().into_iter().filter(|name| !name.ends_with("-shm"));
    let files = names.filter(|name| folder.join(name).is_file());
    files
        .map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap()))
        .collect()
}

/// The secrets that can be read in the outbox's folder.
pub fn found(folder: &Folder) -> Vec<&'static str> {
    found_beside(&folder.path())
}

/// The secrets that can be read in the folder of the path.
pub fn found_beside(path: &Path) -> Vec<&'static str> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    let files = entries
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.is_file());
    let all: Vec<u8> = files.flat_map(|file| fs::read(file).unwrap()).collect();
    let is_there = |secret: &&str| {
        let first = secret.as_bytes()[0];
        let begins = all.iter().enumerate().filter(|(_, byte)| **byte == first);
        begins
            .into_iter()
            .any(|(at, _)| all[at..].starts_with(secret.as_bytes()))
    };
    SECRETS.into_iter().filter(is_there).collect()
}

pub fn nothing_is_found(folder: &Folder, when: &str) {
    assert_eq!(found(folder), [""; 0], "{when}");
}

/// Changes a closed outbox by SQL.
pub fn change(path: &Path, sql: &str) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

#[test]
fn nothing_readable_is_on_the_disk_at_any_time() {
    const TEST: &str = "encryption::nothing_readable_is_on_the_disk_at_any_time";
    if let Some(path) = other_part(TEST) {
        let outbox = with_secrets(&path, with_key(1), 30);
        println!("##written");
        std::io::stdout().flush().unwrap();
        loop {
            drop(outbox.lease(0, 1 << 20).unwrap());
        }
    }
    let folder = Folder::new();
    let mut writer = other_process(TEST, &folder.path()).spawn().unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    while said(&lines.next().unwrap().unwrap()) != Some("written") {}
    nothing_is_found(&folder, "while another process has it open");
    writer.kill().unwrap();
    writer.wait().unwrap();
    nothing_is_found(&folder, "after a process was killed");

    let options = Options {
        durability: Durability::Relaxed,
        ..with_key(1)
    };
    let (outbox, recovered) = SqliteOutbox::open(folder.path(), options).unwrap();
    assert_eq!(recovered, None);
    holds_secrets(&outbox, 30);
    for number in 31..=1200 {
        append_secret(&outbox, number);
    }
    nothing_is_found(&folder, "while it is open");
    while outbox.tidy().unwrap() {}
    assert!(packed(&folder).0 >= 2);
    nothing_is_found(&folder, "after rows were packed");
    holds_secrets(&outbox, 1200);
    let identity = outbox.origin().unwrap().identity;
    assert!(outbox.settle(&identity, 700).unwrap());
    outbox.compact().unwrap();
    nothing_is_found(&folder, "after a pack was divided");
    drop(outbox);
    nothing_is_found(&folder, "after it was closed");

    // In the way of the last step of a recovery.
    change(
        &folder.path(),
        "UPDATE tx SET created = created + 1 WHERE seq = 1000",
    );
    fs::create_dir(folder.join("default.realm.recovered")).unwrap();
    let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
    assert!(matches!(outbox.lease(900, 1 << 20), Err(Error::Corrupt { .. })));
    assert!(folder.join("default.realm.salvaged").exists());
    nothing_is_found(&folder, "in the middle of a recovery");
    fs::remove_dir(folder.join("default.realm.recovered")).unwrap();
    outbox.lease(900, 1 << 20).unwrap();
    nothing_is_found(&folder, "after a recovery");
    drain(&outbox);
    nothing_is_found(&folder, "after all was sent");

    // Enough to be given back to the file system, which copies what is left.
    let large = [noise(5, 3 << 20), secret(1)].concat();
    append(&outbox, &large).unwrap();
    append_secret(&outbox, 1202);
    drain(&outbox);
    append_secret(&outbox, 1203);
    let before = folder.bytes();
    outbox.compact().unwrap();
    assert!(folder.bytes() < before);
    nothing_is_found(&folder, "after space was given back");
}

#[test]
fn without_a_key_all_of_it_would_be_found() {
    let folder = Folder::new();
    let outbox = with_secrets(&folder.path(), Options::default(), 3);
    assert_eq!(found(&folder), SECRETS);
    drop(outbox);
    assert_eq!(found(&folder), SECRETS);
}

/// Checks that the outbox is refused in one sentence, and that nothing in its folder changes.
pub fn is_refused(folder: &Folder, key: Option<u8>, sentence: &str) {
    let before = content(folder);
    let options = key.map_or_else(Options::default, with_key);
    let error = SqliteOutbox::open(folder.path(), options).unwrap_err();
    let path = folder.path().display().to_string();
    assert_eq!(error.to_string().replace(&path, "PATH"), sentence);
    assert!(!error.is_retryable());
    assert!(
        content(folder) == before,
        "the folder has changed: {:?}",
        folder.names()
    );
}

const NO_KEY: &str = "the outbox at PATH is encrypted: open it with its encryption key";
const OTHER_KEY: &str = "the outbox at PATH was encrypted with another encryption key: open it with that one";
const NEEDS_NONE: &str =
    "the outbox at PATH is not encrypted: open it without an encryption key, or give it one with rekey";

#[test]
fn a_wrong_or_missing_key_is_refused_and_nothing_changes() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 30));
    is_refused(&folder, None, NO_KEY);
    is_refused(&folder, Some(2), OTHER_KEY);
    let outbox = with_secrets(&folder.path(), with_key(1), 0);
    append_secret(&outbox, 31);
    // As a process leaves it that is killed.
    let killed = Folder::new();
    for name in ["default.realm", "default.realm-wal"] {
        fs::copy(folder.join(name), killed.join(name)).unwrap();
    }
    is_refused(&killed, None, NO_KEY);
    is_refused(&killed, Some(2), OTHER_KEY);
    is_refused(&folder, None, NO_KEY);
    is_refused(&folder, Some(2), OTHER_KEY);
    holds_secrets(&outbox, 31);
    drop(outbox);
    holds_secrets(&SqliteOutbox::open(killed.path(), with_key(1)).unwrap().0, 31);
}

#[test]
fn a_key_for_a_file_without_one_is_refused_and_nothing_changes() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), Options::default(), 30));
    is_refused(&folder, Some(1), NEEDS_NONE);
    holds_secrets(&open(&folder.path()), 30);
}

#[test]
fn a_damaged_file_is_refused_as_well_with_another_key() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 30));
    // Opening it finds that.
    change(&folder.path(), "UPDATE meta SET identity = 'damaged'");
    is_refused(&folder, None, NO_KEY);
    is_refused(&folder, Some(2), OTHER_KEY);
    let recovered = kept(&folder, 30, 0);
    assert!(recovered.moved_to.exists());
    is_refused(&folder, Some(2), OTHER_KEY);
}

#[test]
fn an_exchange_that_was_interrupted_is_not_finished_with_another_key() {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 30));
    change(&folder.path(), "UPDATE meta SET identity = 'damaged'");
    fs::create_dir(folder.join("default.realm.recovered")).unwrap();
    SqliteOutbox::open(folder.path(), with_key(1)).unwrap_err();
    fs::remove_dir(folder.join("default.realm.recovered")).unwrap();
    fs::rename(
        folder.join("default.realm.salvaged"),
        folder.join("default.realm.recovered"),
    )
    .unwrap();
    is_refused(&folder, None, NO_KEY);
    is_refused(&folder, Some(2), OTHER_KEY);
    kept(&folder, 30, 0);
}

/// Opens the outbox and reads it; checks what damage left of the rows, and returns what was reported.
pub fn kept(folder: &Folder, count: u64, lost: u64) -> Recovered {
    let told = Told::default();
    let options = Options {
        key: Some(key(1)),
        ..told.options()
    };
    let (outbox, at_opening) = SqliteOutbox::open(folder.path(), options).unwrap();
    let rows = rows_with_gaps(&outbox);
    for row in &rows {
        is_secret(&outbox, row);
    }
    assert_eq!(rows.len() as u64, count);
    assert_eq!(outbox.owner().unwrap(), Some(owner()));
    let recovered = at_opening.unwrap_or_else(|| told.once());
    assert_eq!(recovered.salvaged, Some(Salvaged { kept: count, lost }));
    recovered
}

#[test]
fn copies_of_a_file_open_with_its_key_and_go_their_own_ways() {
    let folder = Folder::new();
    let other = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), 20));
    fs::copy(folder.path(), other.path()).unwrap();
    let outboxes = [&folder, &other].map(|folder| SqliteOutbox::open(folder.path(), with_key(1)).unwrap().0);
    for outbox in &outboxes {
        append_secret(outbox, 21);
        holds_secrets(outbox, 21);
    }
    let [identity, copied] = outboxes.map(|outbox| outbox.origin().unwrap().identity);
    assert_ne!(identity, copied);
}

#[test]
fn the_same_is_never_stored_alike_twice() {
    let payloads = |folder: &Folder| -> Vec<Vec<u8>> {
        let file = rusqlite::Connection::open(folder.path()).unwrap();
        let mut statement = file.prepare("SELECT payload FROM tx").unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.map(Result::unwrap).collect()
    };
    let folders = [Folder::new(), Folder::new()];
    let stored = folders.each_ref().map(|folder| {
        let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
        for _ in 0..2 {
            append(&outbox, &noise(1, 100)).unwrap();
        }
        drop(outbox);
        payloads(folder)
    });
    let mut all = stored.concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
}
