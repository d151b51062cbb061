//! What sessions that no realm was opened for have to say, until a realm is: the application's error handler comes with
//! that.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ErrorHandler;
use crate::error::SyncError;
use crate::uploader::core::Core;
use crate::uploader::registry;

/// Of one path; a program would not want to hear more at once. All of it is logged.
const MAX_REPORTS: usize = 16;

static UNHEARD: Mutex<Option<HashMap<PathBuf, Vec<SyncError>>>> = Mutex::new(None);

fn unheard() -> MutexGuard<'static, Option<HashMap<PathBuf, Vec<SyncError>>>> {
    UNHEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The handler of a session in the background.
pub(super) fn keep(path: &Path) -> ErrorHandler {
    let path = path.to_owned();
    Arc::new(move |error| {
        {
            let mut unheard = unheard();
            let reports = unheard.get_or_insert_default().entry(path.clone()).or_default();
            if reports.len() < MAX_REPORTS {
                reports.push(error.clone());
            }
        }
        // A realm may have been opened since the session said it.
        if let Some(core) = registry::session(&path).filter(|core| !core.is_background()) {
            tell(&core);
        }
    })
}

/// A realm was opened: its handler gets what was kept.
pub(super) fn tell(core: &Arc<Core>) {
    let reports = unheard().as_mut().and_then(|unheard| unheard.remove(&core.path));
    for error in reports.into_iter().flatten() {
        core.report_soon(error);
    }
}
