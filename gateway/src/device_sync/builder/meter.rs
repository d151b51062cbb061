//! What trees take of memory while they are built.

use crate::memory::{Budget, NoMemory};

/// Steps in which it is taken from the others.
const STEP: usize = 64 * 1024;

/// What one element, field or entry takes, with what lists hold in reserve.
pub(super) const NODE: usize = 96;

/// What a container takes beside what is in it: dictionaries have room for eleven entries from their first one on.
pub(super) const CONTAINER: usize = 512;

/// See the module.
pub(super) struct Meter {
    budget: Budget,
    used: usize,
}

impl Meter {
    pub(super) const fn new(budget: Budget) -> Self {
        Self { budget, used: 0 }
    }

    /// So much more is held.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), NoMemory> {
        self.used += bytes;
        let Some(short) = self
            .used
            .checked_sub(self.budget.held())
            .filter(|short| *short > 0)
        else {
            return Ok(());
        };
        self.budget.try_grow(short.max(STEP))
    }

    /// Everything that was held since it was `used` is gone.
    pub(super) const fn back_to(&mut self, used: usize) {
        if self.used > used {
            self.used = used;
        }
    }
}
