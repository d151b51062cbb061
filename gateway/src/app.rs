//! One app: what is configured of it, and where its users and documents are. Apps share no file, so nothing of one is
//! found by another.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use serde_json::value::RawValue;
use tracing::warn;

use crate::auth::{Keyring, Lifetimes, Revocations};
use crate::backend::BackendError;
use crate::custom_user_data::{self, CustomUserData};
use crate::definition::Definition;
use crate::ingest::Ingest;
use crate::metrics::Metrics;
use crate::sink::Sink;
use crate::state::{State, User};
use crate::work::Work;

/// See the module. Any thread may use it.
pub struct App {
    definition: RwLock<Arc<Definition>>,
    domain: String,
    pub(crate) state: Arc<dyn State>,
    pub(crate) sink: Arc<dyn Sink>,
    custom_user_data: Arc<dyn CustomUserData>,
    pub(crate) ingest: Ingest,
    pub(crate) keyring: Keyring,
    pub(crate) revocations: Revocations,
}

impl App {
    /// Over where its users and schemas are kept, where its documents go, and where custom user data is read.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(crate) async fn new(
        definition: Definition,
        state: Arc<dyn State>,
        sink: Arc<dyn Sink>,
        custom_user_data: Arc<dyn CustomUserData>,
        lifetimes: Lifetimes,
        work: Work,
        metrics: &Metrics,
    ) -> Result<Self, BackendError> {
        let now = Instant::now();
        let keyring = Keyring::open(Arc::clone(&state), lifetimes, now).await?;
        let revocations = Revocations::open(Arc::clone(&state), now).await?;
        let metrics = metrics.of_app(name_of(&definition));
        Ok(Self {
            definition: RwLock::new(Arc::new(definition)),
            domain: keyring.domain(),
            ingest: Ingest::new(
                Arc::clone(&state),
                Arc::clone(&sink),
                Arc::clone(&custom_user_data),
                work,
                metrics,
            ),
            custom_user_data,
            state,
            sink,
            keyring,
            revocations,
        })
    }

    /// Internal id of the app, which never changes: tokens name the app by it.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What is configured at present.
    #[must_use]
    pub fn definition(&self) -> Arc<Definition> {
        Arc::clone(&self.definition.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this is configured. It has to be of the same client app id.
    pub(crate) fn redefine(&self, definition: Definition) {
        *self.definition.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(definition);
    }

    /// What the application keeps about the user, as rules and the profile have it.
    ///
    /// # Errors
    /// When it cannot be read at present.
    pub(crate) async fn custom_data(&self, user: &User) -> Result<Option<Box<RawValue>>, BackendError> {
        self.custom_user_data.of(&self.definition(), user).await
    }

    /// The same for an access token. What is too large for one is left out: a client that could not send its token would
    /// keep its documents for ever.
    ///
    /// # Errors
    /// When it cannot be read at present.
    pub(crate) async fn data_of_token(&self, user: &User) -> Result<Option<Box<RawValue>>, BackendError> {
        let data = self.custom_data(user).await?;
        let bytes = data.as_ref().map_or(0, |data| data.get().len());
        if bytes <= custom_user_data::MAX_IN_TOKEN {
            return Ok(data);
        }
        let (user, most) = (&user.id, custom_user_data::MAX_IN_TOKEN);
        warn!(
            user,
            bytes, most, "custom data is too large for an access token, so this one comes without it"
        );
        Ok(None)
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.definition()).to_owned()
    }

    /// What is configured at present, if documents are taken under it; they wait on their devices otherwise.
    pub(crate) fn taking_documents(&self) -> Option<Arc<Definition>> {
        Some(self.definition()).filter(|definition| definition.sync.enabled)
    }

    /// Whether clients mean this app by the id.
    pub(crate) fn is_called(&self, client_app_id: &str) -> bool {
        let definition = self.definition();
        let own = definition.client_app_id.as_ref();
        own.is_none_or(|own| own == client_app_id)
    }
}

fn name_of(definition: &Definition) -> &str {
    definition.client_app_id.as_deref().unwrap_or("any")
}
