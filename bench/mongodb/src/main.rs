//! How close the gateway's sink comes to bare inserts of the same documents into the same server: documents per second of both,
//! and the ratio. Many devices at once send batches of one size each.
//!
//!     mongodb-bench URI [SECONDS]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use bson::{RawDocumentBuf, doc};
use mongodb::options::InsertManyOptions;
use realm_ingest_gateway::cluster::Cluster;
use realm_ingest_gateway::definition::Definition;
use realm_ingest_gateway::ingest::{Batch, Checked, Context, Refusals, Run, Source, Transaction};
use realm_ingest_gateway::memory::Budget;
use realm_ingest_gateway::sink::Sink;
use realm_ingest_gateway::sink::mongodb::{DataSources, MongoSink};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Span;

/// Devices that send at once.
const DEVICES: [u64; 3] = [1, 8, 64];

/// Documents of one batch.
const SIZES: [usize; 3] = [1, 100, 1_000];

/// Each is measured so often, in turns.
const ROUNDS: u32 = 3;

const DATABASE: &str = "realm_ingest_bench";

const COLLECTION: &str = "Reading";

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().ok_or("usage: mongodb-bench URI [SECONDS]")?;
    let seconds = arguments.next().map_or(Ok(2), |text| text.parse())?;
    let time = Duration::from_secs(seconds);
    let cluster = Cluster::new(&uri.into()).await?;
    println!("devices  documents  bare/s  sink/s  ratio");
    for size in SIZES {
        for devices in DEVICES {
            let (mut bare, mut sink) = (0.0, 0.0);
            for _ in 0..ROUNDS {
                cluster.database(DATABASE).drop().await?;
                bare += bare_inserts(&cluster, devices, size, time).await?;
                cluster.database(DATABASE).drop().await?;
                sink += batches(&cluster, devices, size, time).await?;
            }
            let rounds = f64::from(ROUNDS);
            let (bare, sink) = (bare / rounds, sink / rounds);
            println!(
                "{devices:>7}  {size:>9}  {bare:>6.0}  {sink:>6.0}  {:>5.2}",
                sink / bare
            );
        }
    }
    cluster.database(DATABASE).drop().await?;
    Ok(())
}

/// A reading of 136 bytes.
fn reading() -> Result<Vec<u8>, Failure> {
    let text = "x".repeat(60);
    let document = doc! {"_id": ObjectId::new(), "station": 7_i64, "value": 21.5, "note": text};
    Ok(document.to_vec()?)
}

/// Documents per second that a plain client stores.
async fn bare_inserts(cluster: &Cluster, devices: u64, size: usize, time: Duration) -> Result<f64, Failure> {
    let collection = cluster
        .database(DATABASE)
        .collection::<RawDocumentBuf>(COLLECTION);
    let options = InsertManyOptions::builder().ordered(false).build();
    let (count, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..devices {
        let (collection, options, count) = (collection.clone(), options.clone(), Arc::clone(&count));
        tasks.spawn(async move {
            while started.elapsed() < time {
                let documents = (0..size).map(|_| Ok(RawDocumentBuf::from_bytes(reading()?)?));
                let documents: Vec<_> = documents.collect::<Result<_, Failure>>()?;
                collection
                    .insert_many(documents)
                    .with_options(options.clone())
                    .await?;
                count.fetch_add(size as u64, Ordering::Relaxed);
            }
            Ok::<_, Failure>(())
        });
    }
    finished(tasks, &count, started).await
}

/// Documents per second that the sink stores.
async fn batches(cluster: &Cluster, devices: u64, size: usize, time: Duration) -> Result<f64, Failure> {
    let state = cluster.database(DATABASE);
    let sink = Arc::new(MongoSink::new(&state, DataSources::new(cluster.clone())));
    let mut definition = Definition::development(None);
    definition.sync.database = Some(DATABASE.to_owned());
    let definition = Arc::new(definition);
    let (count, started) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut tasks = JoinSet::new();
    for device in 0..devices {
        let (sink, definition, count) = (Arc::clone(&sink), Arc::clone(&definition), Arc::clone(&count));
        tasks.spawn(async move {
            let mut last = 0;
            while started.elapsed() < time {
                let batch = batch(&definition, device, last, size)?;
                if !sink.store(Arc::new(batch)).await?.is_stored() {
                    return Err("a batch was not taken".into());
                }
                last += 1;
                count.fetch_add(size as u64, Ordering::Relaxed);
            }
            Ok::<_, Failure>(())
        });
    }
    finished(tasks, &count, started).await
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
        schema: "schema".into(),
        runs: vec![Run {
            class: COLLECTION.into(),
            count: size.try_into()?,
        }],
        payload: payload.into(),
    };
    Ok(Batch {
        context: Context {
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
        transactions: vec![Checked::new(transaction, Vec::new())],
        digest: [1; 16],
        received: 1,
        refused: Refusals::new(budget.another()),
        budget,
        span: Span::none(),
    })
}

async fn finished(
    mut tasks: JoinSet<Result<(), Failure>>,
    count: &AtomicU64,
    started: Instant,
) -> Result<f64, Failure> {
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate is not exact")]
    let count = count.load(Ordering::Relaxed) as f64;
    Ok(count / started.elapsed().as_secs_f64())
}
