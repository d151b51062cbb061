//! Which connections are taken: so many in all, and so many of one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits;
use crate::auth::Address;
use crate::proxies::TrustedProxies;

/// See the module.
pub(super) struct Admission {
    most: usize,
    /// They bring the connections of many addresses.
    proxies: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_address: HashMap<Address, usize>,
}

/// A connection that is taken, until it ends.
pub(super) struct Admitted {
    admission: Arc<Admission>,
    address: Address,
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
    pub fn new(most: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self {
            most,
            proxies,
            open: Mutex::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more of this peer, if there is room.
    pub fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Admitted, Full> {
        let peer = peer.to_canonical();
        let address = Address::from(peer);
        let mut open = self.lock();
        if open.all >= self.most {
            return Err(Full::All);
        }
        let of_one = open.by_address.get(&address).copied().unwrap_or_default();
        if of_one >= limits::CONNECTIONS_OF_ONE_ADDRESS && !self.proxies.contains(peer) {
            return Err(Full::Address);
        }
        open.all += 1;
        open.by_address.insert(address, of_one + 1);
        Ok(Admitted {
            admission: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.admission.lock();
        open.all -= 1;
        if let Entry::Occupied(mut count) = open.by_address.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn admit(admission: &Arc<Admission>, peer: &str, count: usize) -> Vec<Result<Admitted, Full>> {
        let peer: IpAddr = peer.parse().unwrap();
        (0..count).map(|_| admission.admit(peer)).collect()
    }

    #[test]
    fn one_address_leaves_room_for_the_others() {
        let of_one = limits::CONNECTIONS_OF_ONE_ADDRESS;
        let proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
        let admission = Admission::new(limits::CONNECTIONS, proxies);
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
    fn those_beyond_what_all_may_have_are_not_taken() {
        let admission = Admission::new(2, TrustedProxies::default());
        let first = admission.admit("192.0.2.1".parse().unwrap()).unwrap();
        let _second = admission.admit("192.0.2.2".parse().unwrap()).unwrap();
        assert_eq!(
            admission.admit("192.0.2.3".parse().unwrap()).err(),
            Some(Full::All)
        );
        drop(first);
        assert!(admission.admit("192.0.2.3".parse().unwrap()).is_ok());
    }
}
