//! Puts together what is known of classes.

use std::collections::{BTreeMap, BTreeSet};

use realm_ingest_protocol::schema::{MAX_CLASS_NAME, PrimaryKey};
use realm_ingest_protocol::{Class, Kind, Property, PropertyType};
use sha2::{Digest as _, Sha256};

use super::Elsewhere;
use super::seen::{Seen, SeenClass};
use crate::collection_schema::Described;
use crate::device_sync::changeset::{ChangesetError, KeyType};
use crate::device_sync::registry::{Registry, TableKind};
use crate::ingest::described;

/// What a class is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Class {
        class: Class,
        /// The order of its properties is that of other devices.
        is_ordered: bool,
    },
    /// Objects of it stay on the device; with the type of their key.
    Regular(String, KeyType),
}

pub(super) fn found(
    changeset: &[u8],
    classes: &[String],
    registry: &Registry,
    elsewhere: &Elsewhere<'_>,
) -> Result<Vec<Found>, ChangesetError> {
    let sources = Sources::new(changeset, classes, registry, elsewhere)?;
    let mut wanted: Vec<_> = classes.to_vec();
    let mut met: BTreeSet<_> = classes.iter().cloned().collect();
    let mut found = Vec::new();
    while let Some(name) = wanted.pop() {
        let class = sources.class(&name);
        if let Found::Class { class, .. } = &class {
            let inner = class
                .properties
                .iter()
                .filter_map(|property| property.object.as_deref());
            let said = registry
                .targets(&name)
                .filter(|target| registry.kind(target).is_none());
            for inner in inner.chain(said) {
                if met.insert(inner.to_owned()) {
                    wanted.push(inner.to_owned());
                }
            }
        }
        found.push(class);
    }
    Ok(found)
}

/// All that is known of classes.
pub(super) struct Sources<'a> {
    registry: &'a Registry,
    development: bool,
    /// Those that leave the device, by the application's directory.
    asymmetric: &'a BTreeSet<String>,
    described: Described,
    accepted: BTreeMap<&'a str, &'a Class>,
    seen: Seen,
}

impl<'a> Sources<'a> {
    /// What is known of classes where nobody else knows anything.
    pub(super) fn nobody(registry: &'a Registry) -> Self {
        static NONE: BTreeSet<String> = BTreeSet::new();
        Self {
            registry,
            development: true,
            asymmetric: &NONE,
            described: Described::default(),
            accepted: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    fn new(
        changeset: &[u8],
        classes: &[String],
        registry: &'a Registry,
        elsewhere: &Elsewhere<'a>,
    ) -> Result<Self, ChangesetError> {
        let sync = &elsewhere.definition.sync;
        let mut sources = Self {
            development: sync.development_mode,
            asymmetric: &sync.classes,
            ..Self::nobody(registry)
        };
        // Those that are known may hold those that are not.
        let asymmetric = registry
            .classes()
            .filter(|name| registry.kind(name) != Some(TableKind::Embedded));
        let all: BTreeSet<&str> = classes.iter().map(String::as_str).chain(asymmetric).collect();
        for class in all {
            if let Some(known) = described::described(elsewhere.definition, class) {
                let described = known.classes(class, &|class, property| sources.name_of(class, property));
                let joined = sources.described.joined(described);
                // One title may be that of classes that hold each other.
                if joined.schema().validate().is_ok() {
                    sources.described = joined;
                }
            }
        }
        let accepted = elsewhere.accepted.values().flat_map(|schema| &schema.classes);
        for class in accepted {
            sources.accepted.entry(&class.name).or_insert(class);
        }
        sources.seen = Seen::read(changeset, &|class, property| sources.name_of(class, property))?;
        Ok(sources)
    }

    /// Name of the embedded class that a property holds. Nobody asks the device for it, so one that nobody knows has some name.
    pub(super) fn name_of(&self, class: &str, property: &str) -> String {
        if let Some(target) = self.registry.target(class, property) {
            return target.to_owned();
        }
        let described = self.described.classes.get(class).into_iter();
        let mut known = described.chain(self.accepted.get(class).copied());
        let known = known.find_map(|known| {
            let property = known.properties.iter().find(|one| one.name == property)?;
            property.object.clone()
        });
        known.unwrap_or_else(|| made_up(class, property))
    }

    fn class(&self, name: &str) -> Found {
        let described = self.described.classes.get(name);
        let (accepted, seen) = (self.accepted.get(name).copied(), self.seen.class(name));
        let said = match self.registry.kind(name) {
            Some(TableKind::Asymmetric) => Some(Kind::Asymmetric),
            Some(TableKind::Embedded) => Some(Kind::Embedded),
            Some(TableKind::Regular) => return self.regular(name),
            None => None,
        };
        let is_held = self
            .registry
            .classes()
            .any(|class| self.registry.targets(class).any(|target| target == name))
            || seen.is_some_and(|seen| seen.embedded);
        let kind = match said.or_else(|| Some(described.or(accepted)?.kind)) {
            Some(kind) => kind,
            None if self.asymmetric.contains(name) => Kind::Asymmetric,
            None if self.seen.is_regular(name) => return self.regular(name),
            None if is_held => Kind::Embedded,
            None => Kind::Asymmetric,
        };
        let [described, accepted] =
            [described, accepted].map(|class| class.filter(|class| class.kind == kind));
        let mut properties = self.properties(name, kind, [described, accepted], seen);
        if kind == Kind::Asymmetric && properties.iter().all(|property| property.name != "_id") {
            match seen.and_then(SeenClass::primary_key) {
                Some(key) => properties.insert(0, key),
                // Objects without a primary key are nothing that leaves a device.
                None => return self.regular(name),
            }
        }
        let is_ordered =
            described.is_none() && accepted.is_some_and(|accepted| accepted.properties == properties);
        let class = Class {
            name: name.to_owned(),
            kind,
            primary_key: match kind {
                Kind::Asymmetric => PrimaryKey::One("_id".to_owned()),
                Kind::Embedded => PrimaryKey::None,
            },
            properties,
        };
        Found::Class { class, is_ordered }
    }

    fn regular(&self, name: &str) -> Found {
        Found::Regular(name.to_owned(), self.seen.key(name).unwrap_or(KeyType::ObjectId))
    }

    /// What others say of a class, as far as the file has it, and guesses.
    fn properties(
        &self,
        name: &str,
        kind: Kind,
        [described, accepted]: [Option<&Class>; 2],
        seen: Option<&SeenClass>,
    ) -> Vec<Property> {
        let mut all: Vec<Property> = Vec::new();
        let mut add = |properties: &mut dyn Iterator<Item = Property>| {
            let known: BTreeSet<_> = all.iter().map(|property| property.name.clone()).collect();
            all.extend(properties.filter(|property| !known.contains(&property.name)));
        };
        let is_known = |property: &str| self.registry.has(name, property);
        let guesses = seen.into_iter().flat_map(|seen| seen.properties(is_known));
        let is_there = |property: &&Property| {
            seen.is_none_or(|seen| !always_sent(property) || seen.place_of(&property.name).is_some())
        };
        if let Some(class) = described {
            add(&mut class
                .properties
                .iter()
                .filter(is_there)
                .map(|property| self.counted(name, property, seen)));
        }
        if described.is_none() || self.development {
            add(&mut accepted
                .into_iter()
                .flat_map(|class| class.properties.iter().filter(is_there).cloned()));
            // Objects that leave the device have their key beside the other properties.
            let is_key = |property: &Property| kind == Kind::Asymmetric && property.name == "_id";
            add(&mut guesses.filter(|property| !is_key(property)));
        }
        if described.is_some()
            && let Some(seen) = seen
        {
            // The directory has no order, the application has.
            all.sort_by_key(|property| match property.name.as_str() {
                "_id" => (0, 0),
                name => seen.place_of(name).map_or((2, 0), |place| (1, place)),
            });
        }
        all
    }

    /// A property that is described; where it may hold any number, as the kind of number that it holds.
    fn counted(&self, class: &str, property: &Property, seen: Option<&SeenClass>) -> Property {
        let place = (class.to_owned(), property.name.clone());
        let mut property = property.clone();
        if self.described.numbers.contains(&place)
            && let Some(number) = seen.and_then(|seen| seen.number(&property.name))
        {
            property.kind = number;
        }
        property
    }
}

/// Whether clients write such a property of each object that they make. The class of a device that does not write it does not have it:
/// its release of the application is another, and nothing was ever there.
fn always_sent(property: &Property) -> bool {
    let is_scalar = property.collection.is_none() && property.object.is_none();
    is_scalar && !property.optional && property.kind != PropertyType::Mixed && property.name != "_id"
}

/// A name for an embedded class, which no other property gets, also where it has to be cut.
pub(super) fn made_up(class: &str, property: &str) -> String {
    let digest = Sha256::new()
        .chain_update(class)
        .chain_update([0])
        .chain_update(property)
        .finalize();
    let digest = digest
        .iter()
        .take(4)
        .fold("_".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    let mut name = format!("{class}_{property}");
    while name.len() + digest.len() > MAX_CLASS_NAME {
        name.pop();
    }
    name + &digest
}
