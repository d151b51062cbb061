//! The schemas that documents are checked under: found by fingerprint when they are first needed, and remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::IngestError;
use super::checks::Judge;
use crate::backend::BackendError;
use crate::state::State;

/// Bytes of schemas, as JSON, that are remembered. Beyond that all are forgotten: a fleet has a handful of a few
/// kilobytes each, so only somebody who sends schemas for their own sake comes here.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Schemas by their fingerprint.
pub type Schemas = HashMap<Arc<str>, Arc<Judge>>;

/// See the module.
pub struct SchemaCache {
    state: Arc<dyn State>,
    remembered: Mutex<Remembered>,
}

/// What was read under one version of the schemas.
#[derive(Default)]
struct Remembered {
    version: i64,
    schemas: Schemas,
    bytes: usize,
}

impl SchemaCache {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(state: Arc<dyn State>) -> Self {
        Self {
            state,
            remembered: Mutex::default(),
        }
    }

    /// The schemas of these fingerprints, as the operator's choices make them now.
    ///
    /// # Errors
    /// With those that are not known, or when the state cannot be read.
    pub async fn of(&self, fingerprints: &[Arc<str>]) -> Result<Schemas, IngestError> {
        let mut found = Schemas::with_capacity(fingerprints.len());
        let mut missing = Vec::new();
        for fingerprint in fingerprints {
            if found.contains_key(fingerprint) {
                continue;
            }
            match self.one(fingerprint).await? {
                Some(schema) => drop(found.insert(Arc::clone(fingerprint), schema)),
                None => missing.push(fingerprint.to_string()),
            }
        }
        if missing.is_empty() {
            Ok(found)
        } else {
            Err(IngestError::SchemaRequired(missing))
        }
    }

    /// The schema of this fingerprint, none when it was never sent.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn one(&self, fingerprint: &str) -> Result<Option<Arc<Judge>>, BackendError> {
        let version = self.state.schemas_version().await?;
        {
            let remembered = self.remembered();
            if remembered.version == version
                && let Some(schema) = remembered.schemas.get(fingerprint)
            {
                return Ok(Some(Arc::clone(schema)));
            }
        }
        let Some((version, schema)) = self.state.schema(fingerprint).await? else {
            return Ok(None);
        };
        let bytes = schema.schema.to_json().len();
        let schema = Arc::new(Judge::from(schema));
        let mut remembered = self.remembered();
        // Another request may have read later than this one.
        if version < remembered.version {
            return Ok(Some(schema));
        }
        if version > remembered.version || remembered.bytes + bytes > MAX_BYTES {
            *remembered = Remembered {
                version,
                ..Remembered::default()
            };
        }
        remembered.bytes += bytes;
        remembered.schemas.insert(fingerprint.into(), Arc::clone(&schema));
        Ok(Some(schema))
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
