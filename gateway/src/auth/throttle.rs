//! Slows down guessing: after a few failures a user's logins are put off, longer each time.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::AuthError;

/// Failures that cost nothing: typing errors.
const FREE: u32 = 5;

/// The longest wait, so that nobody can lock a user out for good.
const LONGEST: Duration = Duration::from_secs(60);

/// After so long without a failure the count starts anew.
const FORGET: Duration = Duration::from_secs(15 * 60);

/// Users that are remembered. Beyond that, the ones who failed longest ago are forgotten.
const REMEMBERED: usize = 10_000;

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn wait(self) -> Duration {
        match self.count.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(over) => LONGEST.min(Duration::from_secs(1 << over.min(6))),
        }
    }
}

/// Failed logins by user.
#[derive(Default)]
pub struct Throttle {
    hasher: RandomState,
    /// Keyed by a hash: names can be long, and a collision only makes somebody wait.
    failures: Mutex<HashMap<u64, Failures>>,
}

impl Throttle {
    /// Whether this user may try at `now`.
    ///
    /// # Errors
    /// When he may not yet.
    pub fn check(&self, user: &str, now: Instant) -> Result<(), AuthError> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = failures.get(&self.hasher.hash_one(user)) else {
            return Ok(());
        };
        let left = (known.last + known.wait()).saturating_duration_since(now);
        if left.is_zero() {
            Ok(())
        } else {
            Err(AuthError::TooManyLogins(left))
        }
    }

    /// Notes how a try ended.
    pub fn record(&self, user: &str, succeeded: bool, now: Instant) {
        let key = self.hasher.hash_one(user);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if succeeded {
            failures.remove(&key);
            return;
        }
        let entry = failures.entry(key).or_insert(Failures { count: 0, last: now });
        let fresh = now.saturating_duration_since(entry.last) > FORGET;
        entry.count = if fresh { 1 } else { entry.count.saturating_add(1) };
        entry.last = now;
        if failures.len() > REMEMBERED {
            failures.retain(|_, known| now.saturating_duration_since(known.last) <= FORGET);
            let mut times: Vec<_> = failures.values().map(|known| known.last).collect();
            let middle = times.len() / 2;
            if failures.len() > REMEMBERED {
                let (_, median, _) = times.select_nth_unstable(middle);
                let median = *median;
                failures.retain(|other, known| known.last > median || *other == key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    use super::*;

    fn left(throttle: &Throttle, user: &str, now: Instant) -> u64 {
        match throttle.check(user, now) {
            Ok(()) => 0,
            Err(AuthError::TooManyLogins(wait)) => wait.as_secs(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_double_after_a_few_failures_and_end_with_success() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..13 {
            throttle.record("a", false, now);
            waits.push(left(&throttle, "a", now));
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(left(&throttle, "b", now), 0, "others are not concerned");
        assert_eq!(left(&throttle, "a", now + LONGEST), 0);
        throttle.record("a", true, now);
        assert_eq!(left(&throttle, "a", now), 0);
    }

    #[test]
    fn failures_are_forgotten_after_a_while() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..FREE {
            throttle.record("a", false, now);
        }
        let later = now + FORGET + Duration::from_secs(1);
        throttle.record("a", false, later);
        assert_eq!(left(&throttle, "a", later), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..3 * u32::try_from(REMEMBERED).unwrap() {
            throttle.record(
                &number.to_string(),
                false,
                now + Duration::from_millis(number.into()),
            );
        }
        assert!(throttle.failures.lock().unwrap().len() <= REMEMBERED);
    }
}
