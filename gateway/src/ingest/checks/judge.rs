//! Schemas made ready for checking, with what an operator and other devices have said of their classes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use realm_ingest_protocol::schema::Kind;
use realm_ingest_protocol::{Checker, Schema};

use super::OfClass;
use crate::definition::Definition;
use crate::ingest::conflicts::Conflict;
use crate::ingest::described;
use crate::ingest::permits::{self, Needs};
use crate::state::KnownSchema;

/// Bytes that a schema takes in memory, ready for checking, for each of its JSON: a short property has 25 bytes there, and
/// takes 200.
const MEMORY_OF_JSON: usize = 8;

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
