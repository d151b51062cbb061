//! The core behind every door: transactions go in, an acknowledgement comes out.
//!
//! ```text
//! door -> Ingest::ingest(context, transactions) -> checks -> sink: documents, dead letters, position -> Ack
//! ```
//!
//! A door turns its bytes into transactions and the acknowledgement, or the error, into its own answer. Checks and sinks
//! see neither.

mod answer;
mod batch;
pub mod checks;
mod conflicts;
pub mod id;
pub mod order;
pub mod permits;
mod refusals;
mod schemas;
mod transaction;

pub use answer::MAX_LISTED_BYTES;
pub use batch::{Batch, Checked, Letter};
pub use refusals::{Refusals, Refused, taken};
pub use transaction::{Context, Place, Run, Source, Transaction};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use realm_ingest_protocol::{Ack, Schema};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tracing::{debug, warn};

use crate::backend::BackendError;
use crate::clock;
use crate::definition::Definition;
use crate::memory::{Budget, NoMemory};
use crate::sink::{Full, Outcome, Sink};
use crate::state::State;
use crate::work::{Work, WorkError};
use conflicts::Conflicts;
use order::Digest;
use permits::Permits;
use schemas::{SchemaCache, Schemas};

/// Why transactions were not taken. Nothing of them can be relied on to be stored; sending them again is safe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// These schemas must be sent first.
    #[error("the batch names schemas this gateway has not seen; send them first")]
    SchemaRequired(Vec<String>),
    /// The schemas that the batch names take more memory than one batch may have for them.
    #[error("the schemas of the batch are too large together; send fewer transactions at once")]
    SchemasTooLarge,
    /// The user has sent too many schemas, or all users together have.
    #[error("too many schemas were sent; ask the operator to look at 'schemas list'")]
    TooManySchemas,
    /// There is no room for what is refused of the batch.
    #[error("{0}, so this batch has to wait; ask the operator to look at 'dead-letters'")]
    TooManyDeadLetters(Full),
    /// Another file has sent transactions with these numbers under the outbox's name.
    #[error(
        "another file has sent transactions under the name of this outbox: \
         it is a copy or was turned back, and needs a name of its own"
    )]
    Copied,
    /// Something that was sent before has not arrived.
    #[error("something that was sent before this batch has not arrived; go on from transaction {position}")]
    Hole {
        /// Everything up to here is settled.
        position: i64,
    },
    /// Too much memory is in use.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
    /// The state or the sink does not answer.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// It was not checked.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A defect of the gateway.
    #[error("{0}")]
    Internal(String),
}

/// See the module.
pub struct Ingest {
    state: Arc<dyn State>,
    sink: Arc<dyn Sink>,
    schemas: SchemaCache,
    work: Work,
    conflicts: Arc<Conflicts>,
}

impl Ingest {
    /// Over where schemas are kept and where documents go. Checks are made in turns of `work`.
    #[must_use]
    pub fn new(state: Arc<dyn State>, sink: Arc<dyn Sink>, work: Work) -> Self {
        Self {
            schemas: SchemaCache::new(Arc::clone(&state)),
            state,
            sink,
            work,
            conflicts: Arc::default(),
        }
    }

    /// Answers once every document is stored or refused for good, as the definition says. The checks wait in the lane of the address
    /// it came `from`. `budget` accounts for the transactions, the one in the
    /// answer for the answer.
    ///
    /// # Errors
    /// See [`IngestError`].
    pub async fn ingest(
        &self,
        definition: Arc<Definition>,
        context: Context,
        from: IpAddr,
        transactions: Vec<Transaction>,
        budget: Budget,
    ) -> Result<(Ack<Box<RawValue>>, Budget), IngestError> {
        if transactions.is_empty() {
            return Err(IngestError::Internal("nothing was sent".to_owned()));
        }
        let named = transactions.iter().map(|one| Arc::clone(&one.schema)).collect();
        let mut memory = budget.another();
        let schemas = self.schemas.of(&definition, &named, &mut memory).await?;
        // Before anything is stored: dead letters are replayed under their schema.
        self.schemas.keep(&schemas).await?;
        let user = self.user_facts(&context.user, &schemas).await?;
        let work = move || {
            let batch = prepare(context, transactions, &schemas, (definition, &user), budget);
            drop((schemas, memory));
            batch
        };
        let batch = Arc::new(self.work.run(from, work).await??);
        match self.sink.store(Arc::clone(&batch)).await? {
            Outcome::Stored { found, position } => {
                if batch.refused.is_empty() && found.is_empty() {
                    return acknowledge(&batch, &found, position);
                }
                let conflicts = Arc::clone(&self.conflicts);
                let work = move || {
                    let answer = acknowledge(&batch, &found, position)?;
                    conflicts.tell(&batch);
                    Ok(answer)
                };
                self.work.complete(from, work).await?
            }
            Outcome::Full(full) => {
                let (user, outbox) = (&batch.context.user, &batch.context.source.outbox);
                warn!(
                    user,
                    outbox, "{full}: a batch waits until dead-letters are replayed or purged"
                );
                Err(IngestError::TooManyDeadLetters(full))
            }
            Outcome::Copied => Err(IngestError::Copied),
            Outcome::Hole { position } => Err(IngestError::Hole { position }),
        }
    }

    /// What rules may ask about the user. He is looked up only if one asks for more than his id.
    async fn user_facts(&self, id: &str, schemas: &Schemas) -> Result<Value, IngestError> {
        let is_needed = schemas.values().any(|schema| schema.needs_user());
        let user = if is_needed {
            self.state.user(id).await?
        } else {
            None
        };
        Ok(permits::user_facts(id, user.as_ref()))
    }

    /// Keeps a schema that the user sent. The answer is why documents of some of its classes are refused, by class; nothing
    /// when it was known already.
    ///
    /// # Errors
    /// When it cannot be stored, or there are too many.
    pub async fn add_schema(
        &self,
        definition: &Arc<Definition>,
        schema: Schema,
        user: &str,
    ) -> Result<BTreeMap<String, String>, IngestError> {
        let fingerprint = schema.fingerprint();
        if self.schemas.one(definition, &fingerprint).await?.is_some() {
            return Ok(BTreeMap::new());
        }
        if !self.state.add_schema(schema, user).await? {
            return Err(IngestError::TooManySchemas);
        }
        let known = self.schemas.one(definition, &fingerprint).await?;
        Ok(known.map(|known| known.conflicts().clone()).unwrap_or_default())
    }
}

/// Acknowledges a batch that is stored. Takes its time where many documents are refused.
fn acknowledge(
    batch: &Batch,
    found: &Refusals,
    position: i64,
) -> Result<(Ack<Box<RawValue>>, Budget), IngestError> {
    let (ack, memory) = answer::acknowledge(batch, found, position)?;
    let (outbox, acked) = (&batch.context.source.outbox, ack.acked);
    debug!(outbox, acked, bytes = batch.bytes(), "batch acknowledged");
    let (user, refused) = (&batch.context.user, batch.refused.len() + found.len());
    if refused > 0 {
        warn!(
            outbox,
            user, acked, refused, "documents refused, see dead-letters"
        );
    }
    Ok((ack, memory))
}

/// Checks the transactions. Takes its time, off the async threads.
fn prepare(
    context: Context,
    transactions: Vec<Transaction>,
    schemas: &Schemas,
    (definition, user): (Arc<Definition>, &Value),
    budget: Budget,
) -> Result<Batch, IngestError> {
    let digest = transactions.first().map_or_else(Digest::default, digest_of);
    let mut refused = Refusals::new(budget.another());
    let mut memory = budget.another();
    let mut permits = Permits::new(&definition, user);
    let transactions = checks::check(transactions, schemas, &mut permits, &mut refused, &mut memory)?;
    Ok(Batch {
        context,
        definition,
        transactions,
        digest,
        received: clock::unix_millis(),
        refused,
        budget,
    })
}

fn digest_of(transaction: &Transaction) -> Digest {
    let mut digest = Digest::default();
    for (to, from) in digest.iter_mut().zip(Sha256::digest(&transaction.payload)) {
        *to = from;
    }
    digest
}
