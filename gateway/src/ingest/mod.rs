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
pub(crate) mod described;
mod error;
pub mod id;
pub mod order;
pub mod permits;
mod reached;
mod refusals;
mod schemas;
mod transaction;

pub use answer::MAX_LISTED_BYTES;
pub use batch::{Batch, Checked, Letter};
pub use conflicts::Conflict;
pub use error::IngestError;
pub use refusals::{Refusals, Refused, taken};
pub use transaction::{Context, Door, Form, Place, Run, Source, Transaction};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use realm_ingest_protocol::{Ack, Schema};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tracing::{Span, debug, warn};

use crate::clock;
use crate::custom_user_data::CustomUserData;
use crate::definition::Definition;
use crate::memory::Budget;
use crate::metrics::IngestMetrics;
use crate::sink::{Outcome, Sink};
use crate::state::State;
use crate::work::Work;
use conflicts::Conflicts;
use order::Digest;
use permits::{Needs, Permits};
use schemas::{SchemaCache, Schemas};

/// See the module.
pub struct Ingest {
    state: Arc<dyn State>,
    sink: Arc<dyn Sink>,
    custom_user_data: Arc<dyn CustomUserData>,
    schemas: SchemaCache,
    work: Work,
    conflicts: Arc<Conflicts>,
    metrics: Arc<IngestMetrics>,
}

impl Ingest {
    /// Over where schemas are kept, where documents go and where custom user data is read. Checks are made in turns of `work`, and
    /// batches counted in `metrics`.
    #[must_use]
    pub fn new(
        state: Arc<dyn State>,
        sink: Arc<dyn Sink>,
        custom_user_data: Arc<dyn CustomUserData>,
        work: Work,
        metrics: Arc<IngestMetrics>,
    ) -> Self {
        Self {
            schemas: SchemaCache::new(Arc::clone(&state), work.clone()),
            state,
            sink,
            custom_user_data,
            work,
            conflicts: Arc::default(),
            metrics,
        }
    }

    /// What is counted of its batches.
    pub(crate) fn metrics(&self) -> &IngestMetrics {
        &self.metrics
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
        let arrived = self.metrics.arrived(context.door);
        let answer = self.take(definition, context, from, transactions, budget).await;
        arrived.ended(&answer);
        answer
    }

    async fn take(
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
        let alike = transactions.chunk_by(|one, next| Arc::ptr_eq(&one.form, &next.form));
        let named = alike
            .filter_map(|alike| Some(Arc::clone(&alike.first()?.form.schema)))
            .collect();
        let mut memory = budget.another();
        let schemas = self.schemas.of(&definition, &named, from, &mut memory).await?;
        // Before anything is stored: dead letters are replayed under their schema.
        self.schemas.keep(&schemas).await?;
        let user = self.user_facts(&definition, &context.user, &schemas).await?;
        let decided = Arc::clone(&definition);
        let work = move || {
            let batch = prepare(context, transactions, &schemas, (decided, &user), budget);
            drop((schemas, memory));
            batch
        };
        let batch = Arc::new(self.work.run(from, work).await??);
        self.metrics.checked(&batch);
        let begun = Instant::now();
        let outcome = self.sink.store(Arc::clone(&batch)).await;
        self.metrics.answered(&batch, &outcome, begun.elapsed());
        match outcome? {
            Outcome::Stored { found, position } => {
                if batch.refused.is_empty() && found.is_empty() {
                    return acknowledge(&batch, &found, position);
                }
                let memory = batch.budget.another();
                let (conflicts, decided) = (Arc::clone(&self.conflicts), Arc::clone(&definition));
                let work = move || {
                    let answer = acknowledge(&batch, &found, position);
                    (answer, conflicts.tell(&batch, &decided))
                };
                let (answer, untold) = self.work.complete(from, work).await?;
                for (fingerprint, class) in untold {
                    // The batch is stored, whatever becomes of this.
                    let schema = self.schemas.one(&definition, &fingerprint, from, &memory);
                    let schema = schema.await;
                    let schema = schema.ok().flatten();
                    if let Some(conflict) = schema.as_ref().and_then(|schema| schema.conflicts().get(&class))
                    {
                        conflict.tell(&fingerprint, &class);
                    }
                }
                answer
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

    /// What rules may ask about the user. He is looked up only if one asks for more than his id, and what the application keeps
    /// about him only if one asks for that.
    async fn user_facts(
        &self,
        definition: &Definition,
        id: &str,
        schemas: &Schemas,
    ) -> Result<Value, IngestError> {
        let any = |needs: fn(&Needs) -> bool| schemas.values().any(|schema| needs(&schema.needs()));
        let user = if any(|needs| needs.user) {
            self.state.user(id).await?
        } else {
            None
        };
        let custom_data = match &user {
            Some(user) if any(|needs| needs.custom_data) => {
                self.custom_user_data.of(definition, user).await?
            }
            _ => None,
        };
        Ok(permits::user_facts(id, user.as_ref(), custom_data.as_deref()))
    }

    /// Keeps a schema that the user sent. The answer is why documents of some of its classes are refused, by class; nothing
    /// when it was known already. It is looked at in the lane of the address it came `from`; `budget` accounts for it.
    ///
    /// # Errors
    /// When it cannot be stored, there are too many, or there is too much to do.
    pub async fn add_schema(
        &self,
        definition: &Arc<Definition>,
        schema: Schema,
        user: &str,
        from: IpAddr,
        budget: &Budget,
    ) -> Result<BTreeMap<String, String>, IngestError> {
        let fingerprint = schema.fingerprint();
        let known = self.schemas.one(definition, &fingerprint, from, budget);
        if known.await?.is_some() {
            return Ok(BTreeMap::new());
        }
        let decided = Arc::clone(definition);
        let work = move || {
            let compared = described::compared(&decided, &schema);
            (schema, compared)
        };
        let (schema, compared) = self.work.run(from, work).await?;
        if !self.state.add_compared_schema(schema, compared, user).await? {
            return Err(IngestError::TooManySchemas);
        }
        let known = self.schemas.one(definition, &fingerprint, from, budget);
        let Some(known) = known.await? else {
            return Ok(BTreeMap::new());
        };
        let conflicts = known.conflicts().iter();
        let reasons = conflicts.map(|(class, conflict)| {
            if self.conflicts.is_new(definition, &fingerprint, class) {
                conflict.tell(&fingerprint, class);
            }
            (class.clone(), conflict.reason.clone())
        });
        Ok(reasons.collect())
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
        transactions: transactions.into(),
        digest,
        received: clock::unix_millis(),
        refused,
        budget,
        span: Span::current(),
    })
}

fn digest_of(transaction: &Transaction) -> Digest {
    let mut digest = Digest::default();
    for (to, from) in digest.iter_mut().zip(Sha256::digest(&transaction.payload)) {
        *to = from;
    }
    digest
}
