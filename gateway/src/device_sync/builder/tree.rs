//! An object while it is built, and as a document.

use std::collections::{BTreeMap, BTreeSet};

use super::super::changeset::{Container, Value};
use super::BuildError;
use super::bson::{self, Indexes, Output};
use super::identity::Name;
use super::layout::Layouts;
use super::list::List;
use super::order::Ordered;

/// What a property, an element or an entry has.
#[derive(Debug, Default)]
#[allow(
    clippy::box_collection,
    reason = "there is one of these for each value, and few that hold others"
)]
pub(super) enum Node<'a> {
    /// Nothing was said of it.
    #[default]
    Missing,
    Value(Value<'a>),
    Object(Box<Object<'a>>),
    /// In no order that matters.
    Dictionary(Box<BTreeMap<Name<'a>, Node<'a>>>),
    List(Box<List<Node<'a>>>),
    Set(Box<BTreeSet<Ordered<'a>>>),
}

/// An object, or an embedded one.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) layout: usize,
    /// By their numbers in the layout, in ascending order.
    pub(super) fields: Vec<(usize, Node<'a>)>,
}

impl<'a> Object<'a> {
    pub(super) const fn new(layout: usize) -> Self {
        Self {
            layout,
            fields: Vec::new(),
        }
    }

    /// The number of the last property that it has.
    pub(super) fn last(&self) -> usize {
        self.fields.last().map_or(0, |(slot, _)| *slot)
    }

    /// A property, from now on, and whether it is new.
    pub(super) fn field(&mut self, slot: usize) -> (Option<&mut Node<'a>>, bool) {
        let found = match self.fields.last() {
            Some((last, _)) if *last == slot => Ok(self.fields.len() - 1),
            Some((last, _)) if *last > slot => self.fields.binary_search_by_key(&slot, |(slot, _)| *slot),
            _ => Err(self.fields.len()),
        };
        let (Ok(at) | Err(at)) = found;
        if found.is_err() {
            self.fields.insert(at, (slot, Node::Missing));
        }
        (self.fields.get_mut(at).map(|(_, node)| node), found.is_err())
    }
}

impl Node<'_> {
    pub(super) fn empty(container: Container) -> Self {
        match container {
            Container::List => Self::List(Box::default()),
            Container::Dictionary => Self::Dictionary(Box::default()),
            Container::Set => Self::Set(Box::default()),
        }
    }

    /// What it is, if it is a container.
    pub(super) const fn container(&self) -> Option<Container> {
        match self {
            Self::List(_) => Some(Container::List),
            Self::Dictionary(_) => Some(Container::Dictionary),
            Self::Set(_) => Some(Container::Set),
            Self::Missing | Self::Value(_) | Self::Object(_) => None,
        }
    }
}

/// Appends the document of an object of a class that has this primary key.
pub(super) fn write(
    out: &mut Output<'_>,
    layouts: &Layouts<'_>,
    key: Value<'_>,
    object: &Object<'_>,
) -> Result<(), BuildError> {
    let start = out.open();
    let name = layouts.plan(object.layout).and_then(|plan| plan.key.as_deref());
    bson::value(&mut out.bytes, name.unwrap_or("_id"), key);
    fields(out, layouts, object)?;
    out.close(start)
}

fn fields(out: &mut Output<'_>, layouts: &Layouts<'_>, object: &Object<'_>) -> Result<(), BuildError> {
    let Some(layout) = layouts.get(object.layout) else {
        return Ok(());
    };
    let mut said = object.fields.iter().peekable();
    let mut behind = 0;
    if let Some(plan) = &layout.plan {
        behind = plan.fields.len();
        for (slot, field) in plan.fields.iter().enumerate() {
            match said.next_if(|(said, _)| *said == slot) {
                None | Some((_, Node::Missing)) => out.copy(&field.missing),
                // A pointer to nothing.
                Some((_, Node::Value(Value::Null)))
                    if field.shape.embedded.is_some() && field.shape.container.is_none() => {}
                Some((_, said)) => node(out, layouts, &field.name, said)?,
            }
        }
    }
    for (slot, said) in said {
        let name = slot.checked_sub(behind).and_then(|at| layout.others.get(at));
        if let Some(name) = name {
            node(out, layouts, name, said)?;
        }
    }
    Ok(())
}

fn node(out: &mut Output<'_>, layouts: &Layouts<'_>, name: &str, said: &Node<'_>) -> Result<(), BuildError> {
    match said {
        Node::Missing => {}
        Node::Value(value) => bson::value(&mut out.bytes, name, *value),
        Node::Object(object) => {
            bson::element(&mut out.bytes, bson::DOCUMENT, name);
            let start = out.open();
            fields(out, layouts, object)?;
            out.close(start)?;
        }
        Node::Dictionary(entries) => {
            bson::element(&mut out.bytes, bson::DOCUMENT, name);
            let start = out.open();
            let mut sorted: Vec<_> = entries.iter().map(|(key, entry)| (key.0, entry)).collect();
            sorted.sort_by_key(|(key, _)| *key);
            // No client gives two strings of one text their numbers.
            sorted.dedup_by_key(|(key, _)| *key);
            for (key, entry) in sorted {
                if key.as_bytes().contains(&0) {
                    return Err(BuildError::Key);
                }
                node(out, layouts, key, entry)?;
            }
            out.close(start)?;
        }
        Node::List(elements) => {
            bson::element(&mut out.bytes, bson::ARRAY, name);
            let start = out.open();
            let mut indexes = Indexes::new();
            for element in elements.iter() {
                node(out, layouts, indexes.name(), element)?;
                indexes.advance();
            }
            out.close(start)?;
        }
        Node::Set(values) => {
            bson::element(&mut out.bytes, bson::ARRAY, name);
            let start = out.open();
            let mut indexes = Indexes::new();
            for value in &**values {
                bson::value(&mut out.bytes, indexes.name(), value.0);
                indexes.advance();
            }
            out.close(start)?;
        }
    }
    Ok(())
}
