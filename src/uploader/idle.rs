//! How the loop waits until there may be something to do.

use std::time::Duration;

use super::{BUSY_POLL, Uploader};
use crate::watch;

/// While another process has the right to drain the file, it is tried again no later than this: a process that was
/// killed says nothing.
const BLOCKED_POLL: Duration = Duration::from_secs(2);
/// Where files cannot be watched, rows of other processes are looked for this often, in all realms at once.
const IDLE_POLL: Duration = Duration::from_secs(2);

impl Uploader {
    /// Waits until there may be something to do. Wakes up for nothing else where files can be watched.
    pub(super) async fn idle(&mut self) {
        let core = self.core.clone();
        let clock = &core.app.clock;
        if self.blocked {
            // Every batch of the other process is a change.
            clock.sleep(BUSY_POLL).await;
        }
        let file = core.outbox.watched_file();
        let change = file.and_then(|file| core.app.runtime.watcher.watch(&file));
        // What was written before the watch began.
        match self.outbox(|outbox| outbox.version_at_rest()).await {
            Ok(version) if version == self.version => {}
            Ok(_) => return,
            Err(_) => return clock.sleep(BUSY_POLL).await,
        }
        let Some(change) = change else {
            return self.poll().await;
        };
        tokio::select! {
            () = core.work.notified() => {}
            () = change.happened() => {}
            () = async { clock.sleep(BLOCKED_POLL).await }, if self.blocked => {}
        }
    }

    async fn poll(&self) {
        loop {
            let pause = if self.blocked {
                BUSY_POLL
            } else {
                watch::until_next(IDLE_POLL)
            };
            tokio::select! {
                () = self.core.work.notified() => return,
                () = self.core.app.clock.sleep(pause) => {}
            }
            if self.blocked || self.version().await != self.version {
                return;
            }
        }
    }

    /// Changes with what others write.
    pub(super) async fn version(&self) -> i64 {
        self.outbox(|outbox| outbox.version())
            .await
            .unwrap_or(self.version)
    }
}
