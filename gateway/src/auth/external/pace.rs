//! How often keys that are kept elsewhere are read.

use std::time::Duration;

use super::location::Location;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// As long as this they are not read without a reason.
    pub early: Duration,
    /// From here on a log-in waits for them; before, they are read beside it.
    pub fresh: Duration,
    /// As long as this they are not read for a reason: names of keys that nobody has cost nothing to make up.
    again: Duration,
    /// Nor while there are none.
    without: Duration,
    /// Nor ever, however often it fails.
    longest: Duration,
    /// The same failure is not logged again for so long.
    pub silence: Duration,
}

impl Pace {
    /// Keys older than this let nobody in: whoever signs may have taken one away because a thief has it.
    pub(super) const GOOD: Duration = Duration::from_secs(60 * 60);

    pub(super) const fn of(location: &Location) -> Self {
        match location {
            Location::File(_) => Self {
                early: SECOND,
                fresh: SECOND,
                again: SECOND,
                without: SECOND,
                longest: SECOND,
                silence: MINUTE,
            },
            Location::Url(..) => Self {
                early: Duration::from_secs(30 * 60),
                fresh: Self::GOOD,
                again: MINUTE,
                without: Duration::from_secs(10),
                longest: Duration::from_secs(5 * 60),
                silence: Duration::ZERO,
            },
        }
    }

    /// How long they are left alone after a reading that was the last of so many in a row to fail, while there are `some` that are
    /// good or none.
    pub(super) fn pause(&self, some: bool, failures: u32) -> Duration {
        let first = if some { self.again } else { self.without };
        let times = 2_u32.saturating_pow(failures.saturating_sub(1));
        first.saturating_mul(times).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::path::Path;

    use super::*;

    fn pauses(location: &str, some: bool) -> Vec<u64> {
        let pace = Pace::of(&Location::parse(location, Path::new("/"), false).unwrap());
        let pause = |failures| pace.pause(some, failures).as_secs();
        [0, 1, 2, 3, 4, 5, 6, u32::MAX].map(pause).to_vec()
    }

    #[test]
    fn pauses_between_readings_of_a_url_grow_to_five_minutes() {
        let url = "https://id.example/keys";
        assert_eq!(pauses(url, false), [10, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pauses(url, true), [60, 60, 120, 240, 300, 300, 300, 300]);
        assert_eq!(pauses("keys.json", true), [1; 8]);
    }
}
