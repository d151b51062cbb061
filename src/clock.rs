//! Time and chance, so that tests decide about both.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::ffi::os::local_time;
use ring::rand::{SecureRandom, SystemRandom};

/// A pause that can be dropped.
pub type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the uploader knows of time and chance.
pub trait Clock: Send + Sync {
    /// Ends after this time. Called on the app's runtime.
    fn sleep(&self, duration: Duration) -> Pause;

    /// A number from 0 up to, not including, 1.
    fn random(&self) -> f64;

    /// Seconds since midnight, local time.
    fn second_of_day(&self) -> u32 {
        local_time::second_of_day()
    }
}

/// The system's time and chance.
pub struct SystemClock(SystemRandom);

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock(SystemRandom::new())
    }
}

impl Clock for SystemClock {
    fn sleep(&self, duration: Duration) -> Pause {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> f64 {
        let mut bytes = [0; 4];
        // Without randomness the pauses are in the middle of their range, which is no worse than no jitter.
        match self.0.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.5,
        }
    }
}
