//! Something that another process may change: it is read anew when somebody asks for it and a second has passed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long what was read is taken for true: an operator who changes something does not wait longer for it.
pub(super) const RENEWED: Duration = Duration::from_secs(1);

/// See the module. Any thread may ask.
pub(super) struct Renewed<T> {
    known: RwLock<Known<T>>,
    /// One reads at a time, so that what was read later is not replaced by what was read before.
    reading: tokio::sync::Mutex<()>,
}

struct Known<T> {
    value: Arc<T>,
    read: Instant,
}

impl<T> Renewed<T> {
    /// With what was read at `now`.
    pub fn new(value: T, now: Instant) -> Self {
        Self {
            known: RwLock::new(Known {
                value: Arc::new(value),
                read: now,
            }),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// What was read last.
    pub fn known(&self) -> Arc<T> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).value)
    }

    /// What there was at most a second before `now`; two while another request reads.
    pub async fn get<E, F>(&self, now: Instant, read: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        if self.age(now) < RENEWED {
            return Ok(self.known());
        }
        let _reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            // Another request is at it.
            Err(_) if self.age(now) < 2 * RENEWED => return Ok(self.known()),
            // Nobody has asked for long, so that anything may have changed.
            Err(_) => self.reading.lock().await,
        };
        if self.age(now) < RENEWED {
            return Ok(self.known());
        }
        self.replace(now, read().await?)
    }

    /// What there is now.
    pub async fn renew<E, F>(&self, now: Instant, read: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let _reading = self.reading.lock().await;
        self.replace(now, read().await?)
    }

    fn age(&self, now: Instant) -> Duration {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(known.read)
    }

    fn replace<E>(&self, now: Instant, value: T) -> Result<Arc<T>, E> {
        let value = Arc::new(value);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
            value: Arc::clone(&value),
            read: now,
        };
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::convert::Infallible;

    use super::*;

    /// What two get who ask this long after 1 was read, and read 2 and 3.
    async fn two_at_once(age: Duration) -> (u8, u8) {
        let begun = Instant::now();
        let renewed = Renewed::new(1, begun);
        let first = renewed.get(begun + age, || async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(2)
        });
        let second = renewed.get(begun + age, || async { Ok::<_, Infallible>(3) });
        let (first, second) = tokio::join!(first, second);
        (*first.unwrap(), *second.unwrap())
    }

    #[tokio::test]
    async fn while_one_reads_others_are_told_what_is_known_unless_it_is_old() {
        assert_eq!(two_at_once(RENEWED).await, (2, 1));
        assert_eq!(two_at_once(2 * RENEWED).await, (2, 2));
        assert_eq!(two_at_once(Duration::from_secs(3600)).await, (2, 2));
    }
}
