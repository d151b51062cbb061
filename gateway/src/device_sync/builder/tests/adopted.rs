//! Classes that are not known, and objects that Data Ingest has no use for.

use ::bson::doc;
use realm_ingest_protocol::Schema;

use super::super::super::changeset::{Column, ColumnType, Container, KeyColumn, KeyType, Table};
use super::*;

fn unknown(result: Result<Vec<(String, ::bson::Document)>, BuildError>) -> Vec<String> {
    match result {
        Err(BuildError::UnknownClasses(names)) => names,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_class_that_is_not_known_is_asked_for_with_what_it_holds() {
    let object = vectors::named("every kind: object");
    let known = registry_of("every kind: schema").schema();
    let mut registry = Registry::default();
    assert_eq!(unknown(built(&object.changeset(), &mut registry)), ["Reading"]);
    registry.define(known.class("Reading").unwrap()).unwrap();
    assert_eq!(unknown(built(&object.changeset(), &mut registry)), ["Emb"]);
    registry.define(known.class("Emb").unwrap()).unwrap();
    assert_eq!(unknown(built(&object.changeset(), &mut registry)), ["Emb2"]);
    registry.define(known.class("Emb2").unwrap()).unwrap();
    let documents = built(&object.changeset(), &mut registry).unwrap();
    let expected = built(&object.changeset(), &mut registry_of("every kind: schema")).unwrap();
    assert_eq!(documents, expected);
}

#[test]
fn all_classes_that_are_not_known_are_asked_for_at_once() {
    let mut registry = Registry::default();
    let keys = vectors::named("every kind: keys").changeset();
    assert_eq!(
        unknown(built(&keys, &mut registry)),
        ["PkInt", "PkNStr", "PkUuid"]
    );
    assert!(registry.is_empty());
}

#[test]
fn what_the_class_does_not_have_follows_in_the_order_it_appeared() {
    let text = r#"{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id",
        "properties":[{"name":"_id","type":"objectId"},{"name":"i","type":"int"},{"name":"s","type":"string"}]}]}"#;
    let mut registry = Registry::default();
    registry.define(&Schema::parse(text).unwrap().classes[0]).unwrap();
    let path = [PathElement::Name("x")];
    let changeset = Object::new()
        .update("z", &[], int(1))
        .update("s", &[], Payload::Value(Value::String("text")))
        .update("e", &[], Payload::Object)
        .update("e", &[PathElement::Name("w")], int(3))
        .update("e", &path, int(4))
        .update("a", &[PathElement::Name("k")], int(5))
        .update("gone", &[], NULL)
        .insert("l", &[PathElement::Index(0)], Payload::Object)
        .0
        .finish();
    let documents = built(&changeset, &mut registry).unwrap();
    let id = ::bson::oid::ObjectId::from_bytes([7; 12]);
    let expected = doc! {
        "_id": id, "i": 0_i64, "s": "text", "z": 1_i64, "e": {"w": 3_i64, "x": 4_i64},
        "a": {"k": 5_i64}, "gone": null, "l": [{}],
    };
    assert_eq!(documents[0].1.to_vec().unwrap(), expected.to_vec().unwrap());
}

#[test]
fn objects_of_regular_classes_become_documents_and_what_is_erased_does_not() {
    let objects = vectors::named("links: objects").changeset();
    let mut registry = registry_of("links: schema");
    let documents = built(&objects, &mut registry).unwrap();
    let classes: Vec<_> = documents.iter().map(|(class, _)| class.as_str()).collect();
    assert_eq!(classes, ["WithLink", "Top", "Top", "Top"]);

    let mut encoder = Encoder::default();
    for (class, key) in [("Top", Key::Int(1)), ("Top", Key::Int(2)), ("WithLink", ID)] {
        encoder.push(Instruction::CreateObject { class, key });
    }
    for (class, key) in [("Top", Key::Int(2)), ("WithLink", ID), ("Top", Key::Int(9))] {
        encoder.push(Instruction::EraseObject { class, key });
    }
    let built = super::super::documents(&encoder.finish(), &mut registry, LIMITS, &mut budget()).unwrap();
    let runs: Vec<_> = built
        .runs
        .iter()
        .map(|run| (run.class.to_string(), run.count))
        .collect();
    assert_eq!(runs, [("Top".to_owned(), 1), ("WithLink".to_owned(), 1)]);
    assert_eq!((built.documents, built.skipped), (2, 1));
}

#[test]
fn what_is_done_to_objects_of_other_changesets_is_skipped() {
    let mut registry = registry_of("links: schema");
    let mut encoder = Encoder::default();
    let other = Place {
        class: "Top",
        key: Key::Int(1),
        field: "v",
        path: &[],
    };
    encoder.push(Instruction::Update {
        place: other,
        payload: int(1),
    });
    encoder.push(Instruction::CreateObject {
        class: "WithLink",
        key: ID,
    });
    encoder.push(Instruction::AddInteger { place: other, by: 1 });
    let built = documents(&encoder.finish(), &mut registry, LIMITS, &mut budget()).unwrap();
    assert_eq!((built.documents, built.skipped), (1, 2));
}

#[test]
fn what_is_said_of_classes_among_objects_holds_for_all_of_them() {
    let id = KeyColumn {
        name: "_id",
        kind: KeyType::Int,
        nullable: false,
    };
    let column = |kind| Column {
        kind,
        nullable: false,
        container: None,
        target: None,
    };
    let table = Instruction::AddTable {
        class: "A",
        table: Table::Asymmetric(Some(id)),
    };
    let add = |field, kind| Instruction::AddColumn {
        class: "A",
        field,
        column: column(kind),
    };
    let create = |key| Instruction::CreateObject {
        class: "A",
        key: Key::Int(key),
    };
    let mut encoder = Encoder::default();
    for instruction in [
        table,
        add("a", ColumnType::Int),
        create(1),
        add("b", ColumnType::String),
        create(2),
        Instruction::EraseColumn {
            class: "A",
            field: "a",
        },
    ] {
        encoder.push(instruction);
    }
    let mut registry = Registry::default();
    let documents = built(&encoder.finish(), &mut registry).unwrap();
    let documents: Vec<_> = documents.into_iter().map(|(_, document)| document).collect();
    assert_eq!(
        documents,
        [doc! {"_id": 1_i64, "b": ""}, doc! {"_id": 2_i64, "b": ""}]
    );
    let names: Vec<_> = registry.schema().classes[0]
        .properties
        .iter()
        .map(|one| one.name.clone())
        .collect();
    assert_eq!(names, ["_id", "b"]);
}

#[test]
fn what_a_class_is_may_be_said_behind_its_objects() {
    let id = KeyColumn {
        name: "_id",
        kind: KeyType::Int,
        nullable: false,
    };
    let mut encoder = Encoder::default();
    encoder.push(Instruction::CreateObject {
        class: "A",
        key: Key::Int(1),
    });
    encoder.push(Instruction::AddTable {
        class: "A",
        table: Table::Asymmetric(Some(id)),
    });
    let documents = built(&encoder.finish(), &mut Registry::default()).unwrap();
    assert_eq!(documents, [("A".to_owned(), doc! {"_id": 1_i64})]);
}

#[test]
fn classes_that_are_no_schema_are_refused_and_forgotten() {
    let embedded = |class| Instruction::AddTable {
        class,
        table: Table::Embedded,
    };
    let holds = |class, target| Instruction::AddColumn {
        class,
        field: "one",
        column: Column {
            kind: ColumnType::Link,
            nullable: true,
            container: None,
            target: Some(target),
        },
    };
    let named = |field| Instruction::AddColumn {
        class: "A",
        field,
        column: Column {
            kind: ColumnType::Int,
            nullable: false,
            container: Some(Container::List),
            target: None,
        },
    };
    let cases = [
        vec![embedded("A"), embedded("B"), holds("A", "B"), holds("B", "A")],
        vec![embedded("A"), named("a.b")],
        vec![embedded("A$")],
    ];
    for case in cases {
        let mut registry = registry_of("small: schema");
        let before = registry.clone();
        let mut encoder = Encoder::default();
        case.into_iter().for_each(|one| encoder.push(one));
        let result = built(&encoder.finish(), &mut registry);
        assert!(matches!(result, Err(BuildError::Schema(_))), "{result:?}");
        assert_eq!(registry, before);
    }
}
