//! The sink without a door before it.

use std::sync::Arc;
use std::time::Instant;

use realm_ingest_gateway::cluster::Cluster;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::ingest::{Batch, Checked, Context, Door, Form, Refusals, Run, Source, Transaction};
use realm_ingest_gateway::memory::Budget;
use realm_ingest_gateway::sink::Sink;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoSink};
use tokio::sync::Semaphore;
use tracing::Span;

use crate::{COLLECTION, DATABASE, Failure, Load, STATE, rate, reading};

/// Documents per second that it stores.
pub async fn batches(cluster: &Cluster, load: Load) -> Result<f64, Failure> {
    let Load { size, time, .. } = load;
    let sources = DataSources::new(cluster.clone());
    let sink = Arc::new(MongoSink::new(&cluster.database(STATE), sources));
    let mut definition = Definition::development(None);
    definition.sync.database = Some(DATABASE.to_owned());
    let definition = Arc::new(definition);
    let device = |device| {
        let (sink, definition) = (Arc::clone(&sink), Arc::clone(&definition));
        async move {
            let (started, mut last, mut stored) = (Instant::now(), 0, 0);
            while started.elapsed() < time {
                let batch = batch(&definition, device, last, size)?;
                if !sink.store(Arc::new(batch)).await?.is_stored() {
                    return Err("a batch was not taken".into());
                }
                last += 1;
                stored += size as u64;
            }
            Ok(stored)
        }
    };
    rate(load, device).await
}

/// One transaction of a device, behind the one with this number.
fn batch(definition: &Arc<Definition>, device: u64, after: i64, size: usize) -> Result<Batch, Failure> {
    let mut payload = Vec::new();
    for _ in 0..size {
        payload.extend(reading()?);
    }
    let budget = Budget::new(Arc::new(Semaphore::new(1 << 24)));
    let transaction = Transaction {
        seq: after + 1,
        form: Arc::new(Form {
            schema: "schema".into(),
            runs: vec![Run {
                class: COLLECTION.into(),
                count: size.try_into()?,
            }],
        }),
        payload: payload.into(),
    };
    Ok(Batch {
        context: Context {
            door: Door::Http,
            app: "app".to_owned(),
            user: format!("user {device}"),
            source: Source {
                outbox: format!("{device:032x}"),
                lineage: format!("{device:032x}"),
                acked: after,
                after,
                device: None,
            },
        },
        definition: Arc::clone(definition),
        transactions: vec![Checked::new(transaction, Vec::new())].into(),
        digest: [1; 16],
        received: 1,
        refused: Refusals::new(budget.another()),
        budget,
        span: Span::none(),
    })
}
