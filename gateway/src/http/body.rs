//! Bodies: read as they arrive, and accounted for, whatever the sender has in mind.

use std::error::Error;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;

use super::pace::PaceError;
use super::reject::Reject;
use crate::arriving::{Worth, growth};
use crate::memory::Budget;

/// Reads a body as it travels. Its memory stays in the budget.
///
/// # Errors
/// When it is larger than `limit` bytes, too slow or breaks off, or memory is short.
pub async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    budget: &mut Budget,
) -> Result<Vec<u8>, Reject> {
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut stream = body.into_data_stream();
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large(limit, "as sent"));
    }
    let expected = usize::try_from(declared.unwrap_or(0)).unwrap_or(0);
    let mut bytes = Vec::new();
    let mut worth = Worth::default();
    loop {
        let piece = tokio::select! {
            biased;
            piece = next_piece(&mut stream) => piece?,
            () = worth.look() => {
                worth.check(bytes.len(), budget)?;
                continue;
            }
        };
        let Some(piece) = piece else { return Ok(bytes) };
        if bytes.len() as u64 + piece.len() as u64 > limit {
            return Err(too_large(limit, "as sent"));
        }
        if bytes.len() + piece.len() > bytes.capacity() {
            let more = growth(bytes.capacity(), expected).max(piece.len());
            budget.grow(more).await?;
            bytes.reserve_exact(bytes.capacity() - bytes.len() + more);
            // It may have waited for that, and its sender with it.
            worth = Worth::since(bytes.len());
        }
        bytes.extend_from_slice(&piece);
    }
}

async fn next_piece(stream: &mut BodyDataStream) -> Result<Option<axum::body::Bytes>, Reject> {
    let piece = std::future::poll_fn(|context| std::pin::Pin::new(&mut *stream).poll_frame(context));
    match piece.await {
        None => Ok(None),
        Some(Err(error)) => Err(broken_off(&error)),
        // Trailers carry nothing for us.
        Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
    }
}

fn broken_off(error: &axum::Error) -> Reject {
    let paced = error
        .source()
        .and_then(|source| source.downcast_ref::<PaceError>());
    match paced {
        Some(PaceError::Slow) => Reject::Slow,
        Some(PaceError::Stopping) => Reject::Busy("the gateway is stopping"),
        None => Reject::BadRequest(format!("the body broke off: {error}")),
    }
}

pub(super) fn too_large(limit: u64, what: &str) -> Reject {
    Reject::TooLarge(format!(
        "read limited at {limit} bytes: the body {what} is larger"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;
    use std::time::Duration;

    use axum::body::Bytes;
    use http_body_util::channel::Channel;
    use tokio::sync::Semaphore;

    use super::*;

    const ALL: usize = 1024 * 1024;

    /// What comes of a body of a megabyte of which half comes at once and the rest slowly, where others want memory.
    async fn arrive(bytes_per_second: usize, wanted: bool) -> Result<usize, Reject> {
        let mut budget = Budget::new(Arc::new(Semaphore::new(ALL)));
        let mut other = budget.another();
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            let mut left = ALL;
            let mut next = ALL / 2;
            while left > 0 && sender.send_data(vec![0; next].into()).await.is_ok() {
                left -= next;
                next = left.min(bytes_per_second / 10);
                tokio::time::sleep(Duration::from_millis(100)).await;
                if wanted {
                    other.try_grow(ALL).unwrap_err();
                }
            }
        });
        let headers = [(CONTENT_LENGTH, ALL.into())].into_iter().collect();
        let read = read(&headers, Body::new(body), ALL as u64, &mut budget).await;
        read.map(|bytes| bytes.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_read_while_nobody_else_needs_its_memory() {
        for (bytes_per_second, wanted) in [(300, false), (20_000, false), (20_000, true)] {
            assert_eq!(arrive(bytes_per_second, wanted).await.unwrap(), ALL);
        }
        for bytes_per_second in [300, 10_000] {
            let cut = arrive(bytes_per_second, true).await;
            assert!(matches!(cut, Err(Reject::Busy(_))), "{bytes_per_second}: {cut:?}");
        }
    }
}
