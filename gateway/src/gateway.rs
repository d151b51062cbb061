//! What every request shares.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::auth::{AuthError, Keyring, Limits, LoginLimits, Passwords};
use crate::backend::BackendError;
use crate::ingest::Ingest;
use crate::memory::Memory;
use crate::proxies::TrustedProxies;
use crate::public_url::PublicUrl;
use crate::readiness::Readiness;
use crate::sink::Sink;
use crate::sink::embedded::EmbeddedSink;
use crate::sqlite::OpenError;
use crate::state::{EmbeddedState, State};
use crate::stopping::{Stop, Stopping};
use crate::work::Work;

/// What an operator chooses.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The client app id that is served. Without one, every id is taken for the one app there is.
    pub app_id: Option<String>,
    /// Where the server listens, for clients that do not say how they found it.
    pub address: Option<SocketAddr>,
    /// Where clients are sent. Without one, to the address that they asked.
    pub public_url: Option<PublicUrl>,
    /// Only requests that name this machine, or the public URL's host, are served: loopback's protection of development mode
    /// reaches as far as names do.
    pub own_names_only: bool,
    /// Who is believed about where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// How often one address may log in.
    pub logins: LoginLimits,
}

/// State of a running gateway.
pub struct Gateway {
    pub(crate) settings: Settings,
    pub(crate) state: Arc<dyn State>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) ingest: Ingest,
    pub(crate) keyring: Keyring,
    pub(crate) passwords: Passwords,
    pub(crate) limits: Limits,
    pub(crate) memory: Memory,
    pub(crate) work: Work,
    pub(crate) readiness: Readiness,
    stop: Stop,
}

/// Why a gateway could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// A file could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is kept could not be read.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Passwords cannot be hashed.
    #[error("argon2 does not work on this machine: {0}")]
    Passwords(AuthError),
}

impl Gateway {
    /// Over where users and schemas are kept and where documents go.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn new(
        settings: Settings,
        state: Arc<dyn State>,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, SetUpError> {
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let now = Instant::now();
        let work = Work::new(at_once);
        let limits = Limits::new(settings.logins, now);
        let keyring = Keyring::open(Arc::clone(&state), now).await?;
        Ok(Self {
            settings,
            ingest: Ingest::new(Arc::clone(&state), Arc::clone(&sink), work.clone()),
            state,
            sink,
            keyring,
            passwords: Passwords::new(at_once).map_err(SetUpError::Passwords)?,
            limits,
            memory: Memory::default(),
            work,
            readiness: Readiness::default(),
            stop: Stop::default(),
        })
    }

    /// Opens or creates everything in the directory `data`, which must exist.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub async fn open(data: &Path, settings: Settings) -> Result<Self, SetUpError> {
        let state = Arc::new(EmbeddedState::open(data)?);
        let sink = Arc::new(EmbeddedSink::open(data)?);
        Self::new(settings, state, sink).await
    }

    /// From now on nothing is waited for that may not come.
    pub fn stop(&self) {
        self.stop.begin();
    }

    /// Returns when documents cannot be stored any more, whatever is waited for.
    pub async fn failed(&self) {
        self.sink.ended().await;
    }

    /// What waits until the gateway is to stop.
    #[must_use]
    pub fn stopping(&self) -> Stopping {
        self.stop.stopping()
    }
}
