//! Packing of rows that have to wait, while nothing is sent.

use std::time::Duration;

use super::Uploader;

/// A device that writes all the time while its session is stopped packs a few thousand rows at once.
const TIDY_PERIOD: Duration = Duration::from_secs(600);

impl Uploader {
    /// Rows that have to wait are packed meanwhile. Ends never.
    pub(super) async fn tidy(&self) {
        self.pack().await;
        std::future::pending().await
    }

    /// As [`Uploader::tidy`] while nobody sends for as long as it may be: again now and then, if rows were added.
    pub(super) async fn tidy_while_stopped(&self) -> Option<u64> {
        loop {
            self.pack().await;
            self.core.work.notified().await;
            self.core.app.clock.sleep(TIDY_PERIOD).await;
        }
    }

    /// In steps between which others write.
    async fn pack(&self) {
        loop {
            match self.outbox(|outbox| outbox.tidy()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    log::warn!(target: "ingest::outbox", "rows that wait were not packed: {error}");
                    return;
                }
            }
        }
    }
}
