//! A property, as a client file has it.

use serde::{Deserialize, Serialize};

use super::super::changeset::{Column, ColumnType, Container};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Property {
    pub(in super::super) name: String,
    #[serde(rename = "type")]
    pub(in super::super) kind: ColumnType,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(in super::super) nullable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) container: Option<Container>,
    /// Class of what it links to, or holds embedded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) target: Option<String>,
    /// The client has not said so, nor has anybody else.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(in super::super) guessed: bool,
}

impl Property {
    pub(super) fn new(name: &str, column: Column<'_>) -> Self {
        Self {
            name: name.to_owned(),
            kind: column.kind,
            nullable: column.nullable,
            container: column.container,
            target: column.target.map(ToOwned::to_owned),
            guessed: false,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) const fn is_false(value: &bool) -> bool {
    !*value
}
