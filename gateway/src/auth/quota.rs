//! How often somebody may do something: a burst at once, then at a rate.
//!
//! What was used is a debt that is paid off as time passes, so a single number for each key is all there is to remember (the
//! generic cell rate algorithm). A key without debts is forgotten.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are remembered, some 500 KiB. Beyond that, those with the least to pay off are forgotten.
const REMEMBERED: usize = 10_000;

/// What may be done at once, and how long each takes to be allowed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// At once.
    pub burst: u32,
    /// One more after each of these. Zero sets no limit.
    pub each: Duration,
}

impl Quota {
    /// How long somebody with this debt has to wait until there is one left; none when there is.
    #[must_use]
    pub fn wait(self, debt: Duration) -> Option<Duration> {
        next(Some(debt), self, Duration::ZERO).err()
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self {
            burst: self.burst.saturating_mul(factor),
            each: self.each / factor.max(1),
        }
    }
}

/// What was used, by key.
pub(crate) struct Ledger {
    opened: Instant,
    hasher: RandomState,
    /// When a key has paid off everything, since `opened`. Keyed by a hash: names can be long, and a collision only makes
    /// somebody wait.
    settled: Mutex<HashMap<u64, Duration>>,
}

impl Ledger {
    /// Nobody has used anything at `now`.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            opened: now,
            hasher: RandomState::new(),
            settled: Mutex::default(),
        }
    }

    /// Whether there is one left, without using it; otherwise the time until there is.
    pub(crate) fn check(&self, key: impl Hash, quota: Quota, now: Instant) -> Result<(), Duration> {
        let now = now.saturating_duration_since(self.opened);
        let settled = self.settled().get(&self.hasher.hash_one(key)).copied();
        next(settled, quota, now).map(|_| ())
    }

    /// Uses one if there is one left; otherwise tells the time until there is.
    pub(crate) fn take(&self, key: impl Hash, quota: Quota, now: Instant) -> Result<(), Duration> {
        let now = now.saturating_duration_since(self.opened);
        let key = self.hasher.hash_one(key);
        let mut all = self.settled();
        let settled = next(all.get(&key).copied(), quota, now)?;
        all.insert(key, settled);
        if all.len() > REMEMBERED {
            all.retain(|_, settled| *settled > now);
            let mut times: Vec<_> = all.values().copied().collect();
            if times.len() > REMEMBERED {
                let middle = times.len() / 2;
                let (_, median, _) = times.select_nth_unstable(middle);
                let median = *median;
                all.retain(|other, settled| *settled > median || *other == key);
            }
        }
        Ok(())
    }

    /// Takes back one that was used for nothing.
    pub(crate) fn give_back(&self, key: impl Hash, quota: Quota) {
        if let Some(settled) = self.settled().get_mut(&self.hasher.hash_one(key)) {
            *settled = settled.saturating_sub(quota.each);
        }
    }

    /// Remits the debts of a key.
    pub(crate) fn forget(&self, key: impl Hash) {
        self.settled().remove(&self.hasher.hash_one(key));
    }

    fn settled(&self) -> MutexGuard<'_, HashMap<u64, Duration>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When everything is paid off if one more is used at `now`; an error is the time until one can be.
fn next(settled: Option<Duration>, quota: Quota, now: Duration) -> Result<Duration, Duration> {
    let settled = settled.unwrap_or_default().max(now).saturating_add(quota.each);
    let most = now.saturating_add(quota.each.saturating_mul(quota.burst));
    match settled.saturating_sub(most) {
        Duration::ZERO => Ok(settled),
        wait => Err(wait),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const THREE: Quota = Quota {
        burst: 3,
        each: SECOND,
    };

    #[test]
    fn a_burst_is_used_at_once_and_comes_back_at_the_rate() {
        let now = Instant::now();
        let ledger = Ledger::new(now);
        let take = |key, now| ledger.take(key, THREE, now);
        for _ in 0..3 {
            take("a", now).unwrap();
        }
        assert_eq!(take("a", now), Err(SECOND));
        take("b", now).unwrap();
        take("a", now + SECOND).unwrap();
        assert_eq!(take("a", now + SECOND), Err(SECOND));
        for _ in 0..3 {
            take("a", now + 10 * SECOND).unwrap();
        }
        assert_eq!(take("a", now + 10 * SECOND), Err(SECOND));
    }

    #[test]
    fn asking_uses_nothing_and_forgetting_gives_everything_back() {
        let now = Instant::now();
        let ledger = Ledger::new(now);
        for _ in 0..3 {
            ledger.check("a", THREE, now).unwrap();
            ledger.take("a", THREE, now).unwrap();
        }
        assert_eq!(ledger.check("a", THREE, now), Err(SECOND));
        ledger.forget("a");
        ledger.check("a", THREE, now).unwrap();
    }

    #[test]
    fn what_is_given_back_can_be_used_again() {
        let now = Instant::now();
        let ledger = Ledger::new(now);
        ledger.give_back("a", THREE);
        for _ in 0..3 {
            ledger.take("a", THREE, now).unwrap();
        }
        ledger.give_back("a", THREE);
        ledger.take("a", THREE, now).unwrap();
        assert_eq!(ledger.take("a", THREE, now), Err(SECOND));
    }

    #[test]
    fn any_quota_can_be_set() {
        let now = Instant::now();
        for (burst, each, taken) in [
            (0, SECOND, 0),
            (1, 1_000_000_000 * SECOND, 1),
            (u32::MAX, Duration::MAX, 5),
            (0, Duration::ZERO, 5),
        ] {
            let ledger = Ledger::new(now);
            let quota = Quota { burst, each }.times(1);
            let took = (0..5).filter(|_| ledger.take("a", quota, now).is_ok()).count();
            assert_eq!(took, taken, "{quota:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_who_used_most_is_remembered_longest() {
        let now = Instant::now();
        let ledger = Ledger::new(now);
        for _ in 0..3 {
            ledger.take("busy", THREE, now).unwrap();
        }
        for number in 0..3 * REMEMBERED {
            ledger.take(number, THREE, now).unwrap();
            assert!(ledger.settled().len() <= REMEMBERED);
        }
        assert_eq!(ledger.check("busy", THREE, now), Err(SECOND));
    }
}
