//! `relationships.json`: properties that hold the key of a document elsewhere.

use std::collections::{BTreeMap, HashSet};

use super::json::Node;
use super::reading::Reading;
use crate::definition::{Collection, Relationship};

pub(super) fn read(reading: &Reading<'_>, file: &str) -> BTreeMap<String, Relationship> {
    let Some(document) = reading.document(file) else {
        return BTreeMap::new();
    };
    let Some(object) = document.root().object() else {
        return BTreeMap::new();
    };
    let all = object.all().into_iter();
    let found: BTreeMap<_, _> = all
        .filter_map(|(path, node)| Some((path.to_owned(), read_one(path, &node)?)))
        .collect();
    if found.is_empty() {
        reading.ignored(file, "it is empty");
    } else {
        reading.honoured(file, format!("relationships: {}", found.len()));
    }
    found
}

fn read_one(path: &str, node: &Node<'_>) -> Option<Relationship> {
    if path == "_id" {
        node.refuse("'_id' is a document's own key, and cannot be another's");
    }
    let object = node.object()?;
    let reference = object.required("ref");
    if let Some(key) = object.get("foreign_key")
        && key.value != "_id"
    {
        key.expected("\"_id\"");
    }
    let is_list = object.flag("is_list");
    object.ignore(&["source_key"]);
    object.finish();
    let reference = reference?;
    let Some([_, database, collection]) = parts(reference.string()?) else {
        reference.expected("\"#/relationship/<data source>/<database>/<collection>\"");
        return None;
    };
    Some(Relationship {
        database: database.to_owned(),
        collection: collection.to_owned(),
        is_list,
    })
}

fn parts(reference: &str) -> Option<[&str; 3]> {
    let rest = reference.strip_prefix("#/relationship/")?;
    let mut parts = rest.splitn(3, '/');
    Some([parts.next()?, parts.next()?, parts.next()?])
        .filter(|parts| parts.iter().all(|part| !part.is_empty()))
}

/// Checks that what is named is there.
pub(super) fn check(reading: &Reading<'_>, folder: &str, collections: &[Collection]) {
    let named = |one: &Collection| (one.database.clone(), one.name.clone());
    let all: HashSet<_> = collections.iter().map(named).collect();
    for one in collections {
        let file = format!("{folder}{}/{}/relationships.json", one.database, one.name);
        for (path, to) in &one.relationships {
            let to = (to.database.clone(), to.collection.clone());
            if !all.contains(&to) {
                let text = format!("there is no collection '{}.{}' in this data source", to.0, to.1);
                reading.refuse_at(&file, &format!("$.{path}.ref"), text);
            }
        }
    }
}
