//! How documents of one class are made, worked out once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::super::changeset::{ColumnType, Container};
use super::super::registry::{PrimaryKey, Property, Registry, TableKind};
use super::bson;

/// See the module.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) class: Arc<str>,
    pub(super) kind: TableKind,
    /// Name of the primary key, where there is one.
    pub(super) key: Option<Box<str>>,
    /// In the order of the class, without the primary key.
    pub(super) fields: Vec<FieldPlan>,
    by_name: HashMap<Box<str>, usize>,
    /// Classes that its properties name.
    pub(super) targets: BTreeSet<Box<str>>,
    /// Set once it has turned out that everything is known that is reached by them.
    pub(super) is_whole: OnceLock<()>,
}

/// One property.
#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) name: Box<str>,
    pub(super) shape: Shape,
    /// What the document has where nothing was said of it: a whole element, or nothing.
    pub(super) missing: Vec<u8>,
}

/// What a property holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) container: Option<Container>,
    /// Class of the embedded objects it holds.
    pub(super) embedded: Option<Arc<str>>,
}

impl Plan {
    pub(in super::super) fn new(
        class: &str,
        kind: TableKind,
        key: Option<&PrimaryKey>,
        properties: &[Property],
        registry: &Registry,
    ) -> Self {
        let fields: Vec<_> = properties
            .iter()
            .map(|one| FieldPlan::new(one, registry))
            .collect();
        let by_name = (0..).zip(&fields).map(|(at, field)| (field.name.clone(), at));
        Self {
            class: class.into(),
            kind,
            key: key.map(|key| key.name.as_str().into()),
            by_name: by_name.collect(),
            targets: properties
                .iter()
                .filter_map(|one| Some(one.target.as_deref()?.into()))
                .collect(),
            is_whole: OnceLock::new(),
            fields,
        }
    }

    /// The property of this name. Clients write the one behind the `last` one, or the last one again.
    pub(super) fn find(&self, name: &str, last: usize) -> Option<usize> {
        let near = last..last.saturating_add(2);
        let mut near = near.filter(|at| self.fields.get(*at).is_some_and(|field| *field.name == *name));
        near.next().or_else(|| self.by_name.get(name).copied())
    }
}

impl FieldPlan {
    fn new(property: &Property, registry: &Registry) -> Self {
        let target = property.target.as_deref();
        let target_kind = target.and_then(|target| registry.kind(target));
        let is_embedded = target_kind == Some(TableKind::Embedded);
        let shape = Shape {
            container: property.container,
            embedded: target.filter(|_| is_embedded).map(Into::into),
        };
        let mut missing = Vec::new();
        match property.container {
            Some(Container::List | Container::Set) => {
                bson::element(&mut missing, bson::ARRAY, &property.name);
                missing.extend_from_slice(&bson::EMPTY);
            }
            Some(Container::Dictionary) => {
                bson::element(&mut missing, bson::DOCUMENT, &property.name);
                missing.extend_from_slice(&bson::EMPTY);
            }
            None if is_embedded => {}
            None if property.nullable => bson::element(&mut missing, bson::NULL, &property.name),
            None => zero(&mut missing, property),
        }
        Self {
            name: property.name.as_str().into(),
            shape,
            missing,
        }
    }
}

/// What the headers send of a value that nothing was given.
fn zero(out: &mut Vec<u8>, property: &Property) {
    let (kind, bytes): (u8, &[u8]) = match property.kind {
        ColumnType::Int => (bson::INT64, &[0; 8]),
        ColumnType::Bool => (bson::BOOL, &[0]),
        ColumnType::String => (bson::STRING, &[1, 0, 0, 0, 0]),
        ColumnType::Binary => (bson::BINARY, &[0, 0, 0, 0, bson::GENERIC]),
        ColumnType::Timestamp => (bson::DATE, &[0; 8]),
        ColumnType::Float | ColumnType::Double => (bson::DOUBLE, &[0; 8]),
        ColumnType::Decimal => (bson::DECIMAL, &bson::DECIMAL_ZERO),
        ColumnType::ObjectId => (bson::OBJECT_ID, &[0; 12]),
        ColumnType::Uuid => (bson::BINARY, &bson::UUID_ZERO),
        ColumnType::Mixed | ColumnType::Link => (bson::NULL, &[]),
    };
    bson::element(out, kind, &property.name);
    out.extend_from_slice(bytes);
}
