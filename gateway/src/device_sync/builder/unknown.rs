//! Which classes somebody has to say what they are.

use std::collections::BTreeSet;

use realm_ingest_protocol::schema::MAX_CLASS_NAME;

use super::super::changeset::{ChangesetError, Instruction, Reader};
use super::super::registry::Registry;

/// Classes of which objects are created in a changeset, and those that they hold or link to, of which is not known what they are.
pub(super) fn classes(changeset: &[u8], registry: &Registry) -> Result<Vec<String>, ChangesetError> {
    let mut reader = Reader::new(changeset);
    let (mut seen, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    while let Some(instruction) = reader.next_instruction()? {
        if let Instruction::CreateObject { class, .. } = instruction
            && class.len() <= MAX_CLASS_NAME
            && !seen.contains(class)
        {
            reached(class, registry, &mut seen, &mut unknown);
        }
    }
    Ok(unknown.into_iter().collect())
}

/// Whether it is known what a class is, and what those are that its objects hold or link to.
pub(super) fn is_known(class: &str, registry: &Registry) -> bool {
    let mut unknown = BTreeSet::new();
    reached(class, registry, &mut BTreeSet::new(), &mut unknown);
    unknown.is_empty()
}

fn reached(class: &str, registry: &Registry, seen: &mut BTreeSet<String>, unknown: &mut BTreeSet<String>) {
    let mut waiting = vec![class.to_owned()];
    while let Some(class) = waiting.pop() {
        if let Some(plan) = registry.plan(&class) {
            let targets = plan.targets.iter().filter(|target| !seen.contains(&***target));
            waiting.extend(targets.map(ToString::to_string));
        } else {
            unknown.insert(class.clone());
        }
        seen.insert(class);
    }
}
