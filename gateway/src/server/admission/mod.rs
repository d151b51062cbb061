//! Which connections are taken: so many in all, so many that speak HTTP, so many of one address, and so many of one site. Where
//! all are taken, one on which nothing happens makes room for whoever has fewer; and where there is no such, the one whose request
//! takes longest, of a site that has more than its part. `open.rs` says which one that is.
//!
//! Every connection begins as HTTP, and counts as that until it becomes a web socket.
//!
//! What a trusted proxy brings is of many clients: nobody is charged with it, and each of them counts as one who has none yet.

mod open;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::limits;
use super::requests::Requests;
use crate::auth::Address;
use crate::proxies::TrustedProxies;
use open::{Among, Connection, Open, Peer};

/// See the module.
pub(super) struct Admission {
    most: usize,
    of_one_address: usize,
    /// They bring the connections of many addresses.
    proxies: TrustedProxies,
    open: Mutex<Open>,
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
        let address = peer.to_canonical();
        let peer = if self.proxies.contains(address) {
            Peer::Proxy(address)
        } else {
            Peer::Client(address.into())
        };
        let mut open = self.lock();
        if let Peer::Client(address) = peer
            && self.is_too_many(&open, address)
        {
            return Err(Full::Address);
        }
        let full = if open.len() >= self.most {
            Some(Among::All)
        } else {
            (open.http() >= limits::HTTP_CONNECTIONS).then_some(Among::Http)
        };
        if full.is_some_and(|among| !open.make_room_for(peer, among)) {
            return Err(Full::All);
        }
        let requests = Requests::counted(Arc::clone(&open.sockets));
        let displaced = Arc::default();
        let connection = Connection {
            peer,
            requests: requests.clone(),
            displaced: Arc::clone(&displaced),
        };
        Ok(Admitted {
            admission: Arc::clone(self),
            number: open.add(connection),
            requests,
            displaced,
        })
    }

    /// Whether another connection of this address would be too many.
    fn is_too_many(&self, open: &Open, address: Address) -> bool {
        let of_one_site = self.of_one_address.saturating_mul(limits::SITE_TIMES);
        open.of_address(address) >= self.of_one_address || open.of_site(address.site()) >= of_one_site
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
