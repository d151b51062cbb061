//! Memory for what arrives piece by piece, through whichever door: how much is taken next, and whether it comes fast enough to keep
//! what it has.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::memory::{Budget, NoMemory};

/// The first step in which memory is taken for what arrives; each takes as much again as there is.
const STEP: usize = 16 * 1024;

/// How often it is looked at whether what arrives is worth its memory. The pace that all of it has to keep is one for the slowest
/// links, at which much could be held for an hour.
const LOOK: Duration = Duration::from_secs(3);

/// While memory is short, such a part of what is held has to come between two looks: what begins doubles within a minute.
const PART: usize = 20;

/// So much is enough, however much is held: 64 KiB a second.
const ENOUGH: usize = 192 * 1024;

/// Whether something comes fast enough for the memory it holds.
#[derive(Debug)]
pub(crate) struct Worth {
    looks: Interval,
    /// What had come at the last look.
    before: usize,
}

impl Default for Worth {
    fn default() -> Self {
        Self::since(0)
    }
}

impl Worth {
    /// From now on, when so many bytes have come.
    pub fn since(before: usize) -> Self {
        let mut looks = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { looks, before }
    }

    /// Returns when it is to be looked at again.
    pub async fn look(&mut self) {
        self.looks.tick().await;
    }

    /// Looks at what has come until now.
    ///
    /// # Errors
    /// When others need the memory, and too little came since the last look.
    pub fn check(&mut self, now: usize, budget: &Budget) -> Result<(), NoMemory> {
        let came = now - std::mem::replace(&mut self.before, now);
        if budget.is_short() && came < ENOUGH.min(budget.held() / PART) {
            return Err(NoMemory);
        }
        Ok(())
    }
}

/// How much is taken next, of something that is `expected` to have so many bytes. What was announced is a bound and no reason to
/// take it: it may never come.
pub(crate) fn growth(taken: usize, expected: usize) -> usize {
    let next = taken.max(STEP);
    match expected.saturating_sub(taken) {
        0 => next,
        left => next.min(left),
    }
}
