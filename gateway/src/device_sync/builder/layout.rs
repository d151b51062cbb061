//! Which property of an object has which number, while one changeset becomes documents.

use std::collections::HashMap;
use std::sync::Arc;

use realm_ingest_protocol::schema::MAX_PROPERTY_NAME;

use super::super::registry::{Registry, TableKind};
use super::plan::{Plan, Shape};
use super::{MAX_UNKNOWN_PROPERTIES, Misfit};

/// Of objects whose class is not known.
const FREE: usize = 0;

/// Behind all others: what is said of the primary key, which the document has already.
const KEY: usize = usize::MAX;

/// Layouts by their numbers; the first one has no class.
pub(super) struct Layouts<'a> {
    all: Vec<Layout<'a>>,
    by_class: HashMap<Arc<str>, usize>,
    unknown: Shape,
}

/// Properties of the class have their numbers from it; those it does not have follow, in the order they appear.
#[derive(Default)]
pub(super) struct Layout<'a> {
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) others: Vec<&'a str>,
    by_name: HashMap<&'a str, usize>,
}

impl Layouts<'_> {
    pub(super) fn new() -> Self {
        Self {
            all: vec![Layout::default()],
            by_class: HashMap::new(),
            unknown: Shape::default(),
        }
    }

    /// Properties that objects which leave the device have had, and that their classes do not have.
    pub(super) fn incomplete(&self) -> Vec<(String, String)> {
        let mut incomplete = Vec::new();
        for layout in &self.all {
            if let Some(plan) = layout.plan.as_ref()
                && plan.kind != TableKind::Regular
            {
                let others = layout.others.iter();
                incomplete.extend(others.map(|name| (plan.class.to_string(), (*name).to_owned())));
            }
        }
        incomplete
    }

    /// Whether no class was asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.by_class.is_empty()
    }

    pub(super) fn get(&self, layout: usize) -> Option<&Layout<'_>> {
        self.all.get(layout)
    }

    /// That of a class, if it is known what it is.
    pub(super) fn of_class(&mut self, class: &str, registry: &Registry) -> Option<usize> {
        if let Some(known) = self.known(class) {
            return Some(known);
        }
        let plan = registry.plan(class)?;
        let layout = self.all.len();
        self.by_class.insert(Arc::clone(&plan.class), layout);
        self.all.push(Layout {
            plan: Some(plan),
            ..Layout::default()
        });
        Some(layout)
    }

    /// That of a class that was asked for before.
    pub(super) fn known(&self, class: &str) -> Option<usize> {
        self.by_class.get(class).copied()
    }

    pub(super) fn plan(&self, layout: usize) -> Option<&Arc<Plan>> {
        self.all.get(layout)?.plan.as_ref()
    }

    /// What a property holds.
    pub(super) fn shape(&self, layout: usize, slot: usize) -> &Shape {
        let field = self.plan(layout).and_then(|plan| plan.fields.get(slot));
        field.map_or(&self.unknown, |field| &field.shape)
    }

    /// The layout of the embedded objects that a property holds.
    pub(super) fn embedded(&mut self, layout: usize, slot: usize, registry: &Registry) -> usize {
        let class = self.shape(layout, slot).embedded.clone();
        class
            .and_then(|class| self.of_class(&class, registry))
            .unwrap_or(FREE)
    }
}

impl<'a> Layouts<'a> {
    /// The number of the property of this name. It is looked for from where the `last` one was.
    pub(super) fn slot(&mut self, layout: usize, name: &'a str, last: usize) -> Result<usize, Misfit> {
        let Some(layout) = self.all.get_mut(layout) else {
            return Err(Misfit::Path);
        };
        if name.len() > MAX_PROPERTY_NAME {
            return Err(Misfit::Name);
        }
        let mut behind = 0;
        if let Some(plan) = &layout.plan {
            if let Some(slot) = plan.find(name, last) {
                return Ok(slot);
            }
            if plan.key.as_deref() == Some(name) {
                return Ok(KEY);
            }
            behind = plan.fields.len();
        }
        if let Some(known) = layout.by_name.get(name) {
            return Ok(behind + known);
        }
        if name.as_bytes().contains(&0) {
            return Err(Misfit::Name);
        }
        let number = layout.others.len();
        if number == MAX_UNKNOWN_PROPERTIES {
            return Err(Misfit::TooManyProperties);
        }
        layout.others.push(name);
        layout.by_name.insert(name, number);
        Ok(behind + number)
    }
}
