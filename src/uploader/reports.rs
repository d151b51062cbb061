//! What a session tells the application's error handler.

use std::sync::Arc;

use super::core::Core;
use super::policy;
use crate::error::{Error, SyncError};

impl Core {
    /// Tells the error handler, and waits until it has returned.
    pub(super) async fn report(&self, error: SyncError) {
        if let Some(job) = self.report_job(error) {
            self.app.runtime.run_callback(job).await;
        }
    }

    /// Tells the error handler some time soon.
    pub(crate) fn report_soon(&self, error: SyncError) {
        if let Some(job) = self.report_job(error) {
            self.app.runtime.callback(job);
        }
    }

    /// The cap took so many objects. Tells the error handler some time soon, once of all until then: a handler that is
    /// slow makes no queue of them.
    pub(crate) fn report_dropped(self: &Arc<Self>, objects: u64) {
        if !self.note_dropped(objects) {
            return;
        }
        let core = self.clone();
        self.app.runtime.callback(move || {
            if let Some(job) = core.report_job(policy::dropped(core.take_dropped())) {
                job();
            }
        });
    }

    fn report_job(&self, error: SyncError) -> Option<impl FnOnce() + Send + 'static> {
        let level = if error.is_fatal {
            log::Level::Error
        } else {
            log::Level::Warn
        };
        log::log!(target: "ingest::session", level, "{}: {}", error.code.name(), error.message);
        self.note_error(&error);
        let handler = self.status().handler.clone()?;
        Some(move || handler(&error))
    }

    /// An error that is there to stay, most likely or until somebody acts. A fatal one makes the session inactive until
    /// it has tried again with success. Until then the handler hears of it once, however often it is met. What is
    /// pending stays.
    pub(super) fn fail(&self, error: SyncError) {
        let mut status = self.status();
        if !status.told.is_news(&error) {
            drop(status);
            self.note_error(&error);
            log::debug!(target: "ingest::session", "still: {}", error.message);
            return;
        }
        status.failed |= error.is_fatal;
        drop(status);
        if error.is_fatal {
            self.fail_waits(&Error::Sync {
                code: error.code,
                message: error.message.clone(),
            });
        }
        self.report_soon(error);
    }
}
