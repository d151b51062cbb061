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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes a class name may have.
pub const MAX_CLASS_NAME: usize = 57;
/// Bytes a property name may have.
pub const MAX_PROPERTY_NAME: usize = 63;
/// Classes a schema may have: ten times what large applications have.
pub const MAX_CLASSES: usize = 1_000;
/// Properties a class may have: ten times what large classes have.
pub const MAX_PROPERTIES: usize = 1_000;
/// Properties that are looked at to say where classes contain themselves, before it is only said that they do.
const MAX_CYCLE_STEPS: usize = 100_000;
const CYCLES: &str = "Cycles containing embedded objects are not currently supported";
/// Findings that are told of one schema.
const MAX_FINDINGS: usize = 50;
/// Findings that are told of one class: all that hold an embedded class tell those of it again.
const MAX_CONFLICTS: usize = 5;
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

    /// Checks what Realm checks when a synchronized realm is opened.
    ///
    /// # Errors
    /// With one text for each finding; [`validation_text`] makes Realm's message of them.
    pub fn validate(&self) -> Result<(), Vec<String>> {
        let mut findings = Vec::new();
        for pair in self.classes.windows(2) {
            if let [first, second] = pair
                && first.name == second.name
            {
                findings.push(format!(
                    "Type '{}' appears more than once in the schema.",
                    first.name
                ));
            }
        }
        for class in &self.classes {
            self.validate_class(class, &mut findings);
        }
        if findings.is_empty() {
            self.find_cycles(&mut findings);
        }
        if findings.is_empty() {
            return Ok(());
        }
        Err(first_of(findings.iter(), MAX_FINDINGS))
    }

    /// Checks how much there is, and all names: their length, as Realm does when the schema is first written to the file,
    /// and whether they can name a collection and a field in a database.
    ///
    /// # Errors
    /// With one sentence for the first thing that is wrong; where it is Realm's own limit, in Realm's words.
    pub fn check_limits(&self) -> Result<(), String> {
        if self.classes.len() > MAX_CLASSES {
            return Err(format!("The schema has more than {MAX_CLASSES} classes"));
        }
        for class in &self.classes {
            let name = &class.name;
            if name.len() > MAX_CLASS_NAME {
                return Err(format!("Name too long: class_{}", shortened(name)));
            }
            if !is_class_name(name) {
                return Err(format!(
                    "A class cannot have the name {name:?}: it names a collection, so it is not empty, does not begin \
                     with 'system.' or '{RESERVED_PREFIX}', and has no '$' and no control characters"
                ));
            }
            if class.properties.len() > MAX_PROPERTIES {
                return Err(format!(
                    "Class '{name}' has more than {MAX_PROPERTIES} properties"
                ));
            }
            for property in &class.properties {
                let property = &property.name;
                if property.len() > MAX_PROPERTY_NAME {
                    return Err(format!("Name too long: {}", shortened(property)));
                }
                if !is_property_name(property) {
                    return Err(format!(
                        "A property of class '{name}' cannot have the name {property:?}: it names a field, so it is not \
                         empty, does not begin with '$', and has no '.' and no control characters"
                    ));
                }
            }
        }
        Ok(())
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

    fn validate_class(&self, class: &Class, findings: &mut Vec<String>) {
        let name = &class.name;
        let mut seen = HashSet::new();
        for property in &class.properties {
            if !seen.insert(property.name.as_str()) {
                let text = format!(
                    "Property '{}' appears more than once in the schema for type '{name}'.",
                    property.name
                );
                findings.push(text);
            }
            self.validate_property(class, property, findings);
        }
        let keys = class.primary_key.names();
        for pair in keys.windows(2) {
            if let [first, second] = pair {
                findings.push(format!(
                    "Properties '{second}' and '{first}' are both marked as the primary key of '{name}'."
                ));
            }
        }
        for key in keys {
            match class.properties.iter().find(|property| property.name == *key) {
                None => findings.push(format!("Specified primary key '{name}.{key}' does not exist.")),
                Some(property) if !can_be_key(property) => findings.push(format!(
                    "Property '{name}.{key}' of type '{}' cannot be made the primary key.",
                    property.kind_text()
                )),
                Some(_) => {}
            }
        }
        match (class.kind, keys.first()) {
            (Kind::Embedded, Some(_)) => {
                findings.push(format!("Embedded object type '{name}' cannot have a primary key."));
            }
            (Kind::Asymmetric, None) => findings.push(format!(
                "There must be a primary key property named '_id' on a synchronized Realm but none was found for type '{name}'"
            )),
            (Kind::Asymmetric, Some(key)) if key != "_id" => findings.push(format!(
                "The primary key property on a synchronized Realm must be named '_id' but found '{key}' for type '{name}'"
            )),
            _ => {}
        }
    }

    fn validate_property(&self, class: &Class, property: &Property, findings: &mut Vec<String>) {
        let (name, kind) = (
            format!("'{}.{}'", class.name, property.name),
            property.kind_text(),
        );
        let Some(target) = &property.object else {
            if property.kind == PropertyType::Object {
                findings.push(format!(
                    "Property {name} of type '{kind}' has unknown object type ''"
                ));
            }
            return;
        };
        if property.kind != PropertyType::Object {
            findings.push(format!(
                "Property {name} of type '{kind}' cannot have an object type."
            ));
            return;
        }
        match self.class(target).map(|class| class.kind) {
            None => findings.push(format!(
                "Property {name} of type '{kind}' has unknown object type '{target}'"
            )),
            Some(Kind::Asymmetric) => {
                findings.push(format!(
                    "Property {name} of type '{kind}' cannot be a link to an asymmetric object."
                ));
            }
            Some(Kind::Embedded) if property.collection == Some(Collection::Set) => findings.push(format!(
                "Set property {name} cannot contain embedded object type '{target}'. \
                 Set semantics are not applicable to embedded objects."
            )),
            Some(Kind::Embedded) => {}
        }
    }

    /// Whether an embedded class contains itself, directly or through others: classes that hold none of those that are
    /// left are taken away until none is left, or none can be.
    fn has_cycle(&self) -> bool {
        let mut holders: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut held: HashMap<&str, usize> = HashMap::new();
        for class in &self.classes {
            let targets: HashSet<_> = class
                .properties
                .iter()
                .filter_map(|p| p.object.as_deref())
                .collect();
            let targets = targets.into_iter().filter(|target| self.class(target).is_some());
            let count = targets.map(|target| holders.entry(target).or_default().push(&class.name));
            held.insert(&class.name, count.count());
        }
        let mut free: Vec<_> = held
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| *name)
            .collect();
        let mut taken = 0;
        while let Some(name) = free.pop() {
            taken += 1;
            for holder in holders.get(name).into_iter().flatten() {
                if let Some(count) = held.get_mut(holder) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(holder);
                    }
                }
            }
        }
        taken < held.len()
    }

    /// Realm refuses embedded classes that contain themselves, directly or through others.
    fn find_cycles(&self, findings: &mut Vec<String>) {
        if !self.has_cycle() {
            return;
        }
        let before = findings.len();
        let mut steps = 0;
        for start in self.classes.iter().filter(|class| class.kind == Kind::Embedded) {
            let mut visited = HashSet::new();
            let mut waiting = vec![(start, start.name.clone())];
            while let Some((class, path)) = waiting.pop() {
                for property in &class.properties {
                    steps += 1;
                    let Some(target) = property.object.as_deref().and_then(|name| self.class(name)) else {
                        continue;
                    };
                    let path = format!("{path}.{}", property.name);
                    if target.name == start.name {
                        findings.push(format!("{CYCLES}: '{path}'"));
                    } else if visited.insert(&target.name) {
                        waiting.push((target, path));
                    }
                }
            }
            if steps > MAX_CYCLE_STEPS {
                break;
            }
        }
        if findings.len() == before {
            findings.push(CYCLES.to_owned());
        }
    }
}

/// Whether documents of a class of this name can be stored in a collection of this name.
#[must_use]
pub fn is_class_name(name: &str) -> bool {
    (1..=MAX_CLASS_NAME).contains(&name.len())
        && !name.starts_with("system.")
        && !name.starts_with(RESERVED_PREFIX)
        && !name.contains(|char: char| char == '$' || char.is_control())
}

fn is_property_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('$')
        && !name.contains(|char: char| char == '.' || char.is_control())
}

/// The beginning of a name that is too long.
fn shortened(name: &str) -> String {
    name.chars().take(2 * MAX_PROPERTY_NAME).collect()
}

fn can_be_key(property: &Property) -> bool {
    use PropertyType as T;
    property.collection.is_none() && matches!(property.kind, T::Int | T::String | T::ObjectId | T::Uuid)
}

/// Realm's message for the findings of [`Schema::validate`].
#[must_use]
pub fn validation_text(findings: &[String]) -> String {
    format!(
        "Schema validation failed due to the following errors:{}",
        lines(findings)
    )
}

/// Realm's message for the findings of [`additive_changes`].
#[must_use]
pub fn additive_text(findings: &[String]) -> String {
    format!(
        "The following changes cannot be made in additive-only schema mode:{}\nIf your app is running in \
         development mode, you can delete the realm and restart the app to update your schema.",
        lines(findings)
    )
}

fn lines(findings: &[String]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let _ = write!(text, "\n- {finding}");
        text
    })
}

/// Whether `new` can follow `old`: classes and properties may come and go, what stays must stay as it is.
///
/// # Errors
/// With one text for each change that cannot be made; [`additive_text`] makes Realm's message of them.
pub fn additive_changes(old: &Schema, new: &Schema) -> Result<(), Vec<String>> {
    let mut findings = Vec::new();
    for class in &new.classes {
        if let Some(before) = old.class(&class.name) {
            class_changes(before, class, &mut findings);
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings)
    }
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

/// The classes of `new` that cannot follow those of `accepted`, each with the first changes that cannot be made, and those
/// with which an accepted one would have more than [`MAX_PROPERTIES`]. A class whose embedded class is among them is among
/// them as well.
#[must_use]
pub fn conflicts(accepted: &Schema, new: &Schema) -> BTreeMap<String, Vec<String>> {
    let own: HashMap<_, _> = new
        .classes
        .iter()
        .map(|class| {
            let mut findings = Vec::new();
            if let Some(before) = accepted.class(&class.name) {
                class_changes(before, class, &mut findings);
                if properties_of_either(before, class) > MAX_PROPERTIES {
                    findings.push(format!(
                        "Class '{}' would have more than {MAX_PROPERTIES} properties.",
                        class.name
                    ));
                }
            }
            (class.name.as_str(), findings)
        })
        .collect();
    if own.values().all(Vec::is_empty) {
        return BTreeMap::new();
    }
    let of_all = |class: &Class| -> Vec<String> {
        let reached = new.with_embedded(class);
        let findings = reached.iter().filter_map(|one| own.get(one.name.as_str()));
        first_of(findings.flatten(), MAX_CONFLICTS)
    };
    new.classes
        .iter()
        .map(|class| (class.name.clone(), of_all(class)))
        .filter(|(_, findings)| !findings.is_empty())
        .collect()
}

fn properties_of_either(old: &Class, new: &Class) -> usize {
    let known: HashSet<_> = old.properties.iter().map(|p| p.name.as_str()).collect();
    let added = new.properties.iter().filter(|p| !known.contains(p.name.as_str()));
    known.len() + added.count()
}

fn class_changes(old: &Class, new: &Class, findings: &mut Vec<String>) {
    let name = &new.name;
    if old.kind != new.kind {
        let (from, to) = (kind_text(old.kind), kind_text(new.kind));
        findings.push(format!("Class '{name}' has been changed from {from} to {to}."));
    }
    match (old.primary_key.names().first(), new.primary_key.names().first()) {
        (Some(from), Some(to)) if from != to => {
            findings.push(format!(
                "Primary Key for class '{name}' has changed from '{from}' to '{to}'."
            ));
        }
        (None, Some(_)) => findings.push(format!("Primary Key for class '{name}' has been added.")),
        (Some(_), None) => findings.push(format!("Primary Key for class '{name}' has been removed.")),
        _ => {}
    }
    let before: HashMap<_, _> = old.properties.iter().map(|p| (p.name.as_str(), p)).collect();
    for property in &new.properties {
        let Some(before) = before.get(property.name.as_str()) else {
            continue;
        };
        let (from, to) = (before.type_text(), property.type_text());
        let change = if from != to {
            format!("changed from '{from}' to '{to}'")
        } else if property.optional && !before.optional {
            "made optional".to_owned()
        } else if before.optional && !property.optional {
            "made required".to_owned()
        } else {
            continue;
        };
        findings.push(format!("Property '{name}.{}' has been {change}.", property.name));
    }
}

const fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Asymmetric => "TopLevelAsymmetric",
        Kind::Embedded => "Embedded",
    }
}

/// The union of two schemas of which `new` can follow `old`: what either has, in the order it came.
#[must_use]
pub fn merge(old: &Schema, new: &Schema) -> Schema {
    let mut classes = old.classes.clone();
    for class in &new.classes {
        let known = old
            .classes
            .binary_search_by(|before| before.name.cmp(&class.name));
        match known.ok().and_then(|at| classes.get_mut(at)) {
            None => classes.push(class.clone()),
            Some(before) => {
                let known: HashSet<_> = before.properties.iter().map(|p| p.name.clone()).collect();
                let added = class.properties.iter().filter(|p| !known.contains(&p.name));
                before.properties.extend(added.cloned());
            }
        }
    }
    classes.sort_by(|a, b| a.name.cmp(&b.name));
    Schema { classes }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
