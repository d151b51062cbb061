//! How long what lets a user in is good for.

use std::ops::RangeInclusive;

use crate::state::Provider;

/// An anonymous user has nothing else to come back with: 50 years.
const ANONYMOUS: i64 = 50 * 365 * DAY;

const DAY: i64 = 24 * 60 * 60;

/// Seconds that tokens are good for, from when they are made; those that were made before stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of an access token, within [`Self::ACCESS`].
    pub access: i64,
    /// Of a refresh token and its session, within [`Self::REFRESH`]; those of anonymous users are good for 50 years.
    pub refresh: i64,
}

impl Default for Lifetimes {
    /// As App Services had them: 30 minutes and 60 days.
    fn default() -> Self {
        Self {
            access: *Self::ACCESS.end(),
            refresh: 60 * DAY,
        }
    }
}

impl Lifetimes {
    /// Seconds that an access token may be good for. Revocations are remembered for the most of it, whatever is chosen: tokens of
    /// a former choice are about.
    pub const ACCESS: RangeInclusive<i64> = 5..=30 * 60;

    /// Seconds by which the clock may have been ahead by which something was made, an access token or a revocation, and it counts all
    /// the same: gateways whose clocks differ by more do not take each other's tokens, as these have expired.
    pub const AHEAD: i64 = *Self::ACCESS.end();

    /// Milliseconds after which nobody need know of a revocation: then all access tokens of before have expired, also those of a
    /// clock that was ahead, and where it took a while to be written, by a clock that was behind.
    pub const REVOKED: i64 = (Self::AHEAD + *Self::ACCESS.end() + 60) * 1000;

    /// Seconds that a refresh token may be good for.
    pub const REFRESH: RangeInclusive<i64> = 60..=5 * 365 * DAY;

    /// Milliseconds since 1970 when a session that begins at `now` ends, in seconds since 1970.
    #[must_use]
    pub fn end_of_session(self, provider: Provider, now: i64) -> i64 {
        let lifetime = match provider {
            Provider::Anonymous => ANONYMOUS,
            _ => self.refresh,
        };
        (now + lifetime) * 1000
    }
}
