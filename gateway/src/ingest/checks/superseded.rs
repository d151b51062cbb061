//! Documents of one transaction that have the same `_id`.

use std::hash::{BuildHasher, RandomState};

use crate::ingest::IngestError;
use crate::ingest::id;
use crate::ingest::transaction::Transaction;
use crate::memory::Budget;

/// Of two documents with one `_id` in a transaction the later stands, as it would have on the device. Resolved here, so
/// that no sink can tell it from the transaction that had the later one alone.
pub(super) fn superseded(
    transaction: &Transaction,
    refused: &[u32],
    memory: &mut Budget,
) -> Result<Vec<u32>, IngestError> {
    let count = transaction.form.documents();
    if count < 2 {
        return Ok(Vec::new());
    }
    let bytes = count.saturating_mul(size_of::<Hashed>());
    memory.try_grow(bytes)?;
    let mut all = Vec::with_capacity(count);
    let hasher = RandomState::new();
    let mut refused = refused.iter().copied().peekable();
    for place in transaction.places() {
        if refused.next_if_eq(&place.index).is_none()
            && let Some(key) = id::key(place.document)
        {
            let hash = [0, 1].map(|half| hasher.hash_one((half, place.class, &key)));
            all.push(Hashed {
                hash,
                index: place.index,
            });
        }
    }
    all.sort_unstable();
    let pairs = all.iter().zip(all.iter().skip(1));
    let superseded = pairs.filter(|(one, next)| one.hash == next.hash);
    let superseded = superseded.map(|(one, _)| one.index).collect();
    drop(all);
    memory.shrink(bytes);
    Ok(superseded)
}

/// A document of a transaction by class and `_id`: 128 bits under a secret key, which no two that differ have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Hashed {
    hash: [u64; 2],
    index: u32,
}
