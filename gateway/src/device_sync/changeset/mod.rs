//! A changeset: what one write transaction did to a client file, as instructions.
//!
//! The encoding is that of realm-core 14: a sequence of items, each with an integer code in front. Most are instructions;
//! code 63 gives a number to a string that instructions after it name. [`Reader`] reads them where they lie. Input is taken to be
//! hostile: whatever the bytes, the answer is instructions or an error, and what is held is bounded by what was sent.

#[cfg(test)]
pub(crate) mod encode;
mod instruction;
mod integer;
mod reader;
mod value;

pub use instruction::{Column, ColumnType, Container, Instruction, KeyColumn, PathElement, Place, Table};
pub use reader::Reader;
pub use value::{Key, KeyType, Payload, Value};

/// Elements that a path may have: documents are not nested deeper than this anywhere behind the door.
pub const MAX_PATH: usize = realm_ingest_protocol::MAX_DEPTH;

/// Bytes that are not a changeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the changeset cannot be read at byte {at}: {fault}")]
pub struct ChangesetError {
    /// How many bytes were read before.
    pub at: usize,
    /// What is wrong with those that follow.
    pub fault: Fault,
}

/// What can be wrong with an item of a changeset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end before the item does.
    #[error("it is cut off")]
    CutOff,
    /// An integer that is longer than its kind can be, or outside of its range.
    #[error("an integer is out of range")]
    Integer,
    /// Text that is not UTF-8.
    #[error("a string is not valid UTF-8")]
    Text,
    /// The number of a string that was not given one.
    #[error("it names a string that is not there")]
    UnknownString,
    /// A string with a number out of order.
    #[error("a string has a number out of order")]
    StringOrder,
    /// More numbered strings than a changeset may have.
    #[error("it has too many strings")]
    TooManyStrings,
    /// An item that realm-core 14 does not have.
    #[error("there is no instruction of code {0}")]
    UnknownInstruction(i64),
    /// A type of value that does not exist, or not in this place.
    #[error("type {0} is not allowed here")]
    UnknownType(i64),
    /// A path with too many elements.
    #[error("a path has more than {MAX_PATH} elements")]
    PathTooLong,
    /// A path that names a property or an entry where it must name an element of a list.
    #[error("a path does not end in an index")]
    NoIndex,
}
