//! What the classes of bound files are. Most files of a fleet have the same, so each is held once, by whoever needs it first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use sha2::{Digest as _, Sha256};

use crate::device_sync::registry::{Registry, RegistryError};
use crate::memory::{Budget, NoMemory};

/// How many times as much memory classes take as the JSON that says them.
const TIMES_JSON: usize = 6;

/// At so many those that nobody holds are removed.
const TIDY_AT: usize = 64;

/// The classes of a file, or of several.
pub(in crate::device_sync) struct Classes {
    pub registry: Registry,
    fingerprint: OnceLock<Arc<str>>,
    _memory: Budget,
}

impl Classes {
    /// The fingerprint of their schema.
    pub fn fingerprint(&self) -> Arc<str> {
        let fingerprint = self
            .fingerprint
            .get_or_init(|| self.registry.schema().fingerprint().into());
        Arc::clone(fingerprint)
    }
}

/// Why they cannot be held.
#[derive(Debug, thiserror::Error)]
pub(in crate::device_sync) enum ClassesError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
}

/// See the module. Any thread may ask.
#[derive(Default)]
pub(in crate::device_sync) struct SharedClasses(Mutex<Shared>);

#[derive(Default)]
struct Shared {
    by_digest: HashMap<[u8; 32], Weak<Classes>>,
    tidy_at: usize,
}

impl SharedClasses {
    /// These, as they are held already, or from now on out of the same memory as `account`.
    ///
    /// # Errors
    /// When they are too large, or memory is short.
    pub fn of(&self, registry: Registry, account: &Budget) -> Result<Arc<Classes>, ClassesError> {
        let json = registry.to_json()?;
        let digest = Sha256::digest(&json).into();
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = shared.by_digest.get(&digest).and_then(Weak::upgrade) {
            return Ok(held);
        }
        let mut memory = account.another();
        memory.try_grow(json.len() * TIMES_JSON)?;
        if shared.by_digest.len() >= shared.tidy_at {
            shared.by_digest.retain(|_, classes| classes.strong_count() > 0);
            shared.tidy_at = TIDY_AT.max(2 * shared.by_digest.len());
        }
        let new = Arc::new(Classes {
            registry,
            fingerprint: OnceLock::new(),
            _memory: memory,
        });
        shared.by_digest.insert(digest, Arc::downgrade(&new));
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use tokio::sync::Semaphore;

    use super::*;
    use crate::device_sync::changeset::KeyType;

    fn registry(class: &str) -> Registry {
        let mut registry = Registry::default();
        registry.define_regular(class, KeyType::Int).unwrap();
        registry
    }

    fn account(bytes: usize) -> (Arc<Semaphore>, Budget) {
        let all = Arc::new(Semaphore::new(bytes));
        (Arc::clone(&all), Budget::new(all))
    }

    #[test]
    fn equal_classes_are_held_once_and_paid_for_by_the_first() {
        let shared = SharedClasses::default();
        let ((first, of_first), (second, of_second)) = (account(10_000), account(10_000));
        let one = shared.of(registry("A"), &of_first).unwrap();
        let same = shared.of(registry("A"), &of_second).unwrap();
        assert!(Arc::ptr_eq(&one, &same));
        assert_eq!(one.fingerprint(), registry("A").schema().fingerprint().into());
        assert!(first.available_permits() < 10_000 && second.available_permits() == 10_000);
        drop(one);
        assert!(
            first.available_permits() < 10_000,
            "the other one still holds them"
        );
        drop(same);
        assert_eq!(first.available_permits(), 10_000);
        let _again = shared.of(registry("A"), &of_second).unwrap();
        assert!(second.available_permits() < 10_000);
    }

    #[test]
    fn classes_that_nobody_holds_are_forgotten_and_those_without_memory_refused() {
        let shared = SharedClasses::default();
        let (_all, rich) = account(1 << 20);
        for number in 0..1_000 {
            shared.of(registry(&format!("C{number}")), &rich).unwrap();
        }
        assert!(shared.0.lock().unwrap().by_digest.len() <= TIDY_AT);
        let (_all, poor) = account(10);
        let refused = shared.of(registry("A"), &poor);
        assert!(matches!(refused.err(), Some(ClassesError::NoMemory(_))));
    }
}
