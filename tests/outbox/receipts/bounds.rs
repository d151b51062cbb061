//! The record has an end: what it has no room for is unknown, and never anything else.

use realm_ingest::outbox::{Cap, Fate, Options, Outbox, Policy};

use super::{all_of, fate, refused, relaxed, settle_with, store, store_some};
use crate::common::{Folder, append, noise, open, open_with, rows, settle};

/// How many refused objects are kept, and how many ranges of numbers.
const KEPT: i64 = 4096;

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
