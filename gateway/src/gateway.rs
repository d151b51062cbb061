//! What every request shares.

use std::collections::BTreeMap;
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
    schemas: RwLock<Known>,
    memory: Arc<Semaphore>,
}

/// The schemas as they were read last.
#[derive(Clone)]
struct Known {
    version: i64,
    schemas: Arc<Schemas>,
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
        let (version, schemas) = store.schemas().await.map_err(OpenError::from)?;
        Ok(Self {
            settings,
            store: Box::new(store),
            sink: Box::new(sink),
            tokens: Tokens::new(&secrets),
            passwords: Passwords::new(at_once).map_err(|_| SetUpError::Passwords)?,
            throttle: Throttle::default(),
            schemas: RwLock::new(Known {
                version,
                schemas: Arc::new(schemas),
            }),
            memory: Arc::new(Semaphore::new(BATCH_MEMORY)),
        })
    }

    /// An account for the memory of one request.
    #[must_use]
    pub fn budget(&self) -> Budget {
        Budget::new(Arc::clone(&self.memory))
    }

    /// Every schema that was ever sent, as the operator's choices make it now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn schemas(&self) -> Result<Arc<Schemas>, Reject> {
        let version = self.store.schemas_version().await?;
        let known = self.known();
        if known.version == version {
            return Ok(known.schemas);
        }
        let (version, schemas) = self.store.schemas().await?;
        let read = Known {
            version,
            schemas: Arc::new(schemas),
        };
        let mut known = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        // Another request may have read later than this one.
        if known.version < version {
            *known = read.clone();
        }
        Ok(read.schemas)
    }

    /// Keeps a schema for good. The answer is why documents of some of its classes are refused, by class.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn add_schema(&self, schema: Schema) -> Result<BTreeMap<String, String>, Reject> {
        let fingerprint = schema.fingerprint();
        if !self.schemas().await?.contains_key(&fingerprint) {
            self.store.add_schema(schema).await?;
        }
        let schemas = self.schemas().await?;
        Ok(schemas
            .get(&fingerprint)
            .map(|known| known.conflicts.clone())
            .unwrap_or_default())
    }

    fn known(&self) -> Known {
        self.schemas
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
