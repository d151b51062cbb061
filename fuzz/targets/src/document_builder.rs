//! A changeset becomes documents that are well-formed, within the memory and the limits it was given, and the same ones when it
//! comes again.

use std::sync::Arc;

use realm_ingest_gateway::device_sync::builder::{BuildError, Built, Limits, documents};
use realm_ingest_gateway::device_sync::registry::Registry;
use realm_ingest_gateway::memory::Budget;
use realm_ingest_protocol::schema::PrimaryKey;
use realm_ingest_protocol::{Class, Document, DocumentError, Documents, Kind, Property, PropertyType};
use tokio::sync::Semaphore;

/// Memory for one changeset here: little, so that running out is met as well.
const POOL: usize = 4 * 1024 * 1024;

const LIMITS: Limits = Limits {
    documents: 1_000,
    bytes: 1024 * 1024,
};

/// What is held of classes for each byte that speaks of them, and of lists that grow before they are accounted for.
const HELD_PER_BYTE: u64 = 256;
const SMALL: u64 = 256 * 1024;

/// Two bytes say how long the changeset is that says what the classes are; the other one follows.
pub(crate) fn run(data: &[u8]) {
    let Some((length, rest)) = data.split_first_chunk() else {
        return;
    };
    let (schema, changeset) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
    let mut registry = Registry::default();
    let _ = build(schema, &mut registry);
    for _ in 0..4 {
        let mut first = registry.clone();
        match build(changeset, &mut first) {
            Ok(built) => {
                check(&built);
                let again = build(changeset, &mut registry).unwrap();
                assert_eq!((&again.payload, &again.runs), (&built.payload, &built.runs));
                assert_eq!(registry, first);
                assert_eq!(again.changed, built.changed);
                return;
            }
            Err(BuildError::UnknownClasses(names)) => {
                assert_eq!(first, registry, "nothing has changed");
                assert!(!names.is_empty());
                for (name, number) in names.iter().zip(0..) {
                    if registry.define(&class(name, number)).is_err() {
                        return;
                    }
                }
            }
            Err(_) => {
                assert_eq!(first, registry, "nothing has changed");
                return;
            }
        }
    }
}

fn build(changeset: &[u8], registry: &mut Registry) -> Result<Built, BuildError> {
    let all = Arc::new(Semaphore::new(POOL));
    let mut budget = Budget::new(Arc::clone(&all));
    let mut result = None;
    let held = crate::most_held(|| result = Some(documents(changeset, registry, LIMITS, &mut budget)));
    let most = 2 * POOL as u64 + SMALL + changeset.len() as u64 * HELD_PER_BYTE;
    assert!(held <= most, "{held} bytes held");
    let result = result.unwrap();
    match &result {
        Ok(built) => assert!(
            built.payload.capacity() <= budget.held(),
            "what is held is accounted for"
        ),
        Err(_) => assert_eq!(budget.held(), 0),
    }
    drop(budget);
    assert_eq!(all.available_permits(), POOL);
    result
}

fn check(built: &Built) {
    assert!(built.documents <= LIMITS.documents && built.payload.len() <= LIMITS.bytes);
    assert_eq!(
        built.runs.iter().map(|run| run.count).sum::<u32>(),
        built.documents
    );
    assert!(built.runs.windows(2).all(|pair| pair[0].class != pair[1].class));
    let mut count = 0;
    for document in Documents::new(&built.payload) {
        count += 1;
        match Document::validate(document, &realm_ingest_protocol::Limits::default()) {
            Ok(document) => {
                let mut keys: Vec<_> = document.fields().map(|field| field.key).collect();
                let all = keys.len();
                keys.sort_unstable();
                keys.dedup();
                assert_eq!(keys.len(), all, "no field is there twice");
            }
            Err(DocumentError::TooDeep(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(count, built.documents);
}

/// Somebody says what a class is.
fn class(name: &str, number: u32) -> Class {
    let property = |name: &str, kind| Property {
        name: name.to_owned(),
        kind,
        optional: false,
        collection: None,
        object: None,
        guessed: number % 2 == 1,
    };
    let is_embedded = number % 3 == 2;
    let key = (!is_embedded).then(|| property("_id", PropertyType::ObjectId));
    Class {
        name: name.to_owned(),
        kind: if is_embedded {
            Kind::Embedded
        } else {
            Kind::Asymmetric
        },
        primary_key: key
            .as_ref()
            .map_or(PrimaryKey::None, |key| PrimaryKey::One(key.name.clone())),
        properties: key
            .into_iter()
            .chain([property("n", PropertyType::Int)])
            .collect(),
    }
}
