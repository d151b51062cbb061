//! What the log is told of a connection while it lasts.

use tracing::{debug, info, warn};

use crate::device_sync::file::File;
use crate::device_sync::session::Note;

/// A file is bound no more.
pub(super) fn farewell(file: &File) {
    let (ident, documents, skipped) = (file.name.ident, file.documents, file.skipped);
    info!(ident, documents, skipped, "a file is bound no more");
}

/// What the sessions have to say.
pub(super) fn tell(note: &Note) {
    match note {
        Note::ActiveSubscriptions { classes, .. } => {
            warn!(
                classes,
                "a client has subscriptions, which are not served: nothing comes of them"
            );
        }
        Note::RefusedSubscriptions { classes, .. } => {
            warn!(
                classes,
                "subscriptions of a client are refused: Data Ingest alone is served"
            );
        }
        Note::ClientError { code, message, .. } => {
            warn!(
                code,
                message, "a client could not use what it was sent, and binds again"
            );
        }
        Note::UnknownMessage { name } => debug!(name, "a message of an unknown name is ignored"),
    }
}
