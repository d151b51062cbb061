//! Something that another process may change: it is read anew when somebody asks for it and a second has passed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::backend::BackendError;

/// How long what was read is taken for true: an operator who changes something does not wait longer for it.
pub(crate) const RENEWED: Duration = Duration::from_secs(1);

/// See the module. Any thread may ask.
pub(crate) struct Renewed<T> {
    known: RwLock<Known<T>>,
    /// One reads at a time, so that what was read later is not replaced by what was read before.
    reading: Mutex<Reading>,
    /// The reads that have failed, changed by who reads.
    failures: AtomicU64,
}

struct Known<T> {
    value: Arc<T>,
    read: Instant,
}

/// What whoever reads knows of those before.
#[derive(Default)]
struct Reading {
    /// When it was read before its time.
    early: Option<Instant>,
    /// Why it could not be read the last time.
    failure: String,
}

impl<T> Renewed<T> {
    /// With what was read at `now`.
    pub fn new(value: T, now: Instant) -> Self {
        Self {
            known: RwLock::new(Known {
                value: Arc::new(value),
                read: now,
            }),
            reading: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// What was read last.
    pub fn known(&self) -> Arc<T> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).value)
    }

    /// What there was at most a second before `now`; two while another request reads.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get<F>(&self, now: Instant, read: impl FnOnce() -> F) -> Result<Arc<T>, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        if self.age(now) < RENEWED {
            return Ok(self.known());
        }
        let failures = self.failures.load(Ordering::Acquire);
        let reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            // Another request is at it.
            Err(_) if self.age(now) < 2 * RENEWED => return Ok(self.known()),
            // Nobody has asked for long, so that anything may have changed.
            Err(_) => self.turn(failures).await?,
        };
        if self.age(now) < RENEWED {
            return Ok(self.known());
        }
        self.replace(reading, now, read().await)
    }

    /// What there is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn renew<F>(&self, now: Instant, read: impl FnOnce() -> F) -> Result<Arc<T>, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        let reading = self.turn(self.failures.load(Ordering::Acquire)).await?;
        self.replace(reading, now, read().await)
    }

    /// What there is now if what is known is old, as far as it was not read for that reason in the second before.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn renew_if<F>(
        &self,
        is_old: impl Fn(&T) -> bool,
        now: Instant,
        read: impl FnOnce() -> F,
    ) -> Result<Arc<T>, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        let mut reading = self.turn(self.failures.load(Ordering::Acquire)).await?;
        let known = self.known();
        let was_read = |early| now.saturating_duration_since(early) < RENEWED;
        if !is_old(&known) || reading.early.is_some_and(was_read) {
            return Ok(known);
        }
        reading.early = Some(now);
        self.replace(reading, now, read().await)
    }

    /// Waits for the turn to read. Who has begun to wait when there were so many failures, and there is another by now, is told of
    /// that one: to read again would take as long for each of those who wait.
    async fn turn(&self, failures: u64) -> Result<MutexGuard<'_, Reading>, BackendError> {
        let reading = self.reading.lock().await;
        if self.failures.load(Ordering::Acquire) == failures {
            Ok(reading)
        } else {
            Err(BackendError::Unavailable(reading.failure.clone()))
        }
    }

    fn age(&self, now: Instant) -> Duration {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(known.read)
    }

    /// Notes what was read, or why nothing was.
    fn replace(
        &self,
        mut reading: MutexGuard<'_, Reading>,
        now: Instant,
        read: Result<T, BackendError>,
    ) -> Result<Arc<T>, BackendError> {
        match read {
            Ok(value) => {
                let value = Arc::new(value);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
                    value: Arc::clone(&value),
                    read: now,
                };
                Ok(value)
            }
            Err(error) => {
                reading.failure = error.to_string();
                self.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
    use super::*;

    /// What two get who ask this long after 1 was read, and read 2 and 3.
    async fn two_at_once(age: Duration) -> (u8, u8) {
        let begun = Instant::now();
        let renewed = Renewed::new(1, begun);
        let first = renewed.get(begun + age, || async {
            tokio::task::yield_now().await;
            Ok(2)
        });
        let second = renewed.get(begun + age, || async { Ok(3) });
        let (first, second) = tokio::join!(first, second);
        (*first.unwrap(), *second.unwrap())
    }

    #[tokio::test]
    async fn while_one_reads_others_are_told_what_is_known_unless_it_is_old() {
        assert_eq!(two_at_once(RENEWED).await, (2, 1));
        assert_eq!(two_at_once(2 * RENEWED).await, (2, 2));
        assert_eq!(two_at_once(Duration::from_secs(3600)).await, (2, 2));
    }

    #[tokio::test]
    async fn who_waits_while_a_read_fails_is_told_so_without_another() {
        let begun = Instant::now();
        let renewed = Renewed::new(1, begun);
        let late = begun + 2 * RENEWED;
        let fails = || async {
            tokio::task::yield_now().await;
            Err(BackendError::Unavailable("it is away".to_owned()))
        };
        let reads = || async { panic!("it is read again") };
        let (first, second, third, fourth) = tokio::join!(
            renewed.get(late, fails),
            renewed.get(late, reads),
            renewed.renew(late, reads),
            renewed.renew_if(|_| true, late, reads),
        );
        for answer in [first, second, third, fourth] {
            assert_eq!(answer.unwrap_err().to_string(), "it is away");
        }
        assert_eq!(*renewed.get(late, || async { Ok(2) }).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_is_old_is_read_before_its_time_once_a_second_and_once_for_all() {
        let begun = Instant::now();
        let renewed = Renewed::new(1, begun);
        let is_old = |known: &u8| *known < 2;
        let read = || async {
            tokio::task::yield_now().await;
            Ok(2)
        };
        let reads = || async { panic!("it is read again") };
        let both = tokio::join!(
            renewed.renew_if(is_old, begun, read),
            renewed.renew_if(is_old, begun, reads)
        );
        assert_eq!((*both.0.unwrap(), *both.1.unwrap()), (2, 2));
        let almost = begun + RENEWED - Duration::from_millis(1);
        assert_eq!(*renewed.renew_if(|_| true, almost, reads).await.unwrap(), 2);
        let again = renewed.renew_if(|_| true, begun + RENEWED, || async { Ok(3) });
        assert_eq!(*again.await.unwrap(), 3);
    }
}
