//! Whether the gateway can store at present. Anybody may ask, so the answer is made once for all who ask within a second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::backend::BackendError;

/// How long an answer holds: those who watch over processes ask every few seconds.
const HOLDS: Duration = Duration::from_secs(1);

/// How long it is waited for: a disk that takes longer is not one to store on. Those who watch give up soon after.
const WAIT: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub struct Readiness {
    last: Arc<Mutex<Option<Found>>>,
}

/// What was found, and when.
type Found = (Instant, Result<(), String>);

impl Readiness {
    /// What `probe` finds, or found just now. A probe that has begun is not begun again because nobody waits any more, nor
    /// because it does not end.
    ///
    /// # Errors
    /// When nothing can be stored, or it is not known in time.
    pub async fn check(
        &self,
        probe: impl Future<Output = Result<(), BackendError>> + Send + 'static,
    ) -> Result<(), BackendError> {
        let last = Arc::clone(&self.last);
        let checked = async {
            let mut last = last.lock_owned().await;
            if let Some((since, found)) = &*last
                && since.elapsed() < HOLDS
            {
                return found.clone().map_err(BackendError::Unavailable);
            }
            let probed = tokio::spawn(async move {
                let found = probe.await.map_err(|error| error.to_string());
                *last = Some((Instant::now(), found.clone()));
                found
            });
            let found = probed.await.map_err(|_| BackendError::Closed)?;
            found.map_err(BackendError::Unavailable)
        };
        let late = |_| BackendError::Unavailable("it does not answer in time".to_owned());
        tokio::time::timeout(WAIT, checked).await.map_err(late)?
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Store {
        readiness: Readiness,
        probes: Arc<AtomicUsize>,
    }

    impl Store {
        async fn ask(&self) -> Result<(), BackendError> {
            let probes = Arc::clone(&self.probes);
            let probe = async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                match probes.fetch_add(1, Ordering::Relaxed) {
                    0 => Ok(()),
                    _ => Err(BackendError::Closed),
                }
            };
            self.readiness.check(probe).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_within_a_second_shares_one_probe() {
        let store = Store::default();
        tokio::select! {
            biased;
            _ = store.ask() => unreachable!("the probe takes longer"),
            () = tokio::task::yield_now() => {}
        }
        // Whoever asked first has gone; the probe goes on, for these.
        let (one, other) = tokio::join!(store.ask(), store.ask());
        one.unwrap();
        other.unwrap();
        assert_eq!(store.probes.load(Ordering::Relaxed), 1);
        tokio::time::advance(HOLDS).await;
        store.ask().await.unwrap_err();
        store.ask().await.unwrap_err();
        assert_eq!(store.probes.load(Ordering::Relaxed), 2);
    }
    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_is_told_and_asked_once() {
        let readiness = Readiness::default();
        for _ in 0..3 {
            let begun = Instant::now();
            readiness.check(std::future::pending()).await.unwrap_err();
            assert_eq!(begun.elapsed().as_secs(), WAIT.as_secs());
        }
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert_eq!(tasks, 1);
    }
}
