//! One command a file. `check` and `init` are about the directory of an app; all others but `serve`, `health` and `copy` work on the data
//! of an app, also while a server writes it.

mod accounts;
pub mod backup;
pub mod check;
pub mod check_integrity;
pub mod clients;
pub mod copy;
mod data;
pub mod dead_letters;
pub mod export;
pub mod find;
pub mod health;
pub mod init;
pub mod keys;
mod opened;
pub mod outboxes;
mod output;
mod replay;
pub mod schemas;
pub mod serve;
pub mod stats;
pub mod tail;
pub mod users;

pub use data::DataArgs;

use crate::backend::BackendError;
use crate::gateway::SetUpError;
use crate::sink::embedded::Reader;
use crate::sqlite::OpenError;
use crate::toml_file::TomlFileError;

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The reader of our output has gone.
    #[error("the output was closed")]
    Closed,
    /// Something that only a person can put right; says what.
    #[error("{0}")]
    Refused(String),
    /// What was asked for makes no sense; says why.
    #[error("{0}")]
    Usage(String),
    /// The settings make no sense.
    #[error(transparent)]
    Config(#[from] TomlFileError),
    /// The server cannot start; says why.
    #[error("{0}")]
    CannotStart(String),
    /// A data file cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The server could not be set up.
    #[error(transparent)]
    SetUp(#[from] SetUpError),
    /// Reading failed.
    #[error("cannot read the data: {0}")]
    Read(#[from] rusqlite::Error),
    /// Reading or changing what is kept failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Writing the output failed.
    #[error("cannot write the output: {0}")]
    Write(std::io::Error),
}

impl CommandError {
    /// What the process tells whoever started it. 2 is also what a wrong flag ends with.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            // Whoever reads has seen enough: `find ... | head`.
            Self::Closed => 0,
            Self::Usage(_) | Self::Config(_) => 2,
            Self::Open(OpenError::NoData(_)) | Self::Backend(BackendError::Missing(_)) => 3,
            Self::CannotStart(_) | Self::SetUp(_) => 4,
            Self::Refused(_) | Self::Open(_) | Self::Read(_) | Self::Backend(_) | Self::Write(_) => 1,
        }
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Write(error)
        }
    }
}

/// A collection by its name, with the number of its documents.
fn collection(reader: &Reader, name: &str) -> Result<(i64, u64), CommandError> {
    let all = reader.collections()?;
    if let Some(found) = all.iter().find(|collection| collection.name == name) {
        return Ok((found.id, found.documents));
    }
    let names: Vec<_> = all.iter().map(|collection| collection.name.as_str()).collect();
    Err(CommandError::Refused(if names.is_empty() {
        format!("there is no collection '{name}'; nothing has arrived yet")
    } else {
        format!("there is no collection '{name}'; there are: {}", names.join(", "))
    }))
}
