//! `serve`: runs the gateway until it is told to stop, then lets what it began come to its end.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::{CommandError, DataArgs};
use crate::auth::LoginLimits;
use crate::gateway::{Gateway, Settings};
use crate::proxies::Network;
use crate::public_url::PublicUrl;
use crate::server::Server;

/// How long requests that were begun may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(30);

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
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> Result<(), CommandError> {
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
    let name = stop.wait().await;
    info!(signal = name, "stopping");
    gateway.stop();
    if tokio::time::timeout(DRAIN, server).await.is_err() {
        warn!(
            seconds = DRAIN.as_secs(),
            "requests did not end in time and are cut off; their batches come again"
        );
    }
    // Waits for the writer, which closes its file.
    let closed = tokio::task::spawn_blocking(move || drop(gateway)).await;
    drop(lock);
    info!(clean = closed.is_ok(), "stopped");
    Ok(())
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
