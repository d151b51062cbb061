#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use serde_json::{Value, json};

use super::*;
use crate::definition::{Collection, DataSource};

/// An application in development mode that describes these classes, by their schemas.
fn definition(schemas: &[Value]) -> Definition {
    let mut definition = Definition::development(None);
    let source = definition.synced().unwrap().clone();
    let collections = schemas.iter().map(|json| {
        let schema = CollectionSchema::parse(json, &mut Vec::new()).unwrap();
        Collection {
            database: "app".to_owned(),
            name: schema.title().unwrap().to_owned(),
            class: schema.title().map(str::to_owned),
            schema: Some(schema),
            rules: source.default_rules.clone(),
            relationships: BTreeMap::new(),
            time_series: None,
        }
    });
    let name = source.name.clone();
    let source = DataSource::new(name.clone(), source.default_rules.clone(), collections.collect());
    definition.data_sources.insert(name, source);
    definition
}

fn link(name: &str, to: &str) -> Value {
    json!({"name": name, "type": "object", "object": to, "optional": true})
}

fn root(name: &str, mut properties: Vec<Value>) -> Value {
    properties.push(json!({"name": "_id", "type": "int"}));
    json!({"name": name, "kind": "asymmetric", "primary_key": "_id", "properties": properties})
}

fn embedded(name: &str, mut properties: Vec<Value>) -> Value {
    properties.push(json!({"name": "p", "type": "int"}));
    json!({"name": name, "kind": "embedded", "properties": properties})
}

fn schema(mut classes: Vec<Value>) -> Schema {
    classes.sort_by_key(|class| class["name"].as_str().unwrap().to_owned());
    Schema::parse(&json!({ "classes": classes }).to_string()).unwrap()
}

/// Each class of what is compared with its properties.
fn shown(compared: &Schema) -> Vec<String> {
    let classes = compared.classes.iter().map(|class| {
        let names: Vec<_> = class.properties.iter().map(|one| &*one.name).collect();
        format!("{}: {}", class.name, names.join(" "))
    });
    classes.collect()
}

/// The application's class, which holds a described class `A`.
fn reading() -> Value {
    let inner = json!({"title": "A", "bsonType": "object", "properties": {"p": {"bsonType": "long"}}});
    json!({"title": "Reading", "bsonType": "object",
        "properties": {"_id": {"bsonType": "long"}, "a": inner}})
}

#[test]
fn what_only_devices_have_is_compared_with_all_that_is_inside_it() {
    let sent = schema(vec![
        root("Reading", vec![link("a", "A"), link("b", "B")]),
        root("Own", vec![link("d", "D")]),
        embedded("A", vec![link("c", "C")]),
        embedded("B", vec![]),
        embedded("C", vec![link("e", "E")]),
        embedded("D", vec![]),
        embedded("E", vec![]),
    ]);
    let compared = compared(&definition(&[reading()]), &sent);
    let expected = [
        "A: c",
        "B: p",
        "C: e p",
        "D: p",
        "E: p",
        "Own: d _id",
        "Reading: b",
    ];
    assert_eq!(shown(&compared), expected);
}

#[test]
fn nothing_of_a_class_that_contradicts_the_application_is_compared() {
    let mut wrong = root("Reading", vec![link("b", "B")]);
    wrong["properties"][1]["type"] = json!("string");
    let sent = schema(vec![
        wrong,
        embedded("B", vec![link("c", "C")]),
        embedded("C", vec![]),
    ]);
    assert_eq!(shown(&compared(&definition(&[reading()]), &sent)), [""; 0]);
}

#[test]
fn each_link_is_followed_once_however_many_lead_to_its_class() {
    const CLASSES: usize = 100;
    let name = |number: usize| format!("E{number:03}");
    // Each embedded class holds all that come after it; all that others have are links to the first.
    let mut classes: Vec<_> = (0..CLASSES)
        .map(|n| {
            embedded(
                &name(n),
                (n + 1..CLASSES).map(|m| link(&name(m), &name(m))).collect(),
            )
        })
        .collect();
    let to_first = || {
        (0..CLASSES)
            .map(|n| link(&format!("x{n}"), &name(0)))
            .collect::<Vec<_>>()
    };
    let mut described = to_first();
    described.push(link("a", "A"));
    classes.push(root("Reading", described));
    classes.push(embedded("A", to_first()));
    classes.extend((0..CLASSES).map(|n| root(&format!("Own{n:03}"), to_first())));
    let sent = schema(classes);
    let links = sent.classes.iter().flat_map(|class| &class.properties);
    let links = links.filter(|property| property.object.is_some()).count();
    let definition = definition(&[reading()]);
    let sides = Sides::of(&definition, &sent);
    assert!(sides.theirs.links <= links, "{} of {links}", sides.theirs.links);
    assert!(
        sides.left_out.links <= links,
        "{} of {links}",
        sides.left_out.links
    );
    assert_eq!(sides.compared(&sent).classes.len(), sent.classes.len());
}
