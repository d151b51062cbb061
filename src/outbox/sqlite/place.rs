//! Whether what is open is still what stands at the path. A file that was deleted, moved or replaced can be
//! written to as if nothing had happened, and what is written ends with the process.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::recover::{FileId, beside, file_id};
use crate::outbox::{Error, Result};

/// The database and its log, as they stood at the path when they had just been opened.
pub(super) struct Place {
    files: [(PathBuf, Option<FileId>); 2],
}

impl Place {
    pub(super) fn of(path: &Path) -> Place {
        let files = [path.to_owned(), beside(path, "-wal")];
        Place {
            files: files.map(|file| {
                let id = file_id(&file);
                (file, id)
            }),
        }
    }

    /// To be called before each commit that promises anything: two looks at a name, which are nothing beside a sync as
    /// long as they leave the next one as it is ([`file_id`]).
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub(super) fn check(&self) -> Result<()> {
        if self
            .files
            .iter()
            .any(|(file, id)| id.is_some() && is_gone(file, *id))
        {
            let path = self.files[0].0.clone();
            return Err(Error::Gone { path });
        }
        Ok(())
    }
}

fn is_gone(file: &Path, opened: Option<FileId>) -> bool {
    match file_id(file) {
        Some(found) => Some(found) != opened,
        // What cannot be looked at for another reason may be there.
        None => fs::metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound),
    }
}
