//! The classes of an application, as data.
//!
//! ```text
//! {"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id",
//!   "properties":[{"name":"_id","type":"objectId"},
//!                 {"name":"tags","type":"string","optional":true,"collection":"list"},
//!                 {"name":"where","type":"object","object":"Position"}]}, ...]}
//! ```
//!
//! `kind` is `asymmetric` or `embedded`; `optional`, `collection` and `object` are left out where they do
//! not apply. With a `collection`, `optional` speaks of its elements. The canonical form, over which the
//! fingerprint is taken, has the classes sorted by name, the members in the order shown and no spaces.
//!
//! Texts are those of Realm, which logs and tests look for.

mod changes;
mod validate;

use std::collections::HashSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use changes::{additive_changes, additive_text, conflicts, merge};
pub use validate::{is_class_name, validation_text};

/// Bytes a class name may have.
pub const MAX_CLASS_NAME: usize = 57;
/// Bytes a property name may have.
pub const MAX_PROPERTY_NAME: usize = 63;
/// Classes a schema may have: ten times what large applications have.
pub const MAX_CLASSES: usize = 1_000;
/// Properties a class may have: ten times what large classes have.
pub const MAX_PROPERTIES: usize = 1_000;
/// Collections of the gateway's own begin like this.
pub const RESERVED_PREFIX: &str = "__realm_ingest";

/// All classes of one opened realm, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The classes, sorted by name.
    pub classes: Vec<Class>,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Name of the class, and of the collection its documents go to.
    pub name: String,
    /// Whether its objects stand alone or inside others.
    pub kind: Kind,
    /// Name of the primary key. A list is read as well, so that two keys can be reported as what they are.
    #[serde(default, skip_serializing_if = "PrimaryKey::is_none")]
    pub primary_key: PrimaryKey,
    /// Its properties in the order they were declared.
    pub properties: Vec<Property>,
}

/// Whether the objects of a class stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sent to the server and never read back.
    Asymmetric,
    /// Part of another object.
    Embedded,
}

/// Which properties are marked as the primary key: exactly one in a valid asymmetric class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PrimaryKey {
    /// None.
    #[default]
    None,
    /// One.
    One(String),
    /// Several, which is never valid.
    Several(Vec<String>),
}

impl PrimaryKey {
    const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The names, in the order given.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

/// One property of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Name of the property, and of the field.
    pub name: String,
    /// Type of the value, or of the elements of a collection.
    #[serde(rename = "type")]
    pub kind: PropertyType,
    /// Whether the value, or an element of the collection, may be null.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
    /// Set where the property holds many values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<Collection>,
    /// With type `object`: the embedded class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Nobody has said what it is: this is a guess of the gateway. Never sent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub guessed: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the types are Realm's own under Realm's own names")]
pub enum PropertyType {
    Int,
    Bool,
    String,
    Data,
    Date,
    Float,
    Double,
    Decimal128,
    ObjectId,
    Uuid,
    Mixed,
    Object,
}

impl PropertyType {
    /// The name Realm's texts use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Data => "data",
            Self::Date => "date",
            Self::Float => "float",
            Self::Double => "double",
            Self::Decimal128 => "decimal128",
            Self::ObjectId => "object id",
            Self::Uuid => "uuid",
            Self::Mixed => "mixed",
            Self::Object => "object",
        }
    }
}

/// How a property holds many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    /// In order, repeats allowed.
    List,
    /// Each value once.
    Set,
    /// By name.
    Dictionary,
}

impl Collection {
    /// The name Realm's texts use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "array",
            Self::Set => "set",
            Self::Dictionary => "dictionary",
        }
    }
}

/// A schema that cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("the schema is not valid JSON of the documented shape: {0}")]
pub struct SchemaError(#[from] serde_json::Error);

impl Property {
    /// Kind of value in Realm's texts: `int`, `array`, `set`, ...
    fn kind_text(&self) -> &'static str {
        self.collection
            .map_or_else(|| self.kind.as_str(), Collection::as_str)
    }

    /// Full type in Realm's texts: `int`, `<Position>`, `array<string>`, `dictionary<string, int>`, ...
    #[must_use]
    pub fn type_text(&self) -> String {
        let class = self.object.as_deref().unwrap_or_default();
        match (self.collection, self.kind) {
            (None, PropertyType::Object) => format!("<{class}>"),
            (None, kind) => kind.as_str().to_owned(),
            (Some(collection), kind) => {
                let element = if kind == PropertyType::Object {
                    class
                } else {
                    kind.as_str()
                };
                let key = if collection == Collection::Dictionary {
                    "string, "
                } else {
                    ""
                };
                format!("{}<{key}{element}>", collection.as_str())
            }
        }
    }
}

impl Schema {
    /// Reads a schema and sorts its classes. What it says is not checked; [`Schema::validate`] does that.
    ///
    /// # Errors
    /// When the JSON is malformed or has members that are not documented.
    pub fn parse(json: &str) -> Result<Self, SchemaError> {
        let mut schema: Self = serde_json::from_str(json)?;
        schema.classes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(schema)
    }

    /// The canonical form.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, booleans and lists of them always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Names the schema: the first 16 bytes of SHA-256 over the canonical form, in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.to_json());
        digest
            .iter()
            .take(16)
            .fold(String::with_capacity(32), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }

    /// The class of this name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<&Class> {
        let index = self
            .classes
            .binary_search_by(|class| class.name.as_str().cmp(name))
            .ok()?;
        self.classes.get(index)
    }

    /// The class and every embedded class that its objects can hold, directly or through others.
    #[must_use]
    pub fn with_embedded<'a>(&'a self, class: &'a Class) -> Vec<&'a Class> {
        let mut found = vec![class];
        let mut names = HashSet::from([class.name.as_str()]);
        let mut next = 0;
        while let Some(class) = found.get(next).copied() {
            next += 1;
            for target in class.properties.iter().filter_map(|p| p.object.as_deref()) {
                if names.insert(target)
                    && let Some(target) = self.class(target)
                {
                    found.push(target);
                }
            }
        }
        found
    }
}

fn lines(findings: &[String]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let _ = write!(text, "\n- {finding}");
        text
    })
}

/// The first so many findings, and how many more there are.
fn first_of<'a>(mut findings: impl Iterator<Item = &'a String>, most: usize) -> Vec<String> {
    let mut first: Vec<_> = findings.by_ref().take(most).cloned().collect();
    let more = findings.count();
    if more > 0 {
        first.push(format!("... and {more} more"));
    }
    first
}

#[cfg(test)]
mod tests;
