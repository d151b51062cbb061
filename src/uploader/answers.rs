//! What an acknowledgement says of each transaction of a batch.

use std::collections::BTreeMap;

use realm_ingest_protocol::{Ack, Refusal};

use super::batch;
use crate::outbox::{Doubt, KEPT_REFUSED, RefusedObject, Settlement};

/// What to note of the acknowledged ones of these transactions, each with the number of its objects.
///
/// Where the server lists not all that it refused, it lists the first of them, in the order of the batch. So everything
/// before the last one on the list is known, and of the transactions behind it those are known to be refused, at least in
/// part, without which there is no room for so many.
pub(super) fn settlement(rows: &BTreeMap<i64, u64>, ack: &Ack) -> Settlement {
    let mut doubts = BTreeMap::new();
    for refusal in ack.refused.iter().skip(KEPT_REFUSED) {
        doubts.insert(refusal.seq, Doubt::Unlisted);
    }
    let unlisted = ack
        .unlisted
        .iter()
        .fold(0_u64, |sum, kind| sum.saturating_add(kind.count));
    if unlisted > 0 {
        let last = ack
            .refused
            .iter()
            .map(|one| (one.seq, u64::from(one.index) + 1))
            .max();
        let behind = behind(rows, last, ack.acked);
        let all: u64 = behind.values().sum();
        for (seq, objects) in behind {
            let is_listed = last.is_some_and(|(last, _)| last == seq);
            let is_needed = unlisted > all - objects;
            let doubt = if is_listed || is_needed {
                Doubt::Unlisted
            } else {
                Doubt::Unsure
            };
            doubts.insert(seq, doubt);
        }
    }
    Settlement {
        first: rows.first_key_value().map_or(ack.acked, |(seq, _)| *seq),
        through: ack.acked,
        refused: ack.refused.iter().take(KEPT_REFUSED).map(refused).collect(),
        doubts: doubts.into_iter().collect(),
        refused_objects: batch::refused(ack),
        ..Settlement::default()
    }
}

/// How many objects of each transaction come behind the last one on the list: its transaction, and its place there
/// plus one.
fn behind(rows: &BTreeMap<i64, u64>, last: Option<(i64, u64)>, acked: i64) -> BTreeMap<i64, u64> {
    let (from, known) = last.unwrap_or((i64::MIN, 0));
    let rest = rows.range(from..=acked.max(from)).map(|(seq, objects)| {
        let known = if *seq == from { known } else { 0 };
        (*seq, objects.saturating_sub(known))
    });
    rest.filter(|(_, objects)| *objects > 0).collect()
}

fn refused(refusal: &Refusal) -> (i64, RefusedObject) {
    let told = batch::compensating_write(refusal.clone());
    let object = RefusedObject {
        index: refusal.index,
        class: told.object_name,
        primary_key: told.primary_key.to_string(),
        reason: told.reason,
    };
    (refusal.seq, object)
}

#[cfg(test)]
mod tests {
    use realm_ingest_protocol::Unlisted;

    use super::*;

    fn ack(acked: i64, listed: &[(i64, u32)], unlisted: u64) -> Ack {
        let refusal = |&(seq, index): &(i64, u32)| Refusal {
            seq,
            index,
            class: "Reading".to_owned(),
            id: serde_json::json!(index),
            code: "TypeMismatch".to_owned(),
            reason: String::new(),
        };
        let kind = Unlisted {
            class: String::new(),
            code: String::new(),
            reason: String::new(),
            count: unlisted,
        };
        Ack {
            acked,
            position: acked,
            refused: listed.iter().map(refusal).collect(),
            unlisted: if unlisted > 0 { vec![kind] } else { Vec::new() },
        }
    }

    fn doubts(acked: i64, listed: &[(i64, u32)], unlisted: u64) -> Vec<(i64, Doubt)> {
        let rows = BTreeMap::from([(4, 2), (5, 3), (6, 1)]);
        settlement(&rows, &ack(acked, listed, unlisted)).doubts
    }

    #[test]
    fn a_full_list_leaves_nothing_in_doubt() {
        let rows = BTreeMap::from([(4, 2), (5, 3), (6, 1)]);
        let settled = settlement(&rows, &ack(6, &[(4, 1), (6, 0)], 0));
        assert_eq!(
            (settled.first, settled.through, settled.refused_objects),
            (4, 6, 2)
        );
        assert_eq!(settled.doubts, []);
        let (seq, object) = &settled.refused[0];
        assert_eq!((*seq, object.index, object.primary_key.as_str()), (4, 1, "1"));
        assert_eq!(
            object.reason, "TypeMismatch",
            "the code, where there are no words"
        );
    }

    #[test]
    fn what_is_behind_the_end_of_a_short_list_is_in_doubt() {
        use Doubt::{Unlisted, Unsure};
        assert_eq!(doubts(6, &[(4, 0)], 1), [(4, Unlisted), (5, Unsure), (6, Unsure)]);
        assert_eq!(doubts(6, &[(4, 1)], 1), [(5, Unsure), (6, Unsure)]);
        assert_eq!(doubts(6, &[], 1), [(4, Unsure), (5, Unsure), (6, Unsure)]);
        assert_eq!(doubts(5, &[(4, 1)], 1), [(5, Unlisted)], "there is no other");
    }

    #[test]
    fn transactions_without_which_there_is_no_room_for_so_many_are_refused() {
        use Doubt::{Unlisted, Unsure};
        assert_eq!(doubts(6, &[(4, 1)], 2), [(5, Unlisted), (6, Unsure)]);
        assert_eq!(doubts(6, &[(4, 1)], 4), [(5, Unlisted), (6, Unlisted)]);
        assert_eq!(doubts(6, &[], 6), [(4, Unlisted), (5, Unlisted), (6, Unlisted)]);
    }

    #[test]
    fn more_than_is_kept_is_not_copied_and_counts_as_not_listed() {
        let rows = BTreeMap::from([(1, 5000), (2, 5000)]);
        let listed: Vec<_> = (0..5000).map(|index| (1, index)).chain([(2, 7)]).collect();
        let settled = settlement(&rows, &ack(2, &listed, 0));
        assert_eq!(settled.refused.len(), KEPT_REFUSED);
        assert_eq!(settled.doubts, [(1, Doubt::Unlisted), (2, Doubt::Unlisted)]);
        assert_eq!(settled.refused_objects, 5001);
    }
}
