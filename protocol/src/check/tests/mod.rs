#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
mod every_form;

use super::*;
use crate::document::Limits;
use bson::{Bson, doc, oid::ObjectId, spec::BinarySubtype};

fn schema() -> Schema {
    let schema = Schema::parse(
        r#"{"classes":[
          {"name":"All","kind":"asymmetric","primary_key":"_id","properties":[
            {"name":"_id","type":"objectId"},{"name":"i","type":"int"},{"name":"b","type":"bool"},
            {"name":"s","type":"string"},{"name":"data","type":"data"},{"name":"at","type":"date"},
            {"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"dec","type":"decimal128"},
            {"name":"u","type":"uuid"},{"name":"m","type":"mixed","optional":true},
            {"name":"o","type":"string","optional":true},{"name":"e","type":"object","object":"E"},
            {"name":"l","type":"int","collection":"list"},{"name":"lo","type":"int","collection":"list","optional":true},
            {"name":"le","type":"object","object":"E","collection":"list"},
            {"name":"set","type":"string","collection":"set"},{"name":"map","type":"double","collection":"dictionary"},
            {"name":"me","type":"object","object":"E","collection":"dictionary","optional":true}]},
          {"name":"E","kind":"embedded","properties":[{"name":"x","type":"int"},{"name":"y","type":"string","optional":true}]}]}"#,
    );
    let schema = schema.unwrap();
    schema.validate().unwrap();
    schema
}

fn binary(subtype: BinarySubtype, length: usize) -> Bson {
    Bson::Binary(bson::Binary {
        subtype,
        bytes: vec![1; length],
    })
}

fn good() -> bson::Document {
    doc! {
        "_id": ObjectId::from_bytes([1; 12]), "i": 1_i64, "b": true, "s": "", "data": binary(BinarySubtype::Generic, 0),
        "at": bson::DateTime::from_millis(0), "f": 1.5, "d": f64::INFINITY,
        "dec": "1.0".parse::<bson::Decimal128>().unwrap(), "u": binary(BinarySubtype::Uuid, 16), "m": "mixed", "o": Bson::Null,
        "e": {"x": 1_i64, "y": Bson::Null}, "l": [1_i64, 2_i64], "lo": [1_i64, Bson::Null], "le": [{"x": 1_i64}],
        "set": ["a"], "map": {"k": 1.0, "": 2.0}, "me": {"k": {"x": 2_i64}, "n": Bson::Null},
    }
}

fn check(document: &bson::Document) -> Result<(), Violation> {
    let schema = schema();
    let bytes = document.to_vec().unwrap();
    let document = Document::validate(&bytes, &Limits::default()).unwrap();
    Checker::new(&schema).check("All", &document)
}

fn with(key: &str, value: impl Into<Bson>) -> bson::Document {
    let mut document = good();
    document.insert(key, value);
    document
}

#[track_caller]
fn refused(document: &bson::Document, code: RefusalCode, reason: &str) {
    let violation = check(document).expect_err("the document is refused");
    assert_eq!((violation.code, violation.reason.as_str()), (code, reason));
}

#[test]
fn a_document_of_every_type_fits() {
    assert_eq!(check(&good()), Ok(()));
    assert_eq!(check(&with("i", 5_i32)), Ok(()), "a script's integer of 32 bits");
    assert_eq!(check(&with("e", Bson::Null)), Ok(()));
    let mut backwards = bson::Document::new();
    backwards.extend(good().into_iter().collect::<Vec<_>>().into_iter().rev());
    assert_eq!(check(&backwards), Ok(()), "in any order");
}

#[test]
fn mixed_holds_lists_and_dictionaries_of_mixed() {
    let inner = doc! {"": [1_i64, Bson::Null, [{"c": 1.5}], doc! {}]};
    assert_eq!(check(&with("m", inner.clone())), Ok(()));
    assert_eq!(
        check(&with("m", vec![Bson::from(inner), Bson::Array(vec![])])),
        Ok(())
    );
    for key in ["$set", "a.b"] {
        let reason = format!("key '{key}' of property 'All.m' begins with '$' or has a '.'");
        let nested = with("m", vec![Bson::from(doc! {key: 1})]);
        refused(&nested, RefusalCode::InvalidDocument, &reason);
    }
}

#[test]
fn what_may_be_absent_may_be_absent() {
    let mut document = good();
    for key in ["m", "o", "e", "l", "lo", "le", "set", "map", "me"] {
        document.remove(key);
    }
    assert_eq!(check(&document), Ok(()));
    for key in ["_id", "i", "b", "s", "data", "at", "f", "d", "dec", "u"] {
        let mut document = good();
        document.remove(key);
        refused(
            &document,
            RefusalCode::MissingProperty,
            &format!("required property 'All.{key}' is missing"),
        );
    }
    let reason = "required property 'E.x' is missing";
    refused(
        &with("e", doc! {"y": "only"}),
        RefusalCode::MissingProperty,
        reason,
    );
}

#[test]
fn wrong_types_are_named() {
    let cases: [(&str, Bson, &str); 16] = [
        ("i", 1.0.into(), "property 'All.i' expects int, found double"),
        ("i", Bson::Null, "property 'All.i' expects int, found null"),
        ("b", 1.into(), "property 'All.b' expects bool, found int"),
        (
            "s",
            Bson::Symbol("s".into()),
            "property 'All.s' expects string, found symbol",
        ),
        (
            "data",
            binary(BinarySubtype::Uuid, 16),
            "property 'All.data' expects data, found uuid",
        ),
        (
            "u",
            binary(BinarySubtype::Generic, 16),
            "property 'All.u' expects uuid, found binData",
        ),
        (
            "u",
            binary(BinarySubtype::Uuid, 15),
            "property 'All.u' expects uuid, found binData",
        ),
        ("d", 1_i64.into(), "property 'All.d' expects double, found long"),
        (
            "o",
            1.into(),
            "property 'All.o' expects string or null, found int",
        ),
        (
            "m",
            vec![Bson::from(1), doc! {"deep": Bson::MinKey}.into()].into(),
            "property 'All.m' expects mixed or null, found minKey",
        ),
        (
            "e",
            "text".into(),
            "property 'All.e' expects object, found string",
        ),
        ("l", 1_i64.into(), "property 'All.l' expects an array, found long"),
        (
            "l",
            vec![Bson::Int64(1), Bson::Null].into(),
            "element 1 of property 'All.l' expects int, found null",
        ),
        (
            "le",
            vec![Bson::Null].into(),
            "element 0 of property 'All.le' expects object, found null",
        ),
        (
            "map",
            Bson::Null,
            "property 'All.map' expects a document, found null",
        ),
        (
            "map",
            doc! {"k": "v"}.into(),
            "the value under 'k' of property 'All.map' expects double, found string",
        ),
    ];
    for (key, value, reason) in cases {
        refused(&with(key, value), RefusalCode::TypeMismatch, reason);
    }
    refused(
        &with("e", doc! {"x": "1"}),
        RefusalCode::TypeMismatch,
        "property 'E.x' expects int, found string",
    );
}

#[test]
fn unknown_and_doubled_fields_are_refused() {
    refused(
        &with("extra", 1),
        RefusalCode::UnknownProperty,
        "class 'All' has no property 'extra'",
    );
    refused(
        &with("e", doc! {"x": 1, "z": 1}),
        RefusalCode::UnknownProperty,
        "class 'E' has no property 'z'",
    );
    let document = renamed(&doc! {"x": 1_i64, "y": 1_i64}, "y", "x");
    let document = Document::validate(&document, &Limits::default()).unwrap();
    let violation = Checker::new(&schema()).check("E", &document).unwrap_err();
    assert_eq!(violation.code, RefusalCode::InvalidDocument);
    assert_eq!(violation.reason, "the field of property 'E.x' appears twice");
}

#[test]
fn a_dictionary_has_a_key_once() {
    let cases = [
        ("map", Bson::from(doc! {"k": 1.0, "between": 2.0, "K": 1.0})),
        ("m", doc! {"k": 1, "K": "of another type"}.into()),
        ("m", vec![Bson::from(doc! {"": {"K": 1, "k": 1}})].into()),
    ];
    for (property, value) in cases {
        let document = with(property, value);
        assert_eq!(check(&document), Ok(()), "{document}");
        let document = renamed(&document, "K", "k");
        let document = Document::validate(&document, &Limits::default()).unwrap();
        let violation = Checker::new(&schema()).check("All", &document).unwrap_err();
        assert_eq!(violation.code, RefusalCode::InvalidDocument);
        let reason = format!("key 'k' of property 'All.{property}' appears twice");
        assert_eq!(violation.reason, reason);
    }
}

/// The bytes of a document whose one field of this name has another, as long. A map cannot have a key twice, bytes can.
fn renamed(document: &bson::Document, from: &str, to: &str) -> Vec<u8> {
    let mut bytes = document.to_vec().unwrap();
    let (from, to) = (format!("{from}\0"), format!("{to}\0"));
    // A field's name stands behind the byte of its type, which is no letter here.
    let is_there = |at: &usize| bytes[*at..].starts_with(from.as_bytes()) && bytes[*at - 1] < b' ';
    let at: Vec<_> = (1..bytes.len()).filter(is_there).collect();
    assert_eq!(at.len(), 1, "{document}");
    bytes[at[0]..at[0] + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn dictionary_keys_are_plain_names() {
    let reason = |key: &str| format!("key '{key}' of property 'All.map' begins with '$' or has a '.'");
    for key in ["$oid", "a.b"] {
        refused(
            &with("map", doc! {key: 1.0}),
            RefusalCode::InvalidDocument,
            &reason(key),
        );
    }
    assert_eq!(check(&with("map", doc! {"a$b": 1.0})), Ok(()));
}

#[test]
fn classes_with_many_properties_are_tracked_whole() {
    let names: Vec<_> = (0..400).map(|index| format!("p{index}")).collect();
    let properties: Vec<_> = names
        .iter()
        .map(|name| format!(r#"{{"name":"{name}","type":"int"}}"#))
        .collect();
    let json = format!(
        r#"{{"classes":[{{"name":"E","kind":"embedded","properties":[{}]}}]}}"#,
        properties.join(",")
    );
    let schema = Schema::parse(&json).unwrap();
    let checker = Checker::new(&schema);
    let mut document: bson::Document = names.iter().map(|name| (name.clone(), Bson::Int64(1))).collect();
    let check = |document: &bson::Document| {
        let bytes = document.to_vec().unwrap();
        checker.check("E", &Document::validate(&bytes, &Limits::default()).unwrap())
    };
    assert_eq!(check(&document), Ok(()));
    document.remove("p399");
    assert_eq!(
        check(&document).unwrap_err().reason,
        "required property 'E.p399' is missing"
    );
}
