//! The classes that links lead to, from wherever one begins: each is looked at once, however many begin there or lead there.

use std::collections::HashSet;

use realm_ingest_protocol::schema::Property;
use realm_ingest_protocol::{Class, Schema};

/// See the module.
pub(super) struct Reached<'a> {
    schema: &'a Schema,
    names: HashSet<&'a str>,
    /// Links that were looked at.
    #[cfg(test)]
    pub(super) links: usize,
}

impl<'a> Reached<'a> {
    /// None yet, by links of this schema.
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            names: HashSet::new(),
            #[cfg(test)]
            links: 0,
        }
    }

    /// Whether the class of this name is reached.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The class, and what its links lead to.
    pub(super) fn add(&mut self, class: &'a Class) {
        self.add_by(class, |_, _, _| true);
    }

    /// What links of the class lead to.
    pub(super) fn add_inside(&mut self, class: &'a Class) {
        let targets = class.properties.iter().filter_map(|p| p.object.as_deref());
        for target in targets.filter_map(|name| self.schema.class(name)) {
            self.add(target);
        }
    }

    /// The class, and what those links lead to that are followed: each is asked about with its class and its target.
    pub(super) fn add_by(
        &mut self,
        class: &'a Class,
        mut follows: impl FnMut(&'a Class, &'a Property, &'a Class) -> bool,
    ) {
        if !self.names.insert(&class.name) {
            return;
        }
        let mut next = vec![class];
        while let Some(class) = next.pop() {
            for property in &class.properties {
                let target = property.object.as_deref();
                let Some(target) = target.and_then(|name| self.schema.class(name)) else {
                    continue;
                };
                #[cfg(test)]
                {
                    self.links += 1;
                }
                if follows(class, property, target) && self.names.insert(&target.name) {
                    next.push(target);
                }
            }
        }
    }
}
