//! Work that takes a processor for a while (unpacking, decoding, checking), off the threads that answer. As much is done at
//! the same time as there are processors; more would only make all of it late.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// How long a request waits for its turn before it is asked to come back: the largest batch takes a second.
const WAIT: Duration = Duration::from_secs(5);

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// There is too much to do.
    #[error("the gateway has too much to do")]
    Busy,
    /// The work panicked; says how.
    #[error("{0}")]
    Panicked(String),
}

/// See the module. Clones share their turns.
#[derive(Clone, Debug)]
pub struct Work {
    turns: Arc<Semaphore>,
}

impl Work {
    /// So many at once.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Does it when its turn comes. What has begun is done to its end, whoever waits for it.
    ///
    /// # Errors
    /// When its turn does not come soon, or it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| WorkError::Busy)?.map_err(|_| WorkError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| WorkError::Panicked(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_waits_for_its_turn_and_not_for_ever() {
        let work = Work::new(1);
        let (end, ended) = mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let work = work.clone();
            async move {
                let long = move || {
                    begin.send(()).unwrap();
                    ended.recv()
                };
                work.run(long).await
            }
        });
        begun.await.unwrap();
        // Nobody waits for the first any more; it has its turn all the same.
        first.abort();
        assert_eq!(work.run(|| ()).await, Err(WorkError::Busy));
        end.send(()).unwrap();
        assert_eq!(work.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_gives_the_turn_back() {
        let work = Work::new(1);
        let failed: Result<(), _> = work.run(|| std::panic::resume_unwind(Box::new(()))).await;
        assert!(matches!(failed, Err(WorkError::Panicked(_))));
        assert_eq!(work.run(|| 7).await, Ok(7));
    }
}
