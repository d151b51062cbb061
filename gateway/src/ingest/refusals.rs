//! Documents that are refused. A batch of tiny ones can have millions, and all are to be told: so each takes a few bytes,
//! shares its reason with its neighbours, and is accounted for like the batch.

use std::collections::HashSet;
use std::sync::Arc;

use realm_ingest_protocol::{RefusalCode, Violation};

use super::transaction::Place;
use crate::memory::{Budget, NoMemory};

/// Different reasons within one batch. A bad release of an application has one or two; beyond this many a reason is left
/// out, and the code says what is wrong.
const MAX_REASONS: usize = 10_000;

/// For how many memory is taken at least.
const STEP: usize = 256;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its transaction.
    pub seq: i64,
    /// Its index in the transaction.
    pub index: u32,
    /// What kind of thing is wrong.
    pub code: RefusalCode,
    /// What is wrong, for a person; may be empty.
    pub reason: Arc<str>,
}

/// What is wrong with a document whose `_id` another one has.
#[must_use]
pub fn taken(class: &str) -> Violation {
    Violation {
        code: RefusalCode::DuplicateId,
        reason: format!("another document of class '{class}' with this _id is stored already"),
    }
}

/// Some of one batch, in the order it was sent; and how many of its documents were found to be stored already, which is no
/// refusal.
#[derive(Debug)]
pub struct Refusals {
    list: Vec<Refused>,
    equal: u64,
    reasons: HashSet<Arc<str>>,
    budget: Budget,
}

impl Refusals {
    /// None yet; their memory comes out of `budget`.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self {
            list: Vec::new(),
            equal: 0,
            reasons: HashSet::new(),
            budget,
        }
    }

    /// Adds one.
    ///
    /// # Errors
    /// When there is no memory for it at present.
    pub fn push(&mut self, seq: i64, index: u32, violation: Violation) -> Result<(), NoMemory> {
        if self.list.len() == self.list.capacity() {
            let more = self.list.len().max(STEP);
            self.budget.try_grow(more * size_of::<Refused>())?;
            self.list.reserve_exact(more);
        }
        let reason = self.reason(&violation.reason)?;
        self.list.push(Refused {
            seq,
            index,
            code: violation.code,
            reason,
        });
        Ok(())
    }

    /// Adds a document whose `_id` another one has that is stored already.
    ///
    /// # Errors
    /// When there is no memory for it at present.
    pub fn push_taken(&mut self, place: &Place<'_>) -> Result<(), NoMemory> {
        self.push(place.seq, place.index, taken(place.class))
    }

    /// Puts them into the order of the batch, for who finds them in another one.
    pub fn sort(&mut self) {
        self.list.sort_unstable_by_key(|one| (one.seq, one.index));
    }

    /// One more document is stored already, and equal. Nobody is told but who watches how often that is.
    pub const fn count_equal(&mut self) {
        self.equal += 1;
    }

    fn reason(&mut self, text: &str) -> Result<Arc<str>, NoMemory> {
        if let Some(last) = self.list.last()
            && *last.reason == *text
        {
            return Ok(Arc::clone(&last.reason));
        }
        if let Some(known) = self.reasons.get(text) {
            return Ok(Arc::clone(known));
        }
        if self.reasons.len() >= MAX_REASONS {
            return Ok(Arc::default());
        }
        self.budget.try_grow(text.len() + size_of::<Arc<str>>())?;
        let reason: Arc<str> = text.into();
        self.reasons.insert(Arc::clone(&reason));
        Ok(reason)
    }

    /// In the order of the batch.
    #[must_use]
    pub fn as_slice(&self) -> &[Refused] {
        &self.list
    }

    /// How many documents were found to be stored already, and equal.
    #[must_use]
    pub const fn equal(&self) -> u64 {
        self.equal
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

    use tokio::sync::Semaphore;

    use super::*;

    fn violation(reason: &str) -> Violation {
        Violation {
            code: RefusalCode::TypeMismatch,
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn memory_is_taken_as_they_come_and_given_back_with_them() {
        let all = Arc::new(Semaphore::new(2 * STEP * size_of::<Refused>() + 100));
        let before = all.available_permits();
        let mut refusals = Refusals::new(Budget::new(Arc::clone(&all)));
        for index in 0..2 * STEP {
            refusals
                .push(1, u32::try_from(index).unwrap(), violation("r"))
                .unwrap();
        }
        assert_eq!(refusals.push(2, 0, violation("r")), Err(NoMemory));
        drop(refusals);
        assert_eq!(all.available_permits(), before);
    }

    #[test]
    fn documents_of_one_class_that_are_there_already_share_one_reason() {
        let mut refusals = Refusals::new(Budget::new(Arc::new(Semaphore::new(1 << 20))));
        for index in 0..2 {
            let (class, document) = ("Reading", &[][..]);
            let place = Place {
                class,
                seq: 1,
                index,
                document,
            };
            refusals.push_taken(&place).unwrap();
        }
        let [one, other] = refusals.as_slice() else {
            panic!("there are two")
        };
        assert!(Arc::ptr_eq(&one.reason, &other.reason));
    }

    #[test]
    fn every_different_reason_is_charged_once() {
        let all = Arc::new(Semaphore::new(1 << 20));
        let mut refusals = Refusals::new(Budget::new(Arc::clone(&all)));
        let reason = "x".repeat(1_000);
        let before = all.available_permits();
        for index in 0..200 {
            let text = if index % 2 == 0 { &reason } else { "other" };
            refusals.push(1, index, violation(text)).unwrap();
        }
        let taken = before - all.available_permits();
        assert!(
            (1_000..STEP * size_of::<Refused>() + 2_000).contains(&taken),
            "{taken}"
        );
    }

    #[test]
    fn reasons_are_bounded_in_number() {
        let mut refusals = Refusals::new(Budget::new(Arc::new(Semaphore::new(1 << 28))));
        for index in 0..2 * u32::try_from(MAX_REASONS).unwrap() {
            refusals.push(1, index, violation(&index.to_string())).unwrap();
        }
        assert_eq!(refusals.reasons.len(), MAX_REASONS);
        assert_eq!(&*refusals.as_slice().last().unwrap().reason, "");
    }
}
