//! What every request shares.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::app::App;
use crate::apps::Apps;
use crate::auth::external::KeySets;
use crate::auth::{AuthError, Lifetimes, Limits, LoginLimits, Passwords};
use crate::backend::BackendError;
use crate::custom_user_data::{CustomUserData, InState};
use crate::definition::Definition;
use crate::device_sync;
use crate::mail::{MailLimits, MailSettings, MailSettingsError, Mailer};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::proxies::TrustedProxies;
use crate::public_url::PublicUrl;
use crate::readiness::Readiness;
use crate::server::CONNECTIONS_OF_ONE_ADDRESS;
use crate::sink::Sink;
use crate::sink::embedded::EmbeddedSink;
use crate::sqlite::OpenError;
use crate::state::{EmbeddedState, State};
use crate::stopping::{Stop, Stopping};
use crate::work::Work;

/// What an operator chooses.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where the server listens, for clients that do not say how they found it.
    pub address: Option<SocketAddr>,
    /// Where clients are sent. Without one, to the address that they asked.
    pub public_url: Option<PublicUrl>,
    /// Only requests that name this machine, or the public URL's host, are served: loopback's protection of development mode
    /// reaches as far as names do.
    pub own_names_only: bool,
    /// Who is believed about where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// Web sockets that one address may have, other than by default. Of connections the server takes care.
    pub connections_per_address: Option<usize>,
    /// How often one address may log in.
    pub logins: LoginLimits,
    /// How long sessions and their tokens are good for.
    pub lifetimes: Lifetimes,
    /// Milliseconds since 1970 until which imported users may go on with sessions of App Services, if they may.
    pub old_sessions_until: Option<i64>,
    /// How users get mails.
    pub mail: MailSettings,
    /// How many.
    pub mail_limits: MailLimits,
}

/// State of a running gateway.
pub struct Gateway {
    pub(crate) settings: Settings,
    pub(crate) apps: Apps,
    pub(crate) passwords: Passwords,
    pub(crate) key_sets: KeySets,
    pub(crate) mailer: Mailer,
    pub(crate) limits: Limits,
    pub(crate) memory: Memory,
    pub(crate) work: Work,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
    pub(crate) device_sync: device_sync::Shared,
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
    /// Two apps cannot be told apart.
    #[error(
        "app '{0}' has the name or the users of another app; give each a client app id and data of its own"
    )]
    Doubled(String),
    /// Mails cannot be sent.
    #[error(transparent)]
    Mail(#[from] MailSettingsError),
    /// Passwords cannot be hashed.
    #[error("argon2 does not work on this machine: {0}")]
    Passwords(AuthError),
}

impl Gateway {
    /// Without an app.
    ///
    /// # Errors
    /// When passwords cannot be hashed.
    pub fn new(settings: Settings) -> Result<Self, SetUpError> {
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let limits = Limits::new(settings.logins, Instant::now());
        let of_one_address = settings.connections_per_address;
        let of_one_address = of_one_address.unwrap_or(CONNECTIONS_OF_ONE_ADDRESS);
        Ok(Self {
            apps: Apps::default(),
            key_sets: KeySets::default(),
            mailer: Mailer::new(&settings.mail, settings.mail_limits)?,
            settings,
            passwords: Passwords::new(at_once).map_err(SetUpError::Passwords)?,
            limits,
            memory: Memory::default(),
            work: Work::new(at_once),
            readiness: Readiness::default(),
            metrics: Metrics::default(),
            device_sync: device_sync::Shared::new(of_one_address),
            stop: Stop::default(),
        })
    }

    /// Also serves an app, over where its users and schemas are kept and where its documents go.
    ///
    /// # Errors
    /// When the state cannot be read, or clients or tokens would take the app for another.
    pub async fn add(
        &mut self,
        definition: Definition,
        state: Arc<dyn State>,
        sink: Arc<dyn Sink>,
    ) -> Result<(), SetUpError> {
        let custom_user_data = Arc::new(InState);
        self.add_with_user_data(definition, state, sink, custom_user_data)
            .await
    }

    /// The same, with custom user data that is read elsewhere than in the state.
    ///
    /// # Errors
    /// As [`Gateway::add`].
    pub async fn add_with_user_data(
        &mut self,
        definition: Definition,
        state: Arc<dyn State>,
        sink: Arc<dyn Sink>,
        custom_user_data: Arc<dyn CustomUserData>,
    ) -> Result<(), SetUpError> {
        let app = App::new(
            definition,
            state,
            sink,
            custom_user_data,
            self.settings.lifetimes,
            self.work.clone(),
            &self.metrics,
        )
        .await?;
        let name = app.name();
        if self.apps.add(app) {
            Ok(())
        } else {
            Err(SetUpError::Doubled(name))
        }
    }

    /// Also serves an app that keeps everything in this directory, which must exist.
    ///
    /// # Errors
    /// When a file cannot be opened, or clients or tokens would take the app for another.
    pub async fn add_directory(
        &mut self,
        definition: Definition,
        directory: &Path,
    ) -> Result<(), SetUpError> {
        let state = Arc::new(EmbeddedState::open(directory)?);
        let sink = Arc::new(EmbeddedSink::open(directory)?);
        self.add(definition, state, sink).await
    }

    /// With one app in development mode, whatever clients call it, that keeps everything in the directory `data`, which must
    /// exist.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub async fn open(data: &Path, settings: Settings) -> Result<Self, SetUpError> {
        let mut gateway = Self::new(settings)?;
        gateway.add_directory(Definition::development(None), data).await?;
        Ok(gateway)
    }

    /// From now on nothing is waited for that may not come.
    pub fn stop(&self) {
        self.stop.begin();
    }

    /// Returns when documents of an app cannot be stored any more, whatever is waited for.
    pub async fn failed(&self) {
        self.apps.failed().await;
    }

    /// What waits until the gateway is to stop.
    #[must_use]
    pub fn stopping(&self) -> Stopping {
        self.stop.stopping()
    }

    /// Whether it is to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.has_begun()
    }
}
