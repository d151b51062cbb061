//! Turns at something slow, shared out so that no address can take them all.
//!
//! Who comes gets a place in the lane of his address, of which only the first few stand in the queue for a turn. So a newcomer
//! waits behind a few of each other address, however many of them one has sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::Address;

/// Places in all lanes together: each is a request in memory.
const PLACES: usize = 1_000;

/// Places in one lane: a fleet of 500 devices behind one address.
const PLACES_OF_ADDRESS: usize = PLACES / 2;

/// No turn comes soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wait for the same")]
pub struct Busy;

/// See the module. Any thread may ask.
#[derive(Clone)]
pub struct Turns {
    at_once: usize,
    wait: Duration,
    free: Arc<Semaphore>,
    lanes: Arc<Lanes>,
}

/// The right to do it once.
pub struct Turn {
    /// In this order: who has waited longest gets the turn, and then another of this lane stands in the queue.
    _turn: OwnedSemaphorePermit,
    _queued: OwnedSemaphorePermit,
    _place: Place,
}

#[derive(Default)]
struct Lanes {
    by_address: Mutex<HashMap<Address, Lane>>,
}

struct Lane {
    places: usize,
    /// The right to stand in the queue, or to have a turn.
    queue: Arc<Semaphore>,
}

/// A place in a lane.
struct Place {
    lanes: Arc<Lanes>,
    address: Address,
}

impl Turns {
    /// So many at the same time; nobody waits longer than `wait`.
    #[must_use]
    pub fn new(at_once: usize, wait: Duration) -> Self {
        let at_once = at_once.max(1);
        Self {
            at_once,
            wait,
            free: Arc::new(Semaphore::new(at_once)),
            lanes: Arc::default(),
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// When that takes too long, or too many are waiting.
    pub async fn turn(&self, address: Address) -> Result<Turn, Busy> {
        if !self.lanes.has_room(address) {
            return Err(Busy);
        }
        let turn = tokio::time::timeout(self.wait, self.certain_turn(address));
        turn.await.map_err(|_| Busy)?
    }

    /// Waits for a turn as long as it takes, whoever else is waiting.
    ///
    /// # Errors
    /// None: the semaphores are never closed.
    pub async fn certain_turn(&self, address: Address) -> Result<Turn, Busy> {
        let (place, queue) = self.lanes.enter(address, self.at_once);
        let queued = queue.acquire_owned().await.map_err(|_| Busy)?;
        let turn = Arc::clone(&self.free).acquire_owned().await;
        Ok(Turn {
            _turn: turn.map_err(|_| Busy)?,
            _queued: queued,
            _place: place,
        })
    }
}

impl Lanes {
    fn has_room(&self, address: Address) -> bool {
        let lanes = self.lock();
        let taken: usize = lanes.values().map(|lane| lane.places).sum();
        let own = lanes.get(&address).map_or(0, |lane| lane.places);
        taken < PLACES && own < PLACES_OF_ADDRESS
    }

    fn enter(self: &Arc<Self>, address: Address, at_once: usize) -> (Place, Arc<Semaphore>) {
        let mut lanes = self.lock();
        let lane = lanes.entry(address).or_insert_with(|| Lane {
            places: 0,
            queue: Arc::new(Semaphore::new(at_once)),
        });
        lane.places += 1;
        let place = Place {
            lanes: Arc::clone(self),
            address,
        };
        (place, Arc::clone(&lane.queue))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Lane>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.get_mut(&self.address) {
            lane.places -= 1;
            if lane.places == 0 {
                lanes.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::net::IpAddr;

    use tokio::task::JoinHandle;

    use super::*;

    fn address(number: u8) -> Address {
        IpAddr::from([192, 0, 2, number]).into()
    }

    impl Turns {
        fn waiting(&self) -> usize {
            self.lanes.lock().values().map(|lane| lane.places).sum()
        }
    }

    /// Somebody who waits already when this is over.
    async fn waiter(turns: &Arc<Turns>, from: Address) -> JoinHandle<Result<Turn, Busy>> {
        let (one, before) = (Arc::clone(turns), turns.waiting());
        let task = tokio::spawn(async move { one.turn(from).await });
        while turns.waiting() == before && !task.is_finished() {
            tokio::task::yield_now().await;
        }
        task
    }

    #[tokio::test]
    async fn a_newcomer_waits_behind_one_of_an_address_that_sends_many() {
        let turns = Arc::new(Turns::new(1, Duration::from_secs(10)));
        let running = turns.turn(address(1)).await.unwrap();
        let mut many = Vec::new();
        for _ in 0..100 {
            many.push(waiter(&turns, address(1)).await);
        }
        let newcomer = waiter(&turns, address(2)).await;
        drop(running);
        drop(newcomer.await.unwrap().unwrap());
        assert!(many.iter().all(|one| !one.is_finished()));
        for one in many {
            drop(one.await.unwrap().unwrap());
        }
    }

    #[tokio::test]
    async fn one_address_takes_half_of_the_places_and_all_addresses_no_more_than_there_are() {
        let turns = Arc::new(Turns::new(1, Duration::from_secs(10)));
        let running = turns.turn(address(1)).await.unwrap();
        let mut waiting = Vec::new();
        for from in [1, 2] {
            while turns.waiting() < usize::from(from) * PLACES_OF_ADDRESS {
                waiting.push(waiter(&turns, address(from)).await);
            }
            assert_eq!(turns.turn(address(from)).await.err(), Some(Busy));
        }
        assert_eq!(turns.turn(address(3)).await.err(), Some(Busy));
        for one in &waiting {
            one.abort();
        }
        for one in waiting {
            assert!(one.await.is_err(), "it has gone");
        }
        drop(running);
        assert_eq!(turns.waiting(), 0, "who has gone takes no place");
        assert!(turns.lanes.lock().is_empty());
        turns.turn(address(3)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let turns = Arc::new(Turns::new(1, Duration::from_secs(10)));
        let _running = turns.turn(address(1)).await.unwrap();
        assert_eq!(turns.turn(address(2)).await.err(), Some(Busy));
        assert_eq!(turns.waiting(), 1);
    }
}
