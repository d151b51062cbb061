//! Reads what a client needs from a JWT: when it ends, and the user's custom data. The signature is the server's affair.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Code, Error, Result};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Unix seconds.
    pub(crate) exp: i64,
    /// Unix seconds.
    pub(crate) iat: i64,
    /// The user's custom data as extended JSON, as the server wrote it.
    pub(crate) user_data: Option<String>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    exp: i64,
    iat: i64,
    #[serde(borrow)]
    user_data: Option<&'a RawValue>,
}

/// The claims of a token, or none if it is not a JWT.
pub(crate) fn claims(token: &str) -> Option<Claims> {
    let payload = payload(token)?;
    let payload: Payload<'_> = serde_json::from_slice(&payload).ok()?;
    let user_data = payload
        .user_data
        .map(RawValue::get)
        .filter(|data| data.starts_with('{'))
        .map(str::to_owned);
    Some(Claims {
        exp: payload.exp,
        iat: payload.iat,
        user_data,
    })
}

/// Whom a token is about, if it is a JWT that says so.
pub(crate) fn subject(token: &str) -> Option<String> {
    let payload: serde_json::Value = serde_json::from_slice(&payload(token)?).ok()?;
    payload["sub"].as_str().map(str::to_owned)
}

/// What a user sends with another's token is stored as that one's.
///
/// # Errors
/// The token says that it is about somebody else.
pub(super) fn check_subject(token: &str, user: &str) -> Result<()> {
    match subject(token) {
        Some(other) if other != user => Err(Error::app(
            Code::BadToken,
            format!("the server answered user '{user}' with a token of another one, which is not used"),
        )),
        _ => Ok(()),
    }
}

fn payload(token: &str) -> Option<Vec<u8>> {
    let mut parts = token.split('.');
    let (header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if header.is_empty() || payload.is_empty() || parts.next().is_some() {
        return None;
    }
    URL_SAFE
        .decode(payload)
        .or_else(|_| STANDARD.decode(payload))
        .ok()
}

impl Claims {
    /// When a token that was received just now should be replaced. Counted from its own life span, so that a device
    /// whose clock is wrong, as small devices' clocks are, neither refreshes all the time nor too late.
    pub(crate) fn renew_at(&self, received: Instant) -> Instant {
        let life = Duration::from_secs(u64::try_from(self.exp.saturating_sub(self.iat)).unwrap_or(0));
        // One that never ends is not replaced with every request.
        let life = life.min(LONGEST_LIFE);
        received.checked_add(life - margin(life)).unwrap_or(received)
    }

    /// The same for a token read from a file: the wall clock is all there is.
    pub(crate) fn renew_at_by_wall_clock(&self, now: Instant, wall: SystemTime) -> Instant {
        let seconds = wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let life = Duration::from_secs(u64::try_from(self.exp.saturating_sub(self.iat)).unwrap_or(0));
        let life = life.min(LONGEST_LIFE);
        let left = u64::try_from(self.exp).unwrap_or(0).saturating_sub(seconds);
        let left = Duration::from_secs(left).min(life);
        now.checked_add(left.saturating_sub(margin(life))).unwrap_or(now)
    }
}

/// As long as a clock can count without overflowing.
const LONGEST_LIFE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A minute covers a slow request; short-lived tokens are used for most of their life all the same.
fn margin(life: Duration) -> Duration {
    (life / 10).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.sig", URL_SAFE.encode(payload))
    }

    #[test]
    fn custom_data_comes_out_as_it_was_written() {
        let read = claims(&token(
            r#"{"exp":20,"iat":10,"user_data":{"b":{"$numberLong":"1"},"a":2}}"#,
        ))
        .unwrap();
        assert_eq!(
            read.user_data.as_deref(),
            Some(r#"{"b":{"$numberLong":"1"},"a":2}"#)
        );
        assert_eq!((read.exp, read.iat), (20, 10));
        assert_eq!(
            claims(&token(r#"{"exp":20,"iat":10,"user_data":null}"#))
                .unwrap()
                .user_data,
            None
        );
    }

    #[test]
    fn both_base64_alphabets_are_read_with_or_without_padding() {
        let payload = r#"{"exp":20,"iat":10,"x":"??>>~~"}"#;
        for text in [
            URL_SAFE.encode(payload),
            STANDARD.encode(payload),
            URL_SAFE.encode(payload).replace('=', ""),
        ] {
            assert!(claims(&format!("e30.{text}.")).is_some(), "{text}");
        }
    }

    #[test]
    fn a_token_without_end_is_not_replaced_at_once() {
        let now = Instant::now();
        let endless = Claims {
            exp: i64::MAX,
            iat: 0,
            user_data: None,
        };
        assert!(endless.renew_at(now) > now);
        assert!(endless.renew_at_by_wall_clock(now, UNIX_EPOCH) > now);
    }

    #[test]
    fn a_token_is_about_its_user_or_does_not_say_so() {
        let of = |payload: &str| check_subject(&token(payload), "anna").is_ok();
        assert!(of(r#"{"sub":"anna"}"#) && of("{}") && of(r#"{"sub":7}"#));
        assert!(!of(r#"{"sub":"bob"}"#));
    }

    #[test]
    fn what_is_no_jwt_is_none() {
        let texts = ["", "a.b", "a..c", ".b.c", "a.b.c.d", "e30.!!.c"];
        assert!(texts.iter().all(|text| claims(text).is_none()));
        assert!(claims(&token(r#"{"exp":"20","iat":10}"#)).is_none());
        assert!(claims(&token(r#"{"iat":10}"#)).is_none());
    }

    #[test]
    fn a_wrong_clock_does_not_shorten_a_fresh_token() {
        let now = Instant::now();
        let fresh = Claims {
            exp: 4_000_001_800,
            iat: 4_000_000_000,
            user_data: None,
        };
        assert_eq!(fresh.renew_at(now) - now, Duration::from_secs(1740));
        let expired = Claims {
            exp: 1800,
            iat: 0,
            user_data: None,
        };
        assert_eq!(
            expired.renew_at_by_wall_clock(now, UNIX_EPOCH + Duration::from_secs(5000)),
            now
        );
        // Decades behind, a stored token is used for its own life at most; decades ahead it is replaced at once.
        let behind = fresh.renew_at_by_wall_clock(now, UNIX_EPOCH);
        assert_eq!(behind - now, Duration::from_secs(1740));
        let ahead = UNIX_EPOCH + Duration::from_secs(5_000_000_000);
        assert_eq!(fresh.renew_at_by_wall_clock(now, ahead), now);
    }
}
