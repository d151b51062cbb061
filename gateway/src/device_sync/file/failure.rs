//! What is wrong, as a device is told it.

use crate::backend::BackendError;
use crate::device_sync::adopted::AdoptError;
use crate::device_sync::builder::BuildError;
use crate::device_sync::errors::{ConnectionCode, ConnectionError, SessionError};
use crate::device_sync::file::classes::ClassesError;
use crate::device_sync::session::Failure;
use crate::device_sync::upload::UploadError;
use crate::ingest::IngestError;
use crate::work::WorkError;

/// Why something is not done for a file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::device_sync) enum Ending {
    /// Its session, or the connection, is told why.
    Failure(Failure),
    /// The user may not be there any more.
    Denied,
}

impl From<SessionError> for Ending {
    fn from(error: SessionError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<ConnectionError> for Ending {
    fn from(error: ConnectionError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<BackendError> for Ending {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::NoMemory(error) => SessionError::later(error.to_string()).into(),
            error => {
                tracing::error!(%error, "the store does not answer a device");
                SessionError::later("the store does not answer").into()
            }
        }
    }
}

impl From<WorkError> for Ending {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Busy => SessionError::later(error.to_string()).into(),
            WorkError::Panicked(what) => internal(&what),
        }
    }
}

/// Of a defect.
pub(in crate::device_sync) fn internal(what: &str) -> Ending {
    tracing::error!(what, "a defect of the gateway");
    SessionError::later("internal error of the gateway").into()
}

/// Of an app that is paused.
pub(in crate::device_sync) fn paused() -> Ending {
    SessionError::later("the app takes no documents at present").into()
}

/// Of an upload that is not taken.
pub(super) fn of_upload(error: UploadError) -> Ending {
    let code = match error {
        UploadError::TooLarge { .. } => return SessionError::never(error.to_string()).into(),
        UploadError::NoMemory(_) => return SessionError::later(error.to_string()).into(),
        UploadError::Compression => ConnectionCode::BadDecompression,
        UploadError::Size(_) => ConnectionCode::BadChangesetSize,
        UploadError::Header(_) | UploadError::Order(_) => ConnectionCode::BadChangesetHeader,
    };
    ConnectionError::new(code, error.to_string()).into()
}

/// Of a changeset that does not become documents.
pub(super) fn of_build(error: BuildError) -> Ending {
    match error {
        BuildError::NoMemory(_) => SessionError::later(error.to_string()).into(),
        BuildError::TooManyDocuments(_) | BuildError::TooLarge(_) => {
            SessionError::never(error.to_string()).into()
        }
        error => SessionError::bad_changeset(error.to_string()).into(),
    }
}

/// Of classes that cannot be found out.
pub(super) fn of_adopt(error: AdoptError) -> Ending {
    SessionError::bad_changeset(error.to_string()).into()
}

/// Of classes that cannot be held.
pub(super) fn of_classes(error: ClassesError) -> Ending {
    match error {
        ClassesError::NoMemory(error) => SessionError::later(error.to_string()).into(),
        ClassesError::Registry(error) => SessionError::bad_changeset(error.to_string()).into(),
    }
}

/// Of transactions that the core does not take.
pub(super) fn of_ingest(error: IngestError) -> Ending {
    match error {
        IngestError::Backend(error) => error.into(),
        IngestError::Work(error) => error.into(),
        IngestError::Internal(what) => internal(&what),
        IngestError::SchemasTooLarge => SessionError::never(error.to_string()).into(),
        IngestError::SchemaRequired(_)
        | IngestError::TooManySchemas
        | IngestError::TooManyDeadLetters(_)
        | IngestError::Copied
        | IngestError::Hole { .. }
        | IngestError::NoMemory(_) => {
            tracing::warn!(%error, "uploads of a device wait");
            SessionError::later(error.to_string()).into()
        }
    }
}
