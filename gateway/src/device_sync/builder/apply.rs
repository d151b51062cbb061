//! One instruction, carried out on an object.

use std::collections::btree_map::Entry;

use super::super::changeset::{Container, Key, PathElement, Payload, Value};
use super::super::registry::Registry;
use super::identity::Name;
use super::layout::Layouts;
use super::meter::{CONTAINER, Meter, NODE};
use super::order::Ordered;
use super::tree::{Node, Object};
use super::{MAX_ELEMENTS, MAX_KEY_IN_SET, Misfit};
use crate::memory::NoMemory;

/// Why it cannot be carried out.
pub(super) enum Failure {
    Misfit(Misfit),
    NoMemory(NoMemory),
}

impl From<Misfit> for Failure {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(misfit)
    }
}

impl From<NoMemory> for Failure {
    fn from(error: NoMemory) -> Self {
        Self::NoMemory(error)
    }
}

/// Where a node is: the property it is in, or is.
#[derive(Clone, Copy)]
struct Context {
    layout: usize,
    slot: usize,
    /// It is inside of what the property holds.
    is_inside: bool,
}

/// See the module.
pub(super) struct Editor<'e, 'a> {
    pub(super) layouts: &'e mut Layouts<'a>,
    pub(super) registry: &'e Registry,
    pub(super) meter: &'e mut Meter,
}

/// The path of an instruction: property, and the way from there.
#[derive(Clone, Copy)]
pub(super) struct Way<'a, 'r> {
    pub(super) field: &'a str,
    pub(super) path: &'r [PathElement<'a>],
}

impl<'a> Editor<'_, 'a> {
    pub(super) fn update(
        &mut self,
        object: &mut Object<'a>,
        way: Way<'a, '_>,
        payload: Payload<'a>,
    ) -> Result<(), Failure> {
        if payload == Payload::Erased {
            return self.erase_entry(object, way);
        }
        let (node, context) = self.node(object, way.field, way.path)?;
        self.put(node, context, payload)
    }

    pub(super) fn add_integer(
        &mut self,
        object: &mut Object<'a>,
        way: Way<'a, '_>,
        by: i64,
    ) -> Result<(), Failure> {
        let (node, _) = self.node(object, way.field, way.path)?;
        if let Node::Value(Value::Int(value)) = node {
            *value = value.wrapping_add(by);
        }
        Ok(())
    }

    pub(super) fn array_insert(
        &mut self,
        object: &mut Object<'a>,
        way: Way<'a, '_>,
        payload: Payload<'a>,
    ) -> Result<(), Failure> {
        let (node, context, index) = self.list(object, way)?;
        let Node::List(list) = node else {
            return Err(Misfit::Path.into());
        };
        if list.len() == MAX_ELEMENTS {
            return Err(Misfit::TooManyElements.into());
        }
        self.meter.take(NODE)?;
        let mut element = Node::Missing;
        let context = Context {
            is_inside: true,
            ..context
        };
        self.put(&mut element, context, payload)?;
        if list.insert(index, element) {
            Ok(())
        } else {
            Err(Misfit::Index.into())
        }
    }

    pub(super) fn array_move(
        &mut self,
        object: &mut Object<'a>,
        way: Way<'a, '_>,
        to: usize,
    ) -> Result<(), Failure> {
        let (node, _, from) = self.list(object, way)?;
        let Node::List(list) = node else {
            return Err(Misfit::Path.into());
        };
        let moved = to < list.len() && list.remove(from).is_some_and(|element| list.insert(to, element));
        if moved { Ok(()) } else { Err(Misfit::Index.into()) }
    }

    pub(super) fn array_erase(&mut self, object: &mut Object<'a>, way: Way<'a, '_>) -> Result<(), Failure> {
        let (node, _, index) = self.list(object, way)?;
        let Node::List(list) = node else {
            return Err(Misfit::Path.into());
        };
        match list.remove(index) {
            Some(_) => Ok(()),
            None => Err(Misfit::Index.into()),
        }
    }

    pub(super) fn clear(
        &mut self,
        object: &mut Object<'a>,
        way: Way<'a, '_>,
        container: Option<Container>,
    ) -> Result<(), Failure> {
        let (node, _) = self.node(object, way.field, way.path)?;
        if matches!(node, Node::Object(_)) {
            return Err(Misfit::Value.into());
        }
        if let Some(container) = container.or_else(|| node.container()) {
            self.meter.take(CONTAINER)?;
            *node = Node::empty(container);
        }
        Ok(())
    }

    pub(super) fn set_insert(
        &mut self,
        object: &mut Object<'a>,
        way: Way<'a, '_>,
        payload: Payload<'a>,
    ) -> Result<(), Failure> {
        let value = Ordered(value_in_set(payload)?);
        let (node, _) = self.node(object, way.field, way.path)?;
        if matches!(node, Node::Missing) {
            self.meter.take(CONTAINER)?;
            *node = Node::empty(Container::Set);
        }
        let Node::Set(set) = node else {
            return Err(Misfit::Path.into());
        };
        if set.insert(value) {
            self.meter.take(NODE)?;
        }
        Ok(())
    }

    pub(super) fn set_erase(
        &mut self,
        object: &mut Object<'a>,
        way: Way<'a, '_>,
        payload: Payload<'a>,
    ) -> Result<(), Failure> {
        let value = Ordered(value_in_set(payload)?);
        match self.node(object, way.field, way.path)?.0 {
            Node::Set(set) => {
                set.remove(&value);
                Ok(())
            }
            Node::Missing => Ok(()),
            _ => Err(Misfit::Path.into()),
        }
    }

    fn erase_entry(&mut self, object: &mut Object<'a>, way: Way<'a, '_>) -> Result<(), Failure> {
        let Some((PathElement::Name(key), path)) = way.path.split_last() else {
            return Err(Misfit::Value.into());
        };
        match self.node(object, way.field, path)?.0 {
            Node::Dictionary(entries) => {
                entries.remove(&Name(key));
                Ok(())
            }
            Node::Missing => Ok(()),
            _ => Err(Misfit::Path.into()),
        }
    }

    /// The list that holds the last element of the path, made if it is missing, and the index in it.
    fn list<'t>(
        &mut self,
        object: &'t mut Object<'a>,
        way: Way<'a, '_>,
    ) -> Result<(&'t mut Node<'a>, Context, usize), Failure> {
        let Some((last @ PathElement::Index(index), path)) = way.path.split_last() else {
            return Err(Misfit::Path.into());
        };
        let (node, context) = self.node(object, way.field, path)?;
        self.make(node, context, *last)?;
        Ok((node, context, *index))
    }

    /// What a path leads to; what holds it is made if it is missing.
    fn node<'t>(
        &mut self,
        object: &'t mut Object<'a>,
        field: &'a str,
        path: &[PathElement<'a>],
    ) -> Result<(&'t mut Node<'a>, Context), Failure> {
        let (mut node, mut context) = self.field(object, field)?;
        for step in path {
            self.make(node, context, *step)?;
            (node, context) = match (node, *step) {
                (Node::Object(object), PathElement::Name(name)) => self.field(object, name)?,
                (Node::Dictionary(entries), PathElement::Name(key)) => {
                    context.is_inside = true;
                    let entry = match entries.entry(Name(key)) {
                        Entry::Occupied(entry) => entry.into_mut(),
                        Entry::Vacant(entry) => {
                            self.meter.take(NODE)?;
                            entry.insert(Node::Missing)
                        }
                    };
                    (entry, context)
                }
                (Node::List(elements), PathElement::Index(index)) => {
                    context.is_inside = true;
                    (elements.get_mut(index).ok_or(Misfit::Index)?, context)
                }
                _ => return Err(Misfit::Path.into()),
            };
        }
        Ok((node, context))
    }

    fn field<'t>(
        &mut self,
        object: &'t mut Object<'a>,
        name: &'a str,
    ) -> Result<(&'t mut Node<'a>, Context), Failure> {
        let layout = object.layout;
        let slot = self.layouts.slot(layout, name, object.last())?;
        let (node, is_new) = object.field(slot);
        if is_new {
            self.meter.take(NODE)?;
        }
        let context = Context {
            layout,
            slot,
            is_inside: false,
        };
        Ok((node.ok_or(Misfit::Path)?, context))
    }

    /// Makes what holds the next step of a path, if nothing was said of it.
    fn make(&mut self, node: &mut Node<'a>, context: Context, next: PathElement<'a>) -> Result<(), Failure> {
        if !matches!(node, Node::Missing) {
            return Ok(());
        }
        let shape = self.layouts.shape(context.layout, context.slot);
        let container = shape.container.filter(|_| !context.is_inside);
        let is_object = shape.embedded.is_some() && container.is_none();
        self.meter.take(CONTAINER)?;
        *node = match (next, container) {
            (PathElement::Name(_), None) if is_object => self.object(context),
            (PathElement::Name(_), None | Some(Container::Dictionary)) => Node::empty(Container::Dictionary),
            (PathElement::Index(_), None) if !is_object => Node::empty(Container::List),
            (PathElement::Index(_), Some(Container::List)) => Node::empty(Container::List),
            _ => return Err(Misfit::Path.into()),
        };
        Ok(())
    }

    fn put(&mut self, node: &mut Node<'a>, context: Context, payload: Payload<'a>) -> Result<(), Failure> {
        let container = match payload {
            Payload::Object => {
                if !matches!(node, Node::Object(_)) {
                    self.meter.take(CONTAINER)?;
                    *node = self.object(context);
                }
                return Ok(());
            }
            Payload::Dictionary => Container::Dictionary,
            Payload::List => Container::List,
            Payload::Set => Container::Set,
            Payload::Value(_) | Payload::Link { .. } | Payload::Erased => {
                *node = Node::Value(value(payload)?);
                return Ok(());
            }
        };
        if node.container() != Some(container) {
            self.meter.take(CONTAINER)?;
            *node = Node::empty(container);
        }
        Ok(())
    }

    fn object(&mut self, context: Context) -> Node<'a> {
        let layout = self.layouts.embedded(context.layout, context.slot, self.registry);
        Node::Object(Box::new(Object::new(layout)))
    }
}

/// What holds no others; of a link the key it leads to.
fn value(payload: Payload<'_>) -> Result<Value<'_>, Misfit> {
    match payload {
        Payload::Value(value) => Ok(value),
        Payload::Link { key, .. } => Key::value(key).ok_or(Misfit::NoKey),
        Payload::Object | Payload::Dictionary | Payload::List | Payload::Set | Payload::Erased => {
            Err(Misfit::Value)
        }
    }
}

fn value_in_set(payload: Payload<'_>) -> Result<Value<'_>, Misfit> {
    match payload {
        Payload::Link {
            key: Key::String(key),
            ..
        } if key.len() > MAX_KEY_IN_SET => Err(Misfit::Value),
        other => value(other),
    }
}
