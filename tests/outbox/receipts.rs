//! Invariant 9: nothing is said of a number that is not so.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use realm_ingest::outbox::{
    Cap, Doubt, Durability, Fate, Key, Number, Options, Outbox, Policy, Refusals, RefusedObject, Run,
    Settlement, SqliteOutbox, WriteTransaction, rekey,
};

use crate::common::{
    Folder, append, drain, noise, open, open_recovered, open_with, other_part, other_process, rows,
    rows_with_gaps, said, schema, settle,
};
use crate::damage::{damaged, overwrite_page_of, overwrite_table};

/// How many refused objects are kept, and how many ranges of numbers.
const KEPT: i64 = 4096;

/// The fate of the transaction that has this sequence number in a file that was never damaged or restored.
fn fate(outbox: &dyn Outbox, seq: i64) -> Fate {
    outbox.fate(Number::from_bits(seq as u64), false).unwrap()
}

fn store(outbox: &dyn Outbox) -> Number {
    let runs = [Run {
        class: "Reading".to_owned(),
        count: 1,
    }];
    let transaction = WriteTransaction {
        schema: schema(outbox),
        runs: &runs,
        payload: b"document",
    };
    outbox.store(&transaction).unwrap()
}

fn store_some(outbox: &dyn Outbox, count: i64) {
    for _ in 0..count {
        store(outbox);
    }
}

fn refused(seq: i64, index: u32) -> (i64, RefusedObject) {
    let object = RefusedObject {
        index,
        class: "Reading".to_owned(),
        primary_key: format!(r#"{{"$numberLong":"{seq}{index}"}}"#),
        reason: format!("reason {index} of {seq}"),
    };
    (seq, object)
}

fn conclude(outbox: &dyn Outbox, settlement: &Settlement) {
    let identity = outbox.origin().unwrap().identity;
    assert!(outbox.conclude(&identity, settlement).unwrap());
}

/// The gateway answers for these rows, and they leave.
fn settle_with(outbox: &dyn Outbox, first: i64, through: i64, refused: Vec<(i64, RefusedObject)>) {
    let settlement = Settlement {
        first,
        through,
        leave: true,
        refused_objects: refused.len() as u64,
        refused,
        ..Settlement::default()
    };
    conclude(outbox, &settlement);
}

fn all_of(objects: &[(i64, RefusedObject)]) -> Fate {
    Fate::Refused(Refusals {
        objects: objects.iter().map(|(_, object)| object.clone()).collect(),
        complete: true,
    })
}

#[test]
fn a_transaction_waits_until_it_is_persisted_and_others_are_not_known() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let numbers: Vec<_> = (0..3).map(|_| store(&outbox)).collect();
    assert_eq!(
        numbers.iter().map(|number| number.bits()).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    settle(&outbox, 2).unwrap();
    let is_so = |outbox: &dyn Outbox| {
        let fates: Vec<_> = (0..5).map(|seq| fate(outbox, seq)).collect();
        let (persisted, unknown) = (Fate::Persisted, Fate::Unknown);
        assert_eq!(
            fates,
            [
                unknown.clone(),
                persisted.clone(),
                persisted,
                Fate::Waiting,
                unknown
            ]
        );
    };
    is_so(&outbox);
    drop(outbox);
    let outbox = open(&folder.path());
    is_so(&outbox);
    assert_eq!(
        outbox.fate(Number::from_bits(u64::MAX), false).unwrap(),
        Fate::Unknown
    );
    drain(&outbox);
    outbox.compact().unwrap();
    assert_eq!(fate(&outbox, 3), Fate::Persisted);
}

#[test]
fn transactions_of_one_commit_have_a_number_each() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let mut numbers: Vec<_> = std::thread::scope(|scope| {
        let write = || (0..25).map(|_| store(&outbox).bits()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(write)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}

#[test]
fn transactions_in_a_pack_are_found_by_their_numbers() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    for _ in 0..600 {
        store(&outbox);
    }
    while outbox.tidy().unwrap() {}
    assert!((1..=600).all(|seq| fate(&outbox, seq) == Fate::Waiting));
    settle(&outbox, 100).unwrap();
    assert_eq!(
        (fate(&outbox, 100), fate(&outbox, 101)),
        (Fate::Persisted, Fate::Waiting)
    );
}

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
fn the_oldest_details_go_first_and_their_transactions_stay_known_as_refused() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), relaxed());
    store_some(&outbox, 3);
    let many = |seq, count| (0..count).map(|index| refused(seq, index)).collect::<Vec<_>>();
    settle_with(&outbox, 1, 1, many(1, 10));
    settle_with(&outbox, 2, 2, many(2, 4000));
    assert_eq!(fate(&outbox, 1), all_of(&many(1, 10)));
    settle_with(&outbox, 3, 3, many(3, 90));
    let Fate::Refused(first) = fate(&outbox, 1) else {
        panic!("it stays refused")
    };
    assert_eq!((first.complete, first.objects.len()), (false, 0));
    assert_eq!(fate(&outbox, 2), all_of(&many(2, 4000)));
    assert_eq!(fate(&outbox, 3), all_of(&many(3, 90)));
}

#[test]
fn details_that_are_too_large_are_not_kept() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    store(&outbox);
    let mut large = refused(1, 0);
    large.1.primary_key = "x".repeat(100_000);
    settle_with(&outbox, 1, 1, vec![large, refused(1, 1)]);
    let Fate::Refused(refusals) = fate(&outbox, 1) else {
        panic!("it is refused")
    };
    assert_eq!(
        (refusals.complete, refusals.objects),
        (false, vec![refused(1, 1).1])
    );
    assert!(folder.bytes() < 1 << 20);
}

fn relaxed() -> Options {
    Options {
        durability: Durability::Relaxed,
        ..Options::default()
    }
}

#[test]
fn beyond_the_record_the_answer_is_that_it_is_not_known() {
    let folder = Folder::new();
    let outbox = open_with(&folder.path(), relaxed());
    let transactions = 2 * KEPT + 200;
    store_some(&outbox, transactions + 1);
    // Every second one is refused: as many ranges as there can be.
    for first in (1..=transactions).step_by(200) {
        let last = (first + 199).min(transactions);
        let every_second = (first..=last).filter(|seq| seq % 2 == 0);
        settle_with(
            &outbox,
            first,
            last,
            every_second.map(|seq| refused(seq, 0)).collect(),
        );
    }
    let begins = (1..=transactions)
        .find(|seq| fate(&outbox, *seq) != Fate::Unknown)
        .unwrap();
    assert!((100..300).contains(&begins), "{begins}");
    for seq in begins..=transactions {
        match fate(&outbox, seq) {
            Fate::Persisted => assert_eq!(seq % 2, 1),
            Fate::Refused(_) => assert_eq!(seq % 2, 0),
            other => panic!("{seq}: {other:?}"),
        }
    }
    assert_eq!(fate(&outbox, transactions + 1), Fate::Waiting);
}

#[test]
fn what_the_cap_took_is_never_said_to_be_persisted_however_often_it_takes() {
    let folder = Folder::new();
    let capped = Options {
        cap: Cap {
            max_bytes: Some(100_000),
            policy: Policy::DropOldest,
            ..Cap::default()
        },
        ..relaxed()
    };
    let outbox = open_with(&folder.path(), capped);
    let mut persisted = Vec::new();
    // More gaps than are told apart.
    for _ in 0..300 {
        for seed in 0..8 {
            append(&outbox, &noise(seed, 10_000)).unwrap();
        }
        let waiting: Vec<i64> = rows(&outbox).iter().map(|row| row.seq).collect();
        settle(&outbox, *waiting.last().unwrap()).unwrap();
        persisted.extend(waiting);
    }
    let mut known = 0;
    for seq in 1..=outbox.last_seq().unwrap() {
        match fate(&outbox, seq) {
            Fate::Unknown => assert_eq!(known, 0, "{seq}: the oldest are given up"),
            Fate::Persisted => assert!(persisted.contains(&seq), "{seq}"),
            Fate::Dropped => assert!(!persisted.contains(&seq), "{seq}"),
            other => panic!("{seq}: {other:?}"),
        }
        known += i32::from(fate(&outbox, seq) != Fate::Unknown);
    }
    assert!(known > 1000, "{known}");
}

#[test]
fn a_write_that_the_cap_did_not_let_in_has_a_number_that_is_dropped() {
    let folder = Folder::new();
    let capped = Options {
        cap: Cap {
            max_objects: Some(1),
            policy: Policy::DropNewest,
            ..Cap::default()
        },
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), capped);
    let numbers: Vec<_> = (0..3).map(|_| store(&outbox)).collect();
    let fates: Vec<_> = numbers
        .iter()
        .map(|number| outbox.fate(*number, false).unwrap())
        .collect();
    assert_eq!(fates, [Fate::Waiting, Fate::Dropped, Fate::Dropped]);
    drain(&outbox);
    assert_eq!(outbox.fate(store(&outbox), false).unwrap(), Fate::Waiting);
    assert_eq!(
        (fate(&outbox, 1), fate(&outbox, 3)),
        (Fate::Persisted, Fate::Dropped)
    );
}

#[test]
fn what_damage_took_is_told_and_the_record_is_carried_over() {
    let folder = damaged(|path| {
        let outbox = open(path);
        settle_with(&outbox, 1, 4, vec![refused(3, 0)]);
        drop(outbox);
        overwrite_page_of(path, 20);
    });
    let outbox = open(&folder.path());
    // Whoever reads the row meets the damage.
    assert!(rows_with_gaps(&outbox).len() < 36);
    assert_eq!(
        (fate(&outbox, 2), fate(&outbox, 3)),
        (Fate::Persisted, all_of(&[refused(3, 0)]))
    );
    let fates: Vec<_> = (5..=40).map(|seq| fate(&outbox, seq)).collect();
    let lost = fates.iter().filter(|fate| **fate == Fate::Damaged).count();
    assert!(lost > 0, "{fates:?}");
    assert_eq!(
        lost + fates.iter().filter(|fate| **fate == Fate::Waiting).count(),
        36
    );
    let tally = outbox.tally().unwrap();
    assert_eq!(
        (tally.damaged, tally.sent_objects, tally.refused_objects),
        (lost as u64, 4, 1)
    );
    drop(outbox);
    drain(&open(&folder.path()));
    let outbox = open(&folder.path());
    let after: Vec<_> = (5..=40).map(|seq| fate(&outbox, seq)).collect();
    assert_eq!(after.iter().filter(|fate| **fate == Fate::Damaged).count(), lost);
}

#[test]
fn numbers_that_are_given_out_again_after_damage_are_told_apart() {
    let folder = damaged(|path| {
        let outbox = open(path);
        settle(&outbox, 10).unwrap();
        drop(outbox);
        overwrite_table(path, "tx");
    });
    let (outbox, recovered) = open_recovered(&folder.path());
    assert_eq!(recovered.salvaged, None, "nothing can be read");
    let number = store(&outbox);
    assert!(number.seq() <= 40, "{number:?}");
    let former = Number::from_bits(number.seq() as u64);
    assert_ne!(number, former);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Waiting);
    for seq in 1..=40 {
        assert_eq!(fate(&outbox, seq), Fate::Unknown, "{seq}: some of them had left");
    }
    drain(&outbox);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Persisted);
    assert_eq!(outbox.fate(former, false).unwrap(), Fate::Unknown);
}

#[test]
fn numbers_of_a_drained_file_that_forgot_them_are_told_apart_from_those_given_out_anew() {
    let folder = damaged(|path| {
        drain(&open(path));
        overwrite_table(path, "meta");
    });
    let (outbox, _) = open_recovered(&folder.path());
    let number = store(&outbox);
    let former = Number::from_bits(number.seq() as u64);
    assert!(number.seq() <= 40 && number != former, "{number:?}");
    drain(&outbox);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Persisted);
    assert_eq!(outbox.fate(former, false).unwrap(), Fate::Unknown);
}

#[test]
fn numbers_of_dropped_writes_that_a_file_forgot_are_told_apart_from_those_given_out_anew() {
    let folder = Folder::new();
    let capped = Options {
        cap: Cap {
            max_objects: Some(1),
            policy: Policy::DropNewest,
            ..Cap::default()
        },
        ..Options::default()
    };
    let outbox = open_with(&folder.path(), capped);
    let former: Vec<_> = (0..3).map(|_| store(&outbox)).collect();
    drop(outbox);
    overwrite_table(&folder.path(), "loss");
    let (outbox, _) = SqliteOutbox::open(folder.path(), Options::default()).unwrap();
    let number = store(&outbox);
    assert!(!former.contains(&number), "{number:?}");
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Waiting);
    for dropped in &former[1..] {
        assert_eq!(outbox.fate(*dropped, false).unwrap(), Fate::Unknown);
    }
}

#[test]
fn what_was_lost_with_the_end_of_a_file_is_damaged_and_its_numbers_are_given_out_anew() {
    let folder = damaged(|path| overwrite_page_of(path, 39));
    let (outbox, _) = open_recovered(&folder.path());
    let kept = rows(&outbox).len() as i64;
    assert!((1..40).contains(&kept));
    let number = store(&outbox);
    assert_eq!(number.seq(), kept + 1);
    for seq in 1..=40 {
        let expected = if seq <= kept { Fate::Waiting } else { Fate::Damaged };
        assert_eq!(fate(&outbox, seq), expected, "{seq}");
    }
    drain(&outbox);
    assert_eq!(outbox.fate(number, false).unwrap(), Fate::Persisted);
    assert_eq!(
        (fate(&outbox, kept), fate(&outbox, kept + 1)),
        (Fate::Persisted, Fate::Damaged)
    );
}

#[test]
fn a_restored_backup_does_not_answer_for_what_came_after_it() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let before = store(&outbox);
    drop(outbox);
    let backup = folder.join("backup");
    fs::copy(folder.path(), &backup).unwrap();
    let outbox = open(&folder.path());
    let after = store(&outbox);
    drop(outbox);
    fs::remove_file(folder.path()).unwrap();
    fs::rename(&backup, folder.path()).unwrap();

    let restored = open(&folder.path());
    assert_eq!(restored.fate(before, false).unwrap(), Fate::Waiting);
    assert_eq!(restored.fate(after, false).unwrap(), Fate::Unknown);
    let again = store(&restored);
    assert_eq!(again.seq(), after.seq());
    drain(&restored);
    assert_eq!(restored.fate(before, false).unwrap(), Fate::Persisted);
    assert_eq!(restored.fate(again, false).unwrap(), Fate::Persisted);
    assert_eq!(restored.fate(after, false).unwrap(), Fate::Unknown);
    drop(restored);
    assert_eq!(open(&folder.path()).fate(again, false).unwrap(), Fate::Persisted);
}

#[test]
fn a_copy_that_gets_another_name_gives_out_other_numbers() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    let before = store(&outbox);
    outbox.renew_identity().unwrap();
    let after = store(&outbox);
    assert_eq!((before.bits(), after.seq()), (1, 2));
    assert_ne!(after.bits(), 2);
    assert_eq!(outbox.fate(before, false).unwrap(), Fate::Waiting);
    assert_eq!(outbox.fate(after, false).unwrap(), Fate::Waiting);
    assert_eq!(fate(&outbox, 2), Fate::Unknown, "it may be of the other copy");
}

#[test]
fn what_was_counted_is_there_after_a_restart() {
    let folder = Folder::new();
    let outbox = open(&folder.path());
    assert_eq!(outbox.tally().unwrap(), Default::default());
    store_some(&outbox, 6);
    let settlement = |through, bytes| Settlement {
        first: through,
        through,
        leave: true,
        sent_bytes: bytes,
        ..Settlement::default()
    };
    conclude(&outbox, &settlement(4, 100));
    drop(outbox);
    let outbox = open(&folder.path());
    let tally = outbox.tally().unwrap();
    assert_eq!((tally.waiting.objects, tally.round_objects), (2, 4));
    assert_eq!((tally.sent_objects, tally.sent_bytes), (4, 100));
    assert!(tally.acknowledged.unwrap() > 1_700_000_000_000 && tally.waiting_since.is_some());
    conclude(&outbox, &settlement(6, 50));
    let tally = outbox.tally().unwrap();
    assert_eq!(
        (tally.waiting.objects, tally.round_objects),
        (0, 6),
        "until something waits again"
    );
    store(&outbox);
    store(&outbox);
    assert_eq!(outbox.tally().unwrap().round_objects, 0);
    conclude(&outbox, &settlement(7, 50));
    let tally = outbox.tally().unwrap();
    assert_eq!((tally.waiting.objects, tally.round_objects), (1, 1));
    assert_eq!((tally.sent_objects, tally.sent_bytes), (7, 200));
}

#[test]
fn a_process_that_is_killed_while_rows_leave_leaves_no_refusal_behind() {
    let test = "receipts::a_process_that_is_killed_while_rows_leave_leaves_no_refusal_behind";
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
