//! Bodies: read as they arrive, and accounted for, whatever the sender has in mind.

use std::error::Error;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use realm_ingest_protocol::MAX_BATCH_BYTES;

use super::pace::PaceError;
use super::reject::Reject;
use crate::memory::Budget;

/// Steps in which memory is taken for what arrives.
const STEP: usize = 256 * 1024;

/// Reads a batch's body as it travels.
///
/// # Errors
/// When it is too large, too slow or breaks off, or memory is short.
pub async fn read_batch(headers: &HeaderMap, body: Body, budget: &mut Budget) -> Result<Vec<u8>, Reject> {
    let limit = MAX_BATCH_BYTES;
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let mut stream = body.into_data_stream();
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large(limit, "as sent"));
    }
    let expected = usize::try_from(declared.unwrap_or(0)).unwrap_or(0);
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut stream).await? {
        if bytes.len() as u64 + piece.len() as u64 > limit {
            return Err(too_large(limit, "as sent"));
        }
        if bytes.len() + piece.len() > bytes.capacity() {
            let more = growth(bytes.capacity(), expected).max(piece.len());
            budget.grow(more).await?;
            bytes.reserve_exact(bytes.capacity() - bytes.len() + more);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// How much is taken next. What was announced is a bound and no reason to take it: it may never come.
fn growth(taken: usize, expected: usize) -> usize {
    let next = taken.max(STEP);
    match expected.saturating_sub(taken) {
        0 => next,
        left => next.min(left),
    }
}

/// Reads a small body, such as JSON.
///
/// # Errors
/// When it is larger than `limit`, too slow or breaks off.
pub async fn read_small(body: Body, limit: u64) -> Result<Vec<u8>, Reject> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut stream).await? {
        if bytes.len() as u64 + piece.len() as u64 > limit {
            return Err(too_large(limit, "as sent"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
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
