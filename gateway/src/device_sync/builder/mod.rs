//! Instructions become documents: what an application wrote, as the C++ headers of this project would have sent it.
//!
//! ```text
//! changeset -> Reader -> tree of one object -> BSON -> payload of a transaction
//! ```
//!
//! There is one form of a document, whatever door it came through: its `_id` first, then the properties of its class in their
//! order; what was not said of them is there as what it is without: null, nothing, zero, `[]` or `{}`. An embedded object that is null
//! is left out. Sets and dictionaries are sorted. What the class does not have follows, in the order it appeared.
//!
//! Clients write one object after the other, so the tree is that of the last one, and its document is made when the next one
//! comes. A changeset that goes back to an object is read again from the beginning, with all of its objects kept until its end.

mod apply;
mod bson;
mod decimal;
mod identity;
mod layout;
mod list;
mod meter;
mod order;
mod pass;
mod plan;
mod tree;
mod unknown;

#[cfg(test)]
mod tests;

use crate::ingest::Run;
use crate::memory::{Budget, NoMemory};

use super::changeset::ChangesetError;
use super::registry::{Registry, RegistryError};
use pass::{Mode, Pass};
pub(super) use plan::Plan;

/// Instructions about classes that one changeset may have: a hundred for each class there can be.
const MAX_SCHEMA_INSTRUCTIONS: usize = 100_000;

/// Elements of one list: no document of the largest size holds as many.
const MAX_ELEMENTS: usize = realm_ingest_protocol::MAX_DOCUMENT_BYTES / 8;

/// Names that documents of one changeset may have beside the properties of one class.
const MAX_UNKNOWN_PROPERTIES: usize = realm_ingest_protocol::schema::MAX_PROPERTIES;

/// Bytes that the key of a link in a set may have: each time one is looked for, it is compared with others.
const MAX_KEY_IN_SET: usize = 1024;

/// How much may become of one changeset.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Documents.
    pub documents: u32,
    /// Bytes of documents.
    pub bytes: usize,
}

/// The documents of a changeset.
#[derive(Debug)]
pub struct Built {
    /// What the documents belong to, in their order.
    pub runs: Vec<Run>,
    /// The documents back to back, in the order they were created.
    pub payload: Vec<u8>,
    /// How many.
    pub documents: u32,
    /// Whether the registry has changed.
    pub changed: bool,
    /// Instructions for objects that were not created in this changeset, which Data Ingest has no use for.
    pub skipped: u64,
    /// Classes with properties that their objects have and the registry does not know. It can be told, and the changeset be tried again.
    pub incomplete: Vec<(String, String)>,
}

/// Why a changeset does not become documents.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// It cannot be read.
    #[error(transparent)]
    Changeset(#[from] ChangesetError),
    /// An instruction that cannot be carried out.
    #[error("property '{class}.{property}': {what}")]
    Instruction {
        /// Class of the object.
        class: String,
        /// Property it is about.
        property: String,
        /// What is wrong.
        what: Misfit,
    },
    /// An object that cannot be created.
    #[error("class '{class}': {what}")]
    Object {
        /// Its class.
        class: String,
        /// What is wrong.
        what: Misfit,
    },
    /// A dictionary with a key that a document cannot have.
    #[error("the key of a dictionary has a NUL character")]
    Key,
    /// What it says of classes cannot be.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What it says of classes is no schema.
    #[error("{0}")]
    Schema(String),
    /// It has objects of classes, or holds classes, of which is not known what they are. Once [`Registry::define`] was told, it can
    /// be tried again.
    #[error("it is not known what these classes are: {}", .0.join(", "))]
    UnknownClasses(Vec<String>),
    /// More instructions about classes than one changeset may have.
    #[error("the changeset has more than {MAX_SCHEMA_INSTRUCTIONS} instructions about classes")]
    TooManySchemaInstructions,
    /// More documents than allowed.
    #[error("the transaction has more than {0} documents")]
    TooManyDocuments(u32),
    /// More bytes than allowed.
    #[error("the documents of the transaction have more than {0} bytes")]
    TooLarge(usize),
    /// Too much memory is in use.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
}

/// What can be wrong with an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// The path leads into a value that holds no others, or another kind of container.
    #[error("the path leads into something that is not there")]
    Path,
    /// An index behind the end of a list.
    #[error("an index is behind the end of the list")]
    Index,
    /// A value that cannot be there.
    #[error("such a value cannot be there")]
    Value,
    /// A name that is longer than Realm allows, or that a document cannot have.
    #[error("a name is too long or has a NUL character")]
    Name,
    /// Objects of this class are part of others.
    #[error("an embedded object cannot be created by itself")]
    Embedded,
    /// An object without a primary key.
    #[error("an object has no primary key")]
    NoKey,
    /// More elements than any document holds.
    #[error("a list has more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    /// More names than the class can have.
    #[error("objects have more than {MAX_UNKNOWN_PROPERTIES} properties that their class does not have")]
    TooManyProperties,
}

/// Makes the documents of a changeset. What it says of classes goes into `registry`, which is as it was when there is an error.
/// `budget` accounts for the documents; what it takes to make them comes out of the same memory meanwhile. Blocks.
///
/// # Errors
/// When it cannot be read or carried out, needs classes that are not known, or is too large.
pub fn documents(
    changeset: &[u8],
    registry: &mut Registry,
    limits: Limits,
    budget: &mut Budget,
) -> Result<Built, BuildError> {
    let (built, grown) = documents_under(changeset, registry, limits, budget)?;
    if let Some(grown) = grown {
        *registry = grown;
    }
    Ok(built)
}

/// The same under a registry that others have as well. The answer is what it becomes, if it changes.
///
/// # Errors
/// As [`documents`].
pub fn documents_under(
    changeset: &[u8],
    registry: &Registry,
    limits: Limits,
    budget: &mut Budget,
) -> Result<(Built, Option<Registry>), BuildError> {
    for mode in [Mode::Streaming, Mode::Whole] {
        if let Some(built) = Pass::new(changeset, registry, mode, limits, budget).run()? {
            return Ok(built);
        }
    }
    // The second way needs no other.
    Err(BuildError::TooLarge(limits.bytes))
}
