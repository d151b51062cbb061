//! What the state and the sinks have in common: how they answer and how they fail.

use std::pin::Pin;

use crate::memory::NoMemory;

/// An answer that may take as long as a disk or a database does.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// Why something could not be stored or read. Nothing that was asked for can be relied on; asking again is safe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// SQLite refused: a full disk, a read-only file, a damaged one.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What is stored cannot be understood.
    #[error("{0}")]
    Damaged(String),
    /// Nothing has been stored yet where it is looked for; says what to do.
    #[error("{0}")]
    Missing(String),
    /// The backend does not answer at present; says what it said.
    #[error("{0}")]
    Unavailable(String),
    /// Too much memory is in use.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
    /// The thread that writes has ended.
    #[error("the store is closed")]
    Closed,
}
