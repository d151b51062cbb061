//! The one signal that the gateway is to stop, for everything that would otherwise go on waiting.

use tokio::sync::watch;

/// Gives the signal.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Waits for it. Clones wait for the same.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// From now on the gateway stops.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether the signal was given.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// What waits for it.
    #[must_use]
    pub fn stopping(&self) -> Stopping {
        Stopping(self.0.subscribe())
    }
}

impl Stopping {
    /// Returns once the signal was given.
    pub async fn begun(mut self) {
        if self.0.wait_for(|stopping| *stopping).await.is_err() {
            // Whoever could give it is gone.
            std::future::pending().await
        }
    }
}
