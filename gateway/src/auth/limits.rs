//! How often one address may try to log in and to become a new user. Nobody's tries count against anybody else's address.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::AuthError;
use super::quota::{Ledger, Quota};
use crate::state::SecretHash;

/// How often. The default lets a fleet of 500 devices behind one address log in at once, also when each
/// registers a user first, and again before the first hour is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// Anonymous log-ins and registrations of one address: each makes a user, who is kept.
    pub new_users: Quota,
    /// Log-ins with a password, an API key or a token of one address, right or wrong: each costs a hash or a signature.
    pub attempts: Quota,
    /// Wrong passwords of one address for one name. A right one clears the count.
    pub failures: Quota,
    /// This machine itself, and proxies on it that were not named as trusted, may create and try so many times as much.
    pub loopback_times: u32,
}

impl Default for LoginLimits {
    fn default() -> Self {
        // 1,000: two for each of 500 devices. One a second: a fleet that waits is let in within minutes, and an address
        // that does nothing else makes some 30 MB of users a day.
        let fleet = Quota {
            burst: 1_000,
            each: Duration::from_secs(1),
        };
        Self {
            new_users: fleet,
            attempts: fleet,
            // 5: typing errors. Then 2,880 guesses a day, which even a weak password outlasts.
            failures: Quota {
                burst: 5,
                each: Duration::from_secs(30),
            },
            loopback_times: 10,
        }
    }
}

/// Whose address it is: an IPv4 address, or the /64 of an IPv6 one, of which one host has as many as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()
            }
            address => address,
        })
    }
}

/// Of whose network an address is: an IPv4 address alone, or the /48 of an IPv6 one, as providers give to who asks: he has the
/// 65,536 addresses of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site(IpAddr);

impl Address {
    /// The quota of this address, so many times as much for this machine itself.
    pub(crate) fn share(self, quota: Quota, loopback_times: u32) -> Quota {
        if self.0.is_loopback() {
            quota.times(loopback_times)
        } else {
            quota
        }
    }

    /// The site that has it.
    #[must_use]
    pub fn site(self) -> Site {
        Site(match self.0 {
            IpAddr::V6(address) if !address.is_loopback() => {
                Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80)).into()
            }
            address => address,
        })
    }
}

/// All addresses of one site may try so many times as much as one: a site has several networks, and few have that many who
/// log in at once.
const SITE_TIMES: u32 = 4;

/// See the module. Any thread may ask.
pub struct Limits {
    limits: LoginLimits,
    new_users: Used,
    attempts: Used,
    failures: Used,
}

/// What addresses have used, and all addresses of a site together.
pub(crate) struct Used {
    by_address: Ledger,
    by_site: Ledger,
}

impl Used {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            by_address: Ledger::new(now),
            by_site: Ledger::new(now),
        }
    }

    /// Whether there is one left, for what is counted by `name`.
    fn check(&self, from: Address, name: &str, quota: Quota, now: Instant) -> Result<(), Duration> {
        self.by_address.check((from, name), quota, now)?;
        let of_site = quota.times(SITE_TIMES);
        self.by_site.check((from.site(), name), of_site, now)
    }

    /// Uses one if there is one left.
    pub(crate) fn take(&self, from: Address, name: &str, quota: Quota, now: Instant) -> Result<(), Duration> {
        // Who is refused for one has used none of the other.
        self.check(from, name, quota, now)?;
        self.by_address.take((from, name), quota, now)?;
        let of_site = quota.times(SITE_TIMES);
        self.by_site.take((from.site(), name), of_site, now)
    }

    /// Takes back one that was used for nothing.
    pub(crate) fn give_back(&self, from: Address, name: &str, quota: Quota) {
        self.by_address.give_back((from, name), quota);
        let of_site = quota.times(SITE_TIMES);
        self.by_site.give_back((from.site(), name), of_site);
    }

    fn forget(&self, from: Address, name: &str) {
        self.by_address.forget((from, name));
        self.by_site.forget((from.site(), name));
    }
}

impl Limits {
    /// Nobody has tried anything at `now`.
    #[must_use]
    pub fn new(limits: LoginLimits, now: Instant) -> Self {
        Self {
            limits,
            new_users: Used::new(now),
            attempts: Used::new(now),
            failures: Used::new(now),
        }
    }

    /// Counts a user who is about to be made.
    ///
    /// # Errors
    /// When the address has made too many.
    pub fn new_user(&self, from: Address, now: Instant) -> Result<(), AuthError> {
        let quota = self.of_address(from, self.limits.new_users);
        let taken = self.new_users.take(from, "", quota, now);
        taken.map_err(AuthError::TooManyFromAddress)
    }

    /// Counts a log-in with a password, an API key or a token that is about to be tried.
    ///
    /// # Errors
    /// When the address has tried too often, or has failed too often for this name.
    pub fn attempt(&self, from: Address, name: &str, now: Instant) -> Result<(), AuthError> {
        self.check_failures(from, name, now)?;
        let quota = self.of_address(from, self.limits.attempts);
        let taken = self.attempts.take(from, "", quota, now);
        taken.map_err(AuthError::TooManyFromAddress)
    }

    /// Whether the address may still try this name, for who has waited meanwhile.
    ///
    /// # Errors
    /// When it has failed too often.
    pub fn check_failures(&self, from: Address, name: &str, now: Instant) -> Result<(), AuthError> {
        let left = self.failures.check(from, name, self.limits.failures, now);
        left.map_err(AuthError::TooManyFailures)
    }

    /// By what other gateways count the failures of the address for this name, and how many it may have there.
    #[must_use]
    pub fn shared_failures(&self, from: Address, name: &str) -> (SecretHash, Quota) {
        let key = Sha256::digest(format!("{} {name}", from.0));
        (key.into(), self.limits.failures)
    }

    /// Notes how a log-in ended.
    pub fn record(&self, from: Address, name: &str, right: bool, now: Instant) {
        if right {
            self.failures.forget(from, name);
        } else {
            // Of several at the same time the last may find nothing left; it has failed all the same.
            let _ = self.failures.take(from, name, self.limits.failures, now);
        }
    }

    fn of_address(&self, from: Address, quota: Quota) -> Quota {
        from.share(quota, self.limits.loopback_times)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    /// How often it can be done in a row.
    fn count(mut once: impl FnMut() -> Result<(), AuthError>) -> usize {
        std::iter::from_fn(|| once().ok()).take(100_000).count()
    }

    #[test]
    fn a_fleet_behind_one_address_logs_in_at_once() {
        let now = Instant::now();
        let limits = Limits::new(LoginLimits::default(), now);
        let fleet = address("192.0.2.1");
        for device in 0..500 {
            limits.new_user(fleet, now).unwrap();
            limits.attempt(fleet, &device.to_string(), now).unwrap();
            limits.record(fleet, &device.to_string(), true, now);
        }
        // One name for all of them.
        for _ in 0..500 {
            limits.attempt(fleet, "shared", now).unwrap();
            limits.record(fleet, "shared", true, now);
        }
    }

    #[test]
    fn an_address_is_limited_alone() {
        let now = Instant::now();
        let limits = Limits::new(LoginLimits::default(), now);
        for (text, expected) in [("192.0.2.1", 1_000), ("192.0.2.2", 1_000), ("127.0.0.1", 10_000)] {
            assert_eq!(count(|| limits.new_user(address(text), now)), expected);
            assert_eq!(count(|| limits.attempt(address(text), "a", now)), expected);
        }
    }

    #[test]
    fn a_site_has_more_than_an_address_and_not_as_much_as_all_its_addresses() {
        let now = Instant::now();
        let limits = Limits::new(LoginLimits::default(), now);
        let mut network = 0;
        let mut elsewhere = || {
            network += 1;
            address(&format!("2001:db8:0:{network:x}::1"))
        };
        assert_eq!(count(|| limits.new_user(elsewhere(), now)), 4_000);
        assert_eq!(count(|| limits.attempt(elsewhere(), "a", now)), 4_000);
        let fail = || {
            let from = elsewhere();
            limits.check_failures(from, "b", now)?;
            limits.record(from, "b", false, now);
            Ok(())
        };
        assert_eq!(count(fail), 20);
        let other = address("2001:db8:1::1");
        assert_eq!(limits.new_user(other, now), Ok(()));
        assert_eq!(limits.attempt(other, "b", now), Ok(()));
    }

    #[test]
    fn a_strangers_failures_stop_nobody_else() {
        let now = Instant::now();
        let limits = Limits::new(LoginLimits::default(), now);
        let (stranger, mine) = (address("192.0.2.1"), address("192.0.2.2"));
        let fail = || {
            limits.attempt(stranger, "me", now)?;
            limits.record(stranger, "me", false, now);
            Ok(())
        };
        assert_eq!(count(fail), 5);
        let wait = Duration::from_secs(30);
        let refused = Err(AuthError::TooManyFailures(wait));
        assert_eq!(limits.attempt(stranger, "me", now), refused);
        assert_eq!(limits.attempt(stranger, "other", now), Ok(()));
        assert_eq!(limits.attempt(mine, "me", now), Ok(()));
        assert_eq!(limits.attempt(stranger, "me", now + wait), Ok(()));
    }

    #[test]
    fn a_right_password_clears_the_count() {
        let now = Instant::now();
        let limits = Limits::new(LoginLimits::default(), now);
        let from = address("192.0.2.1");
        for _ in 0..5 {
            limits.record(from, "me", false, now);
        }
        limits.check_failures(from, "me", now).unwrap_err();
        limits.record(from, "me", true, now);
        assert_eq!(limits.check_failures(from, "me", now), Ok(()));
    }

    #[test]
    fn the_addresses_of_one_host_are_one() {
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            assert_eq!(address(one) == address(other), same, "{one} {other}");
        }
        assert!(address("::1").0.is_loopback());
    }
}
