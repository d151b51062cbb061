//! What the door of Realm SDKs costs the gateway, beside the door of this project's library: documents per second, and what the gateway
//! takes of the processor for each.
//!
//!     doors-bench GATEWAY [DOCUMENTS]
//!
//! Several devices send the same objects through each door, in turns, to a gateway of its own. What they send is prepared before, in
//! the sizes and the compression that the clients use. The gateway shares the machine with them: the last figure says more.

mod changeset;
mod gateway;
mod library;
mod readings;
mod sdk;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gateway::Gateway;
use readings::Reading;

/// Devices that send at once.
const DEVICES: usize = 4;

/// Objects of one transaction.
const SIZES: [usize; 2] = [1_000, 1];

/// Each is measured so often, in turns.
const ROUNDS: u32 = 3;

/// What the door of Realm SDKs has to reach of the other's documents per second.
const GOAL: f64 = 0.5;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let binary: PathBuf = arguments
        .next()
        .ok_or("usage: doors-bench GATEWAY [DOCUMENTS]")?
        .into();
    let documents = arguments.next().map_or(Ok(400_000), |text| text.parse())?;
    // The gateway of a build of everything brings reqwest with TLS, which wants to be told by whom.
    let _ = rustls::crypto::ring::default_provider().install_default();
    println!(
        "{:<38}  {:>24}  {:>24}  {:>5}",
        "documents/s, gateway's CPU a document", "door of the library", "door of Realm SDKs", "ratio"
    );
    for size in SIZES {
        // One object a transaction is more work for the same documents.
        let documents = if size == 1 { documents / 4 } else { documents };
        let (mut library, mut sdk) = (Measured::default(), Measured::default());
        for _ in 0..ROUNDS {
            library.add(&measure(&binary, Door::Library, documents, size).await?);
            sdk.add(&measure(&binary, Door::Sdk, documents, size).await?);
        }
        let ratio = sdk.rate() / library.rate();
        let what = format!("transactions of {size} from {DEVICES} devices");
        println!("{what:<38}  {library:>24}  {sdk:>24}  {ratio:>5.2}  goal {GOAL}");
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Door {
    Library,
    Sdk,
}

async fn measure(binary: &Path, door: Door, documents: usize, size: usize) -> Result<Measured, Failure> {
    let gateway = Gateway::start(binary).await?;
    let each = documents / DEVICES;
    let transactions = || -> Vec<Vec<Reading>> {
        let transaction = || (0..size).map(|_| Reading::new()).collect();
        (0..each / size).map(|_| transaction()).collect()
    };
    let cpu = |gateway: &Gateway| gateway.cpu();
    let (time, before, after) = match door {
        Door::Library => {
            let schema = library::put_schema(&gateway).await?;
            let device = |number| library::Device::new(&gateway, number, &schema, &transactions());
            let devices: Vec<_> = (0..DEVICES).map(device).collect::<Result<_, _>>()?;
            let before = cpu(&gateway)?;
            let time = together(devices.into_iter().map(library::Device::send)).await?;
            (time, before, cpu(&gateway)?)
        }
        Door::Sdk => {
            let mut devices = Vec::new();
            for _ in 0..DEVICES {
                devices.push(sdk::Device::new(&gateway, &transactions()).await?);
            }
            let before = cpu(&gateway)?;
            let time = together(devices.into_iter().map(sdk::Device::send)).await?;
            (time, before, cpu(&gateway)?)
        }
    };
    let stored = gateway.stored()?;
    let wanted = each / size * size * DEVICES;
    if stored != wanted {
        return Err(format!("{stored} of {wanted} documents are stored").into());
    }
    Ok(Measured {
        documents: wanted,
        time,
        cpu: after - before,
    })
}

/// How long they take, all at once.
async fn together<D>(devices: impl Iterator<Item = D>) -> Result<Duration, Failure>
where
    D: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let started = Instant::now();
    let mut sending: tokio::task::JoinSet<_> = devices.collect();
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(started.elapsed())
}

#[derive(Default)]
struct Measured {
    documents: usize,
    time: Duration,
    /// Of the gateway.
    cpu: Duration,
}

impl Measured {
    fn add(&mut self, other: &Self) {
        self.documents += other.documents;
        self.time += other.time;
        self.cpu += other.cpu;
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate is not exact")]
    fn count(&self) -> f64 {
        self.documents as f64
    }

    fn rate(&self) -> f64 {
        self.count() / self.time.as_secs_f64()
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.cpu.as_secs_f64() * 1e6 / self.count();
        out.pad(&format!("{:.0}/s, {micros:.1} us", self.rate()))
    }
}
