//! Refusals on their way into an answer. A batch of tiny documents can have hundreds of thousands, so
//! they are counted and their memory is taken from the budget like that of the batch.

use realm_ingest_protocol::Refusal;

use crate::body::Budget;

/// Refusals that the checks, or the sink, find in one batch. Their memory and that of the largest batch
/// are less than what all batches may take.
pub const MAX_REFUSED: usize = 400_000;

/// Memory one refusal takes: its fields, a class, an `_id` and a sentence.
const BYTES: usize = 384;

/// How many are taken from the budget at once.
const STEP: usize = 256;

/// See the module.
#[derive(Debug)]
pub struct Refusals {
    list: Vec<Refusal>,
    budget: Budget,
}

/// Why a batch cannot have one refusal more. Nothing of it may be stored then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// Whatever else the gateway is doing.
    #[error("more than {MAX_REFUSED} documents of the batch are refused; send fewer at once")]
    InBatch,
    /// Too much memory is in use at the moment.
    #[error("too much memory is in use at present")]
    AtPresent,
}

impl Refusals {
    /// None yet; their memory comes out of `budget`.
    #[must_use]
    pub const fn new(budget: Budget) -> Self {
        Self {
            list: Vec::new(),
            budget,
        }
    }

    /// Adds one.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn push(&mut self, refusal: Refusal) -> Result<(), TooMany> {
        if self.list.len() >= MAX_REFUSED {
            return Err(TooMany::InBatch);
        }
        if self.list.len().is_multiple_of(STEP) && !self.budget.try_grow(STEP * BYTES) {
            return Err(TooMany::AtPresent);
        }
        self.list.push(refusal);
        Ok(())
    }

    /// In the order they were added.
    #[must_use]
    pub fn as_slice(&self) -> &[Refusal] {
        &self.list
    }

    /// Those of the same batch that were found elsewhere among these, in the order of the batch.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        self.list.sort_by_key(|refusal| (refusal.seq, refusal.index));
        self.budget.absorb(other.budget);
        self
    }

    /// Takes them out; their memory is given back when the second value is gone.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Refusal>, Budget) {
        (self.list, self.budget)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn refusal() -> Refusal {
        Refusal {
            seq: 1,
            index: 0,
            class: "Reading".to_owned(),
            id: serde_json::Value::Null,
            code: "TypeMismatch".to_owned(),
            reason: "r".to_owned(),
        }
    }

    #[test]
    fn a_batch_has_no_more_than_the_limit() {
        let mut refusals = Refusals::new(Budget::new(Arc::new(Semaphore::new(1 << 30))));
        for _ in 0..MAX_REFUSED {
            refusals.push(refusal()).unwrap();
        }
        assert_eq!(refusals.push(refusal()), Err(TooMany::InBatch));
    }

    #[test]
    fn memory_is_taken_as_they_come_and_given_back_with_them() {
        let all = Arc::new(Semaphore::new(2 * STEP * BYTES));
        let mut refusals = Refusals::new(Budget::new(Arc::clone(&all)));
        for _ in 0..2 * STEP {
            refusals.push(refusal()).unwrap();
        }
        assert_eq!(refusals.push(refusal()), Err(TooMany::AtPresent));
        drop(refusals);
        assert_eq!(all.available_permits(), 2 * STEP * BYTES);
    }
}
