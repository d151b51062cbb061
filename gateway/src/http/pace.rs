//! How fast a body has to arrive. Whoever sends less holds memory and a connection for nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::gateway::Gateway;

/// How long the next [`MIN_PIECE`] of a body may take: a mobile link that is lost comes back within seconds.
const PIECE_WAIT: Duration = Duration::from_secs(30);

/// What has to come in this time: less than the slowest link in use carries, which has some kilobytes a second.
const MIN_PIECE: usize = 8 * 1024;

/// How long a whole body may take: the largest arrives in an hour at 20 kB/s, the usual megabyte at 300 B/s.
const BODY_TIME: Duration = Duration::from_secs(3600);

/// How long the next piece may take while the gateway stops.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Why a body is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PaceError {
    #[error("the body takes too long to arrive")]
    Slow,
    #[error("the gateway is stopping")]
    Stopping,
}

/// The middleware.
pub(super) async fn keep_pace(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let stopping = gateway.stopping();
    let paced = request.map(|body| Body::new(Paced::new(body, stopping.begun())));
    next.run(paced).await
}

/// A body that fails when it falls behind.
struct Paced {
    body: Body,
    end: Instant,
    /// Bytes since the timer was set.
    since: usize,
    timer: Pin<Box<Sleep>>,
    /// None once it has begun.
    stopping: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Paced {
    fn new(body: Body, stopping: impl Future<Output = ()> + Send + 'static) -> Self {
        let now = Instant::now();
        Self {
            body,
            end: now + BODY_TIME,
            since: 0,
            timer: Box::pin(tokio::time::sleep_until(now + PIECE_WAIT)),
            stopping: Some(Box::pin(stopping)),
        }
    }

    fn wait_anew(&mut self) {
        let wait = if self.stopping.is_some() {
            PIECE_WAIT
        } else {
            STOP_WAIT
        };
        self.since = 0;
        let until = self.end.min(Instant::now() + wait);
        self.timer.as_mut().reset(until);
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if let Some(Ok(frame)) = &frame {
                this.since += frame.data_ref().map_or(0, Bytes::len);
            }
            if this.since >= MIN_PIECE {
                this.wait_anew();
            }
            return Poll::Ready(frame);
        }
        if let Some(stopping) = &mut this.stopping
            && stopping.as_mut().poll(context).is_ready()
        {
            this.stopping = None;
            this.wait_anew();
        }
        if this.timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let error = this
            .stopping
            .as_ref()
            .map_or(PaceError::Stopping, |_| PaceError::Slow);
        Poll::Ready(Some(Err(axum::Error::new(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use http_body_util::channel::Channel;
    use http_body_util::{BodyExt, combinators::Collect};

    use super::*;
    use crate::stopping::Stop;

    /// A body that brings a piece of so many bytes every second, and what came of it.
    async fn arrive(pieces: usize, bytes: usize) -> Result<usize, PaceError> {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            for _ in 0..pieces {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if sender.send_data(vec![0; bytes].into()).await.is_err() {
                    return;
                }
            }
        });
        let paced = Paced::new(Body::new(body), Stop::default().stopping().begun());
        told(paced.collect()).await
    }

    async fn told(collected: Collect<Paced>) -> Result<usize, PaceError> {
        let collected = tokio::time::timeout(BODY_TIME * 2, collected).await;
        let collected = collected.unwrap();
        collected
            .map(|whole| whole.to_bytes().len())
            .map_err(|error| *error.into_inner().downcast::<PaceError>().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_arrives_and_one_that_trickles_does_not() {
        assert_eq!(arrive(300, 1_000).await, Ok(300_000));
        assert_eq!(arrive(300, 100).await, Err(PaceError::Slow));
    }

    #[tokio::test(start_paused = true)]
    async fn no_body_takes_longer_than_an_hour() {
        assert_eq!(arrive(3_500, 10_000).await, Ok(35_000_000));
        assert_eq!(arrive(3_700, 10_000).await, Err(PaceError::Slow));
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_gateway_stops_a_body_that_stands_still_is_given_up_soon() {
        let (_sender, body) = Channel::<Bytes>::new(1);
        let stop = Stop::default();
        let paced = Paced::new(Body::new(body), stop.stopping().begun());
        stop.begin();
        let begun = Instant::now();
        assert_eq!(told(paced.collect()).await, Err(PaceError::Stopping));
        assert_eq!(begun.elapsed().as_secs(), STOP_WAIT.as_secs());
    }
}
