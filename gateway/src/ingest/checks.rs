//! What documents must satisfy before the sink sees them, one by one. Pure.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use realm_ingest_protocol::schema::Kind;
use realm_ingest_protocol::{
    Checker, Class, Document, DocumentError, Limits, RefusalCode, Schema, Violation,
};

use super::IngestError;
use super::batch::Checked;
use super::conflicts::Conflict;
use super::described;
use super::id;
use super::permits::{self, Needs, Permits};
use super::refusals::Refusals;
use super::schemas::Schemas;
use super::transaction::Transaction;
use crate::definition::Definition;
use crate::memory::Budget;
use crate::state::KnownSchema;

/// Bytes that a schema takes in memory, ready for checking, for each of its JSON: a short property has 25 bytes there, and
/// takes 200.
const MEMORY_OF_JSON: usize = 8;

/// Checks transactions under their schemas, each of which is among `schemas`, and by what their user may insert. What is
/// refused is added to `refused`, in the order it was sent. What the checks need meanwhile comes out of `memory`.
///
/// # Errors
/// When there is no memory for that or for the refusals.
pub fn check(
    transactions: Vec<Transaction>,
    schemas: &Schemas,
    permits: &mut Permits<'_>,
    refused: &mut Refusals,
    memory: &mut Budget,
) -> Result<Vec<Checked>, IngestError> {
    let mut checked = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        let judge = schemas.get(&transaction.schema).ok_or_else(|| {
            IngestError::Internal(format!(
                "schema {} is neither known nor missing",
                transaction.schema
            ))
        })?;
        let skipped = one(&transaction, judge, permits, refused, memory)?;
        checked.push(Checked::new(transaction, skipped));
    }
    Ok(checked)
}

/// The indexes of documents that are not stored, in ascending order.
fn one(
    transaction: &Transaction,
    judge: &Judge,
    permits: &mut Permits<'_>,
    refused: &mut Refusals,
    memory: &mut Budget,
) -> Result<Vec<u32>, IngestError> {
    let mut skipped = Vec::new();
    let mut places = transaction.places();
    for run in &transaction.runs {
        let class = judge.of(&run.class);
        let permit = class.is_known().then(|| permits.of(&run.class));
        for place in places
            .by_ref()
            .take(usize::try_from(run.count).unwrap_or(usize::MAX))
        {
            let checked = class.check(place.document);
            let permitted =
                checked.and_then(|document| permit.map_or(Ok(()), |permit| permit.check(&document)));
            if let Err(violation) = permitted {
                skipped.push(place.index);
                refused.push(place.seq, place.index, violation)?;
            }
        }
    }
    let superseded = superseded(transaction, &skipped, memory)?;
    if !superseded.is_empty() {
        skipped.extend(superseded);
        skipped.sort_unstable();
    }
    Ok(skipped)
}

/// Of two documents with one `_id` in a transaction the later stands, as it would have on the device. Resolved here, so
/// that no sink can tell it from the transaction that had the later one alone.
fn superseded(
    transaction: &Transaction,
    refused: &[u32],
    memory: &mut Budget,
) -> Result<Vec<u32>, IngestError> {
    let count: u64 = transaction.runs.iter().map(|run| u64::from(run.count)).sum();
    if count < 2 {
        return Ok(Vec::new());
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let bytes = count.saturating_mul(size_of::<Hashed>());
    memory.try_grow(bytes)?;
    let mut all = Vec::with_capacity(count);
    let hasher = RandomState::new();
    let mut refused = refused.iter().copied().peekable();
    for place in transaction.places() {
        if refused.next_if_eq(&place.index).is_none()
            && let Some(key) = id::key(place.document)
        {
            let hash = [0, 1].map(|half| hasher.hash_one((half, place.class, &key)));
            all.push(Hashed {
                hash,
                index: place.index,
            });
        }
    }
    all.sort_unstable();
    let pairs = all.iter().zip(all.iter().skip(1));
    let superseded = pairs.filter(|(one, next)| one.hash == next.hash);
    let superseded = superseded.map(|(one, _)| one.index).collect();
    drop(all);
    memory.shrink(bytes);
    Ok(superseded)
}

/// A document of a transaction by class and `_id`: 128 bits under a secret key, which no two that differ have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Hashed {
    hash: [u64; 2],
    index: u32,
}

/// Bytes that a schema takes ready for checking, about, without what is in conflict of it.
#[must_use]
pub fn memory_of(schema: &Schema) -> usize {
    MEMORY_OF_JSON * schema.to_json().len()
}

/// A schema made ready for checking documents, with what is accepted of it.
pub struct Judge {
    checker: Checker,
    /// Classes whose documents are refused.
    conflicts: BTreeMap<String, Conflict>,
    /// What rules about its classes ask of the user.
    needs: Needs,
    memory: usize,
    /// The state knows that somebody writes under it.
    used: AtomicBool,
}

impl From<KnownSchema> for Judge {
    fn from(known: KnownSchema) -> Self {
        let conflicts = known.conflicts.into_iter();
        Self {
            memory: memory_of(&known.schema),
            checker: Checker::new(&known.schema),
            conflicts: conflicts
                .map(|(class, reason)| (class, Conflict::among_devices(reason)))
                .collect(),
            needs: Needs::default(),
            used: AtomicBool::new(known.used),
        }
    }
}

impl Judge {
    /// Under what an operator has defined. What he describes he describes alone, so that no device can come before others
    /// with a class that they contradict; in development mode devices describe the rest, and are compared with each other.
    #[must_use]
    pub fn under(mut known: KnownSchema, definition: &Definition) -> Self {
        // What was compared under another definition says nothing of classes that this one describes.
        let is_current = *known.compared() == described::compared(definition, &known.schema);
        let is_described = |class: &str| described::described(definition, class).is_some();
        let development = definition.sync.development_mode;
        known
            .conflicts
            .retain(|class, _| development && (is_current || !is_described(class)));
        if is_current {
            described::spread(&known.schema, &mut known.conflicts);
        }
        let contradictions = described::contradictions(definition, &known.schema);
        let needs = permits::needs(definition, &known.schema);
        let mut judge = Self::from(known);
        judge.needs = needs;
        for (class, conflict) in contradictions {
            judge.conflicts.entry(class).or_insert(conflict);
        }
        judge.memory += judge.conflicts.values().map(Conflict::memory).sum::<usize>();
        judge
    }

    /// The check of documents that were sent for the class of this name, which need not be there.
    #[must_use]
    pub fn of(&self, class: &str) -> OfClass<'_> {
        OfClass {
            checker: &self.checker,
            class: class_of(&self.checker, class),
            conflict: self.conflicts.get(class).map(|conflict| &*conflict.reason),
        }
    }

    /// Bytes that it takes, about.
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.memory
    }

    /// Why documents of some of its classes are refused, by class.
    #[must_use]
    pub const fn conflicts(&self) -> &BTreeMap<String, Conflict> {
        &self.conflicts
    }

    /// What rules about its classes ask of the user.
    #[must_use]
    pub const fn needs(&self) -> Needs {
        self.needs
    }

    /// Whether the state knows that somebody writes under it.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// The state knows it from now on.
    pub fn set_used(&self) {
        self.used.store(true, Ordering::Relaxed);
    }
}

/// The check of documents that were sent for one class of one schema.
pub struct OfClass<'a> {
    checker: &'a Checker,
    class: Result<&'a Class, Violation>,
    conflict: Option<&'a str>,
}

impl OfClass<'_> {
    /// Whether there is such a class.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.class.is_ok()
    }

    /// The document, if it is what its own schema says, and the class contradicts nothing accepted.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn check<'d>(&self, bytes: &'d [u8]) -> Result<Document<'d>, Violation> {
        let class = self.class.as_ref().map_err(Clone::clone)?;
        let document = document(class, self.checker, bytes)?;
        match self.conflict {
            None => Ok(document),
            Some(reason) => Err(Violation {
                code: RefusalCode::SchemaConflict,
                reason: reason.to_owned(),
            }),
        }
    }
}

fn class_of<'a>(checker: &'a Checker, name: &str) -> Result<&'a Class, Violation> {
    let reason = match checker.class(name) {
        Some(class) if class.kind == Kind::Asymmetric => return Ok(class),
        Some(_) => format!("class '{name}' is embedded and has no documents of its own"),
        None => format!("class '{name}' is not in the schema the transaction was written under"),
    };
    Err(Violation {
        code: RefusalCode::UnknownClass,
        reason,
    })
}

fn document<'d>(class: &Class, checker: &Checker, bytes: &'d [u8]) -> Result<Document<'d>, Violation> {
    let document = Document::validate(bytes, &Limits::default()).map_err(|error| {
        let code = match error {
            DocumentError::TooLarge { .. } => RefusalCode::DocumentTooLarge,
            _ => RefusalCode::InvalidDocument,
        };
        Violation {
            code,
            reason: error.to_string(),
        }
    })?;
    checker.check(&class.name, &document)?;
    if document.get("_id").is_none() {
        // The class may call its key optional, which allows null; without a key nothing tells one
        // document from another.
        let reason = format!("required property '{}._id' is missing", class.name);
        return Err(Violation {
            code: RefusalCode::MissingProperty,
            reason,
        });
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::ingest::Run;

    #[test]
    fn what_it_takes_to_find_the_later_of_two_is_accounted_for() {
        let text = r#"{"classes":[{"name":"A","kind":"asymmetric","primary_key":"_id",
            "properties":[{"name":"_id","type":"int"}]}]}"#;
        let judge = Judge::from(KnownSchema {
            schema: Schema::parse(text).unwrap(),
            used: true,
            ..KnownSchema::default()
        });
        let schemas = Schemas::from([("fingerprint".into(), Arc::new(judge))]);
        let ids = (0..1_000_i32).chain([500]);
        let documents = ids.flat_map(|id| bson::doc! {"_id": id}.to_vec().unwrap());
        let transaction = Transaction {
            seq: 1,
            schema: "fingerprint".into(),
            runs: vec![Run {
                class: "A".into(),
                count: 1_001,
            }],
            payload: documents.collect(),
        };
        let checked = |bytes: usize| {
            let all = Arc::new(Semaphore::new(bytes));
            let mut memory = Budget::new(Arc::clone(&all));
            let mut refused = Refusals::new(Budget::new(Arc::new(Semaphore::new(0))));
            let (definition, user) = (Definition::development(None), serde_json::Value::Null);
            let mut permits = Permits::new(&definition, &user);
            let transactions = vec![transaction.clone()];
            let checked = check(transactions, &schemas, &mut permits, &mut refused, &mut memory);
            assert_eq!(all.available_permits(), bytes, "it is given back");
            checked
        };
        assert!(matches!(checked(10_000), Err(IngestError::NoMemory(_))));
        let checked = checked(100_000).unwrap();
        let stored: Vec<_> = checked[0].documents().map(|place| place.index).collect();
        assert_eq!(stored.len(), 1_000);
        assert!(!stored.contains(&500) && stored.contains(&1_000));
    }
}
