//! What documents are refused for.

use bson::{Bson, doc};
use realm_ingest_protocol::RefusalCode;
use serde_json::json;

use super::*;

#[test]
fn numbers_strings_arrays_and_documents_are_constrained() {
    let date = Bson::DateTime(bson::DateTime::from_millis(0));
    for (schema, good, bad, text) in [
        (
            json!({"minimum": 1.5}),
            Bson::Int64(2),
            Bson::Int64(1),
            "is below the minimum of 1.5",
        ),
        (
            json!({"minimum": 1, "exclusiveMinimum": true}),
            Bson::Double(1.5),
            Bson::Double(1.0),
            "is below the minimum of 1",
        ),
        (
            json!({"maximum": 1}),
            Bson::Int32(1),
            Bson::Double(1.1),
            "is above the maximum of 1",
        ),
        (
            json!({"maximum": 1, "exclusiveMaximum": true}),
            "0.9".parse::<bson::Decimal128>().unwrap().into(),
            "1".parse::<bson::Decimal128>().unwrap().into(),
            "is above the maximum of 1",
        ),
        (
            json!({"multipleOf": 5}),
            Bson::Int64(10),
            Bson::Int64(11),
            "is no multiple of 5",
        ),
        (
            json!({"enum": [1, "a"]}),
            Bson::Int64(1),
            Bson::Int64(2),
            "is none of the values in 'enum'",
        ),
        (
            json!({"minLength": 2}),
            "äö".into(),
            "ä".into(),
            "has fewer than 2 characters",
        ),
        (
            json!({"maxLength": 2}),
            "äö".into(),
            "äöü".into(),
            "has more than 2 characters",
        ),
        (
            json!({"pattern": "^[a-z]+$"}),
            "abc".into(),
            "aBc".into(),
            "does not match 'pattern'",
        ),
        (
            json!({"minItems": 1}),
            vec![1].into(),
            Bson::Array(vec![]),
            "has fewer than 1 elements",
        ),
        (
            json!({"maxItems": 1}),
            vec![1].into(),
            vec![1, 2].into(),
            "has more than 1 elements",
        ),
        (
            json!({"uniqueItems": true}),
            Bson::Array(vec![1.into(), 1.5.into(), "1".into()]),
            Bson::Array(vec![1.into(), 1.0.into()]),
            "has an element twice",
        ),
        (
            json!({"minProperties": 1}),
            doc! {"a": 1}.into(),
            doc! {}.into(),
            "has fewer than 1 fields",
        ),
        (
            json!({"maxProperties": 1}),
            doc! {"a": 1}.into(),
            doc! {"a": 1, "b": 1}.into(),
            "has more than 1 fields",
        ),
        (
            json!({"minimum": 1}),
            "a string".into(),
            Bson::Int32(0),
            "is below the minimum of 1",
        ),
        (
            json!({"bsonType": "date"}),
            date.clone(),
            Bson::Int64(1),
            "is long, which the schema of the application has as date",
        ),
        (
            json!({"bsonType": "long"}),
            Bson::Null,
            date,
            "is date, which the schema of the application has as int",
        ),
    ] {
        let schema = with_a(&schema);
        assert_eq!(check(&schema, good), Ok(()), "{text}");
        assert_eq!(
            check(&schema, bad).unwrap_err().reason,
            format!("'Reading.a' {text}")
        );
    }
}

#[test]
fn a_reason_says_where_in_the_document_something_is_wrong() {
    let schema = with_a(&json!({"items": {"properties": {"b": {"additionalProperties": {"maximum": 5}}}}}));
    let violation = check(&schema, vec![doc! {}, doc! {"b": {"c": 6}}]).unwrap_err();
    assert_eq!(violation.code, RefusalCode::ValidationFailed);
    assert_eq!(violation.reason, "'Reading.a[1].b.c' is above the maximum of 5");
}

#[test]
fn fields_are_required_depend_on_each_other_and_can_be_forbidden() {
    let schema = with_a(&json!({
        "bsonType": "object", "required": ["b"], "properties": {"b": {"bsonType": "string"}},
        "patternProperties": {"^x": {"bsonType": "long"}}, "additionalProperties": false,
        "dependencies": {"x1": ["x2"]}
    }));
    assert_eq!(check(&schema, doc! {"b": "", "x1": 1, "x2": 2}), Ok(()));
    for (a, code, reason) in [
        (
            doc! {},
            RefusalCode::MissingProperty,
            "'Reading.a.b' is required and missing",
        ),
        (
            doc! {"b": Bson::Null},
            RefusalCode::TypeMismatch,
            "'Reading.a.b' is null, which the schema of the application has as string",
        ),
        (
            doc! {"b": "", "y": 1},
            RefusalCode::UnknownProperty,
            "'Reading.a.y' is not among the properties that the schema of the application allows",
        ),
        (
            doc! {"b": "", "x1": ""},
            RefusalCode::TypeMismatch,
            "'Reading.a.x1' is string, which the schema of the application has as int",
        ),
        (
            doc! {"b": "", "x1": 1},
            RefusalCode::MissingProperty,
            "'Reading.a.x2' is missing, which 'x1' depends on",
        ),
    ] {
        let violation = check(&schema, a).unwrap_err();
        assert_eq!((violation.code, violation.reason.as_str()), (code, reason));
    }
}
