//! The sink as a MongoDB deployment, or several: a replica set or a sharded cluster, whoever runs it. Several gateways may share
//! one.
//!
//! Documents go to the databases and collections of the application, each in the bytes that its device sent. Positions, dead
//! letters and their counts are in one database of the gateway's own: `outboxes`, `dead_letters`, `dead_letter_parts`,
//! `letter_counts`.
//!
//! Invariants:
//!  1. Nothing needs a transaction of the database: every step is durable by a majority before the next one begins, and may be
//!     repeated.
//!  2. What is decided by a read is decided by what a majority has.
//!  3. A document that the database will never take is refused, its neighbours are stored. Whatever else the database says
//!     acknowledges nothing.
//!  4. The database has so long to answer; a batch that would wait longer is sent again later.

mod census;
mod compare;
mod counts;
mod documents;
mod errors;
mod insert;
mod letters;
mod positions;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bson::{DateTime, Document, doc};
use mongodb::{Collection, Database};
use tokio::time::timeout;

use super::{Census, OutboxKey, Outcome, Quota, Sink, Steps, Stepwise, Unkept};
use crate::backend::{Answer, BackendError};
use crate::clock;
use crate::cluster::Cluster;
use crate::ingest::order::Known;
use crate::ingest::{Batch, Refusals};
use census::Counted;
use letters::Letters;
use positions::Positions;
use request::{answered, collection};

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
}

/// See the module. Any thread may use it.
pub struct MongoSink {
    steps: Stepwise<MongoSteps>,
    limit: Duration,
}

/// The steps of the sink.
pub struct MongoSteps {
    sources: DataSources,
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
            sources,
            positions: Positions::new(state),
            letters: Letters::new(state, quota),
            counted: Counted::new(state),
            probes: collection(state, "probes"),
        };
        Self {
            steps: Stepwise(steps),
            limit: BATCH,
        }
    }

    /// What it is asked for may take so long.
    #[must_use]
    pub const fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn in_time<T>(&self, answer: Answer<'_, T>) -> Result<T, BackendError> {
        match timeout(self.limit, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(BackendError::Unavailable(format!(
                "MongoDB has not done within {} seconds what it was asked for",
                self.limit.as_secs()
            ))),
        }
    }
}

impl Sink for MongoSink {
    fn store(&self, batch: Arc<Batch>) -> Answer<'_, Outcome> {
        Box::pin(self.in_time(self.steps.store(batch)))
    }

    fn position(&self, outbox: &OutboxKey) -> Answer<'_, i64> {
        Box::pin(self.in_time(self.steps.position(outbox)))
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(self.in_time(self.steps.probe()))
    }

    fn census<'a>(&'a self, app: &'a str, now: i64) -> Answer<'a, Option<Census>> {
        let Stepwise(steps) = &self.steps;
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
        Box::pin(documents::store(&self.sources, batch))
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
