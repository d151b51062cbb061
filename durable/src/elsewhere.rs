//! Systems that are not Unix.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

/// Names are kept by the file system's journal, and folders cannot be opened as files.
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn cannot_sync_folders(_: &io::Error) -> bool {
    false
}

/// The folder's rights are inherited.
pub(crate) fn owner_only(_: &mut OpenOptions) {}
