//! What is kept of the classes of a file, as JSON: what they are, and what they were before the client's last versions. A device that
//! was not acknowledged a change of its classes sends what it wrote before the change once more, and the same documents have to
//! come of it.

use serde::{Deserialize, Serialize};

use super::classes::ClassesError;
use crate::device_sync::registry::{Registry, RegistryError};
use crate::state::MAX_REGISTRY;

/// Changes that are kept. Between two acknowledgements there is one at most, but for who changes classes for its own sake, and for files
/// of which more is found out with each of their first changesets.
const CHANGES: usize = 16;

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
    pub fn into_classes(self) -> Registry {
        self.classes
    }

    /// It was found out with this version of the client that they are these, and not as they were `known` till then. Of what was not
    /// known at all nothing was made before, so that was so from the beginning. To the rest it has come with this version.
    pub fn learn(&mut self, version: u64, found: Registry, known: &Registry, acked: u64) {
        self.classes.add_unknown(&found, known);
        for before in &mut self.before {
            before.classes.add_unknown(&found, known);
        }
        if self.classes != found {
            self.change(version, found, acked);
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::device_sync::changeset::{Column, ColumnType, Instruction, KeyType};

    /// A registry with so many classes.
    fn classes(count: usize) -> Registry {
        let mut registry = Registry::default();
        for number in 0..count {
            registry
                .define_regular(&format!("Class{number}"), KeyType::Int)
                .unwrap();
        }
        registry
    }

    /// Classes 1, 2, 3, ... that came with versions 10, 20, 30, ... of a client that was acknowledged nothing.
    fn grown(count: usize) -> Kept {
        let mut kept = Kept::default();
        for number in 1..=count {
            kept.change(10 * number as u64, classes(number), 0);
        }
        kept
    }

    fn count_at(kept: &Kept, version: u64) -> usize {
        let classes = kept.clone().back_at(version).into_classes();
        serde_json::to_value(classes).unwrap().as_object().unwrap().len()
    }

    #[test]
    fn classes_are_those_of_the_version_that_a_client_goes_back_to() {
        let kept = grown(3);
        for (version, count) in [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (30, 3), (99, 3)] {
            assert_eq!(count_at(&kept, version), count, "{version}");
        }
        let json = kept.to_json().unwrap();
        assert_eq!(Kept::parse(&json).unwrap(), kept);
        // Having gone back it goes on in another way.
        let mut back = kept.back_at(15);
        back.change(16, classes(7), 15);
        for (version, count) in [(15, 1), (16, 7), (30, 7)] {
            assert_eq!(count_at(&back, version), count, "{version}");
        }
    }

    #[test]
    fn what_a_client_cannot_go_back_to_is_not_kept() {
        let mut kept = grown(3);
        kept.change(40, classes(4), 25);
        assert_eq!(kept.before.len(), 2);
        assert_eq!(
            (count_at(&kept, 25), count_at(&kept, 30), count_at(&kept, 40)),
            (2, 3, 4)
        );
        assert_eq!(grown(10 * CHANGES).before.len(), CHANGES);
    }

    #[test]
    fn a_class_that_is_found_out_was_so_from_the_beginning_and_what_is_found_out_later_was_not() {
        let mut kept = grown(2);
        let before = kept.classes.clone();
        let mut found = before.clone();
        found.define_regular("Found", KeyType::Int).unwrap();
        kept.learn(25, found.clone(), &before, 15);
        assert_eq!((count_at(&kept, 5), count_at(&kept, 25)), (1, 3));
        assert_eq!((kept.before.len(), &kept.classes), (2, &found));
        let (before, property) = (found.clone(), "more");
        let column = Column {
            kind: ColumnType::Int,
            nullable: true,
            container: None,
            target: None,
        };
        let more = Instruction::AddColumn {
            class: "Found",
            field: property,
            column,
        };
        found.apply(&more).unwrap();
        kept.learn(26, found, &before, 25);
        let has = |version| kept.clone().back_at(version).classes.has("Found", property);
        assert_eq!((has(25), has(26)), (false, true));
    }

    #[test]
    fn what_is_too_long_goes_without_what_was_before() {
        let large = |letter: &str| {
            let mut registry = Registry::default();
            for number in 0..900 {
                registry
                    .define_regular(&format!("{number:03}{}", letter.repeat(50)), KeyType::Int)
                    .unwrap();
            }
            registry
        };
        let mut kept = Kept::default();
        for version in 1..=40 {
            kept.change(version, large("x"), 0);
        }
        let json = kept.to_json().unwrap();
        assert!(json.len() <= MAX_REGISTRY);
        assert_eq!(Kept::parse(&json).unwrap().classes, kept.classes);
    }
}
