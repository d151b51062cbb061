//! Whether transactions continue what their outbox sent before, are sent again, leave a hole, or come from a copy of the
//! outbox's file. Pure; the sink keeps what is known.
//!
//! **Holes.** An outbox says which transaction lies before the first that it sends. When the gateway has not taken that
//! one, something that was sent earlier has not arrived, and the outbox starts again from where the gateway is. When the
//! outbox was once acknowledged that one, the gateway's data is older than that, or another gateway's: nothing can bring
//! it back, so what comes is taken, and the setback is recorded.
//!
//! **Copies.** An outbox draws a new lineage whenever acknowledged transactions have left it. So two batches with
//! overlapping numbers and one lineage are one batch, cut anew perhaps; with two lineages they come from two states of
//! the file of which neither led to the other: it was cloned, or turned back and written on. Within one lineage the
//! first transaction tells the two apart. Two that share it too, because it waited when the file was cloned, do not
//! disturb each other: documents are told by their `_id`, and a dead letter in the place of another one tells the sink
//! that it is a copy. The order of arrival decides who keeps the name.

use super::transaction::Source;

/// First half of the SHA-256 of a transaction's documents. How a header puts them into runs, and which number it gives
/// their schema, can differ between two batches that hold the same transaction.
pub type Digest = [u8; 16];

/// What is known of an outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Everything up to this sequence number is settled.
    pub position: i64,
    /// Lineage of what was taken last, none when that was before lineages were sent.
    pub lineage: Option<String>,
    /// First sequence number sent under that lineage.
    pub first: Option<i64>,
    /// Digest of the transaction with that number.
    pub digest: Option<Digest>,
}

/// What arrived, as far as its order goes.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Where it comes from.
    pub source: &'a Source,
    /// Sequence number of its first transaction.
    pub first: i64,
    /// Sequence number of its last transaction.
    pub last: i64,
    /// Digest of its first transaction.
    pub digest: Digest,
}

/// What is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Take it. Then the outbox is known like this.
    Take {
        /// What is known afterwards.
        known: Known,
        /// The outbox was acknowledged more than was known here.
        setback: bool,
    },
    /// It comes from a copy; change nothing.
    Copied,
    /// Something before it is missing; change nothing.
    Hole {
        /// Everything up to here is settled.
        position: i64,
    },
}

/// Decides about an arrival of an outbox of which this is known.
#[must_use]
pub fn decide(known: Option<&Known>, arrival: Arrival<'_>) -> Order {
    let source = arrival.source;
    let position = known.map_or(0, |known| known.position);
    let lineage = known.and_then(|known| known.lineage.as_deref());
    let same = lineage == Some(source.lineage.as_str());
    if let Some(known) = known
        && arrival.first <= position
        && is_copy(known, same, arrival)
    {
        return Order::Copied;
    }
    if source.after > position && source.after > source.acked {
        return Order::Hole { position };
    }
    let last = arrival.last.max(position);
    let known = match known {
        Some(known) if same => Known {
            position: last,
            ..known.clone()
        },
        _ => Known {
            position: last,
            lineage: Some(source.lineage.clone()),
            first: Some(arrival.first),
            digest: Some(arrival.digest),
        },
    };
    Order::Take {
        known,
        setback: source.acked > position,
    }
}

/// Of an arrival that begins at or below the position.
fn is_copy(known: &Known, same_lineage: bool, arrival: Arrival<'_>) -> bool {
    if !same_lineage {
        return known.lineage.is_some();
    }
    known.first == Some(arrival.first) && known.digest.is_some_and(|digest| digest != arrival.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(lineage: &str, acked: i64, after: i64) -> Source {
        Source {
            outbox: "o".repeat(32),
            lineage: lineage.to_owned(),
            acked,
            after,
            device: None,
        }
    }

    fn known(position: i64, lineage: &str, first: i64) -> Known {
        Known {
            position,
            lineage: Some(lineage.to_owned()),
            first: Some(first),
            digest: Some([1; 16]),
        }
    }

    fn decide_for(known: Option<&Known>, source: &Source, first: i64, last: i64) -> Order {
        let digest = [1; 16];
        decide(
            known,
            Arrival {
                source,
                first,
                last,
                digest,
            },
        )
    }

    fn taken(known: Known, setback: bool) -> Order {
        Order::Take { known, setback }
    }

    #[test]
    fn what_follows_is_taken_also_when_numbers_are_left_out() {
        assert_eq!(
            decide_for(None, &source("a", 0, 0), 3, 5),
            taken(known(5, "a", 3), false)
        );
        let before = known(5, "a", 3);
        assert_eq!(
            decide_for(Some(&before), &source("a", 0, 5), 9, 9),
            taken(known(9, "a", 3), false)
        );
        assert_eq!(
            decide_for(Some(&before), &source("b", 5, 5), 9, 9),
            taken(known(9, "b", 9), false)
        );
    }

    #[test]
    fn a_hole_is_told_from_numbers_left_out() {
        let before = known(5, "a", 3);
        assert_eq!(
            decide_for(Some(&before), &source("a", 0, 6), 7, 8),
            Order::Hole { position: 5 }
        );
        assert_eq!(
            decide_for(None, &source("a", 0, 2), 3, 3),
            Order::Hole { position: 0 }
        );
    }

    #[test]
    fn a_hole_is_told_from_data_that_went_back() {
        let before = known(5, "a", 3);
        assert_eq!(
            decide_for(Some(&before), &source("b", 7, 7), 8, 8),
            taken(known(8, "b", 8), true)
        );
        assert_eq!(
            decide_for(Some(&before), &source("b", 7, 8), 9, 9),
            Order::Hole { position: 5 },
            "what was sent and not acknowledged since then is missing all the same"
        );
    }

    #[test]
    fn what_is_sent_again_does_not_turn_the_position_back() {
        let before = known(9, "a", 3);
        assert_eq!(
            decide_for(Some(&before), &source("a", 0, 3), 4, 6),
            taken(before.clone(), false)
        );
    }

    #[test]
    fn a_copy_is_told_by_its_lineage_or_its_first_transaction() {
        let before = known(9, "a", 3);
        assert_eq!(
            decide_for(Some(&before), &source("b", 4, 4), 5, 12),
            Order::Copied
        );
        let source = source("a", 0, 0);
        let other = Arrival {
            source: &source,
            first: 3,
            last: 9,
            digest: [2; 16],
        };
        assert_eq!(decide(Some(&before), other), Order::Copied);
    }
}
