//! When a session may use the network, and how much of it. Pure: no clock, no I/O.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// The application's word on the network, such as whether it is metered. Asked on the app's callback thread.
pub type MayUpload = Arc<dyn Fn() -> bool + Send + Sync>;

/// An application that said no is not asked again before this, unless it chooses another time.
pub const ASK_AGAIN: Duration = Duration::from_secs(60);
/// Asking more often would be a loop.
const LEAST_ASK_AGAIN: Duration = Duration::from_secs(1);
/// As good as never, and no clock overflows by it.
const MOST_ASK_AGAIN: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// While something waits for a window, the clock is looked at this often: it may be set, and sleep of the device does not
/// count as time.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(15 * 60);
/// A request that takes longer than this at the rate that is allowed puts too much at stake.
const SECONDS_PER_BATCH: u64 = 10;
/// What was not used of the rate may be made up for within so much time of it.
const BURST: Duration = Duration::from_secs(1);

const MINUTES_PER_DAY: u16 = 24 * 60;
const SECONDS_PER_DAY: u32 = 24 * 60 * 60;

/// A time of the day in which uploads are allowed, in minutes since midnight by the device's local time. It may go over
/// midnight: from 22:00 to 6:00 is 1320 to 360.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    /// Its first minute, below 1440.
    pub from_minute: u16,
    /// The first minute behind it, up to 1440.
    pub to_minute: u16,
}

/// When a session may use the network, and how much of it; who waits for an upload waits for that, too. The default sets no
/// limit. With a rate, windows or `may_upload`, what an earlier run left is sent once the realm is opened, and not before.
#[derive(Clone)]
pub struct UploadPolicy {
    /// How long the first transaction that waits is kept for more to come, so that the network is used less often. Not
    /// where its classes are urgent, a batch is full, a thread waits for the upload or for a receipt, or the realm was
    /// closed.
    pub batch_delay: Duration,
    /// The most bytes of request bodies a second, over a while. The urgent classes come first: they are held up by what
    /// they sent themselves alone. A batch that has to be sent again for its schemas goes at once, and what follows waits
    /// for both.
    pub bytes_per_second: Option<u64>,
    /// When uploads are allowed; always, if there is none.
    pub windows: Vec<TimeWindow>,
    /// Asked before each connection and each batch.
    pub may_upload: Option<MayUpload>,
    /// How long after a no of `may_upload` it is asked again, at least a second and at most a year;
    /// [`super::session::Session::reconnect`] ends that.
    pub ask_again: Duration,
}

impl Default for UploadPolicy {
    fn default() -> UploadPolicy {
        UploadPolicy {
            batch_delay: Duration::ZERO,
            bytes_per_second: None,
            windows: Vec::new(),
            may_upload: None,
            ask_again: ASK_AGAIN,
        }
    }
}

impl fmt::Debug for UploadPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadPolicy")
            .field("batch_delay", &self.batch_delay)
            .field("bytes_per_second", &self.bytes_per_second)
            .field("windows", &self.windows)
            .field("asks", &self.may_upload.is_some())
            .field("ask_again", &self.ask_again)
            .finish()
    }
}

/// Of callbacks only whether there is one: what they are cannot be compared.
impl PartialEq for UploadPolicy {
    fn eq(&self, other: &UploadPolicy) -> bool {
        self.batch_delay == other.batch_delay
            && self.bytes_per_second == other.bytes_per_second
            && self.windows == other.windows
            && self.may_upload.is_some() == other.may_upload.is_some()
            && self.ask_again == other.ask_again
    }
}

impl UploadPolicy {
    /// # Errors
    /// A window that is empty or not of a day, or a rate at which nothing could be sent.
    pub(crate) fn check(&self) -> Result<()> {
        for window in &self.windows {
            let TimeWindow {
                from_minute,
                to_minute,
            } = *window;
            if from_minute >= MINUTES_PER_DAY || to_minute > MINUTES_PER_DAY || from_minute == to_minute {
                return Err(Error::InvalidArgument(format!(
                    "uploads cannot be allowed from minute {from_minute} to minute {to_minute} of the day: a window begins \
                     before minute {MINUTES_PER_DAY}, ends by it, and has a length"
                )));
            }
        }
        if self.bytes_per_second == Some(0) {
            return Err(Error::InvalidArgument(
                "uploads of 0 bytes a second would never end: pause the session instead".to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether there are times at which nothing may be sent.
    pub(crate) fn is_conditional(&self) -> bool {
        !self.windows.is_empty() || self.may_upload.is_some()
    }

    /// Whether who does not know the policy must not send what waits: it would go at other times, or faster.
    pub(crate) fn binds_others(&self) -> bool {
        self.is_conditional() || self.bytes_per_second.is_some()
    }

    /// How long after a no it is asked again.
    pub(super) fn pause_after_no(&self) -> Duration {
        self.ask_again.clamp(LEAST_ASK_AGAIN, MOST_ASK_AGAIN)
    }

    /// The most bytes of a batch, before compression.
    pub(super) fn batch_limit(&self) -> Option<u64> {
        self.bytes_per_second
            .map(|rate| rate.saturating_mul(SECONDS_PER_BATCH))
    }

    /// When to look again, where no window is open at this second of the day.
    pub(super) fn until_window(&self, second: u32) -> Option<Duration> {
        let second = second % SECONDS_PER_DAY;
        let is_open = |window: &TimeWindow| {
            let (from, to) = (
                u32::from(window.from_minute) * 60,
                u32::from(window.to_minute) * 60,
            );
            if from < to {
                (from..to).contains(&second)
            } else {
                second >= from || second < to
            }
        };
        if self.windows.iter().any(is_open) {
            return None;
        }
        let until = |window: &TimeWindow| {
            let from = u32::from(window.from_minute) * 60;
            (from + SECONDS_PER_DAY - second) % SECONDS_PER_DAY
        };
        let next = self.windows.iter().map(until).min()?;
        Some(Duration::from_secs(next.into()).min(LOOK_AT_CLOCK))
    }
}

/// What may be sent at a rate. Whatever its size, a batch goes once what was sent before is paid for.
#[derive(Debug)]
pub(super) struct Budget {
    rate: f64,
    all: Balance,
    urgent: Balance,
}

/// In bytes; below zero until what was sent is paid for.
#[derive(Debug)]
struct Balance {
    bytes: f64,
    at: Instant,
}

impl Budget {
    pub(super) fn new(bytes_per_second: u64, now: Instant) -> Budget {
        let balance = || Balance { bytes: 0.0, at: now };
        Budget {
            rate: bytes_per_second as f64,
            all: balance(),
            urgent: balance(),
        }
    }

    /// How long the next batch has to wait.
    pub(super) fn wait(&mut self, is_urgent: bool, now: Instant) -> Option<Duration> {
        let balance = if is_urgent {
            &mut self.urgent
        } else {
            &mut self.all
        };
        balance.settle(self.rate, now);
        (balance.bytes < 0.0).then(|| Duration::from_secs_f64(-balance.bytes / self.rate))
    }

    pub(super) fn spend(&mut self, bytes: usize, is_urgent: bool, now: Instant) {
        self.all.settle(self.rate, now);
        self.all.bytes -= bytes as f64;
        if is_urgent {
            self.urgent.settle(self.rate, now);
            self.urgent.bytes -= bytes as f64;
        }
    }
}

impl Balance {
    fn settle(&mut self, rate: f64, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.bytes = (self.bytes + elapsed * rate).min(rate * BURST.as_secs_f64());
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(windows: &[(u16, u16)]) -> UploadPolicy {
        let windows = windows.iter().map(|(from_minute, to_minute)| TimeWindow {
            from_minute: *from_minute,
            to_minute: *to_minute,
        });
        UploadPolicy {
            windows: windows.collect(),
            ..UploadPolicy::default()
        }
    }

    const HOUR: u32 = 3600;

    #[test]
    fn without_windows_every_time_is_open() {
        assert_eq!(UploadPolicy::default().until_window(0), None);
        assert!(!UploadPolicy::default().is_conditional());
    }

    #[test]
    fn a_window_is_open_from_its_first_minute_to_the_one_behind_it() {
        let policy = within(&[(60, 120)]);
        assert!(policy.until_window(HOUR - 1).is_some());
        assert_eq!(policy.until_window(HOUR), None);
        assert_eq!(policy.until_window(2 * HOUR - 1), None);
        assert!(policy.until_window(2 * HOUR).is_some());
        assert_eq!(policy.until_window(HOUR - 90), Some(Duration::from_secs(90)));
        assert_eq!(
            policy.until_window(2 * HOUR),
            Some(LOOK_AT_CLOCK),
            "the clock may be set meanwhile"
        );
    }

    #[test]
    fn a_window_may_go_over_midnight_and_there_may_be_several() {
        let policy = within(&[(22 * 60, 6 * 60), (12 * 60, 13 * 60)]);
        for open in [0, 23 * HOUR, 6 * HOUR - 1, 12 * HOUR, 22 * HOUR] {
            assert_eq!(policy.until_window(open), None, "{open}");
        }
        for closed in [6 * HOUR, 13 * HOUR, 22 * HOUR - 1] {
            assert!(policy.until_window(closed).is_some(), "{closed}");
        }
        assert_eq!(
            policy.until_window(22 * HOUR - 1),
            Some(Duration::from_secs(1)),
            "the next of them"
        );
        assert_eq!(within(&[(0, 1440)]).until_window(SECONDS_PER_DAY - 1), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (from, to) in [(1440, 10), (5, 5), (0, 1441)] {
            assert!(within(&[(from, to)]).check().is_err(), "{from} to {to}");
        }
        let standing = UploadPolicy {
            bytes_per_second: Some(0),
            ..UploadPolicy::default()
        };
        assert!(standing.check().is_err());
        assert!(within(&[(0, 1440), (1439, 0)]).check().is_ok());
    }

    #[test]
    fn who_is_asked_again_after_forever_is_asked_in_a_year() {
        let asked = |ask_again| {
            let policy = UploadPolicy {
                ask_again,
                ..UploadPolicy::default()
            };
            policy.pause_after_no()
        };
        assert_eq!(asked(Duration::MAX), MOST_ASK_AGAIN);
        assert_eq!(asked(Duration::ZERO), LEAST_ASK_AGAIN);
    }

    #[test]
    fn a_batch_waits_until_those_before_it_are_paid_for() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = Budget::new(100, start);
        assert_eq!(budget.wait(false, start), None);
        budget.spend(500, false, start);
        assert_eq!(budget.wait(false, start), Some(Duration::from_secs(5)));
        assert_eq!(budget.wait(false, at(3)), Some(Duration::from_secs(2)));
        assert_eq!(budget.wait(false, at(5)), None);
        // Hours of silence are not made up for.
        budget.spend(300, false, at(7200));
        assert_eq!(budget.wait(false, at(7200)), Some(Duration::from_secs(2)));
    }

    #[test]
    fn what_is_urgent_does_not_wait_for_the_rest_which_waits_for_it() {
        let start = Instant::now();
        let mut budget = Budget::new(100, start);
        budget.spend(1000, false, start);
        assert_eq!(budget.wait(true, start), None);
        budget.spend(200, true, start);
        assert_eq!(budget.wait(true, start), Some(Duration::from_secs(2)));
        assert_eq!(budget.wait(false, start), Some(Duration::from_secs(12)));
    }

    #[test]
    fn a_batch_is_as_large_as_ten_seconds_of_the_rate() {
        let slow = UploadPolicy {
            bytes_per_second: Some(1_000),
            ..UploadPolicy::default()
        };
        assert_eq!(slow.batch_limit(), Some(10_000));
        assert_eq!(UploadPolicy::default().batch_limit(), None);
    }
}
