//! The connections that are open: whose they are, and which of them makes room for another.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::auth::{Address, Site};
use crate::server::requests::{Requests, Sockets};

/// Who has connected.
#[derive(Clone, Copy)]
pub(super) enum Peer {
    Client(Address),
    /// It brings the connections of many clients.
    Proxy(IpAddr),
}

/// Which connections may have to make room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    All,
    /// Web sockets are not asked.
    Http,
}

/// Who connections are charged to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Site(Site),
    Proxy(IpAddr),
}

impl Peer {
    fn holder(self) -> Holder {
        match self {
            Self::Client(address) => Holder::Site(address.site()),
            Self::Proxy(address) => Holder::Proxy(address),
        }
    }
}

/// One of them.
pub(super) struct Connection {
    pub peer: Peer,
    pub requests: Requests,
    /// Told when it has to go.
    pub displaced: Arc<Notify>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Open {
    /// Increases with each connection.
    next: u64,
    connections: HashMap<u64, Connection>,
    /// Of clients.
    by_address: HashMap<Address, usize>,
    by_holder: HashMap<Holder, usize>,
    /// How many are web sockets.
    pub sockets: Sockets,
}

impl Open {
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// How many speak HTTP.
    pub fn http(&self) -> usize {
        self.len().saturating_sub(self.sockets.load(Ordering::Relaxed))
    }

    /// How many clients of this address have.
    pub fn of_address(&self, address: Address) -> usize {
        count(&self.by_address, &address)
    }

    /// How many clients of this site have.
    pub fn of_site(&self, site: Site) -> usize {
        count(&self.by_holder, &Holder::Site(site))
    }

    /// Adds one. The answer is its number.
    pub fn add(&mut self, connection: Connection) -> u64 {
        let number = self.next;
        self.next += 1;
        if let Peer::Client(address) = connection.peer {
            *self.by_address.entry(address).or_default() += 1;
        }
        *self.by_holder.entry(connection.peer.holder()).or_default() += 1;
        self.connections.insert(number, connection);
        number
    }

    /// Removes the one with this number, if it is still there.
    pub fn remove(&mut self, number: u64) -> Option<Connection> {
        let connection = self.connections.remove(&number)?;
        connection.requests.gone();
        if let Peer::Client(address) = connection.peer {
            less(&mut self.by_address, address);
        }
        less(&mut self.by_holder, connection.peer.holder());
        Some(connection)
    }

    /// Closes a connection for a new one of this peer; false when none is to.
    pub fn make_room_for(&mut self, peer: Peer, among: Among) -> bool {
        let fewer = match peer {
            Peer::Client(address) => self.of_site(address.site()),
            // It is of one of many, who may have none.
            Peer::Proxy(_) => 0,
        };
        // The only one that somebody has comes last.
        let number = self
            .still(fewer.max(1), among)
            .or_else(|| self.slow(fewer, among));
        let number = number.or_else(|| self.still(fewer, among));
        let displaced = number.and_then(|number| self.remove(number));
        displaced
            .map(|connection| connection.displaced.notify_one())
            .is_some()
    }

    /// The one that has stood still longest.
    fn still(&self, fewer: usize, among: Among) -> Option<u64> {
        self.first(fewer, among, |connection| connection.requests.none_since())
    }

    /// The one whose request takes longest, of those who have more than there would be for each. A proxy has no part that
    /// could be too large.
    fn slow(&self, fewer: usize, among: Among) -> Option<u64> {
        let holders = self.by_holder.len() + usize::from(fewer == 0);
        let part = self.connections.len().div_ceil(holders);
        self.first(part.max(fewer), among, |connection| match connection.peer {
            Peer::Client(_) => connection.requests.busy_since(),
            Peer::Proxy(_) => None,
        })
    }

    /// Of who has most of those that are meant, and more than `fewer` in all: the one that is it longest.
    fn first(
        &self,
        fewer: usize,
        among: Among,
        since: impl Fn(&Connection) -> Option<Instant>,
    ) -> Option<u64> {
        let meant = self.connections.iter().filter_map(|(number, connection)| {
            let held = count(&self.by_holder, &connection.peer.holder());
            if among == Among::Http && !connection.requests.is_http() {
                return None;
            }
            let since = since(connection).filter(|_| held > fewer)?;
            Some((Reverse(held), since, *number))
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
