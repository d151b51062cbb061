//! `relationships.json`: properties that hold the key of a document elsewhere.

use std::collections::{BTreeMap, HashMap};

use super::data_sources::Found;
use super::json::{Node, member};
use super::reading::Reading;
use crate::definition::Relationship;

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

/// Checks that what is named is there, and that the property can hold its key.
pub(super) fn check(reading: &Reading<'_>, collections: &[Found]) {
    let all: HashMap<_, _> = collections
        .iter()
        .map(|one| ((one.database.as_str(), one.name.as_str()), one))
        .collect();
    for one in collections {
        let file = format!("{}relationships.json", one.folder);
        for (path, to) in &one.relationships {
            let refuse = |text| reading.refuse_at(&file, &format!("${}", member(path)), text);
            let Some(target) = all.get(&(to.database.as_str(), to.collection.as_str())) else {
                refuse(format!(
                    "there is no collection '{}.{}' in this data source",
                    to.database, to.collection
                ));
                continue;
            };
            // A path into embedded objects is taken as it is.
            let (Some(own), Some(key)) = (kind(one, path, to.is_list), kind(target, "_id", false)) else {
                continue;
            };
            if own != key {
                refuse(format!(
                    "found the type {own}, expected {key} as '_id' has it there"
                ));
            }
        }
    }
}

/// The type of a property, or of the elements of a list.
fn kind<'a>(collection: &'a Found, property: &str, is_list: bool) -> Option<&'a str> {
    let mut property = collection.schema.as_ref()?.get("properties")?.get(property)?;
    if is_list {
        property = property.get("items")?;
    }
    property.get("bsonType")?.as_str()
}
