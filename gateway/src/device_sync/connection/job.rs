//! What is done for a session beside its connection.

use crate::device_sync::file::failure::Ending;
use crate::device_sync::file::{Done, File};
use crate::device_sync::frames::FileIdent;

/// What became of it.
pub(super) enum Outcome {
    /// A new file has a name.
    Allocated(Result<FileIdent, Ending>),
    /// A file is known.
    Identified(Result<Box<File>, Ending>),
    /// Uploads are stored, or some of them.
    Stored(Done),
}
