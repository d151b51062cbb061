//! How many web sockets each address, each site and each user has. Of what a trusted proxy brings the server does not know whose it
//! is, and charges nobody with it; the door knows, and leaves room for the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::{Address, Site};
use crate::server::SITE_TIMES;

/// Web sockets of one user: as many devices as a fleet has that shares an API key. Of all connections that leaves a third to others.
const OF_ONE_USER: usize = 10_000;

/// One more would be too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// See the module.
pub(super) struct Sockets {
    of_one_address: usize,
    open: Arc<Open>,
}

/// Counts of those who have any.
type Open = Mutex<HashMap<Holder, usize>>;

/// Who has them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Address(Address),
    Site(Site),
    User(String),
}

/// One of them, as long as this is there.
pub(super) struct Place {
    open: Arc<Open>,
    holders: Vec<Holder>,
}

impl Sockets {
    /// So many of one address.
    pub fn new(of_one_address: usize) -> Self {
        Self {
            of_one_address,
            open: Arc::default(),
        }
    }

    /// One more of this address, of a user who is not known yet.
    pub fn enter(&self, from: IpAddr) -> Result<Place, TooMany> {
        let address = Address::from(from);
        let mut place = Place {
            open: Arc::clone(&self.open),
            holders: Vec::new(),
        };
        place.take(Holder::Address(address), self.of_one_address)?;
        let of_one_site = self.of_one_address.saturating_mul(SITE_TIMES);
        place.take(Holder::Site(address.site()), of_one_site)?;
        Ok(place)
    }
}

impl Place {
    /// It is of this user.
    pub fn of_user(&mut self, user: &str) -> Result<(), TooMany> {
        self.take(Holder::User(user.to_owned()), OF_ONE_USER)
    }

    fn take(&mut self, holder: Holder, most: usize) -> Result<(), TooMany> {
        let mut open = lock(&self.open);
        let count = open.entry(holder.clone()).or_default();
        if *count >= most {
            return Err(TooMany);
        }
        *count += 1;
        drop(open);
        self.holders.push(holder);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        for holder in &self.holders {
            if let Some(count) = open.get_mut(holder) {
                *count -= 1;
                if *count == 0 {
                    open.remove(holder);
                }
            }
        }
    }
}

fn lock(open: &Open) -> MutexGuard<'_, HashMap<Holder, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_a_site_and_a_user_leave_room_for_others() {
        let sockets = Sockets::new(2);
        let enter = |from| sockets.enter(address(from));
        let first = [enter("192.0.2.1"), enter("::ffff:192.0.2.1")].map(Result::unwrap);
        assert_eq!(enter("192.0.2.1").err(), Some(TooMany));
        let site = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "2001:db8:0:1::2"]
            .map(|from| enter(from).unwrap());
        assert_eq!(enter("2001:db8:0:2::1").err(), Some(TooMany));
        assert!(enter("2001:db8:1::1").is_ok());
        drop(first);
        assert!(enter("192.0.2.1").is_ok());
        drop(site);
        assert!(lock(&sockets.open).is_empty());
    }

    #[test]
    fn a_user_has_no_more_from_many_addresses_and_gives_back_what_he_had() {
        let sockets = Sockets::new(OF_ONE_USER * 2);
        let of = |user: &str| {
            let mut place = sockets.enter(address("192.0.2.1")).unwrap();
            place.of_user(user).map(|()| place)
        };
        let many: Vec<_> = (0..OF_ONE_USER).map(|_| of("one").unwrap()).collect();
        assert_eq!(of("one").err(), Some(TooMany));
        assert!(of("other").is_ok());
        drop(many);
        assert!(of("one").is_ok());
        assert!(lock(&sockets.open).is_empty());
    }
}
