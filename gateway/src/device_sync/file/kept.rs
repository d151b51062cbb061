//! What is kept of the classes of a file, as JSON: what they are, and what they were before the client's last versions. A device that
//! was not acknowledged a change of its classes sends what it wrote before the change once more, and the same documents have to
//! come of it.

use serde::{Deserialize, Serialize};

use super::classes::ClassesError;
use crate::device_sync::registry::{Registry, RegistryError};
use crate::state::MAX_REGISTRY;

/// Changes that are kept: between two acknowledgements there is one at most, but for who changes classes for its own sake.
const CHANGES: usize = 4;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// What the classes are.
    classes: Registry,
    /// In the order of their versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before: Vec<Before>,
}

/// What the classes were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Before {
    /// The client's version that changed them.
    until: u64,
    classes: Registry,
}

impl Kept {
    /// Reads what [`Kept::to_json`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(json: &str) -> Result<Self, RegistryError> {
        serde_json::from_str(json).map_err(|error| RegistryError::Unreadable(error.to_string()))
    }

    /// As it is kept; without what the classes were where there is too much of it.
    ///
    /// # Errors
    /// When there is too much all the same.
    pub fn to_json(&self) -> Result<String, ClassesError> {
        let json = |kept: &Self| {
            serde_json::to_string(kept).map_err(|error| RegistryError::Unreadable(error.to_string()))
        };
        let whole = json(self)?;
        if whole.len() <= MAX_REGISTRY {
            return Ok(whole);
        }
        let bare = json(&Self {
            classes: self.classes.clone(),
            before: Vec::new(),
        })?;
        if bare.len() > MAX_REGISTRY {
            return Err(RegistryError::TooLarge.into());
        }
        Ok(bare)
    }

    /// What the classes were when the client was at this version. Of versions above it nothing is known from then on: the client
    /// says them again, or has been turned back and says others.
    pub fn back_at(mut self, version: u64) -> Self {
        if let Some(at) = self.before.iter().position(|before| before.until > version) {
            let mut later = self.before.split_off(at);
            self.classes = later.swap_remove(0).classes;
        }
        self
    }

    /// What the classes are.
    pub const fn classes(&self) -> &Registry {
        &self.classes
    }

    /// The same without what they were.
    pub fn into_classes(self) -> Registry {
        self.classes
    }

    /// They are these, and were these in all that is of them: others have said so, and the client never said otherwise.
    ///
    /// # Errors
    /// Where that cannot be said.
    pub fn correct<E>(&mut self, define: impl Fn(&mut Registry) -> Result<(), E>) -> Result<(), E> {
        define(&mut self.classes)?;
        self.before
            .iter_mut()
            .try_for_each(|before| define(&mut before.classes))
    }

    /// From this version on they are these. The client was acknowledged all up to `acked`.
    pub fn change(&mut self, version: u64, classes: Registry, acked: u64) {
        self.before.retain(|before| before.until > acked);
        if self.before.len() >= CHANGES {
            self.before.remove(0);
        }
        let classes = std::mem::replace(&mut self.classes, classes);
        self.before.push(Before {
            until: version,
            classes,
        });
    }
}
