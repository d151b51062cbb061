#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod guessed;
mod said;
mod taken;
mod written;

use std::collections::BTreeSet;
use std::sync::Arc;

use realm_ingest_protocol::schema::{MAX_CLASS_NAME, conflicts};
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use self::written::Written;
use super::super::builder::{self, BuildError, Limits};
use super::super::changeset::encode::Encoder;
use super::super::changeset::{Container, Instruction, Key, PathElement, Payload, Place, Value};
use super::sources::made_up;
use super::*;
use crate::collection_schema::CollectionSchema;
use crate::definition::{Collection, DataSource};
use crate::ingest::described;
use crate::memory::Budget;

const INT: Payload<'_> = Payload::Value(Value::Int(1));
const TEXT: Payload<'_> = Payload::Value(Value::String("a"));
const DOUBLE: Payload<'_> = Payload::Value(Value::Double(0.5));
const NULL: Payload<'_> = Payload::Value(Value::Null);

/// An application that describes these classes, by their schemas.
fn application(schemas: &[Json], development: bool) -> Definition {
    let mut definition = Definition::development(None);
    definition.sync.development_mode = development;
    let source = definition.synced().unwrap().clone();
    let collections = schemas.iter().map(|json| {
        let mut findings = Vec::new();
        let schema = CollectionSchema::parse(json, &mut findings).unwrap();
        assert_eq!(findings, []);
        let title = schema.title().unwrap().to_owned();
        definition.sync.classes.insert(title.clone());
        Collection {
            database: "app".to_owned(),
            name: title.clone(),
            class: Some(title),
            schema: Some(schema),
            rules: source.default_rules.clone(),
            relationships: BTreeMap::new(),
            time_series: None,
        }
    });
    let name = source.name.clone();
    let source = DataSource::new(name.clone(), source.default_rules.clone(), collections.collect());
    definition.data_sources.insert(name, source);
    definition
}

/// What devices have accepted.
fn others(schema: &Json) -> BTreeMap<String, Schema> {
    let schema = Schema::parse(&schema.to_string()).unwrap();
    let names = schema.classes.iter().map(|class| class.name.clone());
    names.map(|name| (name, schema.clone())).collect()
}

struct Told {
    schema: Schema,
    regular: Vec<String>,
}

fn tell(
    written: Written,
    wanted: &[&str],
    registry: &Registry,
    definition: &Definition,
    accepted: &BTreeMap<String, Schema>,
) -> Told {
    let wanted: Vec<_> = wanted.iter().map(|name| (*name).to_owned()).collect();
    let elsewhere = Elsewhere { definition, accepted };
    let found = found(&written.0.finish(), &wanted, registry, &elsewhere).unwrap();
    let mut told = Told {
        schema: Schema::default(),
        regular: Vec::new(),
    };
    for class in found {
        match class {
            Found::Class { class, .. } => told.schema.classes.push(class),
            Found::Regular(class, _) => told.regular.push(class),
        }
    }
    told.schema.classes.sort_by(|a, b| a.name.cmp(&b.name));
    told.schema.validate().unwrap();
    told.schema.check_limits().unwrap();
    told
}

/// What is told without anybody else who knows something.
fn guessed(written: Written, wanted: &[&str]) -> Told {
    let nobody = Definition::development(None);
    tell(written, wanted, &Registry::default(), &nobody, &BTreeMap::new())
}

/// Each property of a class with its type.
fn shown(schema: &Schema, class: &str) -> Vec<String> {
    let class = schema.class(class).unwrap();
    let properties = class.properties.iter().map(|property| {
        let optional = if property.optional { "?" } else { "" };
        format!("{}: {}{optional}", property.name, property.type_text())
    });
    properties.collect()
}

fn lacking(built: builder::Built) -> Vec<String> {
    built.incomplete.into_iter().map(|(class, _)| class).collect()
}

/// Makes documents as the door does: what is not known of classes is asked for.
fn documents(changeset: &[u8], registry: &mut Registry, elsewhere: &Elsewhere<'_>) -> Vec<(String, Vec<u8>)> {
    let limits = Limits {
        documents: 100,
        bytes: 1 << 20,
    };
    let build = |registry: &mut Registry| {
        let mut budget = Budget::new(Arc::new(Semaphore::new(1 << 24)));
        builder::documents(changeset, registry, limits, &mut budget)
    };
    let wanted = match build(registry) {
        Err(BuildError::UnknownClasses(classes)) => classes,
        built => [outgrown(changeset, registry), lacking(built.unwrap())].concat(),
    };
    if !wanted.is_empty() {
        define(changeset, &wanted, registry, elsewhere).unwrap();
        assert_eq!(outgrown(changeset, registry), [""; 0]);
    }
    let built = build(registry).unwrap();
    assert!(built.incomplete.is_empty());
    let (mut all, mut payload) = (Vec::new(), &*built.payload);
    for run in built.runs {
        for _ in 0..run.count {
            let length = u32::from_le_bytes(payload[..4].try_into().unwrap());
            let (document, rest) = payload.split_at(usize::try_from(length).unwrap());
            all.push((run.class.to_string(), document.to_vec()));
            payload = rest;
        }
    }
    all
}
