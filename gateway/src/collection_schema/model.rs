//! Whether a document is what a schema says: said once more over plain JSON and BSON, slowly, and compared.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bson::{Bson, doc};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use realm_ingest_protocol::Document;
use serde_json::{Value, json};

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_gets_the_verdict_of_the_model(a in schema(), value in value()) {
        let json = json!({"title": "A", "properties": {"_id": {"bsonType": "int"}, "a": a}});
        let mut findings = Findings::new();
        let schema = CollectionSchema::parse(&json, &mut findings).unwrap();
        prop_assert_eq!(findings, Findings::new());
        let bytes = doc! {"_id": 1, "a": value.clone()}.to_vec().unwrap();
        let found = schema.check(&Document::assume_valid(&bytes));
        prop_assert_eq!(found.is_ok(), value == Bson::Null || verdict(&a, &value), "{:?}", found);
    }

    #[test]
    fn the_class_that_is_made_of_a_schema_contradicts_only_what_no_class_can_have(a in schema()) {
        let json = json!({"title": "A", "required": ["a"], "properties": {"_id": {"bsonType": "int"}, "a": a}});
        let schema = CollectionSchema::parse(&json, &mut Findings::new()).unwrap();
        let made = schema.classes("A", &|class, property| format!("{class}_{property}")).schema();
        prop_assert_eq!(made.validate(), Ok(()));
        let class = made.class("A").unwrap();
        let found = schema.contradictions(&made, class, false);
        prop_assert!(found.iter().all(|one| one.found() == "missing"), "{:?}", found);
    }
}

/// Without this the property could hold for want of documents that are one or the other.
#[test]
fn the_documents_meet_both_verdicts_of_every_keyword() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut met = std::collections::HashSet::new();
    for _ in 0..5_000 {
        let (schema, value) = (schema(), value()).new_tree(&mut runner).unwrap().current();
        for key in schema.as_object().unwrap().keys() {
            met.insert((key.clone(), verdict(&schema, &value)));
        }
    }
    let keys =
        KEYWORDS
            .map(|(key, _)| key)
            .into_iter()
            .chain(["items", "properties", "additionalProperties"]);
    for key in keys.flat_map(|key| [(key.to_owned(), true), (key.to_owned(), false)]) {
        assert!(met.contains(&key), "{key:?}");
    }
}

fn verdict(schema: &Value, value: &Bson) -> bool {
    let keywords = schema.as_object().unwrap();
    // Who says what is inside says what it is.
    let implied = match (
        schema.get("bsonType"),
        schema.get("properties"),
        schema.get("items"),
    ) {
        (None, Some(_), _) => matches!(value, Bson::Document(_)),
        (None, None, Some(_)) => matches!(value, Bson::Array(_)),
        _ => true,
    };
    let mut keywords = keywords.iter();
    implied && keywords.all(|(key, rule)| keyword(schema, key, rule, value))
}

/// Null stands for a value that is absent.
fn inside(schema: &Value, value: &Bson) -> bool {
    *value == Bson::Null || verdict(schema, value)
}

fn number(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(int) => Some((*int).into()),
        Bson::Int64(int) => Some(i32::try_from(*int).unwrap().into()),
        Bson::Double(double) => Some(*double),
        _ => None,
    }
}

fn same(one: &Bson, other: &Bson) -> bool {
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

fn keyword(schema: &Value, key: &str, rule: &Value, value: &Bson) -> bool {
    let limit = rule.as_u64().and_then(|limit| usize::try_from(limit).ok());
    let excludes = |key: &str| schema.get(key) == Some(&json!(true));
    match (key, value) {
        ("bsonType", _) => match rule.as_str().unwrap() {
            "long" => matches!(value, Bson::Int32(_) | Bson::Int64(_)),
            "number" => number(value).is_some(),
            "double" => matches!(value, Bson::Double(_)),
            "string" => matches!(value, Bson::String(_)),
            "array" => matches!(value, Bson::Array(_)),
            "object" => matches!(value, Bson::Document(_)),
            _ => true,
        },
        ("enum", _) => {
            let allowed = rule.as_array().unwrap().iter();
            allowed
                .map(|one| Bson::try_from(one.clone()).unwrap())
                .any(|one| same(&one, value))
        }
        ("minimum", _) => number(value).is_none_or(|number| {
            let minimum = rule.as_f64().unwrap();
            if excludes("exclusiveMinimum") {
                number > minimum
            } else {
                number >= minimum
            }
        }),
        ("maximum", _) => number(value).is_none_or(|number| {
            let maximum = rule.as_f64().unwrap();
            if excludes("exclusiveMaximum") {
                number < maximum
            } else {
                number <= maximum
            }
        }),
        ("multipleOf", _) => {
            number(value).is_none_or(|number| (number / rule.as_f64().unwrap()).fract() == 0.0)
        }
        ("minLength", Bson::String(text)) => text.chars().count() >= limit.unwrap(),
        ("maxLength", Bson::String(text)) => text.chars().count() <= limit.unwrap(),
        // The one pattern of the strategy.
        ("pattern", Bson::String(text)) => text.starts_with('a'),
        ("minItems", Bson::Array(list)) => list.len() >= limit.unwrap(),
        ("maxItems", Bson::Array(list)) => list.len() <= limit.unwrap(),
        ("uniqueItems", Bson::Array(list)) if *rule == json!(true) => {
            let pairs = (0..list.len()).flat_map(|to| (0..to).map(move |from| (from, to)));
            pairs.into_iter().all(|(from, to)| !same(&list[from], &list[to]))
        }
        ("items", Bson::Array(list)) => list.iter().all(|one| inside(rule, one)),
        ("minProperties", Bson::Document(fields)) => fields.len() >= limit.unwrap(),
        ("maxProperties", Bson::Document(fields)) => fields.len() <= limit.unwrap(),
        ("required", Bson::Document(fields)) => {
            let names = rule.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
            names.into_iter().all(|name| {
                let of_name = schema.get("properties").and_then(|all| all.get(name));
                let value = fields.get(name);
                value.is_some_and(|value| of_name.is_none_or(|schema| verdict(schema, value)))
            })
        }
        ("properties", Bson::Document(fields)) => {
            let of = |name: &str| rule.get(name);
            fields
                .iter()
                .all(|(name, value)| of(name).is_none_or(|schema| inside(schema, value)))
        }
        ("patternProperties", Bson::Document(fields)) => fields
            .iter()
            .all(|(name, value)| !name.starts_with('a') || inside(&rule["^a"], value)),
        ("additionalProperties", Bson::Document(fields)) => fields.iter().all(|(name, value)| {
            let is_named = schema
                .get("properties")
                .is_some_and(|all| all.get(name).is_some());
            let is_like = schema.get("patternProperties").is_some() && name.starts_with('a');
            is_named || is_like || rule.as_bool().unwrap_or_else(|| inside(rule, value))
        }),
        ("dependencies", Bson::Document(fields)) => rule.as_object().unwrap().iter().all(|(name, needed)| {
            let needed = needed.as_array().unwrap();
            !fields.contains_key(name)
                || needed
                    .iter()
                    .all(|one| fields.contains_key(one.as_str().unwrap()))
        }),
        _ => true,
    }
}

/// A keyword, and the values it is tried with.
type Keyword = (&'static str, fn() -> Vec<Value>);

const KEYWORDS: [Keyword; 14] = [
    ("bsonType", || {
        ["long", "number", "double", "string", "array", "object", "mixed"]
            .map(Value::from)
            .to_vec()
    }),
    ("enum", || vec![json!([1, "a", true]), json!([1.5, ""])]),
    ("minimum", || vec![json!(1), json!(0.5)]),
    ("maximum", || vec![json!(1), json!(1.5)]),
    ("multipleOf", || vec![json!(2), json!(0.5)]),
    ("minLength", || vec![json!(1), json!(2)]),
    ("maxLength", || vec![json!(0), json!(1)]),
    ("pattern", || vec![json!("^a")]),
    ("minItems", || vec![json!(1), json!(2)]),
    ("maxItems", || vec![json!(0), json!(1)]),
    ("uniqueItems", || vec![json!(true), json!(false)]),
    ("minProperties", || vec![json!(1), json!(2)]),
    ("maxProperties", || vec![json!(0), json!(1)]),
    ("dependencies", || {
        vec![json!({"a": ["b"]}), json!({"b": ["ab", "a"]})]
    }),
];

fn schema() -> impl Strategy<Value = Value> {
    let flat = subsequence(KEYWORDS.to_vec(), 0..4).prop_flat_map(|keywords| {
        let rules: Vec<_> = keywords.iter().map(|(_, values)| select(values())).collect();
        (Just(keywords), rules, any::<[bool; 2]>()).prop_map(|(keywords, rules, excluded)| {
            let names = keywords.iter().map(|(name, _)| (*name).to_owned());
            let mut schema: serde_json::Map<_, _> = names.zip(rules).collect();
            for (excluded, bound, key) in [
                (excluded[0], "minimum", "exclusiveMinimum"),
                (excluded[1], "maximum", "exclusiveMaximum"),
            ] {
                if schema.contains_key(bound) {
                    schema.insert(key.to_owned(), excluded.into());
                }
            }
            Value::Object(schema)
        })
    });
    flat.prop_recursive(3, 12, 4, |inner: BoxedStrategy<Value>| {
        let parts = (inner.clone(), inner.clone(), inner.clone(), inner.clone(), inner);
        let which = (any::<[bool; 5]>(), subsequence(vec!["a", "b"], 0..=2), 0..3);
        (parts, which).prop_map(
            |((mut schema, one, other, third, items), (has, required, others))| {
                if has[0] {
                    schema["items"] = items;
                }
                if has[1] {
                    schema["properties"] = json!({"a": one.clone(), "b": other.clone()});
                }
                if has[2] {
                    schema["required"] = json!(required);
                }
                if has[3] {
                    schema["patternProperties"] = json!({"^a": other});
                }
                if has[4] {
                    schema["additionalProperties"] = match others {
                        0 => json!(true),
                        1 => json!(false),
                        _ => third,
                    };
                }
                schema
            },
        )
    })
}

fn value() -> impl Strategy<Value = Bson> {
    let scalar = select(vec![
        Bson::Null,
        Bson::Int32(1),
        Bson::Int64(2),
        Bson::Double(0.5),
        Bson::Double(1.0),
        Bson::Double(1.75),
        Bson::Boolean(true),
        "".into(),
        "a".into(),
        "bä".into(),
        "abc".into(),
    ]);
    scalar.prop_recursive(3, 12, 4, |inner| {
        let names = subsequence(vec!["a", "b", "ab", "c"], 0..=4);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Bson::Array),
            (names, vec(inner, 4)).prop_map(|(names, values)| {
                let names = names.into_iter().map(ToOwned::to_owned);
                Bson::Document(names.zip(values).collect())
            }),
        ]
    })
}
