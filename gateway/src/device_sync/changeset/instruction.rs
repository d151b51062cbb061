//! The instructions of realm-core 14.

use serde::{Deserialize, Serialize};

use super::Fault;
use super::integer::Input;
use super::value::{Key, KeyType, Payload, code};

/// One instruction. Text lies in the changeset, the path in the reader.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instruction<'a, 'r> {
    /// A class comes.
    AddTable {
        /// Its name.
        class: &'a str,
        /// What it is.
        table: Table<'a>,
    },
    /// A class goes.
    EraseTable {
        /// Its name.
        class: &'a str,
    },
    /// A property comes.
    AddColumn {
        /// Of this class.
        class: &'a str,
        /// Its name.
        field: &'a str,
        /// What it is.
        column: Column<'a>,
    },
    /// A property goes.
    EraseColumn {
        /// Of this class.
        class: &'a str,
        /// Its name.
        field: &'a str,
    },
    /// An object comes.
    CreateObject {
        /// Of this class.
        class: &'a str,
        /// Which one.
        key: Key<'a>,
    },
    /// An object goes.
    EraseObject {
        /// Of this class.
        class: &'a str,
        /// Which one.
        key: Key<'a>,
    },
    /// Sets a property, an element or an entry.
    Update {
        /// Where.
        place: Place<'a, 'r>,
        /// To what.
        payload: Payload<'a>,
    },
    /// Adds to an integer.
    AddInteger {
        /// Where.
        place: Place<'a, 'r>,
        /// How much.
        by: i64,
    },
    /// Puts an element into a list; the last element of the path is its index.
    ArrayInsert {
        /// Where.
        place: Place<'a, 'r>,
        /// What.
        payload: Payload<'a>,
    },
    /// Moves an element of a list; the last element of the path is its index.
    ArrayMove {
        /// Where.
        place: Place<'a, 'r>,
        /// The index it has afterwards.
        to: usize,
    },
    /// Takes an element out of a list; the last element of the path is its index.
    ArrayErase {
        /// Where.
        place: Place<'a, 'r>,
    },
    /// Empties a container.
    Clear {
        /// Where.
        place: Place<'a, 'r>,
        /// What it is; cores before 14.6 do not say.
        container: Option<Container>,
    },
    /// Puts a value into a set.
    SetInsert {
        /// The set.
        place: Place<'a, 'r>,
        /// What.
        payload: Payload<'a>,
    },
    /// Takes a value out of a set.
    SetErase {
        /// The set.
        place: Place<'a, 'r>,
        /// What.
        payload: Payload<'a>,
    },
}

/// Where in an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place<'a, 'r> {
    /// Class of the object.
    pub class: &'a str,
    /// Which object.
    pub key: Key<'a>,
    /// Its property.
    pub field: &'a str,
    /// The way from there.
    pub path: &'r [PathElement<'a>],
}

/// One step inside a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathElement<'a> {
    /// An element of a list.
    Index(usize),
    /// A property of an embedded object, or an entry of a dictionary.
    Name(&'a str),
}

/// What a class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table<'a> {
    /// Regular: its objects stay on the device. They have a primary key in every synchronized file.
    Regular(Option<KeyColumn<'a>>),
    /// Its objects are part of others.
    Embedded,
    /// Its objects leave the device.
    Asymmetric(Option<KeyColumn<'a>>),
}

/// A primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyColumn<'a> {
    /// Name of the property.
    pub name: &'a str,
    /// Its type.
    pub kind: KeyType,
    /// Whether it may be null.
    pub nullable: bool,
}

/// What a property is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// Type of the value, or of the elements.
    pub kind: ColumnType,
    /// Whether the value, or an element, may be null.
    pub nullable: bool,
    /// Set where it holds many values.
    pub container: Option<Container>,
    /// Class of what it links to, or holds embedded.
    pub target: Option<&'a str>,
}

/// Type of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the types are Realm's own under Realm's own names")]
pub enum ColumnType {
    Mixed,
    Int,
    Bool,
    String,
    Binary,
    Timestamp,
    Float,
    Double,
    Decimal,
    /// To an object of a regular class, or an embedded object: the class tells which.
    Link,
    ObjectId,
    Uuid,
}

/// What holds many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(
    missing_docs,
    reason = "the containers are Realm's own under Realm's own names"
)]
pub enum Container {
    List,
    Dictionary,
    Set,
}

impl Container {
    /// None for a single value.
    pub(super) fn read(input: &mut Input<'_>) -> Result<Option<Self>, Fault> {
        Ok(match input.int()? {
            0 => None,
            1 => Some(Self::List),
            2 => Some(Self::Dictionary),
            3 => Some(Self::Set),
            other => return Err(Fault::UnknownType(other)),
        })
    }
}

impl ColumnType {
    pub(super) fn read(input: &mut Input<'_>) -> Result<Self, Fault> {
        Ok(match input.int()? {
            code::MIXED => Self::Mixed,
            code::INT => Self::Int,
            code::BOOL => Self::Bool,
            code::STRING => Self::String,
            code::BINARY => Self::Binary,
            code::TIMESTAMP => Self::Timestamp,
            code::FLOAT => Self::Float,
            code::DOUBLE => Self::Double,
            code::DECIMAL => Self::Decimal,
            code::LINK => Self::Link,
            code::OBJECT_ID => Self::ObjectId,
            code::UUID => Self::Uuid,
            other => return Err(Fault::UnknownType(other)),
        })
    }
}
