//! Tells the log of classes that contradict what is accepted: what of them does, once, and each outbox whose documents are
//! refused for it, once. A device with such a release sends them for as long as it runs.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use realm_ingest_protocol::RefusalCode;
use tracing::warn;

use super::batch::Batch;
use crate::collection_schema::Contradiction;
use crate::definition::Definition;

/// How many are remembered: some megabytes. Beyond that all are forgotten, and told once more.
const MAX_TOLD: usize = 10_000;

/// Contradictions of one class that are told: more of them is another class under the same name.
const MAX_LISTED: usize = 100;

/// Contradictions that are in a reason.
const MAX_IN_REASON: usize = 3;

/// Bytes of a reason. It comes with each document of the class, and hundreds of thousands of refusals have to fit into what is
/// counted for them and into an answer.
const MAX_REASON: usize = 200;

/// Why documents of a class are refused.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// As each refusal has it.
    pub reason: String,
    /// The same at its full length.
    whole: String,
    /// What contradicts the application's schema.
    found: Vec<Contradiction>,
    /// How many more there are.
    more: usize,
}

/// Which were told. Any thread may use it.
#[derive(Default)]
pub struct Conflicts {
    told: Mutex<Told>,
}

/// What was told under one definition of the app: once there is another, somebody has looked at it and wants to know again.
#[derive(Default)]
struct Told {
    definition: Option<Arc<Definition>>,
    classes: HashSet<OfSchema>,
    outboxes: HashSet<(String, OfSchema)>,
}

/// Fingerprint and class.
type OfSchema = (String, String);

impl Conflict {
    /// With what was found by comparing devices with each other.
    #[must_use]
    pub fn among_devices(reason: String) -> Self {
        Self::new(reason, "see 'schemas list'", Vec::new())
    }

    /// As the application says of the class as a whole.
    #[must_use]
    pub fn with_application(reason: String) -> Self {
        Self::new(reason, "see the log", Vec::new())
    }

    /// With the application's schema; none when nothing contradicts it.
    #[must_use]
    pub fn with_schema(class: &str, found: Vec<Contradiction>) -> Option<Self> {
        let mut told: Vec<_> = found
            .iter()
            .take(MAX_IN_REASON)
            .map(ToString::to_string)
            .collect();
        let more = found.len().saturating_sub(told.len());
        if more > 0 {
            told.push(format!("... and {more} more"));
        }
        let told = told.join("; ");
        let reason = format!("class '{class}' contradicts the application's schema: {told}");
        (!found.is_empty()).then(|| Self::new(reason, "see the log", found))
    }

    fn new(whole: String, place: &str, mut found: Vec<Contradiction>) -> Self {
        let more = found.len().saturating_sub(MAX_LISTED);
        found.truncate(MAX_LISTED);
        found.shrink_to_fit();
        Self {
            reason: shortened(&whole, place),
            whole,
            found,
            more,
        }
    }

    /// Bytes that it takes, about.
    #[must_use]
    pub fn memory(&self) -> usize {
        let texts = |one: &Contradiction| one.property.len() + one.expected().len() + one.found().len();
        let found: usize = self.found.iter().map(texts).sum();
        self.reason.len() + self.whole.len() + found + self.found.len() * size_of::<Contradiction>()
    }

    /// Tells all that was found of the class.
    pub fn tell(&self, fingerprint: &str, class: &str) {
        for one in &self.found {
            let (property, expected, found) = (&*one.property, one.expected(), one.found());
            warn!(
                fingerprint,
                class, property, expected, found, "a property contradicts the application's schema"
            );
        }
        if self.found.is_empty() || self.more > 0 {
            let (reason, more) = (&*self.whole, self.more);
            warn!(
                fingerprint,
                class, reason, more, "a class contradicts what is accepted"
            );
        }
    }
}

/// The reason as each refusal has it, with where the whole of it is.
fn shortened(reason: &str, whole: &str) -> String {
    let end = (0..=MAX_REASON).rev().find(|at| reason.is_char_boundary(*at));
    match reason.get(..end.unwrap_or(0)) {
        Some(begin) if begin.len() < reason.len() => format!("{begin} ... ({whole})"),
        _ => reason.to_owned(),
    }
}

impl Conflicts {
    /// Tells those among the refused documents of the batch that were not told yet. The answer is the classes of which
    /// nothing was told before.
    pub fn tell(&self, batch: &Batch, definition: &Arc<Definition>) -> Vec<OfSchema> {
        let mut new = Vec::new();
        let is_conflict = |code| code == RefusalCode::SchemaConflict;
        if !batch.refused.as_slice().iter().any(|one| is_conflict(one.code)) {
            return new;
        }
        let (user, outbox) = (&batch.context.user, &batch.context.source.outbox);
        let mut last = None;
        for letter in batch.letters(&batch.none_found()) {
            let (fingerprint, class) = (letter.schema, letter.place.class);
            // Most are like their neighbours.
            if !is_conflict(letter.refused.code) || last == Some((fingerprint, class)) {
                continue;
            }
            last = Some((fingerprint, class));
            let of = (fingerprint.to_owned(), class.to_owned());
            let mut told = self.told(definition);
            if told.is_new_of_outbox(outbox, &of) {
                let reason = &*letter.refused.reason;
                warn!(
                    outbox,
                    user,
                    fingerprint,
                    class,
                    reason,
                    "documents of this class become dead letters until a definition is accepted, see schemas, or the app's directory is changed"
                );
            }
            if told.is_new(&of) {
                new.push(of);
            }
        }
        new
    }

    /// Whether nothing was told of the class of this schema, which is told now.
    pub fn is_new(&self, definition: &Arc<Definition>, fingerprint: &str, class: &str) -> bool {
        let of = (fingerprint.to_owned(), class.to_owned());
        self.told(definition).is_new(&of)
    }

    fn told(&self, definition: &Arc<Definition>) -> MutexGuard<'_, Told> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // Held as long as something is remembered, so no other definition can have its place in memory.
        let is_same = told
            .definition
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, definition));
        if !is_same {
            *told = Told {
                definition: Some(Arc::clone(definition)),
                ..Told::default()
            };
        }
        told
    }
}

impl Told {
    fn is_new(&mut self, of: &OfSchema) -> bool {
        if self.classes.len() >= MAX_TOLD && !self.classes.contains(of) {
            self.classes.clear();
        }
        self.classes.insert(of.clone())
    }

    fn is_new_of_outbox(&mut self, outbox: &str, of: &OfSchema) -> bool {
        let one = (outbox.to_owned(), of.clone());
        if self.outboxes.len() >= MAX_TOLD && !self.outboxes.contains(&one) {
            self.outboxes.clear();
        }
        self.outboxes.insert(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_new_once_and_what_is_remembered_is_bounded() {
        let mut told = Told::default();
        let of = (String::new(), String::new());
        for outbox in 0..MAX_TOLD {
            let outbox = outbox.to_string();
            assert!(told.is_new_of_outbox(&outbox, &of) && !told.is_new_of_outbox(&outbox, &of));
            let of = (outbox, String::new());
            assert!(told.is_new(&of) && !told.is_new(&of));
        }
        assert!(told.is_new_of_outbox("another", &of) && told.is_new(&of));
        assert_eq!((told.outboxes.len(), told.classes.len()), (1, 1));
    }

    #[test]
    fn under_another_definition_all_are_new_again() {
        let conflicts = Conflicts::default();
        let (one, other) = (
            Arc::new(Definition::development(None)),
            Arc::new(Definition::development(None)),
        );
        for definition in [&one, &other] {
            assert!(conflicts.is_new(definition, "schema", "Reading"));
            assert!(!conflicts.is_new(definition, "schema", "Reading"));
        }
    }
}
