//! Changesets as a client writes them.

use crate::device_sync::changeset::encode::Encoder;
use crate::device_sync::changeset::{Instruction, Key, PathElement, Payload, Place};

/// What a client writes.
#[derive(Default)]
pub(super) struct Written(pub(super) Encoder);

impl Written {
    pub(super) fn create(mut self, class: &str, key: Key<'_>) -> Self {
        self.0.push(Instruction::CreateObject { class, key });
        self
    }

    pub(super) fn with(
        mut self,
        class: &str,
        path: &[&str],
        make: impl for<'a, 'r> FnOnce(Place<'a, 'r>) -> Instruction<'a, 'r>,
    ) -> Self {
        let steps: Vec<_> = path[1..].iter().map(|step| step_of(step)).collect();
        // The borrows of the instruction end with this function.
        let place = Place {
            class,
            key: Key::Int(1),
            field: path[0],
            path: &steps,
        };
        self.0.push(make(place));
        self
    }

    pub(super) fn put(self, class: &str, path: &[&str], payload: Payload<'static>) -> Self {
        self.with(class, path, |place| match place.path.last() {
            Some(PathElement::Index(_)) => Instruction::ArrayInsert { place, payload },
            _ => Instruction::Update { place, payload },
        })
    }

    pub(super) fn insert(self, class: &str, path: &[&str], payload: Payload<'static>) -> Self {
        self.with(class, path, |place| Instruction::SetInsert { place, payload })
    }
}

fn step_of(step: &str) -> PathElement<'_> {
    step.parse().map_or(PathElement::Name(step), PathElement::Index)
}
