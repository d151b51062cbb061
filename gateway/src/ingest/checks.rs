//! What documents must satisfy before the sink sees them, one by one. Pure.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use realm_ingest_protocol::batch::Documents;
use realm_ingest_protocol::schema::Kind;
use realm_ingest_protocol::{
    Checker, Class, Document, DocumentError, Limits, RefusalCode, Schema, Violation,
};

use super::IngestError;
use super::batch::Checked;
use super::conflicts::Conflict;
use super::described;
use super::id;
use super::permits::{self, Needs, Permit, Permits};
use super::refusals::Refusals;
use super::schemas::Schemas;
use super::transaction::{Form, Transaction};
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
    let mut transactions = transactions.into_iter();
    let mut next = transactions.next();
    while let Some(form) = next.as_ref().map(|first| Arc::clone(&first.form)) {
        let mut memory_of_runs = memory.another();
        memory_of_runs.try_grow(form.runs.len() * size_of::<OfRun<'_, '_>>())?;
        let runs = of_runs(&form, schemas, permits)?;
        while let Some(transaction) = next.take_if(|next| Arc::ptr_eq(&next.form, &form)) {
            let skipped = one(&transaction, &runs, refused, memory)?;
            checked.push(Checked::new(transaction, skipped));
            next = transactions.next();
        }
    }
    Ok(checked)
}

/// What the documents of a run have to pass.
struct OfRun<'s, 'p> {
    class: OfClass<'s>,
    permit: Option<Rc<Permit<'p>>>,
    count: usize,
}

/// The same for each run of a form.
fn of_runs<'s, 'p>(
    form: &'s Form,
    schemas: &'s Schemas,
    permits: &mut Permits<'p>,
) -> Result<Vec<OfRun<'s, 'p>>, IngestError> {
    let judge = schemas.get(&form.schema).ok_or_else(|| {
        IngestError::Internal(format!("schema {} is neither known nor missing", form.schema))
    })?;
    let runs = form.runs.iter().map(|run| {
        let class = judge.of(&run.class);
        OfRun {
            permit: class.is_known().then(|| permits.of(&run.class)),
            class,
            count: usize::try_from(run.count).unwrap_or(usize::MAX),
        }
    });
    Ok(runs.collect())
}

/// The indexes of documents that are not stored, in ascending order.
fn one(
    transaction: &Transaction,
    runs: &[OfRun<'_, '_>],
    refused: &mut Refusals,
    memory: &mut Budget,
) -> Result<Vec<u32>, IngestError> {
    let mut skipped = Vec::new();
    let mut documents = Documents::new(&transaction.payload).zip(0..);
    for run in runs {
        for (document, index) in documents.by_ref().take(run.count) {
            let permit = run.permit.as_ref();
            let checked = run.class.check(document);
            let permitted =
                checked.and_then(|document| permit.map_or(Ok(()), |permit| permit.check(&document)));
            if let Err(violation) = permitted {
                skipped.push(index);
                refused.push(transaction.seq, index, violation)?;
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
    let count = transaction.form.documents();
    if count < 2 {
        return Ok(Vec::new());
    }
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
    pub fn of<'a>(&'a self, class: &'a str) -> OfClass<'a> {
        let known = self.checker.class(class);
        OfClass {
            checker: &self.checker,
            name: class,
            class: known.filter(|known| known.kind == Kind::Asymmetric),
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
    name: &'a str,
    class: Option<&'a Class>,
    conflict: Option<&'a str>,
}

impl OfClass<'_> {
    /// Whether there is such a class.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.class.is_some()
    }

    /// The document, if it is what its own schema says, and the class contradicts nothing accepted.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn check<'d>(&self, bytes: &'d [u8]) -> Result<Document<'d>, Violation> {
        let class = self.class.ok_or_else(|| self.unknown())?;
        let document = document(class, self.checker, bytes)?;
        match self.conflict {
            None => Ok(document),
            Some(reason) => Err(Violation {
                code: RefusalCode::SchemaConflict,
                reason: reason.to_owned(),
            }),
        }
    }

    fn unknown(&self) -> Violation {
        let name = self.name;
        let reason = match self.checker.class(name) {
            Some(_) => format!("class '{name}' is embedded and has no documents of its own"),
            None => format!("class '{name}' is not in the schema the transaction was written under"),
        };
        Violation {
            code: RefusalCode::UnknownClass,
            reason,
        }
    }
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
    use tokio::sync::Semaphore;

    use super::*;
    use crate::ingest::Run;

    /// A schema whose class `A` has an integer as its key, by its fingerprint.
    fn schemas() -> Schemas {
        let text = r#"{"classes":[{"name":"A","kind":"asymmetric","primary_key":"_id",
            "properties":[{"name":"_id","type":"int"}]}]}"#;
        let judge = Judge::from(KnownSchema {
            schema: Schema::parse(text).unwrap(),
            used: true,
            ..KnownSchema::default()
        });
        Schemas::from([("fingerprint".into(), Arc::new(judge))])
    }

    /// Documents of a class under that schema.
    fn form(class: &str, count: u32) -> Arc<Form> {
        let class = class.into();
        Arc::new(Form {
            schema: "fingerprint".into(),
            runs: vec![Run { class, count }],
        })
    }

    #[test]
    fn of_transactions_with_one_form_each_is_judged_by_itself() {
        let (form, other) = (form("A", 2), form("B", 1));
        let sound = |id: i32| bson::doc! {"_id": id};
        let wrong = || bson::doc! {"_id": "a text"};
        let transaction = |seq, form: &Arc<Form>, documents: &[bson::Document]| Transaction {
            seq,
            form: Arc::clone(form),
            payload: documents.iter().flat_map(|one| one.to_vec().unwrap()).collect(),
        };
        let transactions = vec![
            transaction(1, &form, &[sound(1), wrong()]),
            transaction(2, &form, &[sound(1), sound(2)]),
            transaction(3, &other, &[sound(1)]),
            transaction(4, &form, &[wrong(), sound(2)]),
        ];
        let memory = || Budget::new(Arc::new(Semaphore::new(100_000)));
        let mut refused = Refusals::new(memory());
        let (definition, user) = (Definition::development(None), serde_json::Value::Null);
        let mut permits = Permits::new(&definition, &user);
        let checked = check(
            transactions,
            &schemas(),
            &mut permits,
            &mut refused,
            &mut memory(),
        );
        let stored = checked.unwrap();
        let stored = stored.iter().flat_map(Checked::documents);
        let stored: Vec<_> = stored.map(|place| (place.seq, place.index)).collect();
        assert_eq!(stored, [(1, 0), (2, 0), (2, 1), (4, 1)]);
        let refused = refused.as_slice().iter();
        let refused: Vec<_> = refused.map(|one| (one.seq, one.index, one.code)).collect();
        let wrong = RefusalCode::TypeMismatch;
        assert_eq!(
            refused,
            [(1, 1, wrong), (3, 0, RefusalCode::UnknownClass), (4, 0, wrong)]
        );
    }

    #[test]
    fn what_it_takes_to_find_the_later_of_two_is_accounted_for() {
        let schemas = schemas();
        let ids = (0..1_000_i32).chain([500]);
        let documents = ids.flat_map(|id| bson::doc! {"_id": id}.to_vec().unwrap());
        let transaction = Transaction {
            seq: 1,
            form: form("A", 1_001),
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
