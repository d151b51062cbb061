//! The sink as a MongoDB deployment, or several: a replica set or a sharded cluster, whoever runs it. Several gateways may share
//! one.
//!
//! Documents go to the databases and collections of the application, each in the bytes that its device sent. Positions, dead
//! letters and their counts are in one database of the gateway's own: `outboxes`, `dead_letters`, `dead_letter_parts`,
//! `letter_counts`, `intents`.
//!
//! Invariants:
//!  1. Nothing needs a transaction of the database: every step is durable by a majority before the next one begins, and may be
//!     repeated.
//!  2. What is decided by a read is decided by what a majority has.
//!  3. A document that the database will never take is refused, its neighbours are stored. Whatever else the database says
//!     acknowledges nothing.
//!  4. Documents of at most so many requests for a collection, and of so many bytes for a deployment, are on their way at a time.
//!     What comes meanwhile waits, and goes together. A batch that would wait longer than it may is sent again later, so a slow
//!     database is answered with what makes devices come back, and not with memory.

mod census;
mod compare;
pub(crate) mod copying;
mod counts;
mod documents;
mod errors;
mod insert;
mod intents;
mod letters;
mod lines;
mod moves;
mod operator;
mod positions;
mod request;
mod time_series;

pub use operator::MongoOperator;
pub(crate) use request::collection;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bson::{DateTime, Document, doc};
use mongodb::{Collection, Database};
use tokio::time::timeout;
use tracing::Instrument;

use super::{Census, OutboxKey, Outcome, Quota, Sink, Steps, Stepwise, Unkept};
use crate::backend::{Answer, BackendError};
use crate::clock;
use crate::cluster::Cluster;
use crate::ingest::order::Known;
use crate::ingest::{Batch, Refusals};
use census::Counted;
use intents::Intents;
use letters::Letters;
use lines::Lines;
use positions::Positions;
use request::answered;

/// How long a batch may take, whatever it waits for. Devices wait longer for their answer.
const BATCH: Duration = Duration::from_secs(45);

/// The deployments that documents go to, by the names that apps have for them.
#[derive(Clone, Debug)]
pub struct DataSources {
    usual: Cluster,
    named: BTreeMap<String, Cluster>,
}

impl DataSources {
    /// All of them are this one.
    #[must_use]
    pub const fn new(usual: Cluster) -> Self {
        let named = BTreeMap::new();
        Self { usual, named }
    }

    /// The one of this name is another one.
    #[must_use]
    pub fn with(mut self, name: String, cluster: Cluster) -> Self {
        self.named.insert(name, cluster);
        self
    }

    /// The one of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> &Cluster {
        self.named.get(name).unwrap_or(&self.usual)
    }

    /// The same for all names of one deployment.
    fn deployment<'a>(&self, name: &'a str) -> &'a str {
        if self.named.contains_key(name) { name } else { "" }
    }
}

/// See the module. Any thread may use it.
pub struct MongoSink {
    steps: Arc<Stepwise<MongoSteps>>,
    limit: Duration,
}

/// The steps of the sink.
pub struct MongoSteps {
    limit: Duration,
    lines: Lines,
    intents: Intents,
    positions: Positions,
    letters: Letters,
    counted: Counted,
    probes: Collection<Document>,
}

impl MongoSink {
    /// Over the gateway's own database and the deployments that documents go to. Nothing is asked of them yet.
    #[must_use]
    pub fn new(state: &Database, sources: DataSources) -> Self {
        Self::with(state, sources, Quota::default())
    }

    /// The same with another quota of dead letters.
    #[must_use]
    pub fn with(state: &Database, sources: DataSources, quota: Quota) -> Self {
        let steps = MongoSteps {
            limit: BATCH,
            lines: Lines::new(sources),
            intents: Intents::new(state),
            positions: Positions::new(state),
            letters: Letters::new(state, quota),
            counted: Counted::new(state),
            probes: collection(state, "probes"),
        };
        Self {
            steps: Arc::new(Stepwise(steps)),
            limit: BATCH,
        }
    }

    /// What it is asked for may take so long.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        // Nobody else has it yet.
        if let Some(Stepwise(steps)) = Arc::get_mut(&mut self.steps) {
            steps.limit = limit;
        }
        self
    }

    async fn in_time<T>(&self, answer: Answer<'_, T>) -> Result<T, BackendError> {
        in_time(self.limit, answer).await
    }
}

async fn in_time<T>(limit: Duration, answer: Answer<'_, T>) -> Result<T, BackendError> {
    match timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(BackendError::Unavailable(format!(
            "MongoDB has not done within {} seconds what it was asked for",
            limit.as_secs()
        ))),
    }
}

impl Sink for MongoSink {
    fn store(&self, batch: Arc<Batch>) -> Answer<'_, Outcome> {
        if !documents::may_double(&batch) {
            return Box::pin(self.in_time(self.steps.store(batch)));
        }
        // Goes on when its client leaves: half done it would hold its outbox up until its intent has run out.
        let (steps, limit) = (Arc::clone(&self.steps), self.limit);
        let storing = async move { in_time(limit, steps.store(batch)).await };
        let storing = tokio::spawn(storing.in_current_span());
        Box::pin(async { storing.await.map_err(|_| BackendError::Closed)? })
    }

    fn position(&self, outbox: &OutboxKey) -> Answer<'_, i64> {
        Box::pin(self.in_time(self.steps.position(outbox)))
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(self.in_time(self.steps.probe()))
    }

    fn census<'a>(&'a self, app: &'a str, now: i64) -> Answer<'a, Option<Census>> {
        let Stepwise(steps) = &*self.steps;
        let counted = async move { steps.counted.of(app, now).await.map(Some) };
        Box::pin(self.in_time(Box::pin(counted)))
    }
}

impl Steps for MongoSteps {
    fn known(&self, outbox: &OutboxKey, fresh: bool) -> Answer<'_, Option<Known>> {
        let outbox = outbox.clone();
        Box::pin(async move { self.positions.known(&outbox, fresh).await })
    }

    fn documents<'a>(&'a self, batch: &'a Batch) -> Answer<'a, Refusals> {
        Box::pin(async move {
            if !documents::may_double(batch) {
                return documents::store(&self.lines, batch, None).await;
            }
            // What a request began that is given up ends soon behind it.
            let takes = self.limit * 2;
            let intent = self
                .intents
                .begin(&OutboxKey::from(&batch.context), takes)
                .await?;
            let found = documents::store(&self.lines, batch, Some(&intent)).await?;
            self.intents.end(intent).await?;
            Ok(found)
        })
    }

    fn dead_letters<'a>(&'a self, batch: &'a Batch, found: &'a Refusals) -> Answer<'a, Option<Unkept>> {
        Box::pin(self.letters.keep(batch, found))
    }

    fn advance<'a>(
        &'a self,
        batch: &'a Batch,
        before: Option<&'a Known>,
        after: &'a Known,
        setback: bool,
    ) -> Answer<'a, bool> {
        Box::pin(self.positions.advance(batch, before, after, setback))
    }

    fn heard<'a>(&'a self, batch: &'a Batch) -> Answer<'a, ()> {
        Box::pin(self.positions.heard(batch))
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async {
            let now = doc! {"time": DateTime::from_millis(clock::unix_millis())};
            let probe = doc! {"_id": "probe"};
            answered(self.probes.update_one(probe, doc! {"$set": now}).upsert(true)).await?;
            Ok(())
        })
    }
}
