//! Memory for what requests bring: every byte of a body is taken from one budget before it is held, so many large
//! requests at once make some of them wait or come back later instead of exhausting the machine. No user and no address can
//! have all of it, whatever they send and however slowly.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::auth::Address;

/// Bytes of requests held at the same time: three of the largest, or hundreds of usual ones.
const ALL: usize = 256 * 1024 * 1024;

/// What all clients of one address may hold of it. A usual batch has a megabyte: the rest is for dozens of others.
const OF_ONE_ADDRESS: usize = ALL / 8 * 7;

/// What one user may hold: the largest batch as it was sent and unpacked, with room for what is said of it.
const OF_ONE_USER: usize = ALL / 4 * 3;

/// How long a request waits for memory before it is asked to come back.
const WAIT: Duration = Duration::from_secs(2);

/// How long memory counts as short after a request got none: until that request has come again.
const SHORT: Duration = Duration::from_secs(5);

/// So much does not become free soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway is busy with other batches")]
pub struct NoMemory;

/// All of it.
pub struct Memory {
    size: usize,
    all: Arc<Pool>,
    users: Shares<String>,
    addresses: Shares<Address>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(ALL, OF_ONE_ADDRESS, OF_ONE_USER)
    }
}

impl Memory {
    /// So many bytes in all, of one address, and of one user.
    pub(crate) fn new(all: usize, of_one_address: usize, of_one_user: usize) -> Self {
        Self {
            size: all,
            all: Arc::new(Pool::new(all)),
            users: Shares::new(of_one_user),
            addresses: Shares::new(of_one_address),
        }
    }

    /// Bytes that all requests together may hold.
    pub(crate) const LIMIT: usize = ALL;

    /// Bytes that requests hold at present.
    pub(crate) fn used(&self) -> usize {
        self.size.saturating_sub(self.all.bytes.available_permits())
    }

    /// An account for one request of this user.
    #[must_use]
    pub fn budget(&self, user: &str, from: IpAddr) -> Budget {
        let user = self.users.of(user.to_owned());
        let address = self.addresses.of(from.into());
        // Who has used up his own share waits for that, and not holding what is everybody's.
        let pools = [user, address, Arc::clone(&self.all)].into();
        Budget { pools, held: 0 }
    }

    /// An account for one request of somebody who has not said yet who he is.
    #[must_use]
    pub fn budget_of_stranger(&self, from: IpAddr) -> Budget {
        let address = self.addresses.of(from.into());
        let pools = [address, Arc::clone(&self.all)].into();
        Budget { pools, held: 0 }
    }
}

/// Bytes that are free, and when somebody got none.
#[derive(Debug)]
struct Pool {
    bytes: Arc<Semaphore>,
    refused: Mutex<Option<Instant>>,
}

impl Pool {
    fn new(bytes: usize) -> Self {
        Self::over(Arc::new(Semaphore::new(bytes)))
    }

    const fn over(bytes: Arc<Semaphore>) -> Self {
        let refused = Mutex::new(None);
        Self { bytes, refused }
    }

    async fn take(&self, count: u32, until: Instant) -> Result<SemaphorePermit<'_>, NoMemory> {
        match tokio::time::timeout_at(until, self.bytes.acquire_many(count)).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(self.refuse()),
        }
    }

    fn try_take(&self, count: u32) -> Result<SemaphorePermit<'_>, NoMemory> {
        self.bytes.try_acquire_many(count).map_err(|_| self.refuse())
    }

    fn refuse(&self) -> NoMemory {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        NoMemory
    }

    fn is_short(&self) -> bool {
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|refused| refused.elapsed() < SHORT)
    }
}

/// What each may hold, while it holds something.
struct Shares<K> {
    each: usize,
    held: Mutex<Held<K>>,
}

struct Held<K> {
    shares: HashMap<K, Weak<Pool>>,
    /// At so many those that nobody holds are removed.
    tidy_at: usize,
}

impl<K: Eq + Hash> Shares<K> {
    fn new(each: usize) -> Self {
        let shares = HashMap::new();
        Self {
            each,
            held: Mutex::new(Held { shares, tidy_at: 64 }),
        }
    }

    fn of(&self, key: K) -> Arc<Pool> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.shares.len() >= held.tidy_at {
            held.shares.retain(|_, share| share.strong_count() > 0);
            held.tidy_at = 64.max(held.shares.len() * 2);
        }
        let share = held.shares.entry(key).or_default();
        share.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Pool::new(self.each));
            *share = Arc::downgrade(&new);
            new
        })
    }
}

/// Memory one request holds, out of one pool or several; given back when the budget is gone.
#[derive(Debug)]
pub struct Budget {
    /// Each has to have what is taken.
    pools: Arc<[Arc<Pool>]>,
    held: usize,
}

impl Budget {
    /// Nothing yet, out of `all`, which counts bytes.
    #[must_use]
    pub fn new(all: Arc<Semaphore>) -> Self {
        let pools = [Arc::new(Pool::over(all))].into();
        Self { pools, held: 0 }
    }

    /// Takes `bytes` more.
    ///
    /// # Errors
    /// When so much does not become free soon.
    pub async fn grow(&mut self, bytes: usize) -> Result<(), NoMemory> {
        let count = u32::try_from(bytes).map_err(|_| NoMemory)?;
        let until = Instant::now() + WAIT;
        let mut permits = Vec::with_capacity(self.pools.len());
        for pool in &*self.pools {
            permits.push(pool.take(count, until).await?);
        }
        permits.into_iter().for_each(SemaphorePermit::forget);
        self.held += bytes;
        Ok(())
    }

    /// Takes `bytes` more if they are free.
    ///
    /// # Errors
    /// When they are not.
    pub fn try_grow(&mut self, bytes: usize) -> Result<(), NoMemory> {
        let count = u32::try_from(bytes).map_err(|_| NoMemory)?;
        let permits = self.pools.iter().map(|pool| pool.try_take(count));
        let permits: Vec<_> = permits.collect::<Result<_, _>>()?;
        permits.into_iter().for_each(SemaphorePermit::forget);
        self.held += bytes;
        Ok(())
    }

    /// Nothing yet, out of the same memory.
    #[must_use]
    pub fn another(&self) -> Self {
        let pools = Arc::clone(&self.pools);
        Self { pools, held: 0 }
    }

    /// All that it holds; nothing is left.
    pub(crate) fn split(&mut self) -> Self {
        let pools = Arc::clone(&self.pools);
        let held = std::mem::take(&mut self.held);
        Self { pools, held }
    }

    /// Takes over what another one of the same memory holds.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        if Arc::ptr_eq(&self.pools, &other.pools) {
            self.held += std::mem::take(&mut other.held);
        }
    }

    /// Gives `bytes` back, or what there is.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held);
        self.held -= bytes;
        self.pools.iter().for_each(|pool| pool.bytes.add_permits(bytes));
    }

    /// Whether somebody who shares this memory lately got none.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.pools.iter().any(|pool| pool.is_short())
    }

    /// Bytes that are held.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        self.shrink(self.held);
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

    #[tokio::test(start_paused = true)]
    async fn one_user_and_one_address_leave_something_for_the_others() {
        let memory = Memory::default();
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut greedy = memory.budget("greedy", here);
        greedy.try_grow(OF_ONE_USER).unwrap();
        assert_eq!(memory.budget("greedy", there).grow(1).await, Err(NoMemory));
        let mut neighbour = memory.budget("neighbour", here);
        neighbour.grow(OF_ONE_ADDRESS - OF_ONE_USER).await.unwrap();
        assert_eq!(memory.budget("another", here).try_grow(1), Err(NoMemory));
        let mut elsewhere = memory.budget("another", there);
        elsewhere.grow(ALL - OF_ONE_ADDRESS).await.unwrap();
        drop((greedy, neighbour, elsewhere));
        assert_eq!(memory.all.bytes.available_permits(), ALL);
        memory.budget("greedy", here).try_grow(OF_ONE_USER).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_short_for_those_who_share_what_somebody_got_none_of() {
        let memory = Memory::default();
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut greedy = memory.budget("greedy", here);
        greedy.try_grow(OF_ONE_USER).unwrap();
        assert!(!greedy.is_short());
        memory.budget("greedy", there).try_grow(1).unwrap_err();
        assert!(greedy.is_short());
        let other = memory.budget("other", here);
        assert!(!other.is_short());
        memory
            .budget("another", here)
            .grow(OF_ONE_USER)
            .await
            .unwrap_err();
        assert!(other.is_short());
        tokio::time::advance(SHORT).await;
        assert!(!greedy.is_short() && !other.is_short());
    }

    #[test]
    fn a_refused_request_takes_nothing() {
        let memory = Memory::default();
        let from = "192.0.2.1".parse().unwrap();
        let mut first = memory.budget("one", from);
        first.try_grow(OF_ONE_USER).unwrap();
        let mut second = memory.budget("two", from);
        assert_eq!(second.try_grow(OF_ONE_USER), Err(NoMemory));
        second.try_grow(OF_ONE_ADDRESS - OF_ONE_USER).unwrap();
    }

    #[test]
    fn who_holds_nothing_is_forgotten() {
        let shares = Shares::new(1);
        let kept = shares.of(0);
        (1..1_000).for_each(|key| drop(shares.of(key)));
        assert!(shares.held.lock().unwrap().shares.len() <= 64);
        kept.try_take(1).unwrap().forget();
        assert_eq!(shares.of(0).bytes.available_permits(), 0);
    }
}
