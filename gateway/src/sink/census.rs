//! How many devices send, and how much is refused, as monitoring wants to know it.

use super::quota::Amount;

/// What a sink has of one app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Outboxes by how long ago they were heard, in the classes of [`Census::HEARD`].
    pub outboxes: [u64; 4],
    /// Dead letters that are kept.
    pub dead_letters: Amount,
}

impl Census {
    /// What the classes are called: each ends where the next begins.
    pub const HEARD: [&'static str; 4] = ["5m", "1h", "1d", "longer"];

    /// Milliseconds at which each but the last ends.
    pub(super) const ENDS: [i64; 3] = [5 * 60 * 1_000, 60 * 60 * 1_000, 24 * 60 * 60 * 1_000];

    /// Counts an outbox that was `heard` then, `now` being the time, both in milliseconds since 1970. One whose time is not known
    /// was heard long ago.
    pub fn add(&mut self, heard: Option<i64>, now: i64) {
        let age = heard.map(|heard| now.saturating_sub(heard));
        let class = age.and_then(|age| Self::ENDS.iter().position(|end| age <= *end));
        let [soon @ .., last] = &mut self.outboxes;
        *class.and_then(|class| soon.get_mut(class)).unwrap_or(last) += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outbox_is_in_one_class() {
        let mut census = Census::default();
        let minute = 60_000;
        let now = 1_800_000_000_000;
        let ages = [-minute, 0, 5 * minute, 6 * minute, 61 * minute, 25 * 60 * minute];
        for age in ages {
            census.add(Some(now - age), now);
        }
        census.add(None, now);
        assert_eq!(census.outboxes, [3, 1, 1, 2]);
    }
}
