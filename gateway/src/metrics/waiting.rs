//! Since when what waits has waited, without a lock: each who comes takes a place of a fixed number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Places. Where more wait, those beyond are counted and not timed: the oldest have their places by then.
const PLACES: usize = 512;

/// Places that are looked at for a free one.
const TRIES: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct Waiting {
    origin: Instant,
    count: AtomicU64,
    next: AtomicU64,
    /// Nanoseconds after the origin, and one more, when each began; 0 is free.
    begun: Box<[AtomicU64]>,
}

/// One who waits, until it goes.
#[derive(Debug)]
pub(super) struct Waits<'w> {
    waiting: &'w Waiting,
    place: Option<&'w AtomicU64>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            count: AtomicU64::new(0),
            next: AtomicU64::new(0),
            begun: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Waiting {
    /// One more.
    pub fn begin(&self) -> Waits<'_> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX - 1) + 1;
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let first = usize::try_from(first % PLACES as u64).unwrap_or(0);
        let mut places = self.begun.iter().cycle().skip(first).take(TRIES);
        let take = |place: &&AtomicU64| {
            let taken = place.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
            taken.is_ok()
        };
        Waits {
            waiting: self,
            place: places.find(take),
        }
    }

    /// How many wait.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// How long the one that has waited longest has; nothing when none waits.
    pub fn longest(&self) -> Duration {
        let begun = self.begun.iter().map(|place| place.load(Ordering::Relaxed));
        let oldest = begun.filter(|begun| *begun > 0).min();
        oldest.map_or(Duration::ZERO, |begun| {
            self.origin.elapsed().saturating_sub(Duration::from_nanos(begun))
        })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            place.store(0, Ordering::Relaxed);
        }
        self.waiting.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_told_until_it_goes() {
        let waiting = Waiting::default();
        assert_eq!((waiting.count(), waiting.longest()), (0, Duration::ZERO));
        let first = waiting.begin();
        let second = waiting.begin();
        let of_first = waiting.longest();
        drop(first);
        let of_second = waiting.longest();
        assert!(waiting.longest() > Duration::ZERO && waiting.count() == 1);
        drop(second);
        assert_eq!((waiting.count(), waiting.longest()), (0, Duration::ZERO));
        assert!(of_first > Duration::ZERO && of_second > Duration::ZERO);
    }

    #[test]
    fn more_than_there_are_places_are_counted_and_the_first_is_timed() {
        let waiting = Waiting::default();
        let all: Vec<_> = (0..2 * PLACES).map(|_| waiting.begin()).collect();
        assert_eq!(waiting.count(), 2 * PLACES as u64);
        assert!(all[0].place.is_some() && all[2 * PLACES - 1].place.is_none());
        drop(all);
        assert_eq!(waiting.count(), 0);
        assert!(waiting.begin().place.is_some());
    }
}
