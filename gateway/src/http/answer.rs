//! Answers whose memory is accounted for until the client has fetched them.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use serde::Serialize;

use super::reject::Reject;
use crate::memory::Budget;

/// Answers with JSON, and gives the memory back when it was fetched or is not wanted any more.
///
/// # Errors
/// When the value cannot be written, which is a defect.
pub(super) fn json(value: &impl Serialize, memory: Budget) -> Result<Response, Reject> {
    let text = serde_json::to_vec(value).map_err(|error| Reject::Internal(error.to_string()))?;
    let held = Held {
        body: Body::from(text),
        _memory: memory,
    };
    let mut response = Body::new(held).into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// A body with its memory.
struct Held {
    body: Body,
    _memory: Budget,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
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
    use std::sync::Arc;

    use http_body_util::BodyExt;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn memory_is_held_until_the_answer_was_fetched() {
        let all = Arc::new(Semaphore::new(100));
        let mut memory = Budget::new(Arc::clone(&all));
        memory.try_grow(100).unwrap();
        let response = json(&"answer", memory).unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(all.available_permits(), 0);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!((&*body, all.available_permits()), (&b"\"answer\""[..], 100));
    }
}
