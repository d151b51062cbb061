//! Why transactions are not taken.

use crate::backend::BackendError;
use crate::memory::NoMemory;
use crate::sink::Full;
use crate::work::WorkError;

/// Why transactions were not taken. Nothing of them can be relied on to be stored; sending them again is safe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// These schemas must be sent first.
    #[error("the batch names schemas this gateway has not seen; send them first")]
    SchemaRequired(Vec<String>),
    /// The schemas that the batch names take more memory than one batch may have for them.
    #[error("the schemas of the batch are too large together; send fewer transactions at once")]
    SchemasTooLarge,
    /// The user has sent too many schemas, or all users together have.
    #[error("too many schemas were sent; ask the operator to look at 'schemas list'")]
    TooManySchemas,
    /// There is no room for what is refused of the batch.
    #[error("{0}, so this batch has to wait; ask the operator to look at 'dead-letters'")]
    TooManyDeadLetters(Full),
    /// Another file has sent transactions with these numbers under the outbox's name.
    #[error(
        "another file has sent transactions under the name of this outbox: \
         it is a copy or was turned back, and needs a name of its own"
    )]
    Copied,
    /// Something that was sent before has not arrived.
    #[error("something that was sent before this batch has not arrived; go on from transaction {position}")]
    Hole {
        /// Everything up to here is settled.
        position: i64,
    },
    /// Too much memory is in use.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
    /// The state or the sink does not answer.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// It was not checked.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A defect of the gateway.
    #[error("{0}")]
    Internal(String),
}
