//! The golden documents, which the C++ headers write byte for byte, and their classes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use realm_ingest_protocol::Schema;
use serde_json::{Value, json};

/// The scalar columns that nearly every golden class has, by name.
const SCALARS: [(&str, &str); 10] = [
    ("i", "int"),
    ("d", "double"),
    ("b", "bool"),
    ("s", "string"),
    ("t", "date"),
    ("u", "uuid"),
    ("o", "objectId"),
    ("x", "data"),
    ("dec", "decimal128"),
    ("e", "int"),
];

fn one(name: &str, kind: &str, optional: bool, collection: Option<&str>) -> Value {
    let mut property = json!({"name": name, "type": kind, "optional": optional});
    if let Some(collection) = collection {
        property["collection"] = collection.into();
    }
    if kind == "object" {
        property["object"] = "Place".into();
    }
    property
}

fn class(name: &str, key: &str, optional_key: bool, columns: Vec<Value>) -> Value {
    let properties: Vec<_> = [one("_id", key, optional_key, None)]
        .into_iter()
        .chain(columns)
        .collect();
    json!({"name": name, "kind": "asymmetric", "primary_key": "_id", "properties": properties})
}

/// The classes of tests/cpp/golden_classes.hpp.
pub fn schema() -> Schema {
    let scalars = |optional, collection: Option<&'static str>, more: &[(&str, &str)]| -> Vec<Value> {
        let columns = SCALARS.iter().chain(more);
        columns
            .map(|(name, kind)| one(name, kind, optional, collection))
            .collect()
    };
    let with_objects = |collection| scalars(false, collection, &[("m", "mixed"), ("p", "object")]);
    let map = Some("dictionary");
    let mixeds = [
        "nothing", "number", "truth", "text", "real", "data", "at", "uuid", "id", "decimal",
    ];
    let inner = |name: &str, collection: Option<&str>| {
        let mut property = one(name, "object", false, collection);
        property["object"] = "Inner".into();
        property
    };
    let mut wide = one("one", "object", false, None);
    wide["object"] = "Wide".into();
    let mut classes = vec![
        json!({"name": "Inner", "kind": "embedded", "properties": [one("n", "int", false, None)]}),
        json!({"name": "Place", "kind": "embedded", "properties": [
            one("name", "string", false, None), inner("inner", None), inner("inners", Some("list"))]}),
        json!({"name": "Wide", "kind": "embedded", "properties": [
            one("i", "int", false, None), one("oi", "int", true, None), one("list", "int", false, Some("list")),
            one("set", "string", false, Some("set")), one("map", "double", false, map),
            one("m", "mixed", false, None), one("t", "date", false, None), one("dec", "decimal128", false, None)]}),
        class("Scalars", "objectId", false, with_objects(None)),
        class("Optionals", "objectId", false, scalars(true, None, &[])),
        class("Lists", "objectId", false, with_objects(Some("list"))),
        class(
            "OptionalLists",
            "objectId",
            false,
            scalars(true, Some("list"), &[]),
        ),
        class(
            "Sets",
            "objectId",
            false,
            scalars(false, Some("set"), &[("m", "mixed")]),
        ),
        class("OptionalSets", "objectId", false, scalars(true, Some("set"), &[])),
        class(
            "Maps",
            "objectId",
            false,
            scalars(
                false,
                map,
                &[("m", "mixed"), ("n", "int"), ("ms", "date"), ("p", "object")],
            ),
        ),
        class(
            "OptionalMaps",
            "objectId",
            false,
            scalars(true, map, &[("n", "int"), ("ms", "date")]),
        ),
        class(
            "Embeddeds",
            "objectId",
            false,
            vec![
                one("one", "object", false, None),
                one("list", "object", false, Some("list")),
                one("map", "object", false, map),
            ],
        ),
        class("WideOwner", "objectId", false, vec![wide]),
        class(
            "Mixeds",
            "objectId",
            false,
            mixeds.map(|name| one(name, "mixed", false, None)).to_vec(),
        ),
        class(
            "OwnVariants",
            "objectId",
            false,
            vec![
                one("first", "mixed", false, None),
                one("second", "mixed", false, None),
                one("list", "mixed", false, Some("list")),
                one("map", "mixed", false, map),
            ],
        ),
        class(
            "OtherSizes",
            "objectId",
            false,
            vec![
                one("i32", "int", false, None),
                one("i16", "int", false, None),
                one("i8", "int", false, None),
                one("oi32", "int", true, None),
                one("f", "float", false, None),
                one("of", "float", true, None),
                one("fs", "float", false, Some("list")),
                one("ms", "date", false, None),
                one("s", "date", false, None),
                one("oms", "date", true, Some("list")),
            ],
        ),
        class(
            "LongName",
            "objectId",
            false,
            vec![one(
                "property_with_a_name_of_sixty_three_characters_as_long_as_may_b",
                "int",
                false,
                None,
            )],
        ),
    ];
    for (name, key) in [
        ("IntKey", "int"),
        ("StringKey", "string"),
        ("ObjectIdKey", "objectId"),
        ("UuidKey", "uuid"),
    ] {
        for (name, optional) in [(name.to_owned(), false), (format!("Optional{name}"), true)] {
            classes.push(class(&name, key, optional, vec![one("s", "string", false, None)]));
        }
    }
    let schema = Schema::parse(&json!({"classes": classes}).to_string()).unwrap();
    schema.validate().unwrap();
    schema
}

/// The class a golden document belongs to, by the name it has in the file.
pub fn class_of(name: &str) -> &'static str {
    let rules = [
        ("scalars:", "Scalars"),
        ("optionals:", "Optionals"),
        ("lists:", "Lists"),
        ("lists of optionals:", "OptionalLists"),
        ("sets:", "Sets"),
        ("sets of optionals:", "OptionalSets"),
        ("maps:", "Maps"),
        ("maps of optionals:", "OptionalMaps"),
        ("embedded: wide", "WideOwner"),
        ("embedded:", "Embeddeds"),
        ("mixed: each", "Mixeds"),
        ("mixed: a variant", "OwnVariants"),
        ("numbers and clocks", "OtherSizes"),
        ("names: longest", "LongName"),
        ("key: optional int64", "OptionalIntKey"),
        ("key: optional enum", "OptionalIntKey"),
        ("key: optional string", "OptionalStringKey"),
        ("key: optional object id", "OptionalObjectIdKey"),
        ("key: optional uuid", "OptionalUuidKey"),
        ("key: int64", "IntKey"),
        ("key: enum", "IntKey"),
        ("key: last", "IntKey"),
        ("key: string", "StringKey"),
        ("key: object id", "ObjectIdKey"),
        ("key: uuid", "UuidKey"),
    ];
    let rule = rules.iter().find(|(prefix, _)| name.starts_with(prefix));
    rule.unwrap_or_else(|| panic!("'{name}' has no class here")).1
}

/// The golden documents with their names.
pub fn documents() -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/types.bson");
    let all = fs::read(path).unwrap();
    let mut rest = all.as_slice();
    let mut documents = Vec::new();
    while !rest.is_empty() {
        let size = usize::try_from(i32::from_le_bytes(rest[..4].try_into().unwrap())).unwrap();
        let entry = bson::RawDocument::from_bytes(&rest[..size]).unwrap();
        let document = entry.get_document("document").unwrap().as_bytes().to_vec();
        documents.push((entry.get_str("name").unwrap().to_owned(), document));
        rest = &rest[size..];
    }
    documents
}
