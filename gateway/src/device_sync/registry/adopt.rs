//! Classes of a file that said what they are before it was known here: somebody else has to say it.

use realm_ingest_protocol::schema::{MAX_CLASS_NAME, MAX_CLASSES, MAX_PROPERTIES, MAX_PROPERTY_NAME};
use realm_ingest_protocol::{Class, Collection, Kind, Property as Described, PropertyType};

use super::super::changeset::{ColumnType, Container, KeyType};
use super::{Known, PrimaryKey, Property, Registry, RegistryError, TableKind, is_name};

impl Registry {
    /// Takes what others say of a class, as far as the client has not said what it is. Properties that the client has added
    /// meanwhile stay as it said, behind the others. Of a class that is known, properties come that it does not have, and guesses
    /// give way; two guesses make one that holds what either does.
    ///
    /// # Errors
    /// When there is too much of it, or an asymmetric class has no primary key that a synchronized file could have.
    pub fn define(&mut self, class: &Class) -> Result<(), RegistryError> {
        let mut names = class.properties.iter().map(|one| &one.name);
        if !is_name(&class.name, MAX_CLASS_NAME) || !names.all(|name| is_name(name, MAX_PROPERTY_NAME)) {
            return Err(RegistryError::BadName);
        }
        if let Some(known) = self.classes.get_mut(&class.name)
            && known.kind.is_some()
        {
            known.learn(class)?;
            self.forget_plans();
            return Ok(());
        }
        let before = self.classes.get(&class.name);
        if before.is_none() && self.classes.len() >= MAX_CLASSES {
            return Err(RegistryError::TooManyClasses);
        }
        let (kind, key) = match class.kind {
            Kind::Embedded => (TableKind::Embedded, None),
            Kind::Asymmetric => (TableKind::Asymmetric, Some(primary_key(class)?)),
        };
        let is_key = |name: &str| key.as_ref().is_some_and(|key| key.name == name);
        let described = class.properties.iter().filter(|one| !is_key(&one.name));
        let mut properties: Vec<_> = described.map(property).collect();
        for said in before
            .map(|known| known.properties.as_slice())
            .unwrap_or_default()
        {
            match properties.iter_mut().find(|one| one.name == said.name) {
                Some(one) => *one = said.clone(),
                None if is_key(&said.name) => {}
                None => properties.push(said.clone()),
            }
        }
        if properties.len() >= MAX_PROPERTIES {
            return Err(RegistryError::TooManyProperties(class.name.clone()));
        }
        let known = Known {
            kind: Some(kind),
            key,
            properties,
            unordered: false,
        };
        self.classes.insert(class.name.clone(), known);
        self.forget_plans();
        Ok(())
    }

    /// Nobody has said in which order a class has its properties.
    pub(in super::super) fn forget_order(&mut self, class: &str) {
        if let Some(known) = self.classes.get_mut(class) {
            known.unordered = true;
        }
    }

    /// Takes those classes of another one of which was not `known` what they are, and is not here.
    pub(in super::super) fn add_unknown(&mut self, other: &Self, known: &Self) {
        for (name, class) in &other.classes {
            if known.kind(name).is_none() && self.kind(name).is_none() {
                self.classes.insert(name.clone(), class.clone());
            }
        }
        self.forget_plans();
    }

    /// Whether what is guessed of a class holds these guesses as well.
    pub(in super::super) fn holds(&self, class: &str, guesses: impl Iterator<Item = Described>) -> bool {
        let Some(known) = self.classes.get(class) else {
            return false;
        };
        let mut guesses = guesses.map(|guess| property(&guess));
        guesses.all(|guess| {
            let mut properties = known.properties.iter().filter(|one| one.guessed);
            let before = properties.find(|one| one.name == guess.name);
            before.is_none_or(|before| of_both(before, guess) == *before)
        })
    }

    /// Takes a class for a regular one with such keys, of whose objects nothing else is known, as long as the client has not said what
    /// it is.
    ///
    /// # Errors
    /// When there is too much of it.
    pub fn define_regular(&mut self, class: &str, key: KeyType) -> Result<(), RegistryError> {
        let known = self.known(class)?;
        if known.kind.is_none() {
            known.kind = Some(TableKind::Regular);
            known.key = Some(PrimaryKey {
                name: "_id".to_owned(),
                kind: key,
                nullable: false,
                guessed: true,
            });
            self.forget_plans();
        }
        Ok(())
    }
}

impl Known {
    fn learn(&mut self, class: &Class) -> Result<(), RegistryError> {
        let is_same = match class.kind {
            Kind::Embedded => self.kind == Some(TableKind::Embedded),
            Kind::Asymmetric => self.kind == Some(TableKind::Asymmetric),
        };
        if !is_same {
            return Ok(());
        }
        let key = self.key.as_ref().map(|key| key.name.as_str());
        for described in class
            .properties
            .iter()
            .filter(|one| Some(one.name.as_str()) != key)
        {
            let new = property(described);
            let count = self.properties.len();
            match self.properties.iter_mut().find(|one| one.name == new.name) {
                Some(before) if !before.guessed => {}
                Some(before) if new.guessed => *before = of_both(before, new),
                Some(before) => *before = new,
                // The primary key is one of them.
                None if count + 1 >= MAX_PROPERTIES => {
                    return Err(RegistryError::TooManyProperties(class.name.clone()));
                }
                None => {
                    self.properties.push(new);
                    self.unordered = true;
                }
            }
        }
        Ok(())
    }
}

/// The guess that holds what either does.
fn of_both(one: &Property, other: Property) -> Property {
    let mut both = other;
    if one.container != both.container || one.kind != both.kind {
        let is_object = |guess: &Property| guess.kind == ColumnType::Link;
        if is_object(one) || is_object(&both) {
            return if is_object(one) { one.clone() } else { both };
        }
        if one.container != both.container {
            both.container = None;
        }
        (both.kind, both.nullable) = (ColumnType::Mixed, true);
    }
    both
}

fn primary_key(class: &Class) -> Result<PrimaryKey, RegistryError> {
    let no_key = || RegistryError::NoKey(class.name.clone());
    let name = class.primary_key.names().first().ok_or_else(no_key)?;
    let property = class.properties.iter().find(|one| one.name == *name);
    let property = property.ok_or_else(no_key)?;
    let kind = match property.kind {
        PropertyType::Int => KeyType::Int,
        PropertyType::String => KeyType::String,
        PropertyType::ObjectId => KeyType::ObjectId,
        PropertyType::Uuid => KeyType::Uuid,
        _ => return Err(no_key()),
    };
    Ok(PrimaryKey {
        name: name.clone(),
        kind,
        nullable: property.optional,
        guessed: property.guessed,
    })
}

fn property(described: &Described) -> Property {
    let kind = match described.kind {
        PropertyType::Int => ColumnType::Int,
        PropertyType::Bool => ColumnType::Bool,
        PropertyType::String => ColumnType::String,
        PropertyType::Data => ColumnType::Binary,
        PropertyType::Date => ColumnType::Timestamp,
        PropertyType::Float => ColumnType::Float,
        PropertyType::Double => ColumnType::Double,
        PropertyType::Decimal128 => ColumnType::Decimal,
        PropertyType::ObjectId => ColumnType::ObjectId,
        PropertyType::Uuid => ColumnType::Uuid,
        PropertyType::Mixed => ColumnType::Mixed,
        PropertyType::Object => ColumnType::Link,
    };
    let container = described.collection.map(|collection| match collection {
        Collection::List => Container::List,
        Collection::Set => Container::Set,
        Collection::Dictionary => Container::Dictionary,
    });
    let is_list = container == Some(Container::List);
    let nullable = match kind {
        ColumnType::Mixed => true,
        ColumnType::Link => !is_list,
        _ => described.optional,
    };
    Property {
        name: described.name.clone(),
        kind,
        nullable,
        container,
        target: described.object.clone(),
        guessed: described.guessed,
    }
}
