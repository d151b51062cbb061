//! Notices what other processes do with files, without looking for it: one watch of the system's for the file of each
//! session that has nothing to do, and for each folder in which an outbox may be left, all read by one task of the app.
//! A watch is made anew each time, and ends with the first change, so that the writes of a busy outbox cost nothing.
//! Elsewhere than on Linux nothing is watched, and whoever would wait looks at the same moments.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

pub(crate) use crate::ffi::os::watch::{Change, Watcher};

/// The time left until the next of the moments that are `period` apart, the same ones for all callers in the process:
/// the device wakes once for all.
pub(crate) fn until_next(period: Duration) -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = BEGIN.elapsed().as_nanos() % period.as_nanos().max(1);
    period - Duration::from_nanos(since as u64)
}
