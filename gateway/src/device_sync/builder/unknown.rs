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

/// Whether it is known what a class is, and what those are that its objects hold or link to. That of a registry is found out once.
pub(super) fn is_known(class: &str, registry: &Registry) -> bool {
    let Some(plan) = registry.plan(class) else {
        return false;
    };
    if plan.is_whole.get().is_some() {
        return true;
    }
    let (mut seen, mut unknown) = (BTreeSet::new(), BTreeSet::new());
    reached(class, registry, &mut seen, &mut unknown);
    if !unknown.is_empty() {
        return false;
    }
    // What they reach is known as well.
    for plan in seen.iter().filter_map(|class| registry.plan(class)) {
        plan.is_whole.get_or_init(|| ());
    }
    true
}

fn reached(class: &str, registry: &Registry, seen: &mut BTreeSet<String>, unknown: &mut BTreeSet<String>) {
    let mut waiting = vec![class.to_owned()];
    while let Some(class) = waiting.pop() {
        if !seen.insert(class.clone()) {
            continue;
        }
        let Some(plan) = registry.plan(&class) else {
            unknown.insert(class);
            continue;
        };
        if plan.is_whole.get().is_none() {
            let targets = plan.targets.iter().filter(|target| !seen.contains(&***target));
            waiting.extend(targets.map(ToString::to_string));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::time::{Duration, Instant};

    use super::super::super::changeset::{Column, ColumnType, Key, KeyType, Table, encode::Encoder};
    use super::*;

    const CLASSES: usize = 46;

    /// Classes in a row, of which each has hundreds of links to the next one.
    fn chain() -> Registry {
        let mut registry = Registry::default();
        for number in 0..CLASSES {
            let (class, next) = (format!("C{number}"), format!("C{}", number + 1));
            let table = Table::Regular(None);
            let class = class.as_str();
            registry.apply(&Instruction::AddTable { class, table }).unwrap();
            for field in (0..500).map(|field| format!("p{field}")) {
                let (field, target) = (field.as_str(), Some(next.as_str()));
                let column = Column {
                    kind: ColumnType::Link,
                    nullable: true,
                    container: None,
                    target,
                };
                let column = Instruction::AddColumn { class, field, column };
                registry.apply(&column).unwrap();
            }
        }
        registry
    }

    #[test]
    fn links_between_classes_are_followed_once() {
        let mut registry = chain();
        let mut changeset = Encoder::default();
        for number in 0..CLASSES {
            changeset.push(Instruction::CreateObject {
                class: &format!("C{number}"),
                key: Key::Int(1),
            });
        }
        let changeset = changeset.finish();
        let last = format!("C{CLASSES}");
        let begun = Instant::now();
        assert_eq!(classes(&changeset, &registry).unwrap(), [last.as_str()]);
        for number in 0..CLASSES {
            assert!(!is_known(&format!("C{number}"), &registry));
        }
        registry.define_regular(&last, KeyType::Int).unwrap();
        for _ in 0..1_000 {
            for number in (0..=CLASSES).rev() {
                assert!(is_known(&format!("C{number}"), &registry));
            }
        }
        // A thousandth of what it takes to follow each link of each class.
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        registry.apply(&Instruction::EraseTable { class: &last }).unwrap();
        assert!(!is_known("C0", &registry));
    }
}
