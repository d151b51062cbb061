//! What values show of one property.

use realm_ingest_protocol::{Collection, Property, PropertyType};

use crate::device_sync::changeset::{Container, PathElement};

pub(super) struct SeenProperty {
    pub(super) name: String,
    pub(super) container: Option<Container>,
    /// The type of all values but null.
    pub(super) kind: Option<PropertyType>,
    /// They have several types, or are collections themselves.
    pub(super) mixed: bool,
    /// Class of the embedded objects.
    pub(super) object: Option<String>,
}

/// What an instruction does where its path ends.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Put(Thing),
    PutIntoSet(Thing),
    Clear(Option<Container>),
}

/// What is put somewhere.
#[derive(Clone, Copy)]
pub(super) enum Thing {
    Value(PropertyType),
    Object,
    /// A collection, which only a mixed value can be.
    Collection,
    /// What shows no type: null, or what goes.
    Nothing,
}

/// What comes next of a path.
pub(super) enum Step<'p, 'a> {
    Done,
    /// There is an embedded object here.
    Object,
    /// The rest is about what is in it.
    Into(&'p [PathElement<'a>]),
}

impl SeenProperty {
    pub(super) fn see<'p, 'a>(&mut self, path: &'p [PathElement<'a>], act: Act) -> Step<'p, 'a> {
        if self.mixed {
            return Step::Done;
        }
        let is_one_object = self.container.is_none() && self.object.is_some();
        match (path.split_first(), act) {
            (Some(_), _) if is_one_object => Step::Into(path),
            (Some((first, rest)), act) => {
                self.container.get_or_insert(match first {
                    PathElement::Index(_) => Container::List,
                    PathElement::Name(_) => Container::Dictionary,
                });
                self.see_element(rest, act)
            }
            (None, Act::Put(thing)) => self.put(thing),
            (None, Act::PutIntoSet(thing)) => {
                self.container.get_or_insert(Container::Set);
                self.put(thing)
            }
            (None, Act::Clear(container)) => {
                self.container = self.container.or(container);
                Step::Done
            }
        }
    }

    /// The same for what is in a collection.
    fn see_element<'p, 'a>(&mut self, path: &'p [PathElement<'a>], act: Act) -> Step<'p, 'a> {
        match act {
            Act::Put(thing) if path.is_empty() => self.put(thing),
            _ if !path.is_empty() && self.object.is_some() => Step::Into(path),
            _ => {
                self.mixed = true;
                Step::Done
            }
        }
    }

    fn put<'p, 'a>(&mut self, thing: Thing) -> Step<'p, 'a> {
        match thing {
            Thing::Object => return Step::Object,
            Thing::Collection => self.mixed = true,
            Thing::Value(kind) => self.mixed = *self.kind.get_or_insert(kind) != kind,
            Thing::Nothing => {}
        }
        Step::Done
    }

    /// Whether it was more than null.
    pub(super) fn shows_something(&self) -> bool {
        self.mixed || self.container.is_some() || self.kind.is_some() || self.object.is_some()
    }

    /// Whether it may be null cannot be known, so it may.
    pub(super) fn guess(&self) -> Property {
        let kind = match (&self.object, self.kind) {
            (Some(_), _) => PropertyType::Object,
            (None, Some(kind)) if !self.mixed => kind,
            (None, _) => PropertyType::Mixed,
        };
        Property {
            name: self.name.clone(),
            kind,
            optional: !matches!(kind, PropertyType::Object | PropertyType::Mixed),
            collection: self.container.map(|container| match container {
                Container::List => Collection::List,
                Container::Dictionary => Collection::Dictionary,
                Container::Set => Collection::Set,
            }),
            object: self.object.clone(),
            guessed: true,
        }
    }
}
