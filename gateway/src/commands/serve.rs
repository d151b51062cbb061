//! `serve`: runs the gateway until it is told to stop, then lets what it began come to its end.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use super::{CommandError, DataArgs};
use crate::auth::LoginLimits;
use crate::gateway::{Gateway, Settings};
use crate::proxies::Network;
use crate::public_url::PublicUrl;
use crate::server::Server;

/// How long requests that were begun may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// How long what is at the disk may take after that.
const CLOSE: Duration = Duration::from_secs(10);

/// Run the gateway
#[derive(clap::Args)]
#[command(after_help = "Example:\n  realm-ingest-gateway serve --dev\n\n\
                  Development mode serves one app with anonymous and e-mail/password login on; collections and\n\
                  schemas come from the clients. It prints `listening on http://...` once it takes requests.")]
pub struct Args {
    /// Run in development mode
    #[arg(long)]
    dev: bool,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    listen: String,
    /// The client app id to serve; any id is taken for the one app if left out
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Let development mode listen on an address that other machines reach
    #[arg(long)]
    expose_dev_mode_to_network: bool,
    /// Where clients are sent, such as https://gateway.example; the address they asked if left out
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Network of proxies whose X-Forwarded-For, -Proto and -Host are believed; may be given more than once
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<Network>,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command until SIGTERM or SIGINT.
///
/// # Errors
/// When the server cannot be set up.
pub fn run(args: Args) -> Result<(), CommandError> {
    if !args.dev {
        return Err(CommandError::Refused(
            "this version serves development mode only: add --dev (application directories are not served)"
                .into(),
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("ingest-server")
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| CommandError::Refused(format!("cannot start threads: {error}")))?;
    let ended = runtime.block_on(serve(args));
    // What was cut off, and what still reads or writes for nobody, lets go of the gateway.
    runtime.shutdown_timeout(CLOSE);
    ended?.close()
}

async fn serve(args: Args) -> Result<Ended, CommandError> {
    let addresses = resolve(&args.listen).await?;
    if !args.expose_dev_mode_to_network
        && let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(CommandError::Refused(format!(
            "{open} can be reached from other machines, and development mode lets everybody in; \
             listen on 127.0.0.1 or add --expose-dev-mode-to-network"
        )));
    }
    let data = args.data.data;
    let lock = lock(&data)?;
    // Handlers are in place before anybody is told that the server is up.
    let stop = Stop::new()?;
    let listener = TcpListener::bind(addresses.as_slice()).await;
    let cannot_listen = |error| CommandError::Refused(format!("cannot listen on {}: {error}", args.listen));
    let listener = listener.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let settings = Settings {
        app_id: args.app_id,
        address: Some(address),
        public_url: args.public_url,
        logins: LoginLimits::default(),
        trusted_proxies: args.trusted_proxy.into_iter().collect(),
    };
    let gateway = Arc::new(Gateway::open(&data, settings).await?);
    announce(address)?;
    info!(%address, data = %data.display(), version = env!("CARGO_PKG_VERSION"), "started in development mode");

    let router = crate::http::app(Arc::clone(&gateway));
    let server = Server::new(listener, router, gateway.settings.trusted_proxies.clone());
    let server = tokio::spawn(server.run(gateway.stopping()));
    let end = end(stop, &gateway).await;
    gateway.stop();
    if tokio::time::timeout(DRAIN, server).await.is_err() {
        warn!(
            seconds = DRAIN.as_secs(),
            "requests did not end in time and are cut off; their batches come again"
        );
    }
    Ok(Ended { end, gateway, lock })
}

/// Why a server stops.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Told,
    Failed,
}

async fn end(stop: Stop, gateway: &Gateway) -> End {
    tokio::select! {
        name = stop.wait() => {
            info!(signal = name, "stopping");
            End::Told
        }
        () = gateway.failed() => {
            error!("the thread that stores documents has ended; stopping, as only a new process can store");
            End::Failed
        }
    }
}

/// What is left of a server that has stopped.
struct Ended {
    end: End,
    gateway: Arc<Gateway>,
    lock: File,
}

impl Ended {
    /// Lets go of the files. Everything else that had the gateway ended with the runtime.
    fn close(self) -> Result<(), CommandError> {
        let left = Arc::downgrade(&self.gateway);
        // Waits for the writer, which closes its file.
        drop(self.gateway);
        let clean = left.strong_count() == 0;
        drop(self.lock);
        info!(clean, "stopped");
        match self.end {
            End::Told => Ok(()),
            End::Failed => Err(CommandError::Refused(
                "documents could not be stored any more".into(),
            )),
        }
    }
}

async fn resolve(listen: &str) -> Result<Vec<SocketAddr>, CommandError> {
    let wrong = |why: String| CommandError::Refused(format!("'{listen}' is no address to listen on: {why}"));
    let addresses: Vec<_> = tokio::net::lookup_host(listen)
        .await
        .map_err(|error| wrong(error.to_string()))?
        .collect();
    if addresses.is_empty() {
        Err(wrong("it has no address".into()))
    } else {
        Ok(addresses)
    }
}

/// Scripts wait for this line.
fn announce(address: SocketAddr) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    Ok(out.flush()?)
}

/// One server for one directory.
fn lock(data: &Path) -> Result<File, CommandError> {
    let cannot =
        |error: std::io::Error| CommandError::Refused(format!("cannot use {}: {error}", data.display()));
    realm_ingest_durable::create_dir_all(data).map_err(cannot)?;
    let file = File::create(data.join("lock")).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CommandError::Refused(format!(
            "another server uses {}; stop it or choose another directory with --data",
            data.display()
        ))),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

/// The signals that end a server.
struct Stop {
    term: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> Result<Self, CommandError> {
        let cannot = |error| CommandError::Refused(format!("cannot wait for signals: {error}"));
        Ok(Self {
            term: signal(SignalKind::terminate()).map_err(cannot)?,
            interrupt: signal(SignalKind::interrupt()).map_err(cannot)?,
        })
    }

    async fn wait(mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::pin::Pin;

    use super::*;
    use crate::backend::{Answer, BackendError};
    use crate::ingest::Batch;
    use crate::sink::{OutboxKey, Outcome, Sink};
    use crate::state::EmbeddedState;

    /// A sink whose writer has died.
    struct Dead;

    impl Sink for Dead {
        fn store(&self, _: Arc<Batch>) -> Answer<'_, Outcome> {
            Box::pin(async { Err(BackendError::Closed) })
        }

        fn position(&self, _: &OutboxKey) -> Answer<'_, i64> {
            Box::pin(async { Err(BackendError::Closed) })
        }

        fn probe(&self) -> Answer<'_, ()> {
            Box::pin(async { Err(BackendError::Closed) })
        }

        fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn a_store_that_has_died_ends_the_process_with_an_error() {
        let data = tempfile::tempdir().unwrap();
        let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
        let gateway = Gateway::new(Settings::default(), state, Arc::new(Dead)).await;
        let gateway = Arc::new(gateway.unwrap());
        let end = end(Stop::new().unwrap(), &gateway).await;
        let lock = lock(data.path()).unwrap();
        assert!(Ended { end, gateway, lock }.close().is_err());
    }
}
