//! Changesets as realm-core 14 made them, with what they say and what documents they become.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use serde_json::Value;

/// One changeset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vector {
    pub(super) name: String,
    /// Name of the one that says what its classes are.
    pub(super) schema: Option<String>,
    hex: String,
    /// One line for each instruction.
    pub(super) instructions: Vec<String>,
    #[serde(default)]
    pub(super) documents: Vec<Document>,
}

/// A document that becomes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) class: String,
    document: Value,
}

impl Vector {
    pub(super) fn changeset(&self) -> Vec<u8> {
        unhexed(&self.hex)
    }
}

pub(super) fn unhexed(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

impl Document {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let document: bson::Document = bson::Bson::try_from(self.document.clone())
            .unwrap()
            .as_document()
            .unwrap()
            .clone();
        document.to_vec().unwrap()
    }
}

pub(super) fn all() -> Vec<Vector> {
    let text = include_str!("../../tests/data/device_sync/vectors.json");
    serde_json::from_str(text).unwrap()
}

pub(super) fn named(name: &str) -> Vector {
    all().into_iter().find(|vector| vector.name == name).unwrap()
}
