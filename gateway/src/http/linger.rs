//! Reads what is left of a request that was answered early.
//!
//! A server that answers before it has read the body, and then closes, resets the connection; the sender,
//! still busy writing, then never sees the answer: a 401 would look like an outage and no token would be
//! refreshed. So the rest is read and thrown away first, within limits.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::Version;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// Bytes that are thrown away at most: several of the largest requests a good client sends.
const MAX_BYTES: u64 = 96 * 1024 * 1024;

/// How long this may take.
const MAX_TIME: Duration = Duration::from_secs(10);

/// A body of which the middleware keeps hold while a handler reads it.
struct Shared {
    body: Body,
    started: bool,
    ended: bool,
}

impl Shared {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.started = true;
        let polled = Pin::new(&mut self.body).poll_frame(context);
        // After an error there is nothing more to come either.
        self.ended |= matches!(polled, Poll::Ready(None | Some(Err(_)))) || self.body.is_end_stream();
        polled
    }
}

struct Borrowed(Arc<Mutex<Shared>>);

impl HttpBody for Borrowed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .poll(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .body
            .is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .body
            .size_hint()
    }
}

/// The middleware.
pub async fn linger(request: Request, next: Next) -> Response {
    // HTTP/2 answers each request on its own stream.
    if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let asks_first = parts.headers.contains_key(EXPECT);
    let shared = Arc::new(Mutex::new(Shared {
        body,
        started: false,
        ended: false,
    }));
    let borrowed = Body::new(Borrowed(Arc::clone(&shared)));
    let response = next.run(Request::from_parts(parts, borrowed)).await;
    let left = {
        let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asks before sending has not sent anything yet.
        let sent = shared.started || !asks_first;
        sent && !shared.ended && shared.body.size_hint().lower() <= MAX_BYTES
    };
    if left {
        let _ = tokio::time::timeout(MAX_TIME, throw_away(&shared)).await;
    }
    response
}

async fn throw_away(shared: &Mutex<Shared>) {
    let mut bytes = 0;
    while bytes <= MAX_BYTES {
        let piece = std::future::poll_fn(|context| {
            shared
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .poll(context)
        });
        let Some(Ok(frame)) = piece.await else { return };
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}
