//! Memory for what requests bring: every byte of a batch is taken from one budget before it is held, so many large
//! requests at once make some of them wait or come back later instead of exhausting the machine.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a request waits for memory before it is asked to come back.
const WAIT: Duration = Duration::from_secs(2);

/// So much does not become free soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway is busy with other batches")]
pub struct NoMemory;

/// Memory one request holds, out of a pool; given back when the budget is gone.
#[derive(Debug)]
pub struct Budget {
    all: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// Nothing yet, out of `all`, which counts bytes.
    #[must_use]
    pub const fn new(all: Arc<Semaphore>) -> Self {
        Self { all, held: None }
    }

    /// Takes `bytes` more.
    ///
    /// # Errors
    /// When so much does not become free soon.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), NoMemory> {
        let bytes = u32::try_from(bytes).map_err(|_| NoMemory)?;
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.all).acquire_many_owned(bytes)).await;
        self.hold(permit.map_err(|_| NoMemory)?.map_err(|_| NoMemory)?);
        Ok(())
    }

    fn hold(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
        }
    }

    /// Takes `bytes` more if they are free.
    ///
    /// # Errors
    /// When they are not.
    pub fn try_grow(&mut self, bytes: usize) -> Result<(), NoMemory> {
        let bytes = u32::try_from(bytes).map_err(|_| NoMemory)?;
        let permit = Arc::clone(&self.all).try_acquire_many_owned(bytes);
        self.hold(permit.map_err(|_| NoMemory)?);
        Ok(())
    }

    /// Takes over what another budget out of the same memory holds.
    pub fn absorb(&mut self, other: Self) {
        other.held.into_iter().for_each(|permit| self.hold(permit));
    }

    /// Nothing yet, out of the same memory.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(Arc::clone(&self.all))
    }

    /// As [`Budget::grow`], from a thread that may block.
    ///
    /// # Errors
    /// When so much does not become free soon.
    pub fn grow_blocking(&mut self, runtime: &Handle, bytes: usize) -> Result<(), NoMemory> {
        runtime.block_on(self.grow(bytes))
    }

    /// Gives `bytes` back.
    pub fn shrink(&mut self, bytes: usize) {
        drop(self.held.as_mut().and_then(|held| held.split(bytes)));
    }

    /// Bytes that are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn memory_that_does_not_come_is_a_reason_to_come_back() {
        let all = Arc::new(Semaphore::new(100));
        let mut one = Budget::new(Arc::clone(&all));
        one.grow(80).await.unwrap();
        let mut other = Budget::new(Arc::clone(&all));
        assert_eq!(other.grow(30).await, Err(NoMemory));
        assert_eq!(other.try_grow(30), Err(NoMemory));
        one.shrink(10);
        other.grow(30).await.unwrap();
        assert_eq!((one.held(), other.held()), (70, 30));
        drop((one, other));
        assert_eq!(all.available_permits(), 100);
    }
}
