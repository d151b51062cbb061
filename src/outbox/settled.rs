//! Ranges that were answered before something older was. Rows leave from the old end only, so such
//! a range waits here. It is kept in memory: if the process dies the range is sent once more, which
//! the gateway recognises.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Settled(BTreeMap<i64, i64>);

impl Settled {
    /// Notes that `first..=last` is answered while `oldest` is the oldest row left; returns the
    /// number through which rows can leave now, if any can.
    pub(super) fn add(&mut self, oldest: i64, first: i64, last: i64) -> Option<i64> {
        if first <= last && last >= oldest {
            self.keep(first, last);
        }
        let mut through = oldest - 1;
        while let Some(entry) = self.0.first_entry() {
            if *entry.key() > through + 1 {
                break;
            }
            through = through.max(entry.remove());
        }
        (through >= oldest).then_some(through)
    }

    /// Notes again a range that [`Settled::add`] let go and that could not leave.
    pub(super) fn keep(&mut self, first: i64, last: i64) {
        let known = self.0.entry(first).or_insert(last);
        *known = last.max(*known);
    }
}

#[cfg(test)]
mod tests {
    use super::Settled;

    #[test]
    fn ranges_in_order_leave_at_once() {
        let mut settled = Settled::default();
        assert_eq!(settled.add(1, 1, 4), Some(4));
        assert_eq!(settled.add(5, 5, 5), Some(5));
    }

    #[test]
    fn a_later_range_waits_for_the_older_one() {
        let mut settled = Settled::default();
        assert_eq!(settled.add(1, 5, 8), None);
        assert_eq!(settled.add(1, 9, 9), None);
        assert_eq!(settled.add(1, 1, 4), Some(9));
    }

    #[test]
    fn ranges_already_gone_or_empty_change_nothing() {
        let mut settled = Settled::default();
        assert_eq!(settled.add(5, 1, 4), None);
        assert_eq!(settled.add(5, 7, 6), None);
        assert_eq!(settled.add(5, 1, 6), Some(6));
    }
}
