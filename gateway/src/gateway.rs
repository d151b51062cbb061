//! What every request shares.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use realm_ingest_protocol::Schema;
use tokio::sync::Semaphore;

use crate::auth::{Passwords, Throttle, Tokens};
use crate::body::Budget;
use crate::checks::Schemas;
use crate::reject::Reject;
use crate::sink::Sink;
use crate::sink::embedded::EmbeddedSink;
use crate::storage::OpenError;
use crate::store::{EmbeddedStore, Store};

/// Bytes of batches held in memory at the same time: three of the largest, or hundreds of usual ones.
const BATCH_MEMORY: usize = 256 * 1024 * 1024;

/// What an operator chooses.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The client app id that is served. Without one, every id is taken for the one app there is.
    pub app_id: Option<String>,
    /// Where the server listens, for clients that do not say how they found it.
    pub address: Option<SocketAddr>,
}

/// State of a running gateway.
pub struct Gateway {
    pub(crate) settings: Settings,
    pub(crate) store: Box<dyn Store>,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) tokens: Tokens,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    schemas: RwLock<Arc<Schemas>>,
    memory: Arc<Semaphore>,
}

/// Why a gateway could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// A file could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Passwords cannot be hashed.
    #[error("argon2 does not work on this machine")]
    Passwords,
}

impl Gateway {
    /// Opens or creates everything in the directory `data`, which must exist.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub async fn open(data: &Path, settings: Settings) -> Result<Self, SetUpError> {
        let (store, secrets) = EmbeddedStore::open(data)?;
        let sink = EmbeddedSink::open(data)?;
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let schemas = store.schemas().await.map_err(OpenError::from)?;
        let gateway = Self {
            settings,
            store: Box::new(store),
            sink: Box::new(sink),
            tokens: Tokens::new(&secrets),
            passwords: Passwords::new(at_once).map_err(|_| SetUpError::Passwords)?,
            throttle: Throttle::default(),
            schemas: RwLock::default(),
            memory: Arc::new(Semaphore::new(BATCH_MEMORY)),
        };
        for schema in schemas {
            gateway.remember(schema);
        }
        Ok(gateway)
    }

    /// An account for the memory of one request.
    #[must_use]
    pub fn budget(&self) -> Budget {
        Budget::new(Arc::clone(&self.memory))
    }

    /// Every schema accepted so far.
    #[must_use]
    pub fn schemas(&self) -> Arc<Schemas> {
        Arc::clone(&self.schemas.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Accepts a schema for good.
    ///
    /// # Errors
    /// When it contradicts those accepted before, or cannot be stored.
    pub async fn accept(&self, schema: Schema) -> Result<(), Reject> {
        if self.schemas().contains_key(&schema.fingerprint()) {
            return Ok(());
        }
        self.store
            .extend_schema(schema.clone())
            .await?
            .map_err(Reject::SchemaConflict)?;
        self.remember(schema);
        Ok(())
    }

    fn remember(&self, schema: Schema) {
        let mut schemas = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut schemas).insert(schema.fingerprint(), Arc::new(schema));
    }
}
