#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use realm_ingest_protocol::Schema;

use super::super::changeset::{Column, ColumnType, Container, KeyColumn, Reader};
use super::*;
use crate::device_sync::vectors;

fn applied(registry: &mut Registry, changeset: &[u8]) -> bool {
    let mut reader = Reader::new(changeset);
    let mut changed = false;
    while let Some(instruction) = reader.next_instruction().unwrap() {
        changed |= registry.apply(&instruction).unwrap();
    }
    changed
}

fn of(name: &str) -> Registry {
    let mut registry = Registry::default();
    assert!(applied(&mut registry, &vectors::named(name).changeset()));
    registry
}

fn schema(classes: &str) -> Schema {
    Schema::parse(&format!(r#"{{"classes":[{classes}]}}"#)).unwrap()
}

const INT: Column<'static> = Column {
    kind: ColumnType::Int,
    nullable: false,
    container: None,
    target: None,
};

const ID: KeyColumn<'static> = KeyColumn {
    name: "_id",
    kind: KeyType::Int,
    nullable: false,
};

fn table<'a>(class: &'a str) -> Instruction<'a, 'a> {
    Instruction::AddTable {
        class,
        table: Table::Asymmetric(Some(ID)),
    }
}

const fn column<'a>(class: &'a str, field: &'a str, column: Column<'a>) -> Instruction<'a, 'a> {
    Instruction::AddColumn { class, field, column }
}

/// What the C++ headers send for the same classes: tests/cpp/schema_test.cpp has each kind of property.
#[test]
fn a_schema_is_the_one_that_the_headers_send_for_the_same_classes() {
    let expected = schema(
        r#"{"name":"Pos","kind":"embedded","properties":[{"name":"lat","type":"double"}]},
        {"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"objectId"},{"name":"n","type":"int"},
            {"name":"at","type":"date","optional":true},
            {"name":"tags","type":"string","collection":"list"},
            {"name":"pos","type":"object","object":"Pos"}]}"#,
    );
    let small = of("small: schema");
    assert_eq!(small.schema().to_json(), expected.to_json());
    let all = of("every kind: schema").schema();
    let expected = schema(
        r#"{"name":"Emb","kind":"embedded","properties":[
            {"name":"x","type":"double"},
            {"name":"tags","type":"string","collection":"list"},
            {"name":"sub","type":"object","object":"Emb2"}]},
        {"name":"Emb2","kind":"embedded","properties":[{"name":"n","type":"int"}]},
        {"name":"PkInt","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"int"},{"name":"v","type":"string","optional":true}]},
        {"name":"PkNStr","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"string","optional":true},{"name":"v","type":"string","optional":true}]},
        {"name":"PkUuid","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"uuid"},{"name":"v","type":"string","optional":true}]},
        {"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"objectId"},
            {"name":"b","type":"bool"},{"name":"i","type":"int"},{"name":"s","type":"string"},
            {"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"bin","type":"data"},
            {"name":"ts","type":"date"},{"name":"dec","type":"decimal128"},
            {"name":"oid","type":"objectId"},{"name":"u","type":"uuid"},
            {"name":"i_n","type":"int","optional":true},{"name":"s_n","type":"string","optional":true},
            {"name":"m","type":"mixed"},
            {"name":"li","type":"int","collection":"list"},
            {"name":"ls_n","type":"string","optional":true,"collection":"list"},
            {"name":"lm","type":"mixed","collection":"list"},
            {"name":"le","type":"object","collection":"list","object":"Emb"},
            {"name":"si","type":"int","collection":"set"},
            {"name":"ss","type":"string","collection":"set"},
            {"name":"di","type":"int","collection":"dictionary"},
            {"name":"ds_n","type":"string","optional":true,"collection":"dictionary"},
            {"name":"dm","type":"mixed","collection":"dictionary"},
            {"name":"de","type":"object","collection":"dictionary","object":"Emb"},
            {"name":"e","type":"object","object":"Emb"}]},
        {"name":"Small","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"string"},{"name":"v","type":"int","optional":true},
            {"name":"t","type":"date","optional":true}]}"#,
    );
    assert_eq!(all.to_json(), expected.to_json());
    assert_eq!(all.fingerprint(), expected.fingerprint());
    all.validate().unwrap();
}

#[test]
fn a_link_is_described_as_the_key_it_leads_to() {
    let registry = of("links: schema");
    assert_eq!(registry.kind("Top"), Some(TableKind::Regular));
    let described = registry.schema();
    assert!(described.class("Top").is_none());
    let expected = schema(
        r#"{"name":"WithLink","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"objectId"},
            {"name":"l","type":"int","optional":true},
            {"name":"ll","type":"int","collection":"list"},
            {"name":"ld","type":"int","optional":true,"collection":"dictionary"}]}"#,
    );
    assert_eq!(described.class("WithLink"), expected.class("WithLink"));
}

#[test]
fn what_is_kept_says_the_same_and_nothing_is_new_when_it_comes_again() {
    for name in ["small: schema", "every kind: schema", "links: schema"] {
        let registry = of(name);
        let mut kept = Registry::parse(&registry.to_json().unwrap()).unwrap();
        assert_eq!(kept, registry);
        assert!(!applied(&mut kept, &vectors::named(name).changeset()));
        assert_eq!(kept.schema(), registry.schema());
    }
    assert!(matches!(Registry::parse("{"), Err(RegistryError::Unreadable(_))));
    let large = " ".repeat(MAX_JSON + 1);
    assert_eq!(Registry::parse(&large), Err(RegistryError::TooLarge));
}

#[test]
fn classes_and_properties_come_and_go() {
    let mut registry = of("small: schema");
    let mut apply = |instruction: Instruction<'_, '_>| registry.apply(&instruction).unwrap();
    assert!(apply(column("Reading", "later", INT)));
    assert!(!apply(column("Reading", "later", INT)));
    assert!(!apply(column("Reading", "_id", INT)), "the key is there");
    let text = Column {
        kind: ColumnType::String,
        ..INT
    };
    assert!(apply(column("Reading", "later", text)), "in another form");
    let erase = |class, field| Instruction::EraseColumn { class, field };
    assert!(apply(erase("Reading", "n")));
    assert!(!apply(erase("Reading", "n")));
    assert!(!apply(erase("Nothing", "n")));
    let names = |registry: &Registry| {
        let class = registry.schema().class("Reading").unwrap().clone();
        class
            .properties
            .into_iter()
            .map(|one| one.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&registry), ["_id", "at", "tags", "pos", "later"]);
    let erased = Instruction::EraseTable { class: "Reading" };
    assert!(registry.apply(&erased).unwrap());
    assert!(!registry.apply(&erased).unwrap());
    assert_eq!(registry.kind("Reading"), None);
}

#[test]
fn how_much_is_said_of_classes_is_bounded() {
    let mut registry = Registry::default();
    for number in 0..MAX_CLASSES {
        registry.apply(&table(&format!("A{number}"))).unwrap();
    }
    assert_eq!(registry.apply(&table("B")), Err(RegistryError::TooManyClasses));
    for number in 1..MAX_PROPERTIES {
        registry.apply(&column("A0", &format!("p{number}"), INT)).unwrap();
    }
    assert_eq!(
        registry.apply(&column("A0", "one_more", INT)),
        Err(RegistryError::TooManyProperties("A0".to_owned()))
    );
    let long = "x".repeat(64);
    for instruction in [
        table(&long),
        table("a\0"),
        column("A1", &long, INT),
        column("A1", "a\0", INT),
        column(
            "A1",
            "a",
            Column {
                target: Some(&long),
                ..INT
            },
        ),
    ] {
        assert_eq!(registry.apply(&instruction), Err(RegistryError::BadName));
    }
    let keyless = Instruction::AddTable {
        class: "A1",
        table: Table::Asymmetric(None),
    };
    assert_eq!(
        registry.apply(&keyless),
        Err(RegistryError::NoKey("A1".to_owned()))
    );
    registry.schema().check_limits().unwrap();
    for class in 1..40 {
        for number in 1..MAX_PROPERTIES {
            let name = format!("{number:_<60}");
            registry.apply(&column(&format!("A{class}"), &name, INT)).unwrap();
        }
    }
    assert_eq!(registry.to_json(), Err(RegistryError::TooLarge));
}

#[test]
fn a_class_that_others_define_is_as_if_the_client_had_said_it() {
    for name in ["small: schema", "every kind: schema"] {
        let said = of(name);
        let mut adopted = Registry::default();
        for class in &said.schema().classes {
            adopted.define(class).unwrap();
        }
        assert_eq!(adopted.schema(), said.schema());
    }
}

#[test]
fn what_a_client_adds_to_a_class_that_is_not_known_waits_for_it() {
    let mut registry = Registry::default();
    let text = Column {
        kind: ColumnType::String,
        nullable: true,
        container: Some(Container::List),
        target: None,
    };
    assert!(registry.apply(&column("Reading", "new", text)).unwrap());
    assert!(registry.apply(&column("Reading", "n", text)).unwrap());
    assert_eq!(registry.kind("Reading"), None);
    assert!(registry.schema().classes.is_empty());
    let mut registry = Registry::parse(&registry.to_json().unwrap()).unwrap();
    let others = of("small: schema").schema();
    registry.define(others.class("Reading").unwrap()).unwrap();
    registry.define(others.class("Pos").unwrap()).unwrap();
    let described = registry.schema();
    let class = described.class("Reading").unwrap();
    let texts: Vec<_> = class
        .properties
        .iter()
        .map(|one| (one.name.as_str(), one.type_text()))
        .collect();
    assert_eq!(texts.first().unwrap().0, "_id");
    assert_eq!(texts.get(1).unwrap(), &("n", "array<string>".to_owned()));
    assert_eq!(texts.last().unwrap(), &("new", "array<string>".to_owned()));
    let before = registry.clone();
    let mut other = others.class("Reading").unwrap().clone();
    other.properties.pop();
    registry.define(&other).unwrap();
    assert_eq!(registry, before, "it is known already");
}
