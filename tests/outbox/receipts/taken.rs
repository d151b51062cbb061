//! What the cap or damage took is known to be gone.

use realm_ingest::outbox::{Cap, Fate, Options, Outbox, Policy};

use super::{all_of, fate, refused, settle_with, store};
use crate::common::{Folder, drain, open, open_with, rows_with_gaps};
use crate::damage::{damaged, overwrite_page_of};

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
