//! How a realm is opened.

use std::fmt;
use std::path::PathBuf;

use crate::outbox::{Cap, Durability, KEY_BYTES, Key};
use crate::uploader::gate::UploadPolicy;
use crate::uploader::session::StopPolicy;

/// How a realm is opened.
#[derive(Clone)]
pub struct RealmConfig {
    /// The file; none means the default one of the user.
    pub path: Option<PathBuf>,
    /// The classes, as the protocol's schema document.
    pub schema_json: String,
    /// What happens to the session after the last close.
    pub stop_policy: StopPolicy,
    /// The key that encrypts the file, and that of urgent classes. A new file gets it; one that is there has to have it.
    pub encryption_key: Option<[u8; KEY_BYTES]>,
    /// Sent with every request of the session, where the app has the built-in transport.
    pub headers: Vec<(String, String)>,
    /// `http://[user:password@]host:port`, where the app has the built-in transport.
    pub proxy: Option<String>,
    /// What a returned append has survived.
    pub durability: Durability,
    /// How much may wait, and what happens to a write beyond. Where there are urgent classes, they have as much again.
    pub cap: Cap,
    /// The classes that overtake the others. They wait in a file of their own beside the realm's, so that a write
    /// transaction holds objects of urgent classes or of others. Each class keeps its order; one that a new release makes
    /// urgent, or does not any more, may overtake what it wrote before.
    pub urgent: Vec<String>,
    /// When the session may use the network, and how much of it. Where there are times at which it may not, what an earlier
    /// run left is sent once a realm is opened there, and not before.
    pub upload: UploadPolicy,
}

impl RealmConfig {
    /// The defaults with this schema.
    pub fn new(schema_json: impl Into<String>) -> RealmConfig {
        RealmConfig {
            path: None,
            schema_json: schema_json.into(),
            stop_policy: StopPolicy::AfterChangesUploaded,
            encryption_key: None,
            headers: Vec::new(),
            proxy: None,
            durability: Durability::default(),
            cap: Cap::default(),
            urgent: Vec::new(),
            upload: UploadPolicy::default(),
        }
    }
}

impl RealmConfig {
    /// The key for the outbox.
    pub(crate) fn key(&self) -> Option<Key> {
        self.encryption_key.map(Key::new)
    }

    /// Whether the transport of the app will do.
    pub(super) fn has_own_transport(&self) -> bool {
        !self.headers.is_empty() || self.proxy.as_ref().is_some_and(|proxy| !proxy.is_empty())
    }
}

impl fmt::Debug for RealmConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealmConfig")
            .field("path", &self.path)
            .field("stop_policy", &self.stop_policy)
            .finish_non_exhaustive()
    }
}
