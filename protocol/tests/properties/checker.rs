//! Checking against the model, on documents that nearly fit.

use bson::raw::{RawBson, RawJavaScriptCodeWithScope};
use bson::{Binary, DateTime, Decimal128, Regex, Timestamp, oid::ObjectId, spec::BinarySubtype};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use realm_ingest_protocol::schema::PrimaryKey;
use realm_ingest_protocol::{
    Checker, Class, Collection, Document, Kind, Limits, Property, PropertyType, RefusalCode, Schema,
};

use crate::model::{Fields, Value, verdict, written};

const KINDS: [PropertyType; 12] = [
    PropertyType::Int,
    PropertyType::Bool,
    PropertyType::String,
    PropertyType::Data,
    PropertyType::Date,
    PropertyType::Float,
    PropertyType::Double,
    PropertyType::Decimal128,
    PropertyType::ObjectId,
    PropertyType::Uuid,
    PropertyType::Mixed,
    PropertyType::Object,
];

/// Beyond this depth embedded objects are null.
const DEPTH: usize = 3;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_document_gets_the_verdict_of_the_model(
        (schema, document) in schema().prop_flat_map(|schema| {
            let document = object(&schema, "Top", 0);
            (Just(schema), document)
        })
    ) {
        let bytes = written(&document);
        let read = Document::validate(bytes.as_bytes(), &Limits::default()).unwrap();
        let found = Checker::new(&schema).check("Top", &read).map_err(|violation| violation.code);
        prop_assert_eq!(found, verdict(&schema, "Top", &document));
    }
}

/// Without this the property could hold for want of documents that are one or the other.
#[test]
fn the_documents_meet_every_verdict() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = schema().prop_flat_map(|schema| (object(&schema, "Top", 0), Just(schema)));
    let mut met = std::collections::HashSet::new();
    for _ in 0..2_000 {
        let (document, schema) = strategy.new_tree(&mut runner).unwrap().current();
        met.insert(verdict(&schema, "Top", &document));
    }
    let codes = [
        RefusalCode::UnknownClass,
        RefusalCode::TypeMismatch,
        RefusalCode::MissingProperty,
        RefusalCode::UnknownProperty,
        RefusalCode::InvalidDocument,
    ];
    assert!(met.contains(&Ok(())));
    assert!(codes.iter().all(|code| met.contains(&Err(*code))), "{met:?}");
}

fn schema() -> impl Strategy<Value = Schema> {
    let classes = ["E0", "E1", "E2", "Top"].map(class);
    Vec::from(classes).prop_map(|classes| Schema { classes })
}

fn class(name: &'static str) -> impl Strategy<Value = Class> {
    vec(property(), 0..6).prop_map(move |mut properties| {
        for (at, property) in properties.iter_mut().enumerate() {
            property.name = format!("p{at}");
        }
        Class {
            name: name.to_owned(),
            kind: if name == "Top" {
                Kind::Asymmetric
            } else {
                Kind::Embedded
            },
            primary_key: PrimaryKey::None,
            properties,
        }
    })
}

fn property() -> impl Strategy<Value = Property> {
    let kind = prop_oneof![3 => select(&KINDS[..]), 1 => Just(PropertyType::Object)];
    let collections = select(vec![Collection::List, Collection::Set, Collection::Dictionary]);
    let target = prop_oneof![
        20 => select(vec!["E0", "E1", "E2"]),
        1 => select(vec!["Top", "Unknown"]),
    ];
    (kind, any::<bool>(), option::of(collections), target).prop_map(|(kind, optional, collection, target)| {
        Property {
            name: String::new(),
            kind,
            optional,
            collection,
            object: (kind == PropertyType::Object).then(|| target.to_owned()),
            guessed: false,
        }
    })
}

/// An object of the class, nearly.
fn object(schema: &Schema, class: &str, depth: usize) -> BoxedStrategy<Fields> {
    let properties = schema.class(class).map_or(&[][..], |class| &class.properties);
    let fields: Vec<_> = properties
        .iter()
        .map(|property| {
            let name = Just(property.name.clone());
            let field = (name, nearly(schema, property, depth));
            prop_oneof![20 => field.prop_map(Some), 1 => Just(None)]
        })
        .collect();
    let name = select(vec!["p0", "p1", "p9", "", "$p", "a.b"]).prop_map(str::to_owned);
    let further = prop_oneof![30 => Just(None), 1 => (name, scalar()).prop_map(Some)];
    (fields, further, prop::bool::weighted(0.2))
        .prop_flat_map(|(fields, further, shuffled)| {
            let fields: Fields = fields.into_iter().chain([further]).flatten().collect();
            let ordered = Just(fields);
            if shuffled {
                ordered.prop_shuffle().boxed()
            } else {
                ordered.boxed()
            }
        })
        .boxed()
}

/// A value of the property, nearly.
fn nearly(schema: &Schema, property: &Property, depth: usize) -> BoxedStrategy<Value> {
    let one = move || one(schema, property, depth);
    let key = prop_oneof![
        20 => "[a-c]{0,2}",
        1 => select(vec!["$a", "a.b", "a$", "."]).prop_map(str::to_owned),
    ];
    match property.collection {
        None => one(),
        Some(Collection::Dictionary) => prop_oneof![
            20 => vec((key, one()), 0..3).prop_map(Value::Document),
            1 => one(),
            1 => vec(one(), 0..2).prop_map(Value::Array),
        ]
        .boxed(),
        Some(Collection::List | Collection::Set) => prop_oneof![
            20 => vec(one(), 0..3).prop_map(Value::Array),
            1 => one(),
            1 => Just(Value::Document(Vec::new())),
        ]
        .boxed(),
    }
}

/// One value, or element, of the property, nearly.
fn one(schema: &Schema, property: &Property, depth: usize) -> BoxedStrategy<Value> {
    let null = Just(Value::Scalar(RawBson::Null));
    let target = property.object.as_deref().unwrap_or_default();
    let fitting = match property.kind {
        PropertyType::Object if depth >= DEPTH => null.clone().boxed(),
        PropertyType::Object => object(schema, target, depth + 1)
            .prop_map(Value::Document)
            .boxed(),
        kind => of_kind(kind),
    };
    prop_oneof![
        60 => fitting,
        2 => null,
        1 => scalar(),
        1 => Just(Value::Array(Vec::new())),
        1 => Just(Value::Document(Vec::new())),
    ]
    .boxed()
}

fn of_kind(kind: PropertyType) -> BoxedStrategy<Value> {
    use PropertyType as T;
    let of = |values: Vec<RawBson>| select(values).prop_map(Value::Scalar).boxed();
    match kind {
        T::Int => of(vec![RawBson::Int32(1), RawBson::Int64(i64::MIN)]),
        T::Bool => of(vec![RawBson::Boolean(true)]),
        T::String => of(vec![
            RawBson::String(String::new()),
            RawBson::String("text".to_owned()),
        ]),
        T::Data => of(vec![
            binary(BinarySubtype::Generic, 0),
            binary(BinarySubtype::Generic, 16),
        ]),
        T::Date => of(vec![RawBson::DateTime(DateTime::from_millis(-1))]),
        T::Float | T::Double => of(vec![RawBson::Double(1.5)]),
        T::Decimal128 => of(vec![RawBson::Decimal128(Decimal128::from_bytes([0; 16]))]),
        T::ObjectId => of(vec![RawBson::ObjectId(ObjectId::from_bytes([1; 12]))]),
        T::Uuid => of(vec![binary(BinarySubtype::Uuid, 16)]),
        T::Mixed => nested().boxed(),
        T::Object => scalar().boxed(),
    }
}

/// Lists and dictionaries as mixed holds them, and what it does not hold somewhere in them.
fn nested() -> impl Strategy<Value = Value> {
    let key = select(vec!["", "a", "b", "$c", "d.e"]).prop_map(str::to_owned);
    scalar().prop_recursive(3, 8, 3, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((key.clone(), inner), 0..3).prop_map(Value::Document),
        ]
    })
}

/// Of every type there is, those that no property has included.
fn scalar() -> impl Strategy<Value = Value> {
    let regex = Regex {
        pattern: "a".to_owned().try_into().unwrap(),
        options: "i".to_owned().try_into().unwrap(),
    };
    let others = select(vec![
        RawBson::Null,
        binary(BinarySubtype::Uuid, 15),
        binary(BinarySubtype::UuidOld, 16),
        RawBson::Undefined,
        RawBson::MinKey,
        RawBson::MaxKey,
        RawBson::Symbol("s".to_owned()),
        RawBson::JavaScriptCode("c".to_owned()),
        RawBson::JavaScriptCodeWithScope(RawJavaScriptCodeWithScope {
            code: "c".to_owned(),
            scope: written(&Vec::new()),
        }),
        RawBson::Timestamp(Timestamp {
            time: 1,
            increment: 1,
        }),
        RawBson::RegularExpression(regex),
    ]);
    let plain = KINDS
        .into_iter()
        .filter(|kind| !matches!(kind, PropertyType::Mixed | PropertyType::Object));
    let plain = proptest::strategy::Union::new(plain.map(of_kind));
    prop_oneof![1 => others.prop_map(Value::Scalar), 1 => plain]
}

fn binary(subtype: BinarySubtype, length: usize) -> RawBson {
    RawBson::Binary(Binary {
        subtype,
        bytes: vec![1; length],
    })
}
