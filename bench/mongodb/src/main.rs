//! How close the gateway comes to bare inserts of the same documents, in requests of the same size, into the same MongoDB server,
//! and how much memory it takes meanwhile.
//!
//!     mongodb-bench URI GATEWAY [SECONDS]
//!
//! Many devices at once send batches of one size each, three times over: with a plain client, through the sink inside this process,
//! and to gateways as processes of their own, one and then two of them.

mod bare;
mod gateways;
mod sink;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use bson::doc;
use bson::oid::ObjectId;
use gateways::Gateways;
use realm_ingest_gateway::cluster::Cluster;
use realm_ingest_gateway::definition::DEFAULT_DATABASE;

/// Devices that send at once.
const DEVICES: [u64; 3] = [1, 8, 64];

/// Documents of one batch.
const SIZES: [usize; 3] = [1, 100, 1_000];

/// Each is measured so often, in turns.
const ROUNDS: u32 = 3;

/// Where documents go, in development mode without being asked.
const DATABASE: &str = DEFAULT_DATABASE;

/// Where gateways keep the rest.
const STATE: &str = "realm_ingest_bench";

const COLLECTION: &str = "Reading";

type Failure = Box<dyn Error + Send + Sync>;

/// What is measured.
struct Bench {
    uri: String,
    binary: PathBuf,
    cluster: Cluster,
    time: Duration,
}

/// How many documents come at a time.
#[derive(Clone, Copy)]
struct Load {
    devices: u64,
    size: usize,
    time: Duration,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: mongodb-bench URI GATEWAY [SECONDS]";
    let uri = arguments.next().ok_or(usage)?;
    let binary = arguments.next().ok_or(usage)?.into();
    let seconds = arguments.next().map_or(Ok(2), |text| text.parse())?;
    let bench = Bench {
        cluster: Cluster::new(&uri.clone().into()).await?,
        uri,
        binary,
        time: Duration::from_secs(seconds),
    };
    println!(
        "documents per second, and how much of what a plain client stores; MiB is the most that a gateway held"
    );
    println!("devices  batch    bare    sink        gateway       MiB  two gateways  MiB each");
    for size in SIZES {
        for devices in DEVICES {
            bench.line(devices, size).await?;
        }
    }
    bench.clear().await
}

impl Bench {
    async fn line(&self, devices: u64, size: usize) -> Result<(), Failure> {
        let load = Load {
            devices,
            size,
            time: self.time,
        };
        let (mut bare, mut sink, mut one, mut two) = (0.0, 0.0, Measured::default(), Measured::default());
        for _ in 0..ROUNDS {
            self.clear().await?;
            bare += bare::inserts(&self.cluster, load).await?;
            self.clear().await?;
            sink += sink::batches(&self.cluster, load).await?;
            one.add(&self.gateways(1, load).await?);
            two.add(&self.gateways(2, load).await?);
        }
        let part = |rate: f64| format!("{:>6.0} {:>4.2}", rate / f64::from(ROUNDS), rate / bare);
        println!(
            "{devices:>7}  {size:>5}  {:>6.0}  {}   {}  {:>6}   {}  {:>6}",
            bare / f64::from(ROUNDS),
            part(sink),
            part(one.rate),
            one.mebibytes,
            part(two.rate),
            two.mebibytes,
        );
        Ok(())
    }

    async fn gateways(&self, count: usize, load: Load) -> Result<Measured, Failure> {
        self.clear().await?;
        let gateways = Gateways::start(count, &self.binary, &self.uri)?;
        let rate = gateways.batches(load).await?;
        let mebibytes = gateways.mebibytes()?;
        Ok(Measured { rate, mebibytes })
    }

    async fn clear(&self) -> Result<(), Failure> {
        for name in [DATABASE, STATE] {
            self.cluster.database(name).drop().await?;
        }
        Ok(())
    }
}

/// Of gateways as processes.
#[derive(Default)]
struct Measured {
    /// Documents per second.
    rate: f64,
    /// The most that one of them held.
    mebibytes: u64,
}

impl Measured {
    fn add(&mut self, other: &Self) {
        self.rate += other.rate;
        self.mebibytes = self.mebibytes.max(other.mebibytes);
    }
}

/// A reading of 136 bytes.
fn reading() -> Result<Vec<u8>, Failure> {
    let text = "x".repeat(60);
    let document = doc! {"_id": ObjectId::new(), "station": 7_i64, "value": 21.5, "note": text};
    Ok(document.to_vec()?)
}

/// How many devices there are, as each of them counts what it stored until the time is over.
async fn rate<D>(load: Load, device: impl Fn(u64) -> D) -> Result<f64, Failure>
where
    D: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    let started = std::time::Instant::now();
    let mut devices: tokio::task::JoinSet<_> = (0..load.devices).map(device).collect();
    let mut count = 0;
    while let Some(stored) = devices.join_next().await {
        count += stored??;
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate is not exact")]
    let count = count as f64;
    Ok(count / started.elapsed().as_secs_f64())
}
