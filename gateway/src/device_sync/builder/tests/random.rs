//! Random classes and documents of them: they come through this door as they were meant, in whatever order a client writes.

use ::bson::spec::BinarySubtype;
use ::bson::{Binary, Bson, DateTime, Document, oid::ObjectId};
use proptest::prelude::*;
use realm_ingest_protocol::schema::PrimaryKey;
use realm_ingest_protocol::{Class, Collection, Kind, Property, PropertyType, Schema};

use super::super::super::changeset::Reader;
use super::client::Client;
use super::*;

const SCALARS: [PropertyType; 10] = [
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
];

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed ^ (mixed >> 27)) % u64::try_from(end).unwrap()).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

fn binary(subtype: BinarySubtype, bytes: &[u8]) -> Bson {
    Bson::Binary(Binary {
        subtype,
        bytes: bytes.to_vec(),
    })
}

/// Values of a type, in the order that sets have.
fn values(kind: PropertyType) -> Vec<Bson> {
    use PropertyType as T;
    match kind {
        T::Int => [i64::MIN, -65, -1, 0, 1, 64, i64::MAX].map(Bson::Int64).to_vec(),
        T::Bool => [false, true].map(Bson::Boolean).to_vec(),
        T::String => ["", "\0", "a", "a\0b", "b", "ü", "日本"].map(Bson::from).to_vec(),
        T::Data => [&[][..], &[0], &[0, 1], &[255]]
            .map(|bytes| binary(BinarySubtype::Generic, bytes))
            .to_vec(),
        T::Date => [-9_223_372_036_854, -1, 0, 1, 1_700_000_000_123]
            .map(|millis| Bson::DateTime(DateTime::from_millis(millis)))
            .to_vec(),
        T::Float | T::Double => [f64::NEG_INFINITY, -1.5, 0.0, 0.25, f64::INFINITY]
            .map(Bson::Double)
            .to_vec(),
        T::Decimal128 => [
            "NaN",
            "-Infinity",
            "-1.50",
            "0",
            "1E-6176",
            "0.1",
            "1.00",
            "1E+3",
            "Infinity",
        ]
        .map(|text| Bson::Decimal128(text.parse().unwrap()))
        .to_vec(),
        T::ObjectId => [[0; 12], [1; 12], [255; 12]]
            .map(|bytes| Bson::ObjectId(ObjectId::from_bytes(bytes)))
            .to_vec(),
        T::Uuid => [[0; 16], [1; 16], [255; 16]]
            .map(|bytes| binary(BinarySubtype::Uuid, &bytes))
            .to_vec(),
        T::Mixed => {
            let kinds = [
                T::Int,
                T::Bool,
                T::String,
                T::Double,
                T::Data,
                T::Date,
                T::Uuid,
                T::ObjectId,
                T::Decimal128,
            ];
            let others = kinds.into_iter().flat_map(values);
            [Bson::Null].into_iter().chain(others).collect()
        }
        T::Object => panic!("it has no values"),
    }
}

/// What the headers send of a value that nothing was given.
fn zero(kind: PropertyType) -> Bson {
    match kind {
        PropertyType::Int => Bson::Int64(0),
        PropertyType::Bool => Bson::Boolean(false),
        PropertyType::String => Bson::from(""),
        PropertyType::Data => binary(BinarySubtype::Generic, &[]),
        PropertyType::Date => Bson::DateTime(DateTime::from_millis(0)),
        PropertyType::Float | PropertyType::Double => Bson::Double(0.0),
        PropertyType::Decimal128 => Bson::Decimal128("0".parse().unwrap()),
        PropertyType::ObjectId => Bson::ObjectId(ObjectId::from_bytes([0; 12])),
        PropertyType::Uuid => binary(BinarySubtype::Uuid, &[0; 16]),
        PropertyType::Mixed | PropertyType::Object => Bson::Null,
    }
}

fn random_class(dice: &mut Dice, name: String, embedded: &[String], key: Option<PropertyType>) -> Class {
    let key = key.map(|kind| Property {
        name: "_id".to_owned(),
        kind,
        optional: dice.one_in(4),
        collection: None,
        object: None,
        guessed: false,
    });
    let count = dice.below(12);
    let properties: Vec<_> = (0..count)
        .map(|number| random_property(dice, number, embedded))
        .collect();
    Class {
        name,
        kind: if key.is_some() {
            Kind::Asymmetric
        } else {
            Kind::Embedded
        },
        primary_key: key
            .as_ref()
            .map_or(PrimaryKey::None, |key| PrimaryKey::One(key.name.clone())),
        properties: key.into_iter().chain(properties).collect(),
    }
}

fn random_property(dice: &mut Dice, number: usize, embedded: &[String]) -> Property {
    let mut collection = match dice.below(6) {
        0 => Some(Collection::List),
        1 => Some(Collection::Set),
        2 => Some(Collection::Dictionary),
        _ => None,
    };
    let mut object = None;
    let (kind, optional) = match dice.below(5) {
        0 if !embedded.is_empty() => {
            collection = collection.filter(|one| *one != Collection::Set);
            object = Some(embedded[dice.below(embedded.len())].clone());
            (PropertyType::Object, false)
        }
        1 => (PropertyType::Mixed, false),
        _ => (SCALARS[dice.below(SCALARS.len())], dice.one_in(2)),
    };
    Property {
        name: format!("p{number}"),
        kind,
        optional,
        collection,
        object,
        guessed: false,
    }
}

/// Three embedded classes, of which each may hold those before it, and two asymmetric ones.
fn random_schema(dice: &mut Dice) -> Schema {
    let mut classes = Vec::new();
    let mut embedded = Vec::new();
    for number in 0..3 {
        let name = format!("E{number}");
        classes.push(random_class(dice, name.clone(), &embedded, None));
        embedded.push(name);
    }
    let keys = [
        PropertyType::Int,
        PropertyType::String,
        PropertyType::ObjectId,
        PropertyType::Uuid,
    ];
    for name in ["A", "B"] {
        let key = keys[dice.below(keys.len())];
        classes.push(random_class(dice, name.to_owned(), &embedded, Some(key)));
    }
    classes.sort_by(|one, other| one.name.cmp(&other.name));
    Schema { classes }
}

/// A document, and the same without what a client may leave out.
fn random_object(dice: &mut Dice, schema: &Schema, class: &Class) -> (Document, Document) {
    let (mut whole, mut said) = (Document::new(), Document::new());
    for property in &class.properties {
        let name = &property.name;
        if name != "_id" && property.collection.is_none() && property.object.is_none() && dice.one_in(5) {
            let missing = if property.optional {
                Bson::Null
            } else {
                zero(property.kind)
            };
            whole.insert(name, missing);
            continue;
        }
        let Some((one, other)) = random_value(dice, schema, property) else {
            continue;
        };
        whole.insert(name, one);
        said.insert(name, other);
    }
    (whole, said)
}

fn random_value(dice: &mut Dice, schema: &Schema, property: &Property) -> Option<(Bson, Bson)> {
    let count = dice.below(5);
    match property.collection {
        None if property.object.is_some() && dice.one_in(3) => None,
        None => Some(single(dice, schema, property, property.optional)),
        Some(Collection::List) => {
            let elements = (0..count).map(|_| single(dice, schema, property, property.optional));
            let (whole, said): (Vec<_>, Vec<_>) = elements.unzip();
            Some((Bson::Array(whole), Bson::Array(said)))
        }
        Some(Collection::Set) => {
            let null = property.optional.then_some(Bson::Null);
            let all = null.into_iter().chain(values(property.kind));
            let some: Vec<_> = all.filter(|_| dice.one_in(2)).collect();
            Some((Bson::Array(some.clone()), Bson::Array(some)))
        }
        Some(Collection::Dictionary) => {
            let (mut whole, mut said) = (Document::new(), Document::new());
            let optional = property.optional || property.object.is_some();
            for key in ["", "a", "a$", "b", "ü"].into_iter().take(count) {
                let (one, other) = single(dice, schema, property, optional);
                whole.insert(key, one);
                said.insert(key, other);
            }
            Some((whole.into(), said.into()))
        }
    }
}

fn single(dice: &mut Dice, schema: &Schema, property: &Property, optional: bool) -> (Bson, Bson) {
    if optional && dice.one_in(3) {
        return (Bson::Null, Bson::Null);
    }
    if let Some(target) = &property.object {
        let (whole, said) = random_object(dice, schema, schema.class(target).unwrap());
        return (whole.into(), said.into());
    }
    let all = values(property.kind);
    let value = all[dice.below(all.len())].clone();
    (value.clone(), value)
}

/// The instructions of a changeset, each of which goes with the object it is about.
fn interleaved(changeset: &[u8], dice: &mut Dice) -> Vec<u8> {
    let count = objects(changeset);
    let mut next: Vec<usize> = vec![0; count];
    let mut encoder = Encoder::default();
    let mut left: Vec<usize> = (0..count).collect();
    while !left.is_empty() {
        let at = dice.below(left.len());
        let object = left[at];
        if push_one(changeset, object, next[object], &mut encoder) {
            next[object] += 1;
        } else {
            left.remove(at);
        }
    }
    encoder.finish()
}

fn objects(changeset: &[u8]) -> usize {
    let mut reader = Reader::new(changeset);
    let mut count = 0;
    while let Some(instruction) = reader.next_instruction().unwrap() {
        count += usize::from(matches!(instruction, Instruction::CreateObject { .. }));
    }
    count
}

/// One instruction of an object by its number.
fn push_one(changeset: &[u8], object: usize, number: usize, encoder: &mut Encoder) -> bool {
    let mut reader = Reader::new(changeset);
    let (mut current, mut at) = (None, 0);
    while let Some(instruction) = reader.next_instruction().unwrap() {
        if matches!(instruction, Instruction::CreateObject { .. }) {
            current = Some(current.map_or(0, |current: usize| current + 1));
        }
        if current == Some(object) {
            if at == number {
                encoder.push(instruction);
                return true;
            }
            at += 1;
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn documents_of_any_class_come_as_the_headers_would_send_them(seed: u64) {
        let mut dice = Dice(seed);
        let schema = random_schema(&mut dice);
        let mut client = Client::new(dice.one_in(2));
        client.schema(&schema);
        let mut registry = Registry::default();
        documents(&client.finish(), &mut registry, LIMITS, &mut budget()).unwrap();
        prop_assert_eq!(registry.schema().to_json(), schema.to_json());

        let mut client = Client::new(dice.one_in(2));
        let (mut expected, mut classes) = (Vec::new(), Vec::new());
        for number in 0..dice.below(6) {
            let class = schema.class(if dice.one_in(2) { "A" } else { "B" }).unwrap();
            let (mut whole, mut said) = random_object(&mut dice, &schema, class);
            let key = distinct(class, i64::try_from(number).unwrap());
            whole.insert("_id", key.clone());
            said.insert("_id", key);
            client.object(&schema, class, &said);
            expected.push(whole.to_vec().unwrap());
            classes.push(class.name.clone());
        }
        let changeset = client.finish();
        let one = documents(&changeset, &mut registry, LIMITS, &mut budget()).unwrap();
        prop_assert_eq!(&one.payload, &expected.concat());
        let runs: Vec<_> = one.runs.iter().flat_map(|run| (0..run.count).map(|_| run.class.to_string())).collect();
        prop_assert_eq!(runs, classes);

        // The objects are created in another order then.
        let other = documents(&interleaved(&changeset, &mut dice), &mut registry, LIMITS, &mut budget()).unwrap();
        let sorted = |payload: &[u8]| {
            let mut all: Vec<_> = realm_ingest_protocol::Documents::new(payload).map(<[u8]>::to_vec).collect();
            all.sort();
            all
        };
        prop_assert_eq!(sorted(&other.payload), sorted(&one.payload));
        prop_assert_eq!(other.skipped, 0);
    }
}

/// A key that no other number has.
fn distinct(class: &Class, number: i64) -> Bson {
    let last = u8::try_from(number).unwrap();
    match class.properties[0].kind {
        PropertyType::Int => Bson::Int64(number - 2),
        PropertyType::String => Bson::String(format!("key {number}")),
        PropertyType::ObjectId => Bson::ObjectId(ObjectId::from_bytes([last; 12])),
        _ => binary(BinarySubtype::Uuid, &[last; 16]),
    }
}
