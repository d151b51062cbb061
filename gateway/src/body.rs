//! Bodies: read, decompressed and accounted for, whatever the sender has in mind.
//!
//! Every byte of a batch that is held in memory is taken from one budget first, so many large requests
//! at once make some of them wait or come back later instead of exhausting the machine.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use realm_ingest_protocol::MAX_BATCH_BYTES;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::reject::Reject;

/// How long a request waits for memory before it is asked to come back.
const MEMORY_WAIT: Duration = Duration::from_secs(2);

/// What is said when it waited in vain.
pub const MEMORY_IN_USE: &str = "the gateway is busy with other batches";

/// How long the next piece of a body may take.
const PIECE_WAIT: Duration = Duration::from_secs(30);

/// Largest window a zstd frame may ask for, as a power of two: 16 MiB, enough for every ordinary level.
const MAX_WINDOW_LOG: u32 = 24;

/// Steps in which decompressed bytes are taken.
const STEP: usize = 256 * 1024;

/// Memory one request holds.
#[derive(Debug)]
pub struct Budget {
    all: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// Nothing yet, out of `all`, which counts bytes.
    #[must_use]
    pub const fn new(all: Arc<Semaphore>) -> Self {
        Self { all, held: None }
    }

    /// Takes `bytes` more.
    ///
    /// # Errors
    /// When so much does not become free soon.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), Reject> {
        let busy = || Reject::Busy(MEMORY_IN_USE);
        let bytes = u32::try_from(bytes).map_err(|_| busy())?;
        let permit = tokio::time::timeout(MEMORY_WAIT, Arc::clone(&self.all).acquire_many_owned(bytes)).await;
        self.hold(permit.map_err(|_| busy())?.map_err(|_| busy())?);
        Ok(())
    }

    fn hold(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
    }

    /// Takes `bytes` more if they are free; says whether they were.
    #[must_use]
    pub fn try_grow(&mut self, bytes: usize) -> bool {
        let permit = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.all).try_acquire_many_owned(bytes).ok());
        let free = permit.is_some();
        permit.into_iter().for_each(|permit| self.hold(permit));
        free
    }

    /// Takes over what another budget out of the same memory holds.
    pub fn absorb(&mut self, other: Self) {
        other.held.into_iter().for_each(|permit| self.hold(permit));
    }

    /// Nothing yet, out of the same memory.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(Arc::clone(&self.all))
    }

    /// As [`Budget::grow`], from a thread that may block.
    ///
    /// # Errors
    /// When so much does not become free soon.
    pub fn grow_blocking(&mut self, runtime: &Handle, bytes: usize) -> Result<(), Reject> {
        runtime.block_on(self.grow(bytes))
    }

    /// Gives `bytes` back.
    pub fn shrink(&mut self, bytes: usize) {
        drop(self.held.as_mut().and_then(|held| held.split(bytes)));
    }
}

/// How a batch was packed for the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// One zstd frame or several in a row.
    Zstd,
}

/// Checks that the headers announce a batch of the version served here.
///
/// # Errors
/// With what is wrong about the content type or the encoding.
pub fn batch_encoding(headers: &HeaderMap) -> Result<Encoding, Reject> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or("not readable"))
    };
    let kind = text(CONTENT_TYPE).unwrap_or("none");
    if !is_batch(kind) {
        return Err(Reject::UnsupportedMedia(format!(
            "content type '{kind}' is not served; send '{}'",
            realm_ingest_protocol::CONTENT_TYPE
        )));
    }
    match text(CONTENT_ENCODING)
        .map(|value| value.trim().to_ascii_lowercase())
        .as_deref()
    {
        None | Some("identity") => Ok(Encoding::Identity),
        Some("zstd") => Ok(Encoding::Zstd),
        Some(other) => Err(Reject::UnsupportedMedia(format!(
            "content encoding '{other}' is not served; send 'zstd' or 'identity'"
        ))),
    }
}

fn is_batch(content_type: &str) -> bool {
    let mut parts = content_type
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/vnd.realm-ingest.batch")
        && parts.any(|part| part == "version=2")
}

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
    budget.grow(expected).await?;
    let mut bytes = Vec::with_capacity(expected);
    while let Some(piece) = next_piece(&mut stream).await? {
        if bytes.len() as u64 + piece.len() as u64 > limit {
            return Err(too_large(limit, "as sent"));
        }
        if bytes.len() + piece.len() > bytes.capacity() {
            let more = bytes.capacity().max(piece.len()).max(STEP);
            budget.grow(more).await?;
            bytes.reserve_exact(bytes.capacity() - bytes.len() + more);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
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
    match tokio::time::timeout(PIECE_WAIT, piece).await {
        Err(_) => Err(Reject::Slow),
        Ok(None) => Ok(None),
        Ok(Some(Err(error))) => Err(Reject::BadRequest(format!("the body broke off: {error}"))),
        // Trailers carry nothing for us.
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
    }
}

fn too_large(limit: u64, what: &str) -> Reject {
    Reject::TooLarge(format!(
        "read limited at {limit} bytes: the body {what} is larger"
    ))
}

/// Unpacks a batch. Blocks.
///
/// # Errors
/// When the frames are damaged or cut off, unpack to too much, or memory is short.
pub fn decode(
    sent: Vec<u8>,
    encoding: Encoding,
    budget: &mut Budget,
    runtime: &Handle,
) -> Result<Vec<u8>, Reject> {
    if encoding == Encoding::Identity {
        return Ok(sent);
    }
    let damaged = |error: std::io::Error| Reject::BadRequest(format!("the body is not valid zstd: {error}"));
    let limit = usize::try_from(MAX_BATCH_BYTES).unwrap_or(usize::MAX);
    let mut decoder = zstd::stream::read::Decoder::with_buffer(sent.as_slice()).map_err(damaged)?;
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(damaged)?;
    let mut out = Vec::new();
    loop {
        let more = out
            .capacity()
            .clamp(STEP, (limit + STEP).saturating_sub(out.capacity()).max(STEP));
        budget.grow_blocking(runtime, more)?;
        out.reserve_exact(more);
        let room = out.capacity() - out.len();
        let read = decoder
            .by_ref()
            .take(room as u64)
            .read_to_end(&mut out)
            .map_err(damaged)?;
        if out.len() > limit {
            return Err(too_large(MAX_BATCH_BYTES, "after decompression"));
        }
        if read < room {
            drop(decoder);
            budget.shrink(sent.capacity());
            return Ok(out);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn budget() -> Budget {
        Budget::new(Arc::new(Semaphore::new(256 * 1024 * 1024)))
    }

    async fn unpack(sent: Vec<u8>) -> Result<(Vec<u8>, Budget), Reject> {
        let runtime = Handle::current();
        let work = move || {
            let mut budget = budget();
            decode(sent, Encoding::Zstd, &mut budget, &runtime).map(|bytes| (bytes, budget))
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    #[tokio::test]
    async fn frames_in_a_row_are_one_body() {
        let mut sent = zstd::encode_all(&b"one "[..], 1).unwrap();
        sent.extend(zstd::encode_all(&b"two"[..], 19).unwrap());
        assert_eq!(unpack(sent).await.unwrap().0, b"one two");
        let large = vec![7_u8; 3 * STEP + 1];
        let (bytes, budget) = unpack(zstd::encode_all(large.as_slice(), 1).unwrap())
            .await
            .unwrap();
        assert_eq!(bytes, large);
        assert!(
            bytes.capacity() <= budget.held.unwrap().num_permits() + 100,
            "what is held is accounted for"
        );
    }

    #[tokio::test]
    async fn a_bomb_stops_at_the_limit() {
        let bomb = zstd::encode_all(std::io::repeat(0).take(MAX_BATCH_BYTES + 1), 1).unwrap();
        assert!(bomb.len() < 20_000);
        assert!(matches!(unpack(bomb).await, Err(Reject::TooLarge(_))));
    }

    #[tokio::test]
    async fn cut_and_foreign_bodies_are_refused() {
        let sent = zstd::encode_all(&b"a body that is long enough to be cut"[..], 1).unwrap();
        for end in 1..sent.len() {
            assert!(
                matches!(unpack(sent[..end].to_vec()).await, Err(Reject::BadRequest(_))),
                "cut at {end}"
            );
        }
        assert!(matches!(
            unpack(b"no zstd at all".to_vec()).await,
            Err(Reject::BadRequest(_))
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_that_does_not_come_is_a_reason_to_come_back() {
        let all = Arc::new(Semaphore::new(100));
        let mut one = Budget::new(Arc::clone(&all));
        one.grow(80).await.unwrap();
        let mut other = Budget::new(Arc::clone(&all));
        assert!(matches!(other.grow(30).await, Err(Reject::Busy(_))));
        one.shrink(10);
        other.grow(30).await.unwrap();
        drop((one, other));
        assert_eq!(all.available_permits(), 100);
    }

    #[test]
    fn content_types_are_read_as_headers_are() {
        assert!(is_batch(realm_ingest_protocol::CONTENT_TYPE));
        assert!(is_batch("Application/vnd.realm-ingest.BATCH;version=2"));
        assert!(!is_batch("application/vnd.realm-ingest.batch"));
        assert!(!is_batch("application/vnd.realm-ingest.batch; version=1"));
        assert!(!is_batch("application/json; version=2"));
    }
}
