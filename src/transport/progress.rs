//! A request body that tells how far it has got, and the wait for an answer that ends when nothing moves any more. What
//! a whole exchange may take is no limit: a large batch on a slow link takes long, and arrives.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::SLOWEST_LINK;

/// Small, so that a slow link has seen some of them pass within any limit.
const PIECE: usize = 16 * 1024;
/// What has left this process need not have left the machine: so much may wait in the system, and may take as long as the
/// slowest link makes it, with nothing to be seen from here.
const IN_SYSTEM: usize = 1024 * 1024;

/// How far one exchange has got.
pub(super) struct Progress {
    state: Mutex<State>,
}

struct State {
    moved: Instant,
    sent: usize,
    /// The answer has begun, so that the server has what it wanted of the request.
    answered: bool,
}

impl Progress {
    pub(super) fn start() -> Arc<Progress> {
        Arc::new(Progress {
            state: Mutex::new(State {
                moved: Instant::now(),
                sent: 0,
                answered: false,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has moved, of which so many bytes went out.
    fn moved(&self, sent: usize) {
        let mut state = self.state();
        state.moved = Instant::now();
        state.sent += sent;
    }

    pub(super) fn sent(&self) -> usize {
        self.state().sent
    }

    /// The answer has begun: from now on nothing of the request is waited for.
    pub(super) fn answer_begins(&self) {
        self.state().answered = true;
    }

    /// When to give up, if nothing moves until then.
    fn deadline(&self, limit: Duration) -> Instant {
        let state = self.state();
        let in_system = if state.answered {
            0
        } else {
            state.sent.min(IN_SYSTEM)
        };
        let in_system = Duration::from_secs_f64(in_system as f64 / SLOWEST_LINK);
        state.moved + limit + in_system
    }

    /// The work's result, or none when nothing has moved for longer than the limit. Its end is a movement.
    pub(super) async fn watch<T>(&self, work: impl Future<Output = T>, limit: Duration) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let deadline = self.deadline(limit);
            tokio::select! {
                biased;
                done = &mut work => {
                    self.moved(0);
                    return Some(done);
                }
                () = sleep_until(deadline) => {
                    if self.deadline(limit) <= deadline {
                        return None;
                    }
                }
            }
        }
    }
}

/// Sends `rest`, piece by piece.
pub(super) struct Body {
    rest: Bytes,
    progress: Arc<Progress>,
}

impl Body {
    pub(super) fn new(body: Bytes, progress: Arc<Progress>) -> Body {
        Body { rest: body, progress }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.progress.moved(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_may_hold_is_given_time_until_the_answer_begins() {
        let limit = Duration::from_secs(60);
        let progress = Progress::start();
        progress.moved(IN_SYSTEM);
        assert!(progress.deadline(limit) > Instant::now() + limit);
        progress.answer_begins();
        assert!(progress.deadline(limit) <= Instant::now() + limit);
    }
}
