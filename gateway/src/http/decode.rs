//! The HTTP door's decoder: a body as it travelled becomes transactions.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use realm_ingest_protocol::{
    BatchError, BatchHeader, BatchReader, MAX_BATCH_BYTES, MAX_TRANSACTION_DOCUMENTS,
};

use super::body::too_large;
use super::media::Encoding;
use super::reject::Reject;
use crate::ingest::{Run, Transaction};
use crate::memory::Budget;

/// Largest window a zstd frame may ask for, as a power of two: 16 MiB, enough for every ordinary level.
const MAX_WINDOW_LOG: u32 = 24;

/// Steps in which decompressed bytes are taken.
const STEP: usize = 256 * 1024;

/// Transactions of one batch: a client sends a megabyte at a time, which is some thousands of the smallest.
const MAX_TRANSACTIONS: usize = 100_000;

/// Memory that a transaction takes beside its documents, that each of its runs takes, and that the checks take for each
/// document: its index, in a list that grows by doubling.
const TRANSACTION_BYTES: usize = size_of::<Transaction>();
const RUN_BYTES: usize = size_of::<Run>();
const DOCUMENT_BYTES: usize = 2 * size_of::<u32>();

/// Reads a batch to its end.
///
/// # Errors
/// When it is malformed or contradicts itself, has too many transactions or documents, or memory is short.
pub fn transactions(body: Vec<u8>, budget: &mut Budget) -> Result<(BatchHeader, Vec<Transaction>), Reject> {
    let bad = |error: BatchError| Reject::BadRequest(error.to_string());
    let body = Bytes::from(body);
    let mut reader = BatchReader::new(&body).map_err(bad)?;
    let header = reader.header().clone();
    if header.count > MAX_TRANSACTION_DOCUMENTS {
        return Err(Reject::TooLarge(format!(
            "read limited at {MAX_TRANSACTION_DOCUMENTS} documents: the batch announces more"
        )));
    }
    let schemas: Vec<Arc<str>> = header.schemas.iter().map(|name| name.as_str().into()).collect();
    let mut classes: HashMap<String, Arc<str>> = HashMap::new();
    let mut transactions = Vec::new();
    while let Some(transaction) = reader.next_transaction().map_err(bad)? {
        if transactions.len() == MAX_TRANSACTIONS {
            return Err(Reject::TooLarge(format!(
                "read limited at {MAX_TRANSACTIONS} transactions: the batch has more"
            )));
        }
        let realm_ingest_protocol::TransactionHeader { seq, schema, runs } = transaction.header;
        let documents = runs.iter().map(|run| run.count as usize).sum::<usize>();
        budget.try_grow(TRANSACTION_BYTES + runs.len() * RUN_BYTES + documents * DOCUMENT_BYTES)?;
        let schema = usize::try_from(schema).ok().and_then(|index| schemas.get(index));
        let schema = schema.ok_or_else(|| Reject::Internal(format!("transaction {seq} has no schema")))?;
        let runs = runs.into_iter().map(|run| Run {
            class: Arc::clone(
                classes
                    .entry(run.class)
                    .or_insert_with_key(|name| name.as_str().into()),
            ),
            count: run.count,
        });
        transactions.push(Transaction {
            seq,
            schema: Arc::clone(schema),
            runs: runs.collect(),
            payload: body.slice_ref(transaction.payload),
        });
    }
    Ok((header, transactions))
}

/// Unpacks a body. Blocks.
///
/// # Errors
/// When the frames are damaged or cut off, unpack to too much, or memory is short.
pub fn unpack(sent: Vec<u8>, encoding: Encoding, budget: &mut Budget) -> Result<Vec<u8>, Reject> {
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
        // Waiting here would take the turn from somebody who has his memory.
        budget.try_grow(more)?;
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
    use tokio::sync::Semaphore;

    use super::*;

    fn budget() -> Budget {
        Budget::new(Arc::new(Semaphore::new(256 * 1024 * 1024)))
    }

    async fn unpacked(sent: Vec<u8>) -> Result<(Vec<u8>, Budget), Reject> {
        let work = move || {
            let mut budget = budget();
            unpack(sent, Encoding::Zstd, &mut budget).map(|bytes| (bytes, budget))
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    #[tokio::test]
    async fn frames_in_a_row_are_one_body() {
        let mut sent = zstd::encode_all(&b"one "[..], 1).unwrap();
        sent.extend(zstd::encode_all(&b"two"[..], 19).unwrap());
        assert_eq!(unpacked(sent).await.unwrap().0, b"one two");
        let large = vec![7_u8; 3 * STEP + 1];
        let (bytes, budget) = unpacked(zstd::encode_all(large.as_slice(), 1).unwrap())
            .await
            .unwrap();
        assert_eq!(bytes, large);
        assert!(
            bytes.capacity() <= budget.held() + 100,
            "what is held is accounted for"
        );
    }

    #[tokio::test]
    async fn a_bomb_stops_at_the_limit() {
        let bomb = zstd::encode_all(std::io::repeat(0).take(MAX_BATCH_BYTES + 1), 1).unwrap();
        assert!(bomb.len() < 20_000);
        assert!(matches!(unpacked(bomb).await, Err(Reject::TooLarge(_))));
    }

    #[tokio::test]
    async fn cut_and_foreign_bodies_are_refused() {
        let sent = zstd::encode_all(&b"a body that is long enough to be cut"[..], 1).unwrap();
        for end in 1..sent.len() {
            assert!(
                matches!(unpacked(sent[..end].to_vec()).await, Err(Reject::BadRequest(_))),
                "cut at {end}"
            );
        }
        assert!(matches!(
            unpacked(b"no zstd at all".to_vec()).await,
            Err(Reject::BadRequest(_))
        ));
    }
}
