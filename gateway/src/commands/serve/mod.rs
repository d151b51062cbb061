//! `serve`: runs the gateway until it is told to stop, then lets what it began come to its end.

mod apps;
mod listen;
mod monitoring;
mod settings;
mod signals;
mod stores;
mod waiting;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use super::CommandError;
use crate::config::{self, Day, Options};
use crate::gateway::{Gateway, Settings};
use crate::logging;
use crate::mail::MailLimits;
use crate::server::Server;
use apps::Asked;
use listen::{announce, bind, resolve};
use monitoring::Monitoring;
pub(super) use monitoring::metrics_address;
use settings::{lifetimes, login_limits, mail_settings, tls};
use signals::{Reload, Stop};
use stores::Stores;
pub(super) use stores::{Locked, lock};
use waiting::Waiting;

/// How long requests that were begun may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// How long what is at the disk may take after that.
const CLOSE: Duration = Duration::from_secs(10);

/// Run the gateway
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway serve --app ./weather\n  realm-ingest-gateway serve --dev\n\n\
                  Development mode serves one app with anonymous and e-mail/password login on; collections and\n\
                  schemas come from the clients. It prints `listening on http://...` once it takes requests."
)]
pub struct Args {
    /// File with settings, in TOML: the names of the flags and their values
    #[arg(long, env = "REALM_INGEST_GATEWAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings that hold, as TOML, and end
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    options: Options,
}

/// Runs the command until SIGTERM or SIGINT.
///
/// # Errors
/// When the server cannot be set up.
pub fn run(args: Args) -> Result<(), CommandError> {
    let file = args.config.as_deref().map(config::read).transpose()?;
    let options = args.options.or(file.unwrap_or_default()).or(Options::defaults());
    if args.print_config {
        let text = toml::to_string(&options);
        let text =
            text.map_err(|error| CommandError::Refused(format!("cannot write the settings: {error}")))?;
        return Ok(std::io::stdout().write_all(text.as_bytes())?);
    }
    logging::start(options.log_format.unwrap_or_default());
    let asked = Asked::of(&options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("ingest-server")
        .enable_all()
        .build();
    let runtime =
        runtime.map_err(|error| CommandError::CannotStart(format!("cannot start threads: {error}")))?;
    let ended = runtime.block_on(serve(options, asked));
    // What was cut off, and what still reads or writes for nobody, lets go of the gateway.
    runtime.shutdown_timeout(CLOSE);
    ended?.map_or(Ok(()), Ended::close)
}

/// None when it was told to stop before it took requests.
async fn serve(options: Options, asked: Asked) -> Result<Option<Ended>, CommandError> {
    let is_development = matches!(asked, Asked::Development(_));
    let exposed = options.expose_dev_mode_to_network == Some(true);
    let logins = login_limits(&options);
    let lifetimes = lifetimes(&options)?;
    let mail = mail_settings(&options)?;
    let connections = options
        .connections_per_address
        .and_then(|most| usize::try_from(most.get()).ok());
    let listen = options.listen.clone().unwrap_or_default();
    let addresses = resolve(&listen).await?;
    if is_development
        && !exposed
        && let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(CommandError::Usage(format!(
            "{open} can be reached from other machines, and development mode lets everybody in; \
             listen on 127.0.0.1 or add --expose-dev-mode-to-network"
        )));
    }
    let tls = tls(&options)?;
    // Handlers are in place before anybody is told that the server is up.
    let mut stop = Stop::new()?;
    let directories = match &asked {
        Asked::Development(_) => None,
        Asked::Directories(directories) => Some(directories.clone()),
    };
    let reload = Reload::new(tls.clone(), directories)?;
    let (listener, address) = bind(&listen, &addresses).await?;
    let monitoring = Monitoring::listen(options.metrics_listen.as_deref()).await?;
    let waiting = Waiting::over(listener, tls.clone());
    let (waiting, listener) =
        waiting.map_err(|error| CommandError::CannotStart(format!("cannot listen on {listen}: {error}")))?;
    let settings = Settings {
        address: Some(address),
        public_url: options.public_url.clone(),
        own_names_only: is_development && !exposed,
        connections_per_address: connections,
        logins,
        lifetimes,
        old_sessions_until: options.old_sessions_until.map(Day::begin),
        mail,
        mail_limits: MailLimits::default(),
        trusted_proxies: options.trusted_proxy.iter().copied().collect(),
    };
    let opened = async {
        let stores = Stores::open(&options).await?;
        let mut gateway = Gateway::new(settings)?;
        asked.serve(&mut gateway, &stores).await?;
        Ok::<_, CommandError>((Arc::new(gateway), stores))
    };
    let (gateway, stores) = tokio::select! {
        opened = opened => opened?,
        signal = stop.wait() => {
            info!(signal, "stopping, before anything was served");
            return Ok(None);
        }
    };
    waiting.end().await;
    if let Some(reload) = reload {
        tokio::spawn(reload.run(Arc::clone(&gateway)));
    }
    announce("listening", if tls.is_some() { "https" } else { "http" }, address)?;
    if let Some(monitoring) = monitoring {
        announce("metrics", "http", monitoring.address)?;
        tokio::spawn(monitoring.serve(Arc::clone(&gateway)));
    }
    let mode = if is_development {
        " in development mode"
    } else {
        ""
    };
    info!(%address, data = %stores.describe(), version = env!("CARGO_PKG_VERSION"), "started{mode}");

    let router = crate::http::app(Arc::clone(&gateway));
    let mut server = Server::new(listener, router, gateway.settings.trusted_proxies.clone());
    if let Some(most) = connections {
        server = server.connections_per_address(most);
    }
    if let Some(tls) = tls {
        server = server.by_tls(tls);
    }
    let server = tokio::spawn(server.run(gateway.stopping()));
    let end = end(&mut stop, &gateway).await;
    tokio::spawn(stop.end_at_once());
    gateway.stop();
    if tokio::time::timeout(DRAIN, server).await.is_err() {
        warn!(
            seconds = DRAIN.as_secs(),
            "requests did not end in time and are cut off; their batches come again"
        );
    }
    Ok(Some(Ended { end, gateway, stores }))
}

/// Why a server stops.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Told,
    Failed,
}

async fn end(stop: &mut Stop, gateway: &Gateway) -> End {
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
    stores: Stores,
}

impl Ended {
    /// Lets go of the files. Everything else that had the gateway ended with the runtime.
    fn close(self) -> Result<(), CommandError> {
        let apps: Vec<_> = self.gateway.apps.iter().map(Arc::downgrade).collect();
        // Waits for the writers, which close their files.
        drop(self.gateway);
        let clean = apps.iter().all(|app| app.strong_count() == 0);
        drop(self.stores);
        info!(clean, "stopped");
        match self.end {
            End::Told => Ok(()),
            End::Failed => Err(CommandError::Refused(
                "documents could not be stored any more".into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::pin::Pin;

    use super::*;
    use crate::auth::LoginLimits;
    use crate::backend::{Answer, BackendError};
    use crate::definition::Definition;
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

    #[test]
    fn log_ins_are_limited_as_usual_where_nothing_is_set() {
        assert_eq!(login_limits(&Options::defaults()), LoginLimits::default());
        assert_eq!(login_limits(&Options::default()), LoginLimits::default());
    }

    #[tokio::test]
    async fn a_store_that_has_died_ends_the_process_with_an_error() {
        let data = tempfile::tempdir().unwrap();
        let state = Arc::new(EmbeddedState::open(data.path()).unwrap());
        let mut gateway = Gateway::new(Settings::default()).unwrap();
        let definition = Definition::development(None);
        gateway.add(definition, state, Arc::new(Dead)).await.unwrap();
        let gateway = Arc::new(gateway);
        let end = end(&mut Stop::new().unwrap(), &gateway).await;
        let stores = Stores::of_directory(data.path()).unwrap();
        assert!(Ended { end, gateway, stores }.close().is_err());
    }
}
