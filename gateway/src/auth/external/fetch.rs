//! Reads a set of keys from where it is, within a time and a size, whoever is at the other end.

use std::error::Error as _;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::Verifier;
use url::{Host, Url};

use super::location::{Location, Reach};

/// In all: names, connection, answer.
const TIME: Duration = Duration::from_secs(5);

/// Bytes of a set: 20 keys with their certificates.
const MAX_SET: usize = 256 * 1024;

/// Why a set cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The file cannot be read.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// See the text.
    #[error("the name of the host cannot be resolved: {0}")]
    Name(std::io::Error),
    /// See the text.
    #[error(
        "its host has an address of a private network, which is not asked unless the configuration allows it"
    )]
    Private,
    /// See the text.
    #[error("nothing came, or not all of it, within {} seconds", TIME.as_secs())]
    Time,
    /// See the text.
    #[error("it is larger than {MAX_SET} bytes")]
    Size,
    /// A redirect would lead to somebody whom nobody has configured.
    #[error("it leads elsewhere (status {0}); name the place itself, as redirects are not followed")]
    Redirect(StatusCode),
    /// See the text.
    #[error("it was answered with status {0}")]
    Status(StatusCode),
    /// The connection failed; says how.
    #[error("{0}")]
    Connection(String),
}

impl From<reqwest::Error> for FetchError {
    /// The URL is left out, as its query may have a secret.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        Self::Connection(text)
    }
}

/// What is there now.
///
/// # Errors
/// When it does not come whole and in time.
pub async fn fetch(location: &Location) -> Result<Vec<u8>, FetchError> {
    let fetched = async {
        match location {
            Location::File(path) => {
                let path = path.clone();
                blocking(move || read(&path)).await
            }
            Location::Url(url, reach) => get(url, *reach).await,
        }
    };
    tokio::time::timeout(TIME, fetched)
        .await
        .unwrap_or(Err(FetchError::Time))
}

fn read(path: &Path) -> Result<Vec<u8>, FetchError> {
    // Of a pipe nobody would ever come back.
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no file").into());
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_SET as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > MAX_SET {
        return Err(FetchError::Size);
    }
    Ok(bytes)
}

/// Work that waits for files.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FetchError::Connection(error.to_string())))
}

async fn get(url: &Url, reach: Reach) -> Result<Vec<u8>, FetchError> {
    let addresses = resolve(url, reach).await?;
    let host = url.host_str().unwrap_or_default().to_owned();
    // The system's certificates are read from files.
    let client = blocking(move || client(&host, &addresses)).await?;
    let answer = client
        .get(url.clone())
        .header("Accept", "application/json")
        .send()
        .await?;
    match answer.status() {
        StatusCode::OK => body(answer).await,
        status if status.is_redirection() => Err(FetchError::Redirect(status)),
        status => Err(FetchError::Status(status)),
    }
}

/// The addresses that may be asked. The connection goes to one of these, whatever the name resolves to a moment later.
async fn resolve(url: &Url, reach: Reach) -> Result<Vec<SocketAddr>, FetchError> {
    let port = url.port_or_known_default().unwrap_or_default();
    let all = match url.host() {
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, port)).await;
            found.map_err(FetchError::Name)?.collect()
        }
        Some(Host::Ipv4(address)) => vec![SocketAddr::from((address, port))],
        Some(Host::Ipv6(address)) => vec![SocketAddr::from((address, port))],
        None => Vec::new(),
    };
    let allowed: Vec<_> = all
        .into_iter()
        .filter(|address| reach.has(address.ip()))
        .collect();
    if allowed.is_empty() {
        return Err(FetchError::Private);
    }
    Ok(allowed)
}

/// For one request: sets are asked for so rarely that no connection is worth keeping.
fn client(host: &str, addresses: &[SocketAddr]) -> Result<Client, FetchError> {
    let broken = |error: rustls::Error| FetchError::Connection(format!("TLS cannot be set up: {error}"));
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider)).map_err(broken)?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("realm-ingest-gateway/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        // A proxy would resolve the name itself.
        .no_proxy()
        .resolve_to_addrs(host, addresses);
    Ok(builder.build()?)
}

async fn body(mut answer: Response) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if bytes.len() + piece.len() > MAX_SET {
            return Err(FetchError::Size);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
