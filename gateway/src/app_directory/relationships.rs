//! `relationships.json`: properties that hold the key of a document elsewhere.

use std::collections::BTreeMap;

use super::data_sources::{Found, Source};
use super::json::{Node, member};
use super::reading::Reading;
use crate::definition::Relationship;

/// The properties by their paths. A mistake is refused where it `counts`.
pub(super) fn read(reading: &Reading<'_>, file: &str, counts: bool) -> BTreeMap<String, Relationship> {
    let Some(document) = reading.document(file) else {
        return BTreeMap::new();
    };
    let Some(object) = document.root().where_it(counts).object() else {
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
    let Some([data_source, database, collection]) = parts(reference.string()?) else {
        reference.expected("\"#/relationship/<data source>/<database>/<collection>\"");
        return None;
    };
    Some(Relationship {
        data_source: data_source.to_owned(),
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

/// Checks that what is named is there, and that the property can hold its key. A mistake is refused where it `counts`.
pub(super) fn check(
    reading: &Reading<'_>,
    found: &Found,
    relationships: &BTreeMap<String, Relationship>,
    sources: &BTreeMap<String, Source>,
    counts: bool,
) {
    let file = format!("{}relationships.json", found.folder);
    let wrong = relationships.iter().filter_map(|(path, to)| {
        let text = mistake(found, path, to, sources)?;
        Some((format!("${}", member(path)), text))
    });
    reading.found(&file, wrong.collect(), counts);
}

fn mistake(
    found: &Found,
    path: &str,
    to: &Relationship,
    sources: &BTreeMap<String, Source>,
) -> Option<String> {
    let is_meant = |one: &&Found| one.database == to.database && one.name == to.collection;
    let source = sources.get(&to.data_source);
    let Some(target) = source.and_then(|source| source.collections.iter().find(is_meant)) else {
        return Some(format!(
            "there is no collection '{}.{}' in the data source '{}'",
            to.database, to.collection, to.data_source
        ));
    };
    // A path into embedded objects is taken as it is.
    let (own, key) = (kind(found, path, to.is_list)?, kind(target, "_id", false)?);
    (own != key).then(|| format!("found the type {own}, expected {key} as '_id' has it there"))
}

/// The type of a property, or of the elements of a list. Integers are of one type, as they are in Realm.
fn kind<'a>(collection: &'a Found, property: &str, is_list: bool) -> Option<&'a str> {
    let mut property = collection.schema.as_ref()?.get("properties")?.get(property)?;
    if is_list {
        property = property.get("items")?;
    }
    match property.get("bsonType")?.as_str()? {
        "int" => Some("long"),
        kind => Some(kind),
    }
}
