//! What was refused is known as such, once, and as the newest answer has it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use realm_ingest::outbox::{
    Cap, Doubt, Fate, Key, Number, Options, Outbox, Policy, Refusals, Settlement, SqliteOutbox, rekey,
};

use super::{all_of, conclude, fate, refused, relaxed, settle_with, store, store_some};
use crate::common::{Folder, open, open_with, other_part, other_process, said};

#[test]
fn what_was_refused_is_known_after_a_restart_and_the_rest_is_persisted() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    store_some(&outbox, 5);
    let of_2 = [refused(2, 0), refused(2, 3)];
    let of_3 = [refused(3, 1)];
    settle_with(&outbox, 1, 4, [&of_2[..], &of_3].concat());
    drop(outbox);
    let outbox = open(&folder.path());
    assert_eq!(fate(&outbox, 1), Fate::Persisted);
    assert_eq!(fate(&outbox, 2), all_of(&of_2));
    assert_eq!(fate(&outbox, 3), all_of(&of_3));
    assert_eq!(
        (fate(&outbox, 4), fate(&outbox, 5)),
        (Fate::Persisted, Fate::Waiting)
    );
    assert_eq!(outbox.tally().unwrap().refused_objects, 3);
}

#[test]
fn what_was_refused_is_sealed_in_an_encrypted_file_and_known_under_another_key() {
    let folder = Folder::new();
    let with = |key: &Key| {
        let key = Some(key.clone());
        open_with(&folder.path(), Options { key, ..relaxed() })
    };
    let (key, other) = (Key::new([1; 64]), Key::new([2; 64]));
    let outbox = with(&key);
    store_some(&outbox, 2);
    outbox.renew_identity().unwrap();
    let number = store(&outbox);
    settle_with(&outbox, 1, 2, vec![refused(1, 0)]);
    let is_so = |outbox: &dyn Outbox| {
        assert_eq!(fate(outbox, 1), all_of(&[refused(1, 0)]));
        assert_eq!(
            (fate(outbox, 2), fate(outbox, 3)),
            (Fate::Persisted, Fate::Unknown)
        );
        assert_eq!(outbox.fate(number, false).unwrap(), Fate::Waiting);
        assert_eq!(outbox.tally().unwrap().sent_objects, 2);
    };
    let readable = |text: &str| {
        let names = folder.names().into_iter();
        let mut files = names.map(|name| fs::read(folder.join(&name)).unwrap());
        files.any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    is_so(&outbox);
    for text in ["Reading", "reason 0 of 1", "$numberLong"] {
        assert!(!readable(text), "{text}");
    }
    drop(outbox);
    is_so(&with(&key));
    rekey(folder.path(), Some(&key), Some(&other)).unwrap();
    is_so(&with(&other));
    assert!(!readable("reason 0 of 1"));
    rekey(folder.path(), Some(&other), None).unwrap();
    is_so(&open(&folder.path()));
    assert!(readable("reason 0 of 1"));
}

#[test]
fn a_refusal_that_was_moved_to_another_transaction_is_not_believed() {
    let folder = Folder::new();
    let options = || Options {
        key: Some(Key::new([1; 64])),
        ..relaxed()
    };
    let outbox = open_with(&folder.path(), options());
    store_some(&outbox, 3);
    settle_with(&outbox, 1, 2, vec![refused(1, 0), refused(2, 0)]);
    drop(outbox);
    let connection = rusqlite::Connection::open(folder.path()).unwrap();
    let sql = "UPDATE refusal SET told = (SELECT told FROM refusal WHERE seq = 1) WHERE seq = 2";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let outbox = open_with(&folder.path(), options());
    assert_eq!(fate(&outbox, 2), Fate::Unknown);
    assert_eq!(
        (fate(&outbox, 1), fate(&outbox, 3)),
        (Fate::Unknown, Fate::Waiting)
    );
}

#[test]
fn an_answer_to_what_was_sent_again_takes_the_place_of_the_one_before() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    store_some(&outbox, 4);
    let early = Settlement {
        first: 1,
        through: 3,
        refused: vec![refused(1, 0), refused(2, 0), refused(3, 0)],
        ..Settlement::default()
    };
    conclude(&outbox, &early);
    conclude(&outbox, &early);
    assert_eq!(fate(&outbox, 2), Fate::Waiting, "the rows are there");
    let acknowledged = |seq| outbox.fate(Number::from_bits(seq), seq <= 3).unwrap();
    assert_eq!(acknowledged(2), all_of(&[refused(2, 0)]), "once");
    assert_eq!(acknowledged(4), Fate::Waiting);
    // The operator has mended something meanwhile.
    settle_with(&outbox, 2, 3, vec![refused(3, 7)]);
    assert_eq!(fate(&outbox, 1), all_of(&[refused(1, 0)]));
    assert_eq!(fate(&outbox, 2), Fate::Persisted);
    assert_eq!(fate(&outbox, 3), all_of(&[refused(3, 7)]));
}

#[test]
fn what_was_answered_for_stays_so_when_the_cap_takes_it_before_it_can_leave() {
    let folder = Folder::new();
    let options = Options {
        cap: Cap {
            max_objects: Some(3),
            policy: Policy::DropOldest,
            ..Cap::default()
        },
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), options);
    store_some(&outbox, 3);
    let early = Settlement {
        first: 1,
        through: 2,
        refused: vec![refused(2, 0)],
        ..Settlement::default()
    };
    conclude(&outbox, &early);
    store_some(&outbox, 3);
    let acknowledged = |seq| outbox.fate(Number::from_bits(seq), seq <= 2).unwrap();
    assert_eq!(acknowledged(1), Fate::Persisted);
    assert_eq!(acknowledged(2), all_of(&[refused(2, 0)]));
    assert_eq!(acknowledged(3), Fate::Dropped);
}

#[test]
fn what_an_answer_leaves_open_is_not_said_to_be_persisted() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    store_some(&outbox, 3);
    let settlement = Settlement {
        first: 1,
        through: 3,
        leave: true,
        refused: vec![refused(1, 0)],
        doubts: vec![(1, Doubt::Unlisted), (2, Doubt::Unsure), (3, Doubt::Unlisted)],
        ..Settlement::default()
    };
    conclude(&outbox, &settlement);
    let open = |objects| {
        let complete = false;
        Fate::Refused(Refusals { objects, complete })
    };
    assert_eq!(fate(&outbox, 1), open(vec![refused(1, 0).1]));
    assert_eq!(
        (fate(&outbox, 2), fate(&outbox, 3)),
        (Fate::Unknown, open(Vec::new()))
    );
}

#[test]
fn a_process_that_is_killed_while_rows_leave_leaves_no_refusal_behind() {
    let test = "receipts::refusals::a_process_that_is_killed_while_rows_leave_leaves_no_refusal_behind";
    if let Some(path) = other_part(test) {
        return settle_forever(&path);
    }
    let folder = Folder::new();
    for round in 0..10 {
        let mut child = other_process(test, &folder.path()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut settled = 0;
        while settled < 20 + 7 * round {
            let line = lines.next().unwrap().unwrap();
            if let Some(text) = said(&line) {
                settled = text.parse().unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let outbox: SqliteOutbox = open(&folder.path());
        for seq in 1..=outbox.last_seq().unwrap() {
            let expected = match seq % 3 {
                0 => all_of(&[refused(seq, 1)]),
                _ => Fate::Persisted,
            };
            let found = fate(&outbox, seq);
            assert!(found == expected || found == Fate::Waiting, "{seq}: {found:?}");
        }
        fs::remove_file(folder.path()).unwrap();
    }
}

/// Writes rows, of which every third is refused, and says of each when it has left.
fn settle_forever(path: &Path) {
    let outbox = open(path);
    let mut output = std::io::stdout();
    loop {
        let seq = store(&outbox).seq();
        let refused = if seq % 3 == 0 {
            vec![refused(seq, 1)]
        } else {
            Vec::new()
        };
        settle_with(&outbox, seq, seq, refused);
        writeln!(output, "##{seq}").unwrap();
        output.flush().unwrap();
    }
}
