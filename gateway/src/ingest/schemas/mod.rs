//! The schemas that documents are checked under: found by fingerprint when they are first needed, and remembered.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::IngestError;
use super::checks::{Judge, memory_of};
use crate::definition::Definition;
use crate::memory::Budget;
use crate::state::State;
use crate::work::Work;

/// Bytes of schemas that are remembered. Beyond that all are forgotten: a fleet has a handful, which take some ten
/// kilobytes each, so only somebody who sends schemas for their own sake comes here.
const MAX_MEMORY: usize = 64 * 1024 * 1024;

/// Bytes of schemas that one batch is checked by, some 4 MiB of JSON: with the largest batch, and all that can be said of it,
/// within what one user may have. One schema always fits.
const MAX_OF_BATCH: usize = 32 * 1024 * 1024;

/// Schemas by their fingerprint.
pub type Schemas = HashMap<Arc<str>, Arc<Judge>>;

/// See the module.
pub struct SchemaCache {
    state: Arc<dyn State>,
    work: Work,
    remembered: Arc<Mutex<Remembered>>,
    /// One is read at a time: what is on the way is in nobody's budget yet. Nobody makes one ready meanwhile, which may take
    /// as long as its sender likes.
    reading: tokio::sync::Mutex<()>,
}

/// What was read under one version of the schemas, and one definition of the app.
#[derive(Default)]
struct Remembered {
    version: i64,
    definition: Option<Arc<Definition>>,
    schemas: Schemas,
    memory: usize,
}

impl SchemaCache {
    /// Nothing is remembered yet. Schemas are made ready in turns of `work`.
    #[must_use]
    pub fn new(state: Arc<dyn State>, work: Work) -> Self {
        Self {
            state,
            work,
            remembered: Arc::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The schemas of these fingerprints, as the definition and the operator's choices make them now. Each takes its memory from the budget,
    /// remembered or not: it stays as long as somebody checks by it. What has to be made ready waits in the lane of the address `from`.
    ///
    /// # Errors
    /// With those that are not known, or when they are too large together, the state cannot be read, memory is short, or there
    /// is too much to do.
    pub async fn of(
        &self,
        definition: &Arc<Definition>,
        fingerprints: &BTreeSet<Arc<str>>,
        from: IpAddr,
        budget: &mut Budget,
    ) -> Result<Schemas, IngestError> {
        let mut found = Schemas::with_capacity(fingerprints.len());
        let mut missing = Vec::new();
        let mut bytes = 0;
        for fingerprint in fingerprints {
            let room = MAX_OF_BATCH.saturating_sub(bytes);
            match self.within(room, definition, fingerprint, from, budget).await? {
                Some(schema) => {
                    bytes += schema.memory();
                    if bytes > MAX_OF_BATCH {
                        return Err(IngestError::SchemasTooLarge);
                    }
                    budget.try_grow(schema.memory())?;
                    found.insert(Arc::clone(fingerprint), schema);
                }
                None => missing.push(fingerprint.to_string()),
            }
        }
        if missing.is_empty() {
            Ok(found)
        } else {
            Err(IngestError::SchemaRequired(missing))
        }
    }

    /// Sees to it that the state keeps these schemas, as something is about to be stored under them. One write for each.
    ///
    /// # Errors
    /// With those that had to make room meanwhile, or when the state cannot be written.
    pub async fn keep(&self, schemas: &Schemas) -> Result<(), IngestError> {
        let mut missing = Vec::new();
        for (fingerprint, schema) in schemas.iter().filter(|(_, schema)| !schema.is_used()) {
            if self.state.note_schema_use(fingerprint).await? {
                schema.set_used();
            } else {
                missing.push(fingerprint.to_string());
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(IngestError::SchemaRequired(missing))
        }
    }

    /// The schema of this fingerprint, none when it was never sent. The budget has it until it is made ready, in the lane of the
    /// address `from`.
    ///
    /// # Errors
    /// When the state cannot be read, memory is short, or there is too much to do.
    pub async fn one(
        &self,
        definition: &Arc<Definition>,
        fingerprint: &str,
        from: IpAddr,
        budget: &Budget,
    ) -> Result<Option<Arc<Judge>>, IngestError> {
        self.within(MAX_OF_BATCH, definition, fingerprint, from, budget)
            .await
    }

    /// The same, if it takes no more than `room`.
    async fn within(
        &self,
        room: usize,
        definition: &Arc<Definition>,
        fingerprint: &str,
        from: IpAddr,
        budget: &Budget,
    ) -> Result<Option<Arc<Judge>>, IngestError> {
        let version = self.state.recent_schemas_version().await?;
        if let Some(schema) = self.remembered().of(version, definition, fingerprint) {
            return Ok(Some(schema));
        }
        let mut on_the_way = budget.another();
        let reading = self.reading.lock().await;
        // Whoever read before may have wanted the same.
        if let Some(schema) = self.remembered().of(version, definition, fingerprint) {
            return Ok(Some(schema));
        }
        let Some((version, schema)) = self.state.schema(fingerprint).await? else {
            return Ok(None);
        };
        let memory = memory_of(&schema.schema);
        if memory > room {
            return Err(IngestError::SchemasTooLarge);
        }
        on_the_way.try_grow(memory)?;
        drop(reading);
        let remembered = Arc::clone(&self.remembered);
        let (definition, fingerprint) = (Arc::clone(definition), fingerprint.to_owned());
        let work = move || {
            // Whoever had his turn before may have wanted the same.
            let known = lock(&remembered).of(version, &definition, &fingerprint);
            let ready = known.unwrap_or_else(|| {
                let ready = Arc::new(Judge::under(schema, &definition));
                lock(&remembered).add(version, &definition, &fingerprint, &ready);
                ready
            });
            drop(on_the_way);
            ready
        };
        Ok(Some(self.work.run(from, work).await?))
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        lock(&self.remembered)
    }
}

fn lock(remembered: &Mutex<Remembered>) -> MutexGuard<'_, Remembered> {
    remembered.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remembered {
    fn of(&self, version: i64, definition: &Arc<Definition>, fingerprint: &str) -> Option<Arc<Judge>> {
        let schema = self.schemas.get(fingerprint).map(Arc::clone);
        schema.filter(|_| self.is_under(version, definition))
    }

    /// Held as long as something is remembered, so no other definition can have its place in memory.
    fn is_under(&self, version: i64, definition: &Arc<Definition>) -> bool {
        let own = self.definition.as_ref();
        self.version == version && own.is_some_and(|own| Arc::ptr_eq(own, definition))
    }

    fn add(&mut self, version: i64, definition: &Arc<Definition>, fingerprint: &str, schema: &Arc<Judge>) {
        if !self.is_under(version, definition) || self.memory + schema.memory() > MAX_MEMORY {
            *self = Self {
                version,
                definition: Some(Arc::clone(definition)),
                ..Self::default()
            };
        }
        let twin = self.schemas.insert(fingerprint.into(), Arc::clone(schema));
        self.memory += schema.memory();
        self.memory -= twin.map_or(0, |twin| twin.memory());
    }
}

#[cfg(test)]
mod tests;
