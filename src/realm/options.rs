//! What an application chooses for a path beside its schema. All opens of the path share it: one that chooses otherwise
//! while the path is open is refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::RealmConfig;
use crate::error::{Error, Result};
use crate::outbox::{Cap, Durability};
use crate::uploader::admission::Gate;
use crate::uploader::gate::UploadPolicy;

/// The choices of one open.
#[derive(Clone)]
pub(crate) struct Choices {
    pub(crate) storage: Storage,
    urgent: BTreeSet<String>,
    /// Shared by the sessions of a realm.
    pub(crate) gate: Arc<Gate>,
    /// Whether this is the session of the urgent classes.
    pub(crate) is_urgent: bool,
}

/// What the outbox is opened with, and keeps until it is opened anew.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Storage {
    pub(crate) durability: Durability,
    pub(crate) cap: Cap,
}

/// Nothing was chosen.
impl Default for Choices {
    fn default() -> Choices {
        Choices {
            storage: Storage::default(),
            urgent: BTreeSet::new(),
            gate: Arc::new(Gate::new(UploadPolicy::default())),
            is_urgent: false,
        }
    }
}

impl Choices {
    /// # Errors
    /// The upload policy makes no sense.
    pub(super) fn of(config: &RealmConfig) -> Result<Choices> {
        config.upload.check()?;
        Ok(Choices {
            storage: Storage {
                durability: config.durability,
                cap: config.cap,
            },
            urgent: config.urgent.iter().cloned().collect(),
            gate: Arc::new(Gate::new(config.upload.clone())),
            is_urgent: false,
        })
    }

    /// The same for the session of the urgent classes.
    pub(super) fn urgent(self) -> Choices {
        Choices {
            is_urgent: true,
            ..self
        }
    }

    /// # Errors
    /// They are not those of an open of the path.
    pub(crate) fn check_same(&self, other: &Choices, path: &Path) -> Result<()> {
        let are_same = self.storage == other.storage
            && self.urgent == other.urgent
            && self.gate.policy() == other.gate.policy();
        if are_same {
            return Ok(());
        }
        Err(Error::Mismatch(format!(
            "Realm at path '{}' already opened with different ingest options.",
            path.display()
        )))
    }
}
