//! `health`: asks the server that runs on this machine how it is, for whoever watches over its process and has no HTTP client.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use rustls::crypto::ring;

use super::output::Output;
use super::{CommandError, serve};
use crate::config::{self, Options};

/// Longer than the server itself waits for its store before it says that it is not ready.
const WAIT: Duration = Duration::from_secs(8);

/// Ask the server that runs here whether it lives, or can store
#[derive(clap::Args)]
#[command(after_help = "Example:\n  realm-ingest-gateway health --ready\n\n\
                  Asks /healthz of the address that `serve` has by the same settings, or /readyz. Ends with status 0 when the\n\
                  answer is yes.")]
pub struct Args {
    /// Ask whether documents can be stored at present, too: not while the database is away
    #[arg(long)]
    ready: bool,
    /// File with the settings of the server
    #[arg(long, env = "REALM_INGEST_GATEWAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address that the server listens on [default: 127.0.0.1:9090]
    #[arg(long, env = "REALM_INGEST_GATEWAY_LISTEN", value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address that it serves /metrics and /healthz on: asked where only clients with a certificate may connect to the other
    #[arg(long, env = "REALM_INGEST_GATEWAY_METRICS_LISTEN", value_name = "ADDRESS")]
    metrics_listen: Option<String>,
    /// Certificate chain of the server, where it serves TLS
    #[arg(long, env = "REALM_INGEST_GATEWAY_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Certificates that those of its clients are signed with, where they need one
    #[arg(long, env = "REALM_INGEST_GATEWAY_CLIENT_CA", value_name = "FILE")]
    client_ca: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the server does not answer, or answers that it is not well; when the settings do not say whom to ask.
pub fn run(args: Args) -> Result<(), CommandError> {
    let file = args.config.as_deref().map(config::read).transpose()?;
    let given = Options {
        listen: args.listen,
        metrics_listen: args.metrics_listen,
        tls_cert: args.tls_cert,
        client_ca: args.client_ca,
        ..Options::default()
    };
    let options = given.or(file.unwrap_or_default()).or(Options::defaults());
    let urls = urls(&options, args.ready)?;
    // Whoever installed one before is as good.
    let _ = ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::Refused(format!("cannot start: {error}")))?;
    let said = runtime.block_on(ask(&urls)).map_err(CommandError::Refused)?;
    let mut output = Output::new(false);
    output.line(&said)?;
    output.finish()
}

/// Where the server answers, by its own settings: one of these, where a name has several addresses.
fn urls(options: &Options, ready: bool) -> Result<Vec<String>, CommandError> {
    let path = if ready { "readyz" } else { "healthz" };
    let (scheme, listen) = match (&options.client_ca, &options.metrics_listen) {
        (None, _) => {
            let scheme = if options.tls_cert.is_some() {
                "https"
            } else {
                "http"
            };
            (scheme, options.listen.clone().unwrap_or_default())
        }
        (Some(_), Some(metrics)) if !ready => ("http", serve::metrics_address(metrics)),
        (Some(_), _) => {
            return Err(CommandError::Usage(format!(
                "/{path} is served to clients with a certificate only, and this one has none; \
                 /healthz can be asked where the server has --metrics-listen"
            )));
        }
    };
    let addresses = within_reach(&listen)?;
    Ok(addresses
        .iter()
        .map(|address| format!("{scheme}://{address}/{path}"))
        .collect())
}

/// Addresses to connect to, of one to listen on: of "any" it is loopback.
fn within_reach(listen: &str) -> Result<Vec<SocketAddr>, CommandError> {
    let wrong = |why: &str| CommandError::Usage(format!("'{listen}' is no address to ask: {why}"));
    let mut addresses: Vec<_> = listen
        .to_socket_addrs()
        .map_err(|error| wrong(&error.to_string()))?
        .collect();
    for address in &mut addresses {
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        if address.port() == 0 {
            return Err(wrong(
                "the server took a free port, and has printed which; name that",
            ));
        }
    }
    Ok(addresses)
}

/// What the server says of itself, where that is good; otherwise what is not, at the last of the addresses.
async fn ask(urls: &[String]) -> Result<String, String> {
    let client = Client::builder()
        .timeout(WAIT)
        .redirect(Policy::none())
        .no_proxy()
        // Its certificate is for the name that devices use. Nothing secret is sent, and who took the server's place on its own
        // machine could say anything anyway.
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(|error| root_cause(&error))?;
    let mut last = "there is no address to ask".to_owned();
    for url in urls {
        match answer(&client, url).await {
            Ok((StatusCode::OK, text)) => return Ok(text),
            Ok((status, text)) => last = format!("{url}: {status}: {text}"),
            Err(error) => last = format!("{url}: {}", root_cause(&error)),
        }
    }
    Err(last)
}

async fn answer(client: &Client, url: &str) -> Result<(StatusCode, String), reqwest::Error> {
    let answer = client.get(url).send().await?;
    Ok((answer.status(), answer.text().await?))
}

/// What is at the bottom of it: the layers above say only that a request failed.
fn root_cause(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}
