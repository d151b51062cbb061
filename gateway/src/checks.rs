//! What a batch and its documents must satisfy before the sink sees them.
//!
//! The batch as such stands or falls as a whole; its documents are refused one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use realm_ingest_protocol::schema::Kind;
use realm_ingest_protocol::{
    BatchHeader, BatchReader, Class, Document, DocumentError, Limits, RefusalCode, Schema, Violation,
};

use sha2::{Digest as _, Sha256};

use crate::reject::Reject;
use crate::sink::Digest;
use crate::store::KnownSchema;
use crate::verdicts::Verdicts;

/// Bytes of why a class is in conflict. It comes with each of its documents, of which an answer is to list many.
const MAX_REASON: usize = 200;

/// Schemas by their fingerprint.
pub type Schemas = BTreeMap<String, KnownSchema>;

/// A batch that is sound, and those of its documents that are not.
pub struct Checked {
    /// The batch's header.
    pub header: BatchHeader,
    /// Digest of the first transaction.
    pub digest: Digest,
    /// Which of its documents are refused.
    pub verdicts: Verdicts,
}

/// Reads a batch to its end.
///
/// # Errors
/// When it is malformed, or names a schema that is not among `schemas`.
pub fn check(body: &[u8], schemas: &Arc<Schemas>) -> Result<Checked, Reject> {
    let bad = |error: realm_ingest_protocol::BatchError| Reject::BadRequest(error.to_string());
    let mut reader = BatchReader::new(body).map_err(bad)?;
    let header = reader.header().clone();
    let known: Vec<_> = header
        .schemas
        .iter()
        .map(|fingerprint| schemas.get(fingerprint))
        .collect();
    let missing = header
        .schemas
        .iter()
        .zip(&known)
        .filter(|(_, schema)| schema.is_none());
    let missing: Vec<_> = missing.map(|(fingerprint, _)| fingerprint.clone()).collect();
    if !missing.is_empty() {
        return Err(Reject::SchemaRequired(missing));
    }
    let mut digest = None;
    let mut verdicts = Verdicts::new(Arc::clone(schemas));
    while let Some(transaction) = reader.next_transaction().map_err(bad)? {
        digest.get_or_insert_with(|| digest_of(transaction.payload));
        let index = usize::try_from(transaction.header.schema).unwrap_or(usize::MAX);
        let Some(schema) = known.get(index).copied().flatten() else {
            return Err(Reject::Internal(format!(
                "schema {index} of a batch is neither known nor missing"
            )));
        };
        let mut documents = transaction.documents();
        for run in &transaction.header.runs {
            let class = OfClass::new(schema, &run.class);
            for bytes in documents
                .by_ref()
                .take(usize::try_from(run.count).unwrap_or(usize::MAX))
            {
                verdicts.push(class.check(bytes).is_err());
            }
        }
    }
    Ok(Checked {
        header,
        digest: digest.unwrap_or_default(),
        verdicts,
    })
}

/// Of the documents alone: how a header puts them into runs, and which number it gives their schema, can differ
/// between two batches that hold the same transaction.
fn digest_of(payload: &[u8]) -> Digest {
    let mut digest = Digest::default();
    for (to, from) in digest.iter_mut().zip(Sha256::digest(payload)) {
        *to = from;
    }
    digest
}

/// The check of documents that were sent for one class of one schema.
pub struct OfClass<'a> {
    schema: &'a Schema,
    class: Result<&'a Class, Violation>,
    conflict: Option<String>,
}

impl<'a> OfClass<'a> {
    /// The class of this name in `known`, which need not be there.
    #[must_use]
    pub fn new(known: &'a KnownSchema, name: &str) -> Self {
        Self {
            schema: &known.schema,
            class: class_of(&known.schema, name),
            conflict: known.conflicts.get(name).map(|reason| shortened(reason)),
        }
    }

    /// Whether a document may be stored: it is what its own schema says, and the class contradicts nothing accepted.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Violation> {
        let class = self.class.as_ref().map_err(Clone::clone)?;
        document(class, self.schema, bytes)?;
        match &self.conflict {
            None => Ok(()),
            Some(reason) => Err(Violation {
                code: RefusalCode::SchemaConflict,
                reason: reason.clone(),
            }),
        }
    }
}

/// The reason as each refusal has it. The whole of it stands in the log and in the list of schemas.
fn shortened(reason: &str) -> String {
    let end = (0..=MAX_REASON).rev().find(|at| reason.is_char_boundary(*at));
    match reason.get(..end.unwrap_or(0)) {
        Some(begin) if begin.len() < reason.len() => format!("{begin} ... (see 'schemas list')"),
        _ => reason.to_owned(),
    }
}

fn class_of<'a>(schema: &'a Schema, name: &str) -> Result<&'a Class, Violation> {
    let reason = match schema.class(name) {
        Some(class) if class.kind == Kind::Asymmetric => return Ok(class),
        Some(_) => format!("class '{name}' is embedded and has no documents of its own"),
        None => format!("class '{name}' is not in the schema the transaction was written under"),
    };
    Err(Violation {
        code: RefusalCode::UnknownClass,
        reason,
    })
}

fn document(class: &Class, schema: &Schema, bytes: &[u8]) -> Result<(), Violation> {
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
    class.check(&document, schema)?;
    if document.get("_id").is_none() {
        // The class may call its key optional, which allows null; without a key nothing tells one
        // document from another.
        let reason = format!("required property '{}._id' is missing", class.name);
        return Err(Violation {
            code: RefusalCode::MissingProperty,
            reason,
        });
    }
    Ok(())
}
