//! What a realm holds, and how its upload goes.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Realm;
use super::lane::Lane;
use super::observers::Subject;
use crate::error::Result;
use crate::outbox;
use crate::uploader::core::Core;
pub use crate::uploader::live::LastError;
pub use crate::uploader::progress::{Progress, UploadStatus};
use crate::uploader::progress::{Rounds, Upload};

fn uploads(lanes: &[Arc<Core>]) -> outbox::Result<Vec<Upload>> {
    lanes.iter().map(|core| core.upload()).collect()
}

impl Realm {
    /// What waits, what was counted since the file was made, and what went wrong last. Takes the same time whatever waits.
    ///
    /// # Errors
    /// The realm is closed, or the outbox could not be read.
    pub fn status(&self) -> Result<UploadStatus> {
        self.check_open()?;
        let mut status = self.main.core()?.upload_status()?;
        if let Some(lane) = &self.urgent {
            status = status.with(lane.core()?.upload_status()?);
        }
        Ok(status)
    }

    /// Calls back on the app's thread for callbacks, soon with the progress of now, then when an acknowledgement or what is
    /// written has changed it, once for several changes where it is slow; until [`Realm::unobserve_progress`] or until the
    /// realm is closed.
    ///
    /// # Errors
    /// The realm is closed, or the outbox could not be read.
    pub fn observe_progress(&self, observer: impl Fn(Progress) + Send + Sync + 'static) -> Result<u64> {
        self.check_open()?;
        let cores = self.lanes().map(Lane::core).collect::<Result<Vec<_>>>()?;
        let rounds = Mutex::new(Rounds::begin(&uploads(&cores)?));
        let lanes: Vec<Weak<Core>> = cores.iter().map(Arc::downgrade).collect();
        let tell = Arc::new(move || {
            let lanes: Vec<_> = lanes.iter().filter_map(Weak::upgrade).collect();
            match uploads(&lanes) {
                Ok(uploads) => {
                    let mut rounds = rounds.lock().unwrap_or_else(PoisonError::into_inner);
                    let progress = rounds.progress(&uploads);
                    drop(rounds);
                    if let Some(progress) = progress {
                        observer(progress);
                    }
                }
                Err(error) => {
                    log::debug!(target: "ingest::outbox", "the progress cannot be told: {error}");
                }
            }
        });
        let main = self.main.core()?;
        let number = main.next_token();
        for core in &cores {
            let tell = tell.clone();
            core.observe_progress(main.token(number), move || tell());
        }
        self.keep_observer(Subject::Progress, number)?;
        main.tell_progress();
        Ok(number)
    }

    /// Ends the callbacks of this token. When this returns none is running and none will be: it waits for one that is
    /// running, unless that is the caller itself. A token that is not known is ignored.
    pub fn unobserve_progress(&self, number: u64) {
        self.end_observer(Subject::Progress, number);
    }
}
