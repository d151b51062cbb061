//! Invariant 8: what somebody changed in an encrypted outbox who has no key is told as damage, and costs no more than
//! what was changed.

use std::fs;

use realm_ingest::outbox::{Outbox, RecoveredReason, SqliteOutbox};

use crate::common::{Folder, rows_with_gaps};
use crate::damage::overwrite_table;
use crate::encryption::{change, found, is_refused, is_secret, kept, owner, with_key, with_secrets};

const COLUMNS: &str =
    "created, objects, bytes, objects_through, bytes_through, schema, codec, runs, checksum, payload";

fn with_rows(count: u64) -> Folder {
    let folder = Folder::new();
    drop(with_secrets(&folder.path(), with_key(1), count));
    folder
}

#[test]
fn rows_that_were_exchanged_are_noticed_and_the_others_kept() {
    let folder = with_rows(30);
    change(
        &folder.path(),
        "UPDATE tx SET seq = -5 WHERE seq = 5; UPDATE tx SET seq = 5 WHERE seq = 6; UPDATE tx SET seq = 6 WHERE seq = -5;",
    );
    kept(&folder, 28, 2);
}

#[test]
fn a_row_that_is_given_out_once_more_is_noticed() {
    let folder = with_rows(30);
    change(
        &folder.path(),
        &format!("INSERT INTO tx (seq, {COLUMNS}) SELECT 31, {COLUMNS} FROM tx WHERE seq = 30"),
    );
    kept(&folder, 30, 1);
}

#[test]
fn a_row_of_another_file_is_noticed_also_with_the_same_key_and_number() {
    let (folder, other) = (with_rows(30), with_rows(30));
    change(
        &folder.path(),
        &format!(
            "ATTACH '{}' AS other; DELETE FROM main.tx WHERE seq = 9;
             INSERT INTO main.tx SELECT * FROM other.tx WHERE seq = 9;",
            other.path().display()
        ),
    );
    kept(&folder, 29, 1);
}

#[test]
fn a_row_that_is_not_encrypted_is_not_believed() {
    let (folder, plain) = (with_rows(30), Folder::new());
    drop(with_secrets(
        &plain.path(),
        realm_ingest::outbox::Options::default(),
        30,
    ));
    change(
        &folder.path(),
        &format!(
            "ATTACH '{}' AS other; DELETE FROM main.tx WHERE seq = 9;
             INSERT INTO main.tx SELECT * FROM other.tx WHERE seq = 9;",
            plain.path().display()
        ),
    );
    kept(&folder, 29, 1);
}

#[test]
fn every_number_of_a_row_is_bound_to_it() {
    for column in ["created", "objects", "bytes", "schema", "codec"] {
        let folder = with_rows(20);
        change(
            &folder.path(),
            &format!("UPDATE tx SET {column} = 1 - min({column}, 1) WHERE seq = 10"),
        );
        kept(&folder, 19, 1);
    }
    let folder = with_rows(20);
    change(&folder.path(), "UPDATE tx SET first = 9 WHERE seq = 10");
    kept(&folder, 19, 1);
}

#[test]
fn a_pack_stands_for_its_own_rows_alone() {
    let folder = Folder::new();
    let outbox = with_secrets(&folder.path(), with_key(1), 900);
    while outbox.tidy().unwrap() {}
    drop(outbox);
    let packs = "SELECT count(*), min(seq) FROM tx WHERE first IS NOT NULL";
    let (count, seq): (i64, i64) = rusqlite::Connection::open(folder.path())
        .unwrap()
        .query_row(packs, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert!(count >= 2, "{count} packs");
    change(
        &folder.path(),
        &format!("UPDATE tx SET first = first + 1 WHERE seq = {seq}"),
    );
    let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
    let left = rows_with_gaps(&outbox);
    assert!(left.iter().all(|row| row.seq > seq || row.seq <= seq - 16));
    for row in &left {
        is_secret(&outbox, row);
    }
    assert!(left.len() as i64 >= 900 - seq);
}

#[test]
fn an_owner_that_was_exchanged_is_not_believed() {
    for sql in [
        "UPDATE meta SET user = app",
        "UPDATE meta SET app = user, user = app",
        "UPDATE meta SET user = 'somebody'",
    ] {
        let folder = with_rows(3);
        change(&folder.path(), sql);
        let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
        assert_eq!(outbox.owner().unwrap(), None, "{sql}");
        assert_eq!(rows_with_gaps(&outbox).len(), 3);
    }
}

#[test]
fn schemas_that_were_exchanged_are_not_believed() {
    let folder = with_rows(3);
    let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
    outbox
        .register_schema("fedcba9876543210", "another text")
        .unwrap();
    drop(outbox);
    change(
        &folder.path(),
        "UPDATE schema SET json = (SELECT json FROM schema AS other WHERE other.id = 2) WHERE id = 1",
    );
    let (outbox, _) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
    let rows = rows_with_gaps(&outbox);
    assert_eq!(rows.len(), 3);
    let schema = outbox.schema(rows[0].schema).unwrap();
    assert_eq!(
        (schema.fingerprint.as_str(), schema.json.as_str()),
        ("c0ffee0123456789", ""),
        "the text is gone, and the fingerprint is what the gateway knows it by"
    );
}

#[test]
fn one_copy_of_the_salt_suffices() {
    for sql in [
        "UPDATE seal SET salt = zeroblob(16)",
        "UPDATE seal SET proof = zeroblob(32)",
        "UPDATE seal SET checksum = 1",
        "UPDATE seal SET salt = x'00'",
        "DELETE FROM seal",
        "UPDATE meta SET salt = zeroblob(16)",
        "UPDATE meta SET proof = NULL",
        "UPDATE meta SET salt = NULL, proof = NULL, salt_checksum = NULL",
    ] {
        let folder = with_rows(20);
        change(&folder.path(), sql);
        is_refused(
            &folder,
            Some(2),
            "the outbox at PATH was encrypted with another encryption key: open it with that one",
        );
        is_refused(
            &folder,
            None,
            "the outbox at PATH is encrypted: open it with its encryption key",
        );
        let recovered = kept(&folder, 20, 0);
        let RecoveredReason::Damaged(reason) = recovered.reason else {
            unreachable!("not the former SDK's")
        };
        assert_eq!(reason, "a copy of its salt is damaged", "{sql}");
    }
}

#[test]
fn a_page_with_one_copy_of_the_salt_may_be_lost() {
    for table in ["seal", "meta"] {
        let folder = with_rows(20);
        overwrite_table(&folder.path(), table);
        let (outbox, recovered) = SqliteOutbox::open(folder.path(), with_key(1)).unwrap();
        assert_eq!(recovered.unwrap().salvaged.unwrap().kept, 20, "{table}");
        for row in rows_with_gaps(&outbox) {
            is_secret(&outbox, &row);
        }
        let expected = (table == "seal").then(owner);
        assert_eq!(outbox.owner().unwrap(), expected, "{table} has it");
        assert_eq!(found(&folder), [""; 0]);
    }
}

#[test]
fn without_any_salt_the_file_is_moved_aside_and_kept() {
    for given in [Some(1), None] {
        let folder = with_rows(20);
        overwrite_table(&folder.path(), "seal");
        overwrite_table(&folder.path(), "meta");
        let before = fs::read(folder.path()).unwrap();
        let options = given.map_or_else(Default::default, with_key);
        let (outbox, recovered) = SqliteOutbox::open(folder.path(), options).unwrap();
        let recovered = recovered.unwrap();
        assert!(fs::read(recovered.moved_to).unwrap() == before);
        assert_eq!(recovered.salvaged.map_or(0, |salvaged| salvaged.kept), 0);
        assert_eq!(rows_with_gaps(&outbox), []);
    }
}
