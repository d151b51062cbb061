//! What a device is told of the documents that were refused. A batch of tiny ones can have millions, and has to be answered
//! all the same: the first of them are listed, and take their memory from the budget like the batch; the others are
//! counted. So are those for which there is no memory at present: the batch is stored, and to have it sent again would make
//! memory no less short.

use realm_ingest_protocol::{Ack, Refusal, Unlisted};
use serde_json::value::{RawValue, to_raw_value};

use super::IngestError;
use super::batch::Batch;
use super::refusals::Refusals;
use crate::ejson;
use crate::memory::Budget;

/// Bytes of refusals in one answer: some 80,000 of the usual kind. It has to fit into the memory of a device, and with the
/// largest batch into what all batches may take.
pub const MAX_LISTED_BYTES: usize = 16 * 1024 * 1024;

/// Kinds of refusals that are counted apart.
const MAX_KINDS: usize = 100;

/// Bytes of class and reason of one of these kinds.
const MAX_KIND_BYTES: usize = 1_000;

/// The acknowledgement of a batch of which a sink `found` some to be refused beside the checks, and with which its outbox is
/// at this position. Its memory comes out of the budget that is the second value.
///
/// # Errors
/// When a refusal cannot be written as JSON, which is a defect.
pub fn acknowledge(
    batch: &Batch,
    found: &Refusals,
    position: i64,
) -> Result<(Ack<Box<RawValue>>, Budget), IngestError> {
    let mut told = Told::new(batch.budget.another());
    for letter in batch.letters(found) {
        let (place, refused) = (letter.place, letter.refused);
        told.push(Refusal {
            seq: place.seq,
            index: place.index,
            class: place.class.to_owned(),
            id: ejson::id_of(place.document),
            code: refused.code.as_str().to_owned(),
            reason: refused.reason.to_string(),
        })?;
    }
    let ack = Ack {
        acked: batch.last(),
        position,
        refused: told.listed,
        unlisted: told.unlisted,
    };
    Ok((ack, told.budget))
}

#[derive(Debug)]
struct Told {
    listed: Vec<Box<RawValue>>,
    bytes: usize,
    unlisted: Vec<Unlisted>,
    budget: Budget,
}

impl Told {
    const fn new(budget: Budget) -> Self {
        Self {
            listed: Vec::new(),
            bytes: 0,
            unlisted: Vec::new(),
            budget,
        }
    }

    /// Adds the next one in the order of the batch.
    fn push(&mut self, refusal: Refusal) -> Result<(), IngestError> {
        // Once one is not listed, none behind it is.
        if !self.unlisted.is_empty() {
            self.count(refusal);
            return Ok(());
        }
        let text = to_raw_value(&refusal)
            .map_err(|error| IngestError::Internal(format!("a refusal cannot be told: {error}")))?;
        if self.has_room(text.get().len()) {
            self.bytes += text.get().len();
            self.listed.push(text);
        } else {
            self.count(refusal);
        }
        Ok(())
    }

    /// Whether one more of this length can be listed; then its memory is taken.
    fn has_room(&mut self, length: usize) -> bool {
        // Here, and in the body of the answer.
        let memory = size_of::<Box<RawValue>>() + 2 * length;
        self.bytes + length <= MAX_LISTED_BYTES && self.budget.try_grow(memory).is_ok()
    }

    fn count(&mut self, refusal: Refusal) {
        let Refusal {
            mut class,
            code,
            mut reason,
            ..
        } = refusal;
        let counted = |list: &mut [Unlisted], class: &str, reason: &str| {
            let mut kinds = list.iter_mut();
            let same = kinds.find(|one| one.class == class && one.code == code && one.reason == reason);
            same.map(|one| one.count += 1).is_some()
        };
        if counted(&mut self.unlisted, &class, &reason) {
            return;
        }
        if self.unlisted.len() >= MAX_KINDS || class.len() + reason.len() > MAX_KIND_BYTES {
            class.clear();
            reason.clear();
            if counted(&mut self.unlisted, &class, &reason) {
                return;
            }
        }
        self.unlisted.push(Unlisted {
            class,
            code,
            reason,
            count: 1,
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    fn refusal(index: u32, id: &str, reason: &str) -> Refusal {
        Refusal {
            seq: 1,
            index,
            class: "Reading".to_owned(),
            id: id.into(),
            code: "TypeMismatch".to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn told(bytes: usize) -> (Arc<Semaphore>, Told) {
        let all = Arc::new(Semaphore::new(bytes));
        let told = Told::new(Budget::new(Arc::clone(&all)));
        (all, told)
    }

    #[test]
    fn what_is_not_listed_is_counted_by_class_code_and_reason() {
        let (_all, mut told) = told(1 << 30);
        let half = "x".repeat(MAX_LISTED_BYTES / 2);
        told.push(refusal(0, &half, "wrong")).unwrap();
        told.push(refusal(1, &half, "wrong")).unwrap();
        told.push(refusal(2, "", "wrong")).unwrap();
        told.push(refusal(3, "", "also wrong")).unwrap();
        assert_eq!(told.listed.len(), 1);
        let counts: Vec<_> = told
            .unlisted
            .iter()
            .map(|one| (&*one.class, &*one.code, &*one.reason, one.count))
            .collect();
        assert_eq!(
            counts,
            [
                ("Reading", "TypeMismatch", "wrong", 2),
                ("Reading", "TypeMismatch", "also wrong", 1)
            ]
        );
    }

    #[test]
    fn kinds_that_are_too_many_or_too_long_are_counted_together() {
        let (_all, mut told) = told(1 << 30);
        let too_long = "x".repeat(MAX_LISTED_BYTES);
        told.push(refusal(0, &too_long, "wrong")).unwrap();
        told.push(refusal(1, "", &too_long)).unwrap();
        for index in 2..1_000 {
            told.push(refusal(index, "", &format!("wrong {index}"))).unwrap();
        }
        assert_eq!(told.unlisted.len(), MAX_KINDS);
        let together = told.unlisted.iter().find(|one| one.class.is_empty()).unwrap();
        assert_eq!(
            (together.reason.as_str(), together.code.as_str()),
            ("", "TypeMismatch")
        );
        assert_eq!(together.count, 1_000 - (MAX_KINDS as u64 - 1));
    }

    #[test]
    fn memory_is_taken_by_the_size_of_each_and_given_back_with_them() {
        let (all, mut told) = told(100_000);
        told.push(refusal(0, &"x".repeat(40_000), "r")).unwrap();
        let left = all.available_permits();
        assert!((15_000..20_000).contains(&left), "{left}");
        drop(told);
        assert_eq!(all.available_permits(), 100_000);
    }

    #[test]
    fn what_there_is_no_memory_for_is_counted_and_so_is_what_comes_behind_it() {
        let (all, mut told) = told(100_000);
        told.push(refusal(0, "", "r")).unwrap();
        told.push(refusal(1, &"x".repeat(100_000), "r")).unwrap();
        told.push(refusal(2, "", "r")).unwrap();
        assert_eq!(told.listed.len(), 1);
        assert_eq!(told.unlisted.len(), 1);
        assert_eq!(told.unlisted[0].count, 2);
        drop(told);
        assert_eq!(all.available_permits(), 100_000);
    }
}
