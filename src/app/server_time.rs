//! What time it is at the server, from the `Date` headers of its answers: for devices whose own clock cannot be trusted.
//!
//! An answer says to the second when it was made, which was between the moment the request was sent and the moment the
//! answer came. That bounds the difference between the server's clock and one of the device's that nobody sets; several
//! answers bound it from several sides.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ffi::os::boot_time;
use crate::transport::Response;

/// What the server's clock shows, as far as that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerTime {
    /// The middle of what is possible.
    pub now: SystemTime,
    /// How far it may be off, either way.
    pub uncertainty: Duration,
}

/// A `Date` has whole seconds, cut off.
const DATE_RESOLUTION: i64 = 1_000_000;
/// A server may look at its clock a little before it answers.
const DATE_LAG: i64 = 100_000;
/// How far two clocks may drift apart, in microseconds a second: twice what a poor quartz does.
const DRIFT: i64 = 200;

/// Times are in microseconds: the server's since 1970, the device's since it was started.
#[derive(Debug, Default)]
struct Estimator(Option<Difference>);

/// The server's clock less the device's.
#[derive(Debug, Clone, Copy)]
struct Difference {
    least: i64,
    most: i64,
    /// When this was so, by the device's clock.
    at: i64,
}

impl Difference {
    /// Clocks drift apart.
    fn after(self, at: i64) -> Difference {
        let seconds = at.saturating_sub(self.at).max(0) / 1_000_000;
        let drift = seconds.saturating_mul(DRIFT);
        Difference {
            least: self.least.saturating_sub(drift),
            most: self.most.saturating_add(drift),
            at: self.at.max(at),
        }
    }
}

impl Estimator {
    /// An answer came to a request; `date` is what it says, in seconds since 1970.
    fn answered(&mut self, sent: i64, received: i64, date: i64) {
        let date = date.saturating_mul(1_000_000);
        let new = Difference {
            least: date.saturating_sub(received),
            most: date
                .saturating_add(DATE_RESOLUTION + DATE_LAG)
                .saturating_sub(sent),
            at: received,
        };
        let joined = self.0.map(|known| {
            let known = known.after(received);
            Difference {
                least: known.least.max(new.least),
                most: known.most.min(new.most),
                at: known.at,
            }
        });
        // Where both cannot be true, a clock was set meanwhile, and the newer answer is the one to go by.
        self.0 = Some(joined.filter(|joined| joined.least <= joined.most).unwrap_or(new));
    }

    /// The server's time and how far it may be off.
    fn now(&self, at: i64) -> Option<(i64, i64)> {
        let difference = self.0?.after(at);
        let uncertainty = (difference.most - difference.least) / 2;
        Some((
            at.saturating_add(difference.least).saturating_add(uncertainty),
            uncertainty,
        ))
    }
}

/// What an app knows of its server's time. Any thread may use it.
#[derive(Default)]
pub(super) struct ServerClock(Mutex<Estimator>);

impl ServerClock {
    /// An answer came to a request that was sent at this time of the device.
    pub(super) fn answered(&self, sent: Duration, response: &Response) {
        // One from a cache says when it was put there.
        let is_cached = response.header("age").is_some();
        let date = response.header("date").filter(|_| !is_cached);
        let Some(date) = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()) else {
            return;
        };
        let Ok(date) = date.duration_since(UNIX_EPOCH) else {
            return;
        };
        let date = i64::try_from(date.as_secs()).unwrap_or(i64::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).answered(
            micros(sent),
            micros(boot_time::now()),
            date,
        );
    }

    pub(super) fn now(&self) -> Option<ServerTime> {
        let estimator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, uncertainty) = estimator.now(micros(boot_time::now()))?;
        let time = |micros: i64| Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        Some(ServerTime {
            now: UNIX_EPOCH.checked_add(time(now))?,
            uncertainty: time(uncertainty),
        })
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    const SECOND: i64 = 1_000_000;
    /// The server's clock when the device's shows nothing.
    const AHEAD: i64 = 1_700_000_000 * SECOND;

    /// An answer that the server made at this time of the device.
    fn answer(estimator: &mut Estimator, sent: i64, made: i64, received: i64) {
        estimator.answered(sent, received, (AHEAD + made) / SECOND);
    }

    /// The truth is within what is said; how far that may be off.
    fn checked(estimator: &Estimator, at: i64) -> i64 {
        let (now, uncertainty) = estimator.now(at).unwrap();
        let off = (now - (AHEAD + at)).abs();
        assert!(off <= uncertainty + 1, "{off} is more than {uncertainty}");
        uncertainty
    }

    #[test]
    fn nothing_is_known_before_the_first_answer() {
        assert!(Estimator::default().now(5).is_none());
        assert!(ServerClock::default().now().is_none());
    }

    #[test]
    fn one_answer_tells_the_time_to_half_a_second_and_half_of_the_round_trip() {
        let mut estimator = Estimator::default();
        answer(&mut estimator, 10 * SECOND, 10_150_000, 10_200_000);
        let uncertainty = checked(&estimator, 10_200_000);
        assert_eq!(uncertainty, (SECOND + DATE_LAG + 200_000) / 2);
    }

    #[test]
    fn answers_at_other_moments_of_a_second_make_it_more_certain() {
        let mut estimator = Estimator::default();
        let mut former = 2 * SECOND;
        for tenth in 0..10 {
            let sent = (100 + tenth) * SECOND + tenth * 100_000;
            answer(&mut estimator, sent, sent + 20_000, sent + 40_000);
            let uncertainty = checked(&estimator, sent + 40_000);
            assert!(uncertainty <= former + 20 * DRIFT);
            former = uncertainty;
        }
        assert!(former < SECOND / 5, "{former}");
    }

    #[test]
    fn a_slow_answer_takes_nothing_away() {
        let mut estimator = Estimator::default();
        answer(&mut estimator, 10 * SECOND, 10_010_000, 10_020_000);
        let before = checked(&estimator, 10_020_000);
        answer(&mut estimator, 11 * SECOND, 40 * SECOND, 70 * SECOND);
        assert!(checked(&estimator, 70 * SECOND) <= before + 61 * DRIFT);
    }

    #[test]
    fn it_becomes_less_certain_while_nobody_answers() {
        let mut estimator = Estimator::default();
        answer(&mut estimator, 10 * SECOND, 10_010_000, 10_020_000);
        let day = 24 * 3600 * SECOND;
        let uncertainty = checked(&estimator, day);
        assert!((17 * SECOND..19 * SECOND).contains(&uncertainty), "{uncertainty}");
    }

    #[test]
    fn a_clock_that_was_set_is_believed_from_then_on() {
        let mut estimator = Estimator::default();
        estimator.answered(10 * SECOND, 10_020_000, 1_000);
        answer(&mut estimator, 20 * SECOND, 20_010_000, 20_020_000);
        checked(&estimator, 20_020_000);
    }

    #[test]
    fn numbers_without_sense_do_no_harm() {
        let mut estimator = Estimator::default();
        estimator.answered(i64::MIN, i64::MAX, i64::MAX);
        estimator.answered(i64::MAX, i64::MIN, i64::MIN);
        let _ = estimator.now(i64::MAX);
    }

    #[test]
    fn an_answer_from_a_cache_or_without_a_date_says_nothing() {
        let clock = ServerClock::default();
        let answer = |headers: &[(&str, &str)]| Response {
            status: 200,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Response::default()
        };
        let date = ("Date", "Mon, 23 Nov 2026 10:00:00 GMT");
        clock.answered(boot_time::now(), &answer(&[]));
        clock.answered(boot_time::now(), &answer(&[("date", "soon")]));
        clock.answered(boot_time::now(), &answer(&[date, ("Age", "7")]));
        assert!(clock.now().is_none());
        clock.answered(boot_time::now(), &answer(&[date]));
        let known = clock.now().unwrap();
        let said = UNIX_EPOCH + Duration::from_secs(1_795_428_000);
        let off = known.now.duration_since(said).unwrap();
        assert!(off <= 2 * known.uncertainty, "{off:?}");
    }
}
