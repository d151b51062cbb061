//! What the objects of a changeset show of their classes. Pure.

mod property;

use std::collections::{BTreeMap, HashMap};

use realm_ingest_protocol::schema::{MAX_CLASS_NAME, MAX_CLASSES, MAX_PROPERTIES, MAX_PROPERTY_NAME};
use realm_ingest_protocol::{Property, PropertyType};

use self::property::{Act, SeenProperty, Step, Thing};
use crate::device_sync::changeset::{
    ChangesetError, Instruction, Key, KeyType, PathElement, Payload, Place, Reader, Value,
};

/// What a property of a class is that holds embedded objects: the name of theirs.
pub(super) type NameOf<'a> = dyn Fn(&str, &str) -> String + 'a;

/// See the module.
#[derive(Default)]
pub(super) struct Seen {
    classes: BTreeMap<String, SeenClass>,
    /// Classes to whose objects others link, with the types of their keys.
    linked: BTreeMap<String, Option<KeyType>>,
}

/// A class that has objects, or whose objects others hold.
#[derive(Default)]
pub(super) struct SeenClass {
    /// Objects of it are part of others.
    pub(super) embedded: bool,
    /// Objects of it are created.
    created: bool,
    /// Objects of it go again, which those that leave the device do not.
    erased: bool,
    /// The type of its primary key, and whether that was null.
    key: Option<KeyType>,
    null_key: bool,
    /// In the order in which they appeared.
    properties: Vec<SeenProperty>,
    by_name: HashMap<String, usize>,
}

impl Seen {
    /// Reads a changeset.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn read(changeset: &[u8], name_of: &NameOf<'_>) -> Result<Self, ChangesetError> {
        let mut seen = Self::default();
        let mut reader = Reader::new(changeset);
        while let Some(instruction) = reader.next_instruction()? {
            seen.note(&instruction, name_of);
        }
        Ok(seen)
    }

    /// What is seen of a class.
    pub(super) fn class(&self, name: &str) -> Option<&SeenClass> {
        self.classes.get(name)
    }

    /// Whether objects of the class stay on the device, as far as that can be told: others link to them, they are changed in a
    /// transaction that has not created them, or they go.
    pub(super) fn is_regular(&self, name: &str) -> bool {
        let stays = |class: &SeenClass| class.erased || !(class.created || class.embedded);
        self.linked.contains_key(name) || self.classes.get(name).is_some_and(stays)
    }

    /// The type of the primary key of a class whose objects stay on the device.
    pub(super) fn key(&self, name: &str) -> Option<KeyType> {
        let linked = self.linked.get(name).copied().flatten();
        linked.or_else(|| self.classes.get(name)?.key)
    }

    fn note(&mut self, instruction: &Instruction<'_, '_>, name_of: &NameOf<'_>) {
        use Instruction as I;
        match *instruction {
            I::CreateObject { class, key } => {
                if let Some(class) = self.known(class) {
                    class.created = true;
                    class.see_key(key);
                }
            }
            I::EraseObject { class, .. } => {
                if let Some(class) = self.known(class) {
                    class.erased = true;
                }
            }
            I::Update { ref place, payload } | I::ArrayInsert { ref place, payload } => {
                let thing = self.thing(payload);
                self.see(place, Act::Put(thing), name_of);
            }
            I::SetInsert { ref place, payload } => {
                let thing = self.thing(payload);
                self.see(place, Act::PutIntoSet(thing), name_of);
            }
            I::AddInteger { ref place, .. } => {
                self.see(place, Act::Put(Thing::Value(PropertyType::Int)), name_of);
            }
            I::ArrayMove { ref place, .. } | I::ArrayErase { ref place } => {
                self.see(place, Act::Put(Thing::Nothing), name_of);
            }
            I::SetErase { ref place, .. } => self.see(place, Act::PutIntoSet(Thing::Nothing), name_of),
            I::Clear { ref place, container } => self.see(place, Act::Clear(container), name_of),
            I::AddTable { .. } | I::EraseTable { .. } | I::AddColumn { .. } | I::EraseColumn { .. } => {}
        }
    }

    fn thing(&mut self, payload: Payload<'_>) -> Thing {
        match payload {
            Payload::Value(value) => kind_of(value).map_or(Thing::Nothing, Thing::Value),
            Payload::Link { class, key } => {
                let is_name = class.len() <= MAX_CLASS_NAME;
                if is_name && self.linked.len() < MAX_CLASSES && !self.linked.contains_key(class) {
                    self.linked.insert(class.to_owned(), key_type(key));
                }
                let key = key.value().and_then(kind_of);
                key.map_or(Thing::Nothing, Thing::Value)
            }
            Payload::Object => Thing::Object,
            Payload::Dictionary | Payload::List | Payload::Set => Thing::Collection,
            Payload::Erased => Thing::Nothing,
        }
    }

    /// Goes along the path, through embedded objects.
    fn see(&mut self, place: &Place<'_, '_>, act: Act, name_of: &NameOf<'_>) {
        if place.class.len() > MAX_CLASS_NAME {
            return;
        }
        let mut class = place.class.to_owned();
        let (mut field, mut path) = (place.field, place.path);
        loop {
            let Some(property) = self.known(&class).and_then(|class| class.property(field)) else {
                return;
            };
            match property.see(path, act) {
                Step::Done => return,
                Step::Object => {
                    let inner = property
                        .object
                        .get_or_insert_with(|| name_of(&class, field))
                        .clone();
                    if let Some(inner) = self.known(&inner) {
                        inner.embedded = true;
                    }
                    return;
                }
                Step::Into(rest) => {
                    let (Some(inner), Some((PathElement::Name(name), more))) =
                        (property.object.clone(), rest.split_first())
                    else {
                        return;
                    };
                    (class, field, path) = (inner, name, more);
                }
            }
        }
    }

    /// A class by its name, as long as there are not too many. A few bytes of a changeset name a string of any length again and again:
    /// what no name can be is not looked at.
    fn known(&mut self, name: &str) -> Option<&mut SeenClass> {
        if name.len() > MAX_CLASS_NAME {
            return None;
        }
        if !self.classes.contains_key(name) {
            if self.classes.len() >= MAX_CLASSES {
                return None;
            }
            self.classes.insert(name.to_owned(), SeenClass::default());
        }
        self.classes.get_mut(name)
    }
}

impl SeenClass {
    fn see_key(&mut self, key: Key<'_>) {
        match key {
            Key::Null => self.null_key = true,
            key => self.key = key_type(key).or(self.key),
        }
    }

    /// Its primary key, if it has one.
    pub(super) fn primary_key(&self) -> Option<Property> {
        let kind = self.key.or_else(|| self.null_key.then_some(KeyType::ObjectId))?;
        Some(Property {
            name: "_id".to_owned(),
            kind: match kind {
                KeyType::Int => PropertyType::Int,
                KeyType::String => PropertyType::String,
                KeyType::ObjectId => PropertyType::ObjectId,
                KeyType::Uuid => PropertyType::Uuid,
            },
            optional: self.null_key,
            collection: None,
            object: None,
            guessed: true,
        })
    }

    /// Its properties in the order in which they appeared, as they must be to hold what was seen. Those that are known only where it
    /// shows something.
    pub(super) fn properties<'s>(
        &'s self,
        is_known: impl Fn(&str) -> bool + 's,
    ) -> impl Iterator<Item = Property> + 's {
        let properties = self.properties.iter();
        let told = properties.filter(move |one| one.shows_something() || !is_known(&one.name));
        told.map(SeenProperty::guess)
    }

    /// The kind of number that a property holds, if it holds one.
    pub(super) fn number(&self, property: &str) -> Option<PropertyType> {
        use PropertyType as T;
        let seen = self.properties.get(self.place_of(property)?)?;
        let is_number = |kind: &T| matches!(kind, T::Int | T::Float | T::Double | T::Decimal128);
        seen.kind.filter(is_number)
    }

    /// Where a property appeared among the others.
    pub(super) fn place_of(&self, property: &str) -> Option<usize> {
        self.by_name.get(property).copied()
    }

    fn property(&mut self, name: &str) -> Option<&mut SeenProperty> {
        if name.len() > MAX_PROPERTY_NAME {
            return None;
        }
        if let Some(at) = self.by_name.get(name) {
            return self.properties.get_mut(*at);
        }
        if self.properties.len() >= MAX_PROPERTIES {
            return None;
        }
        self.by_name.insert(name.to_owned(), self.properties.len());
        self.properties.push(SeenProperty {
            name: name.to_owned(),
            container: None,
            kind: None,
            mixed: false,
            object: None,
        });
        self.properties.last_mut()
    }
}

const fn key_type(key: Key<'_>) -> Option<KeyType> {
    Some(match key {
        Key::Int(_) => KeyType::Int,
        Key::String(_) => KeyType::String,
        Key::ObjectId(_) => KeyType::ObjectId,
        Key::Uuid(_) => KeyType::Uuid,
        Key::Null | Key::Global(..) => return None,
    })
}

/// None of null.
fn kind_of(value: Value<'_>) -> Option<PropertyType> {
    Some(match value {
        Value::Null => return None,
        Value::Int(_) => PropertyType::Int,
        Value::Bool(_) => PropertyType::Bool,
        Value::String(_) => PropertyType::String,
        Value::Binary(_) => PropertyType::Data,
        Value::Timestamp { .. } => PropertyType::Date,
        Value::Float(_) => PropertyType::Float,
        Value::Double(_) => PropertyType::Double,
        Value::Decimal(_) => PropertyType::Decimal128,
        Value::ObjectId(_) => PropertyType::ObjectId,
        Value::Uuid(_) => PropertyType::Uuid,
    })
}
