//! What is known of the classes of one client file. A client says it once, in its first changesets, and never again; so it is kept
//! with the file.

mod adopt;
mod column;
mod schema;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use realm_ingest_protocol::schema::{MAX_CLASS_NAME, MAX_CLASSES, MAX_PROPERTIES, MAX_PROPERTY_NAME};
use serde::{Deserialize, Serialize};

use super::builder::Plan;
use super::changeset::{Instruction, KeyType, Table};
pub(super) use column::Property;

/// Bytes of JSON that a client file's classes may have: what the largest schema has that the HTTP door takes.
pub const MAX_JSON: usize = 1024 * 1024;

/// What is wrong with what a client says of its classes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// More classes than a schema may have.
    #[error("the schema has more than {MAX_CLASSES} classes")]
    TooManyClasses,
    /// More properties than a class may have.
    #[error("class '{0}' has more than {MAX_PROPERTIES} properties")]
    TooManyProperties(String),
    /// A name that is longer than Realm allows, or cannot be in a document.
    #[error(
        "the name of a class has more than {MAX_CLASS_NAME} bytes, or that of a property more than {MAX_PROPERTY_NAME}, \
         or it has a NUL character"
    )]
    BadName,
    /// All of it together is too large.
    #[error("the schema takes more than {MAX_JSON} bytes")]
    TooLarge,
    /// A class whose objects cannot be told from each other.
    #[error("class '{0}' has no primary key")]
    NoKey(String),
    /// What was kept cannot be read.
    #[error("what is kept of the classes cannot be read: {0}")]
    Unreadable(String),
}

/// What the objects of a class are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableKind {
    /// They leave the device.
    Asymmetric,
    /// They are part of others.
    Embedded,
    /// They stay on the device; Data Ingest has no such.
    Regular,
}

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Registry {
    classes: BTreeMap<String, Known>,
    /// Those that were asked for. Copies share them until one of them changes.
    #[serde(skip)]
    plans: Arc<Mutex<HashMap<String, Arc<Plan>>>>,
}

impl PartialEq for Registry {
    fn eq(&self, other: &Self) -> bool {
        self.classes == other.classes
    }
}

/// What is known of a class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// None as long as the client has said nothing but properties that were added: it said the rest before its file was
    /// known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<TableKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<PrimaryKey>,
    /// Without the primary key, in the order they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    /// Others have said what it has, and nobody in which order.
    #[serde(default, skip_serializing_if = "column::is_false")]
    unordered: bool,
}

/// The primary key of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrimaryKey {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: KeyType,
    #[serde(default, skip_serializing_if = "column::is_false")]
    pub(super) nullable: bool,
    /// The client has not said so, nor has anybody else.
    #[serde(default, skip_serializing_if = "column::is_false")]
    pub(super) guessed: bool,
}

impl Registry {
    /// Reads what [`Registry::to_json`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(json: &str) -> Result<Self, RegistryError> {
        if json.len() > MAX_JSON {
            return Err(RegistryError::TooLarge);
        }
        serde_json::from_str(json).map_err(|error| RegistryError::Unreadable(error.to_string()))
    }

    /// As it is kept.
    ///
    /// # Errors
    /// When there is too much of it.
    pub fn to_json(&self) -> Result<String, RegistryError> {
        let json = serde_json::to_string(self);
        let json = json.map_err(|error| RegistryError::Unreadable(error.to_string()))?;
        if json.len() > MAX_JSON {
            return Err(RegistryError::TooLarge);
        }
        Ok(json)
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// What the objects of a class are; none when that is not known.
    #[must_use]
    pub fn kind(&self, class: &str) -> Option<TableKind> {
        self.classes.get(class)?.kind
    }

    /// Notes what an instruction says of classes, and whether that is new. Of others it notes nothing. What is said again in
    /// another form replaces what was said before: whether one can follow the other is for the core to decide, class by class.
    ///
    /// # Errors
    /// When there is too much of it. Nothing is changed then.
    pub fn apply(&mut self, instruction: &Instruction<'_, '_>) -> Result<bool, RegistryError> {
        let changed = match *instruction {
            Instruction::AddTable { class, table } => self.add_class(class, table)?,
            Instruction::EraseTable { class } => self.classes.remove(class).is_some(),
            Instruction::AddColumn { class, field, column } => {
                let is_target = |target| is_name(target, MAX_CLASS_NAME);
                if !is_name(field, MAX_PROPERTY_NAME) || !column.target.is_none_or(is_target) {
                    return Err(RegistryError::BadName);
                }
                self.add_property(class, Property::new(field, column))?
            }
            Instruction::EraseColumn { class, field } => self.erase_property(class, field),
            _ => false,
        };
        if changed {
            self.forget_plans();
        }
        Ok(changed)
    }

    fn add_class(&mut self, name: &str, table: Table<'_>) -> Result<bool, RegistryError> {
        let (kind, key) = match table {
            Table::Embedded => (TableKind::Embedded, None),
            Table::Regular(key) => (TableKind::Regular, key),
            Table::Asymmetric(key) => (TableKind::Asymmetric, key),
        };
        if key.is_some_and(|key| !is_name(key.name, MAX_PROPERTY_NAME)) {
            return Err(RegistryError::BadName);
        }
        let key = key.map(|key| PrimaryKey {
            name: key.name.to_owned(),
            kind: key.kind,
            nullable: key.nullable,
            guessed: false,
        });
        if kind == TableKind::Asymmetric && key.is_none() && is_name(name, MAX_CLASS_NAME) {
            return Err(RegistryError::NoKey(name.to_owned()));
        }
        let known = self.known(name)?;
        if (known.kind, &known.key) == (Some(kind), &key) {
            return Ok(false);
        }
        *known = Known {
            kind: Some(kind),
            key,
            properties: Vec::new(),
            unordered: false,
        };
        Ok(true)
    }

    fn add_property(&mut self, class: &str, property: Property) -> Result<bool, RegistryError> {
        let known = self.known(class)?;
        if known.key.as_ref().is_some_and(|key| key.name == property.name) {
            return Ok(false);
        }
        if let Some(before) = known.properties.iter_mut().find(|one| one.name == property.name) {
            let changed = *before != property;
            *before = property;
            return Ok(changed);
        }
        // The primary key is one of them.
        if known.properties.len() + 1 >= MAX_PROPERTIES {
            return Err(RegistryError::TooManyProperties(class.to_owned()));
        }
        known.properties.push(property);
        Ok(true)
    }

    fn erase_property(&mut self, class: &str, field: &str) -> bool {
        let Some(known) = self.classes.get_mut(class) else {
            return false;
        };
        let before = known.properties.len();
        known.properties.retain(|property| property.name != field);
        known.properties.len() < before
    }

    /// What is known of a class, from now on.
    fn known(&mut self, class: &str) -> Result<&mut Known, RegistryError> {
        if !self.classes.contains_key(class) {
            if !is_name(class, MAX_CLASS_NAME) {
                return Err(RegistryError::BadName);
            }
            if self.classes.len() >= MAX_CLASSES {
                return Err(RegistryError::TooManyClasses);
            }
        }
        Ok(self.classes.entry(class.to_owned()).or_default())
    }

    /// How documents of a class are made; none when it is not known what it is.
    pub(super) fn plan(&self, class: &str) -> Option<Arc<Plan>> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(class) {
            return Some(Arc::clone(plan));
        }
        let known = self.classes.get(class)?;
        let plan = Plan::new(class, known.kind?, known.key.as_ref(), &known.properties, self);
        let plan = Arc::new(plan);
        plans.insert(class.to_owned(), Arc::clone(&plan));
        Some(plan)
    }

    /// The classes of which something is known.
    pub(super) fn classes(&self) -> impl Iterator<Item = &str> {
        self.classes.keys().map(String::as_str)
    }

    /// The class of what a property links to, or holds embedded.
    pub(super) fn target(&self, class: &str, property: &str) -> Option<&str> {
        let mut properties = self.classes.get(class)?.properties.iter();
        properties.find(|one| one.name == property)?.target.as_deref()
    }

    /// The classes of what the properties of a class link to, or hold embedded.
    pub(super) fn targets(&self, class: &str) -> impl Iterator<Item = &str> {
        let known = self.classes.get(class).into_iter();
        let properties = known.flat_map(|known| &known.properties);
        properties.filter_map(|one| one.target.as_deref())
    }

    /// Whether a property of a class is known.
    pub(super) fn has(&self, class: &str, property: &str) -> bool {
        let known = self.classes.get(class);
        known.is_some_and(|known| known.properties.iter().any(|one| one.name == property))
    }

    /// The classes of which something is a guess.
    #[must_use]
    pub fn guessed(&self) -> Vec<String> {
        let is_guess = |known: &Known| {
            known.key.as_ref().is_some_and(|key| key.guessed)
                || known.properties.iter().any(|one| one.guessed)
        };
        let guessed = self.classes.iter().filter(|(_, known)| is_guess(known));
        guessed.map(|(name, _)| name.clone()).collect()
    }

    /// The primary key of a class.
    pub(super) fn key(&self, class: &str) -> Option<&PrimaryKey> {
        self.classes.get(class)?.key.as_ref()
    }

    /// A plan depends on the classes that it links to, so all of them go.
    fn forget_plans(&mut self) {
        match Arc::get_mut(&mut self.plans) {
            Some(own) => own.get_mut().unwrap_or_else(PoisonError::into_inner).clear(),
            None => self.plans = Arc::default(),
        }
    }
}

fn is_name(name: &str, most: usize) -> bool {
    name.len() <= most && !name.as_bytes().contains(&0)
}
