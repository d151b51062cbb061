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

    /// What there was at most a second before `now`.
    pub async fn get<E, F>(&self, now: Instant, read: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        if now.saturating_duration_since(self.time()) < RENEWED {
            return Ok(self.known());
        }
        match self.reading.try_lock() {
            Ok(_reading) => self.replace(now, read().await?),
            // Another request is at it.
            Err(_) => Ok(self.known()),
        }
    }

    /// What there is now.
    pub async fn renew<E, F>(&self, now: Instant, read: impl FnOnce() -> F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let _reading = self.reading.lock().await;
        self.replace(now, read().await?)
    }

    fn time(&self) -> Instant {
        self.known.read().unwrap_or_else(PoisonError::into_inner).read
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
