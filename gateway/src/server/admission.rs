//! Which connections are taken: so many in all, so many of one address, and so many of one site. Where all are taken, one on
//! which nothing happens makes room for whoever has fewer; and where there is no such, the one whose request takes longest, of
//! a site that has more than its part.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits;
use super::requests::Requests;
use crate::auth::{Address, Site};
use crate::proxies::TrustedProxies;

/// See the module.
pub(super) struct Admission {
    most: usize,
    of_one_address: usize,
    /// They bring the connections of many addresses.
    proxies: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Increases with each connection.
    next: u64,
    connections: HashMap<u64, Connection>,
    by_address: HashMap<Address, usize>,
    by_site: HashMap<Site, usize>,
}

struct Connection {
    address: Address,
    /// A proxy's: it is one of many clients, so its site has no part that could be too large.
    shared: bool,
    requests: Requests,
    displaced: Arc<Notify>,
}

/// A connection that is taken, until it ends.
pub(super) struct Admitted {
    admission: Arc<Admission>,
    number: u64,
    requests: Requests,
    displaced: Arc<Notify>,
}

/// Why one is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    #[error("too many connections are open")]
    All,
    #[error("too many connections of one address are open")]
    Address,
}

impl Admission {
    /// Takes `most` in all.
    pub fn new(most: usize, of_one_address: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self {
            most,
            of_one_address,
            proxies,
            open: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more of this peer, if there is room or another one can make some.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Admitted, Full> {
        let peer = peer.to_canonical();
        let address = Address::from(peer);
        let mut open = self.lock();
        let of_address = count(&open.by_address, &address);
        let of_site = count(&open.by_site, &address.site());
        let shared = self.proxies.contains(peer);
        let too_many = of_address >= self.of_one_address
            || of_site >= self.of_one_address.saturating_mul(limits::SITE_TIMES);
        if too_many && !shared {
            return Err(Full::Address);
        }
        if open.connections.len() >= self.most && !open.displace(of_site) {
            return Err(Full::All);
        }
        let admitted = Admitted {
            admission: Arc::clone(self),
            number: open.next,
            requests: Requests::default(),
            displaced: Arc::default(),
        };
        open.add(address, shared, &admitted);
        Ok(admitted)
    }
}

impl Open {
    fn add(&mut self, address: Address, shared: bool, admitted: &Admitted) {
        let connection = Connection {
            address,
            shared,
            requests: admitted.requests.clone(),
            displaced: Arc::clone(&admitted.displaced),
        };
        self.next += 1;
        self.connections.insert(admitted.number, connection);
        *self.by_address.entry(address).or_default() += 1;
        *self.by_site.entry(address.site()).or_default() += 1;
    }

    fn remove(&mut self, number: u64) -> Option<Connection> {
        let connection = self.connections.remove(&number)?;
        less(&mut self.by_address, connection.address);
        less(&mut self.by_site, connection.address.site());
        Some(connection)
    }

    /// Closes a connection for a site that has `fewer` than the other.
    fn displace(&mut self, fewer: usize) -> bool {
        // The only one that somebody has comes last.
        let number = self.still(fewer.max(1)).or_else(|| self.slow(fewer));
        let number = number.or_else(|| self.still(fewer));
        let displaced = number.and_then(|number| self.remove(number));
        displaced
            .map(|connection| connection.displaced.notify_one())
            .is_some()
    }

    /// The one that has stood still longest.
    fn still(&self, fewer: usize) -> Option<u64> {
        self.first(fewer, |connection| connection.requests.none_since())
    }

    /// The one whose request takes longest, of those who have more than there would be for each.
    fn slow(&self, fewer: usize) -> Option<u64> {
        let sites = self.by_site.len() + usize::from(fewer == 0);
        let part = self.connections.len().div_ceil(sites);
        self.first(part.max(fewer), |connection| {
            connection.requests.busy_since().filter(|_| !connection.shared)
        })
    }

    /// Of the site that has most of those that are meant, and more than `fewer` in all: the one that is it longest.
    fn first(&self, fewer: usize, since: impl Fn(&Connection) -> Option<Instant>) -> Option<u64> {
        let meant = self.connections.iter().filter_map(|(number, connection)| {
            let of_site = count(&self.by_site, &connection.address.site());
            let since = since(connection).filter(|_| of_site > fewer)?;
            Some((Reverse(of_site), since, *number))
        });
        meant.min().map(|(_, _, number)| number)
    }
}

fn count<K: Eq + Hash>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or_default()
}

fn less<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Admitted {
    /// Those of the connection: as long as there is one, it keeps its place.
    pub fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Returns when the connection has to go.
    pub async fn displaced(&self) {
        self.displaced.notified().await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::time::Duration;

    use super::*;

    fn admit(admission: &Arc<Admission>, peer: &str, count: usize) -> Vec<Result<Admitted, Full>> {
        let peer: IpAddr = peer.parse().unwrap();
        (0..count).map(|_| admission.admit(peer)).collect()
    }

    #[test]
    fn one_address_leaves_room_for_the_others() {
        let of_one = limits::CONNECTIONS_OF_ONE_ADDRESS;
        let proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
        let admission = Admission::new(limits::CONNECTIONS, of_one, proxies);
        let mut first = admit(&admission, "192.0.2.1", of_one + 1);
        assert_eq!(first.pop().unwrap().err(), Some(Full::Address));
        assert!(first.iter().all(Result::is_ok));
        let mapped = admit(&admission, "::ffff:192.0.2.1", 1);
        assert!(mapped[0].is_err(), "an address has two spellings");
        assert!(admission.admit("192.0.2.2".parse().unwrap()).is_ok());
        drop(first);
        assert!(admission.admit("192.0.2.1".parse().unwrap()).is_ok());

        let network = admit(&admission, "2001:db8::1", of_one);
        assert!(network.iter().all(Result::is_ok));
        assert!(admission.admit("2001:db8::ffff:2".parse().unwrap()).is_err());
        assert!(admission.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());

        let proxy = admit(&admission, "10.0.0.1", of_one + 1);
        assert!(
            proxy.iter().all(Result::is_ok),
            "a proxy brings the connections of many"
        );
    }

    #[test]
    fn the_addresses_of_one_site_leave_room_for_the_others() {
        let admission = Admission::new(100, 4, TrustedProxies::default());
        let taken = ["2001:db8::1", "2001:db8:0:1::1"].map(|peer| admit(&admission, peer, 4));
        assert!(taken.iter().flatten().all(Result::is_ok));
        let third = admission.admit("2001:db8:0:2::1".parse().unwrap());
        assert_eq!(third.err(), Some(Full::Address));
        assert!(admission.admit("2001:db8:1::1".parse().unwrap()).is_ok());
    }

    #[test]
    fn those_beyond_what_all_may_have_are_not_taken() {
        let admission = Admission::new(2, 2, TrustedProxies::default());
        let first = admission.admit("192.0.2.1".parse().unwrap()).unwrap();
        let second = admission.admit("192.0.2.2".parse().unwrap()).unwrap();
        let _running = [first.requests().begin(), second.requests().begin()];
        assert_eq!(
            admission.admit("192.0.2.3".parse().unwrap()).err(),
            Some(Full::All)
        );
        drop(first);
        assert!(admission.admit("192.0.2.3".parse().unwrap()).is_ok());
    }

    /// Whether the connection has to go.
    async fn is_displaced(admitted: &Admitted) -> bool {
        tokio::time::timeout(Duration::from_secs(1), admitted.displaced())
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_taken_the_one_that_has_stood_still_longest_makes_room() {
        let admission = Admission::new(5, 5, TrustedProxies::default());
        let alone = admission.admit("192.0.2.1".parse().unwrap()).unwrap();
        let mut many = Vec::new();
        for _ in 0..4 {
            tokio::time::advance(Duration::from_secs(1)).await;
            many.push(admission.admit("192.0.2.2".parse().unwrap()).unwrap());
        }
        let _running = many[0].requests().begin();
        drop(many[1].requests().begin());

        let one_more = admission.admit("192.0.2.2".parse().unwrap());
        assert_eq!(
            one_more.err(),
            Some(Full::All),
            "nobody makes room for who has most"
        );
        let _new = admission.admit("192.0.2.3".parse().unwrap()).unwrap();
        assert!(is_displaced(&many[2]).await);
        for kept in [&alone, &many[0], &many[1], &many[3]] {
            assert!(!is_displaced(kept).await);
        }
        drop(many.remove(2));
        let next = admission.admit("192.0.2.2".parse().unwrap());
        assert_eq!(next.err(), Some(Full::All), "the place is taken");
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_busy_who_has_more_than_his_part_makes_room_with_what_takes_longest() {
        let proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
        let admission = Admission::new(9, 9, proxies);
        let mut running = Vec::new();
        let mut busy = |peer: &str| {
            let admitted = admission.admit(peer.parse().unwrap()).unwrap();
            running.push(admitted.requests().begin());
            admitted
        };
        let alone = busy("192.0.2.1");
        let proxied = [(); 4].map(|()| busy("10.0.0.1"));
        let mut many = Vec::new();
        for _ in 0..4 {
            tokio::time::advance(Duration::from_secs(1)).await;
            many.push(busy("192.0.2.2"));
        }
        // With the new one there are four sites, so three connections for each.
        let _new = busy("192.0.2.3");
        assert!(is_displaced(&many[0]).await);
        for kept in many[1..].iter().chain(&proxied).chain([&alone]) {
            assert!(!is_displaced(kept).await);
        }
        // Five sites, so two for each.
        let _next = busy("192.0.2.4");
        assert!(is_displaced(&many[1]).await);
        let last = admission.admit("192.0.2.5".parse().unwrap());
        assert_eq!(
            last.err(),
            Some(Full::All),
            "two are no more than there are for each"
        );
    }
}
