//! Which transactions the server has answered for before they could leave the file. Lost with the process.

use std::collections::BTreeMap;

/// Ranges that are kept. Those of one answer that follow each other are one range; a new one begins behind a gap that
/// the cap or damage left, or behind transactions that left at once.
const KEPT_RANGES: usize = 256;

/// Ranges of sequence numbers: the last of each by its first, none touching another. The cap may take some of them
/// before they leave: the server has them all the same.
#[derive(Debug, Default)]
pub(super) struct Answered(BTreeMap<i64, i64>);

impl Answered {
    pub(super) fn add(&mut self, mut first: i64, mut last: i64) {
        while let Some((from, to)) = self.last_before(last.saturating_add(1))
            && to >= first.saturating_sub(1)
        {
            self.0.remove(&from);
            (first, last) = (first.min(from), last.max(to));
        }
        self.0.insert(first, last);
        while self.0.len() > KEPT_RANGES {
            self.0.pop_first();
        }
    }

    pub(super) fn contains(&self, seq: i64) -> bool {
        self.last_before(seq).is_some_and(|(_, last)| seq <= last)
    }

    /// The last of all, 0 if there is none.
    pub(super) fn newest(&self) -> i64 {
        self.0.last_key_value().map_or(0, |(_, last)| *last)
    }

    /// Nothing behind this one has been answered for.
    pub(super) fn forget_behind(&mut self, seq: i64) {
        self.0.retain(|first, last| {
            *last = seq.min(*last);
            *first <= seq
        });
    }

    /// The range that begins at this number, or else the last one before it.
    fn last_before(&self, seq: i64) -> Option<(i64, i64)> {
        let range = self.0.range(..=seq).next_back();
        range.map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(ranges: &[(i64, i64)]) -> Answered {
        let mut answered = Answered::default();
        ranges
            .iter()
            .for_each(|(first, last)| answered.add(*first, *last));
        answered
    }

    #[test]
    fn what_lies_in_a_gap_was_not_answered_for() {
        let answered = answered(&[(2, 3), (5, 5)]);
        let known: Vec<_> = (0..8).filter(|seq| answered.contains(*seq)).collect();
        assert_eq!((known, answered.newest()), (vec![2, 3, 5], 5));
        assert_eq!(Answered::default().newest(), 0);
    }

    #[test]
    fn ranges_that_touch_or_overlap_are_one() {
        assert_eq!(answered(&[(1, 3), (4, 6), (2, 8)]).0, [(1, 8)].into());
        assert_eq!(answered(&[(1, 1), (3, 3), (5, 5), (2, 4)]).0, [(1, 5)].into());
    }

    #[test]
    fn what_has_to_be_answered_for_again_is_forgotten() {
        let mut answered = answered(&[(1, 3), (5, 8), (10, 12)]);
        answered.forget_behind(6);
        assert_eq!(answered.0, [(1, 3), (5, 6)].into());
        answered.forget_behind(0);
        assert_eq!(answered.newest(), 0);
    }

    #[test]
    fn the_newest_ranges_are_kept() {
        let ranges: Vec<_> = (1..=KEPT_RANGES as i64 + 1).map(|at| (2 * at, 2 * at)).collect();
        let answered = answered(&ranges);
        assert_eq!(answered.0.len(), KEPT_RANGES);
        assert!(!answered.contains(2) && answered.contains(4));
    }
}
