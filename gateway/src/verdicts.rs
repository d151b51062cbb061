//! Which documents of a batch the checks refuse, on the way to the sink. A batch can have millions of tiny documents, all
//! of them refused: so there is one bit for each, and what is wrong is found again when it is asked for.

use std::sync::Arc;

use realm_ingest_protocol::Violation;

use crate::checks::{OfClass, Schemas};

/// Documents whose bits share a word.
const WORD: usize = 64;

/// See the module. The documents are numbered through the batch, from 0.
pub struct Verdicts {
    refused: Vec<u64>,
    documents: usize,
    schemas: Arc<Schemas>,
}

impl Verdicts {
    /// Bytes that the verdicts on a batch of this size take at most.
    #[must_use]
    pub const fn bytes_for(batch: usize) -> usize {
        // A document has five bytes or more. The list grows by doubling.
        2 * (batch / (5 * 8) + WORD)
    }

    /// None yet, by these schemas.
    #[must_use]
    pub const fn new(schemas: Arc<Schemas>) -> Self {
        Self {
            refused: Vec::new(),
            documents: 0,
            schemas,
        }
    }

    /// Adds that on the next document.
    pub fn push(&mut self, refused: bool) {
        if self.documents.is_multiple_of(WORD) {
            self.refused.push(0);
        }
        if let Some(last) = self.refused.last_mut() {
            *last |= u64::from(refused) << (self.documents % WORD);
        }
        self.documents += 1;
    }

    /// Whether the document of this number is refused.
    #[must_use]
    pub fn is_refused(&self, number: usize) -> bool {
        let word = self.refused.get(number / WORD);
        word.is_some_and(|word| word >> (number % WORD) & 1 == 1)
    }

    /// What is wrong with a refused document, given the fingerprint of its schema and its class.
    #[must_use]
    pub fn violation(&self, schema: &str, class: &str, document: &[u8]) -> Option<Violation> {
        let schema = self.schemas.get(schema)?;
        OfClass::new(schema, class).check(document).err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_has_its_own_verdict() {
        let mut verdicts = Verdicts::new(Arc::default());
        for number in 0..1_000 {
            verdicts.push(number % 3 == 0);
        }
        for number in 0..1_000 {
            assert_eq!(verdicts.is_refused(number), number % 3 == 0, "{number}");
        }
        assert!(!verdicts.is_refused(1_002));
        assert!(size_of_val(&*verdicts.refused) <= Verdicts::bytes_for(5 * 1_000));
    }
}
