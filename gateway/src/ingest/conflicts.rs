//! Tells the log of documents that are refused because their class contradicts what is accepted. A device with such a release
//! sends them for as long as it runs, so each of its classes is told once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use realm_ingest_protocol::RefusalCode;
use tracing::warn;

use super::batch::Batch;

/// How many are remembered: some megabytes. Beyond that all are forgotten, and told once more.
const MAX_TOLD: usize = 10_000;

/// Which were told: outbox, fingerprint and class. Any thread may use it.
#[derive(Default)]
pub struct Conflicts {
    told: Mutex<HashSet<(String, String, String)>>,
}

impl Conflicts {
    /// Tells those among the refused documents of the batch that were not told yet.
    pub fn tell(&self, batch: &Batch) {
        let is_conflict = |code| code == RefusalCode::SchemaConflict;
        if !batch.refused.as_slice().iter().any(|one| is_conflict(one.code)) {
            return;
        }
        let (user, outbox) = (&batch.context.user, &batch.context.source.outbox);
        let mut last = None;
        for letter in batch.letters(&batch.none_found()) {
            let (fingerprint, class) = (letter.schema, letter.place.class);
            // Most are like their neighbours.
            if !is_conflict(letter.refused.code) || last == Some((fingerprint, class)) {
                continue;
            }
            last = Some((fingerprint, class));
            if self.is_new((outbox.clone(), fingerprint.to_owned(), class.to_owned())) {
                let reason = &*letter.refused.reason;
                warn!(
                    outbox,
                    user,
                    fingerprint,
                    class,
                    reason,
                    "documents of this class become dead letters until a definition is accepted, see schemas, or the app's directory is changed"
                );
            }
        }
    }

    fn is_new(&self, conflict: (String, String, String)) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MAX_TOLD && !told.contains(&conflict) {
            told.clear();
        }
        told.insert(conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_new_once_and_what_is_remembered_is_bounded() {
        let conflicts = Conflicts::default();
        let of = |outbox: usize| (outbox.to_string(), String::new(), String::new());
        for outbox in 0..MAX_TOLD {
            assert!(conflicts.is_new(of(outbox)) && !conflicts.is_new(of(outbox)));
        }
        assert!(conflicts.is_new(of(MAX_TOLD)));
        let told = conflicts.told.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(told.len(), 1);
    }
}
