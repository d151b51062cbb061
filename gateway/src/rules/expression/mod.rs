//! Expressions of App Services rules: the part of the language that inserting needs. What is not in it is a finding, and
//! nobody passes a role that has one; nothing is guessed.
//!
//! ```text
//! {"%%user.custom_data.team": {"$in": ["red", "blue"]}, "owner": "%%user.id"}
//!  ^ a fact                    ^ a test                  ^ a field of the document
//! ```

mod reader;

pub use reader::{MAX_LIST, Reader};

use super::facts::Fact;
use crate::comparison::Constants;

/// An expression. What depends on the user alone is decided once, see [`super::condition`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// True or false.
    Literal(bool),
    /// True if all are.
    All(Vec<Self>),
    /// True if one is.
    Any(Vec<Self>),
    /// True if it is not.
    Not(Box<Self>),
    /// True if the subject passes.
    Test(Subject, Test),
}

/// What is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A field of the document.
    Field(FieldPath),
    /// Something known before any document is.
    Fact(Fact),
    /// `%%true` or `%%false`.
    Literal(bool),
}

/// Name of a field, and of those inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(pub Vec<String>);

/// How it is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// Against one value.
    Compare(Comparison, Operand),
    /// Whether it is one of these; or, negated, none.
    In {
        /// A list.
        list: Operand,
        /// `$nin`.
        negated: bool,
    },
    /// Whether it has a value other than null, or has not. Realm reads absent and null as the same.
    Exists(bool),
}

/// `$eq` and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are MongoDB's")]
pub enum Comparison {
    Eq,
    Ne,
    Gt,
    Gte,
    Lt,
    Lte,
}

/// What it is tested against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// As it stands in the rule.
    Constants(Constants),
    /// Of the user, the values or the environment.
    Fact(Fact),
    /// Of another type.
    Converted(Conversion, Box<Self>),
}

/// Between texts and identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of App Services")]
pub enum Conversion {
    StringToOid,
    OidToString,
    StringToUuid,
    UuidToString,
}

/// Where an expression stands, which decides what it may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where a role is chosen, before there is a document.
    Choice,
    /// Where a document is judged.
    Document,
}
