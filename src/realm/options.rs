//! What an application chooses for a path beside its schema. All opens of the path share it: one that chooses otherwise
//! while the path is open is refused.

use std::collections::BTreeSet;
use std::path::Path;

use super::RealmConfig;
use crate::error::{Error, Result};
use crate::outbox::{Cap, Durability};

/// The choices of one open.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Choices {
    pub(crate) storage: Storage,
    urgent: BTreeSet<String>,
}

/// What the outbox is opened with, and keeps until it is opened anew.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Storage {
    pub(crate) durability: Durability,
    pub(crate) cap: Cap,
}

impl Choices {
    pub(super) fn of(config: &RealmConfig) -> Choices {
        Choices {
            storage: Storage {
                durability: config.durability,
                cap: config.cap,
            },
            urgent: config.urgent.iter().cloned().collect(),
        }
    }

    /// # Errors
    /// They are not those of an open of the path.
    pub(crate) fn check_same(&self, other: &Choices, path: &Path) -> Result<()> {
        if self == other {
            return Ok(());
        }
        Err(Error::Mismatch(format!(
            "Realm at path '{}' already opened with different ingest options.",
            path.display()
        )))
    }
}
