#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod adopted;
mod client;
mod edits;
mod form;
mod hostile;
mod random;

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::super::changeset::encode::Encoder;
use super::super::changeset::{Instruction, Key, PathElement, Payload, Place, Value};
use super::*;
use crate::device_sync::vectors;

const LIMITS: Limits = Limits {
    documents: 1_000_000,
    bytes: 64 * 1024 * 1024,
};

fn budget() -> Budget {
    Budget::new(Arc::new(Semaphore::new(512 * 1024 * 1024)))
}

/// The documents of a changeset, each with its class.
fn built(changeset: &[u8], registry: &mut Registry) -> Result<Vec<(String, ::bson::Document)>, BuildError> {
    let mut budget = budget();
    let built = documents(changeset, registry, LIMITS, &mut budget)?;
    assert!(
        built.payload.capacity() <= budget.held(),
        "what is held is accounted for"
    );
    let classes = built
        .runs
        .iter()
        .flat_map(|run| (0..run.count).map(|_| run.class.to_string()));
    let mut rest = built.payload.as_slice();
    let all: Vec<_> = classes
        .map(|class| {
            let (document, behind) = realm_ingest_protocol::document::split(rest).unwrap();
            rest = behind;
            (class, ::bson::Document::from_reader(document).unwrap())
        })
        .collect();
    assert!(rest.is_empty());
    assert_eq!(all.len(), usize::try_from(built.documents).unwrap());
    Ok(all)
}

/// What was said of the classes of a vector.
fn registry_of(name: &str) -> Registry {
    let mut registry = Registry::default();
    let built = documents(
        &vectors::named(name).changeset(),
        &mut registry,
        LIMITS,
        &mut budget(),
    )
    .unwrap();
    assert!(built.changed && built.runs.is_empty() && built.payload.is_empty());
    registry
}

const ID: Key<'static> = Key::ObjectId([7; 12]);

/// An object of the class that has every kind of property, and what is done with it.
struct Object(Encoder);

impl Object {
    fn new() -> Self {
        let mut encoder = Encoder::default();
        encoder.push(Instruction::CreateObject {
            class: "Reading",
            key: ID,
        });
        Self(encoder)
    }

    fn push(mut self, instruction: Instruction<'_, '_>) -> Self {
        self.0.push(instruction);
        self
    }

    fn update(self, field: &str, path: &[PathElement<'_>], payload: Payload<'_>) -> Self {
        let place = place(field, path);
        self.push(Instruction::Update { place, payload })
    }

    fn insert(self, field: &str, path: &[PathElement<'_>], payload: Payload<'_>) -> Self {
        let place = place(field, path);
        self.push(Instruction::ArrayInsert { place, payload })
    }

    fn document(self) -> Result<::bson::Document, BuildError> {
        let mut all = built(&self.0.finish(), &mut registry_of("every kind: schema"))?;
        assert_eq!(all.len(), 1);
        Ok(all.remove(0).1)
    }

    fn misfit(self) -> Option<Misfit> {
        match self.document() {
            Err(BuildError::Instruction { what, .. }) => Some(what),
            _ => None,
        }
    }
}

fn place<'a, 'r>(field: &'a str, path: &'r [PathElement<'a>]) -> Place<'a, 'r> {
    Place {
        class: "Reading",
        key: ID,
        field,
        path,
    }
}

const fn int(value: i64) -> Payload<'static> {
    Payload::Value(Value::Int(value))
}

const NULL: Payload<'static> = Payload::Value(Value::Null);
