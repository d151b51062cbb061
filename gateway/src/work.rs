//! Work that takes a processor for a while (unpacking, decoding, checking, long answers), off the threads that answer. As much is done at
//! the same time as there are processors; more would only make all of it late. Who waits does so in the lane of his address,
//! so no address keeps the others from their turns.

use std::net::IpAddr;
use std::time::Duration;

use tracing::Span;

use crate::turns::{Busy, Turn, Turns};

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
#[derive(Clone)]
pub struct Work {
    turns: Turns,
}

impl Work {
    /// So many at once.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            turns: Turns::new(at_once, WAIT),
        }
    }

    /// Does it for somebody at this address when its turn comes. What has begun is done to its end, whoever waits for it.
    ///
    /// # Errors
    /// When its turn does not come soon, or it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        from: IpAddr,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        in_turn(self.turns.turn(from.into()).await, work).await
    }

    /// The same, however long it has to wait: for what follows on something that was done and stays so.
    ///
    /// # Errors
    /// When it panics.
    pub async fn complete<T: Send + 'static>(
        &self,
        from: IpAddr,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        in_turn(self.turns.certain_turn(from.into()).await, work).await
    }
}

async fn in_turn<T: Send + 'static>(
    turn: Result<Turn, Busy>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorkError> {
    let turn = turn.map_err(|_| WorkError::Busy)?;
    // What it says in the log is said of the request.
    let span = Span::current();
    let done = tokio::task::spawn_blocking(move || {
        let done = span.in_scope(work);
        drop(turn);
        done
    });
    done.await.map_err(|error| WorkError::Panicked(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::mpsc;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);

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
                work.run(HERE, long).await
            }
        });
        begun.await.unwrap();
        // Nobody waits for the first any more; it has its turn all the same.
        first.abort();
        let completed = tokio::spawn({
            let work = work.clone();
            async move { work.complete(HERE, || 5).await }
        });
        assert_eq!(work.run(HERE, || ()).await, Err(WorkError::Busy));
        assert!(!completed.is_finished(), "what was begun is not given up");
        end.send(()).unwrap();
        assert_eq!(completed.await.unwrap(), Ok(5));
        assert_eq!(work.run(HERE, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_gives_the_turn_back() {
        let work = Work::new(1);
        let failed: Result<(), _> = work.run(HERE, || std::panic::resume_unwind(Box::new(()))).await;
        assert!(matches!(failed, Err(WorkError::Panicked(_))));
        assert_eq!(work.run(HERE, || 7).await, Ok(7));
    }

    #[tokio::test]
    async fn who_is_elsewhere_does_not_wait_behind_all_of_one_address() {
        let work = Work::new(1);
        let (end, ended) = mpsc::channel::<()>();
        let (done, order) = mpsc::channel();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let run =
            |from, long: Option<mpsc::Receiver<()>>, begin: Option<tokio::sync::oneshot::Sender<()>>| {
                let (work, done) = (work.clone(), done.clone());
                tokio::spawn(async move {
                    let one = move || {
                        begin.map(|begin| begin.send(()));
                        long.map(|long| long.recv());
                        done.send(from).unwrap();
                    };
                    work.run(from, one).await
                })
            };
        let mut all = vec![run(HERE, Some(ended), Some(begin))];
        begun.await.unwrap();
        // Tasks are first polled in this order.
        all.extend([HERE; 10].map(|from| run(from, None, None)));
        all.push(run(THERE, None, None));
        tokio::task::yield_now().await;
        end.send(()).unwrap();
        for one in all {
            one.await.unwrap().unwrap();
        }
        let order: Vec<_> = order.try_iter().collect();
        assert_eq!(order.len(), 12);
        assert!(
            order.iter().position(|from| *from == THERE) < Some(3),
            "{order:?}"
        );
    }
}
