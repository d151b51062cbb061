//! How an app is set up.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::DeviceInfo;
use crate::clock::{Clock, SystemClock};
use crate::transport::Transport;
use crate::transport::http::HttpOptions;

/// How an app is set up.
#[derive(Clone)]
pub struct AppConfig {
    /// The client app id.
    pub app_id: String,
    /// Where the server is; none means the environment variable `REALM_INGEST_URL`. Either may name several addresses, with
    /// spaces between them: those behind the first are as `fallback_urls`.
    pub base_url: Option<String>,
    /// Other addresses of the same service, which is one with one state by whichever it is reached. Requests go to the next
    /// one while an address cannot be reached, and to `base_url` again once it answers.
    pub fallback_urls: Vec<String>,
    /// The directory for files; none means the process's current one.
    pub path: Option<PathBuf>,
    /// Encrypts the file with users and tokens.
    pub metadata_encryption_key: Option<[u8; 64]>,
    /// Opening an app with the same id and address gives the same app.
    pub enable_caching: bool,
    /// The application's own transport; none means the built-in one.
    pub transport: Option<Arc<dyn Transport>>,
    /// Settings of the built-in transport.
    pub http: HttpOptions,
    /// What logins say about this device.
    pub device: DeviceInfo,
    /// The time by which sessions wait.
    #[cfg(any(test, feature = "testing"))]
    pub clock: Arc<dyn Clock>,
}

impl AppConfig {
    /// The defaults for this client app id.
    pub fn new(app_id: impl Into<String>) -> AppConfig {
        AppConfig {
            app_id: app_id.into(),
            base_url: None,
            fallback_urls: Vec::new(),
            path: None,
            metadata_encryption_key: None,
            enable_caching: true,
            transport: None,
            http: HttpOptions::default(),
            device: DeviceInfo::default(),
            #[cfg(any(test, feature = "testing"))]
            clock: Arc::new(SystemClock::default()),
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    #[cfg(not(any(test, feature = "testing")))]
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SystemClock::default())
    }
}

impl fmt::Debug for AppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppConfig")
            .field("app_id", &self.app_id)
            .field("base_url", &self.base_url)
            .field("path", &self.path)
            .field("encrypted", &self.metadata_encryption_key.is_some())
            .field("enable_caching", &self.enable_caching)
            .finish_non_exhaustive()
    }
}
