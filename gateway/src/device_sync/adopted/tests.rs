#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
use std::sync::Arc;

use realm_ingest_protocol::schema::conflicts;
use realm_ingest_protocol::{Checker, Document, Violation};
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use super::super::builder::{self, BuildError, Limits};
use super::super::changeset::encode::Encoder;
use super::super::changeset::{
    Column, ColumnType, Container, Instruction, Key, PathElement, Payload, Place, Value,
};
use super::super::vectors;
use super::*;
use crate::collection_schema::CollectionSchema;
use crate::definition::{Collection, DataSource};
use crate::memory::Budget;

const INT: Payload<'_> = Payload::Value(Value::Int(1));
const TEXT: Payload<'_> = Payload::Value(Value::String("a"));
const DOUBLE: Payload<'_> = Payload::Value(Value::Double(0.5));
const NULL: Payload<'_> = Payload::Value(Value::Null);

/// What a client writes.
#[derive(Default)]
struct Written(Encoder);

impl Written {
    fn create(mut self, class: &str, key: Key<'_>) -> Self {
        self.0.push(Instruction::CreateObject { class, key });
        self
    }

    fn with(
        mut self,
        class: &str,
        path: &[&str],
        make: impl for<'a, 'r> FnOnce(Place<'a, 'r>) -> Instruction<'a, 'r>,
    ) -> Self {
        let steps: Vec<_> = path[1..].iter().map(|step| step_of(step)).collect();
        // The borrows of the instruction end with this function.
        let place = Place {
            class,
            key: Key::Int(1),
            field: path[0],
            path: &steps,
        };
        self.0.push(make(place));
        self
    }

    fn put(self, class: &str, path: &[&str], payload: Payload<'static>) -> Self {
        self.with(class, path, |place| match place.path.last() {
            Some(PathElement::Index(_)) => Instruction::ArrayInsert { place, payload },
            _ => Instruction::Update { place, payload },
        })
    }

    fn insert(self, class: &str, path: &[&str], payload: Payload<'static>) -> Self {
        self.with(class, path, |place| Instruction::SetInsert { place, payload })
    }
}

fn step_of(step: &str) -> PathElement<'_> {
    step.parse().map_or(PathElement::Name(step), PathElement::Index)
}

/// An application that describes these classes, by their schemas.
fn application(schemas: &[Json], development: bool) -> Definition {
    let mut definition = Definition::development(None);
    definition.sync.development_mode = development;
    let source = definition.synced().unwrap().clone();
    let collections = schemas.iter().map(|json| {
        let mut findings = Vec::new();
        let schema = CollectionSchema::parse(json, &mut findings).unwrap();
        assert_eq!(findings, []);
        let title = schema.title().unwrap().to_owned();
        definition.sync.classes.insert(title.clone());
        Collection {
            database: "app".to_owned(),
            name: title.clone(),
            class: Some(title),
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

/// What devices have accepted.
fn others(schema: &Json) -> BTreeMap<String, Schema> {
    let schema = Schema::parse(&schema.to_string()).unwrap();
    let names = schema.classes.iter().map(|class| class.name.clone());
    names.map(|name| (name, schema.clone())).collect()
}

struct Told {
    schema: Schema,
    regular: Vec<String>,
}

fn tell(
    written: Written,
    wanted: &[&str],
    registry: &Registry,
    definition: &Definition,
    accepted: &BTreeMap<String, Schema>,
) -> Told {
    let wanted: Vec<_> = wanted.iter().map(|name| (*name).to_owned()).collect();
    let elsewhere = Elsewhere { definition, accepted };
    let found = found(&written.0.finish(), &wanted, registry, &elsewhere).unwrap();
    let mut told = Told {
        schema: Schema::default(),
        regular: Vec::new(),
    };
    for class in found {
        match class {
            Found::Class { class, .. } => told.schema.classes.push(class),
            Found::Regular(class, _) => told.regular.push(class),
        }
    }
    told.schema.classes.sort_by(|a, b| a.name.cmp(&b.name));
    told.schema.validate().unwrap();
    told.schema.check_limits().unwrap();
    told
}

/// What is told without anybody else who knows something.
fn guessed(written: Written, wanted: &[&str]) -> Told {
    let nobody = Definition::development(None);
    tell(written, wanted, &Registry::default(), &nobody, &BTreeMap::new())
}

/// Each property of a class with its type.
fn shown(schema: &Schema, class: &str) -> Vec<String> {
    let class = schema.class(class).unwrap();
    let properties = class.properties.iter().map(|property| {
        let optional = if property.optional { "?" } else { "" };
        format!("{}: {}{optional}", property.name, property.type_text())
    });
    properties.collect()
}

fn reading() -> Json {
    json!({
        "title": "Reading", "bsonType": "object", "required": ["_id", "value", "tags"],
        "properties": {
            "_id": {"bsonType": "objectId"},
            "value": {"bsonType": "double"},
            "any": {"bsonType": "number"},
            "note": {"bsonType": "string"},
            "tags": {"bsonType": "array", "items": {"bsonType": "string"}},
            "kinds": {"bsonType": "array", "uniqueItems": true, "items": {"bsonType": "long"}},
            "names": {"bsonType": "object", "additionalProperties": {"bsonType": "bool"}},
            "place": {"title": "Place", "bsonType": "object", "required": ["lat"], "properties": {
                "lat": {"bsonType": "double"}, "of": {"bsonType": "object", "properties": {"n": {"bsonType": "int"}}}
            }},
            "ways": {"bsonType": "array", "items": {"title": "Way", "bsonType": "object", "properties": {
                "to": {"bsonType": "uuid"}
            }}}
        }
    })
}

#[test]
fn the_directory_says_what_it_describes() {
    let definition = application(&[reading()], false);
    let written = Written::default()
        .create("Reading", Key::ObjectId([1; 12]))
        .put("Reading", &["tags", "0"], TEXT)
        .put("Reading", &["any"], INT)
        .put("Reading", &["value"], DOUBLE)
        .put("Reading", &["ways", "0"], Payload::Object);
    let told = tell(
        written,
        &["Reading"],
        &Registry::default(),
        &definition,
        &BTreeMap::new(),
    );
    assert_eq!(
        shown(&told.schema, "Reading"),
        [
            "_id: object id",
            "tags: array<string>?",
            "any: int?",
            "value: double",
            "ways: array<Way>",
            "kinds: set<int>?",
            "names: dictionary<string, bool>?",
            "note: string?",
            "place: <Place>",
        ]
    );
    let inner = made_up("Place", "of");
    assert_eq!(
        shown(&told.schema, "Place"),
        ["lat: double".to_owned(), format!("of: <{inner}>")]
    );
    assert_eq!(shown(&told.schema, &inner), ["n: int?"]);
    assert_eq!(shown(&told.schema, "Way"), ["to: uuid?"]);
    assert!(described::contradictions(&definition, &told.schema).is_empty());
    assert!(!told.schema.to_json().contains("guessed"));
}

#[test]
fn what_the_directory_does_not_know_is_not_added_unless_in_development() {
    let written = || {
        Written::default()
            .create("Reading", Key::ObjectId([1; 12]))
            .put("Reading", &["value"], DOUBLE)
            .put("Reading", &["more"], TEXT)
            .put("Reading", &["other"], INT)
    };
    let accepted = others(
        &json!({"classes": [{"name": "Reading", "kind": "asymmetric", "primary_key": "_id",
        "properties": [{"name": "_id", "type": "objectId"}, {"name": "more", "type": "mixed"}, {"name": "less", "type": "int"}]}]}),
    );
    for development in [false, true] {
        let definition = application(&[reading()], development);
        let told = tell(
            written(),
            &["Reading"],
            &Registry::default(),
            &definition,
            &accepted,
        );
        let class = told.schema.class("Reading").unwrap();
        let has = |name: &str| class.properties.iter().find(|property| property.name == name);
        assert_eq!(class.properties.len(), if development { 11 } else { 9 });
        assert!(has("less").is_none(), "it would have come");
        assert_eq!(has("more").is_some_and(|more| !more.guessed), development);
        assert_eq!(has("other").is_some_and(|other| other.guessed), development);
        assert!(described::contradictions(&definition, &told.schema).is_empty());
        let compared = described::compared(&definition, &told.schema);
        assert!(conflicts(&accepted["Reading"], &compared).is_empty());
    }
}

#[test]
fn what_other_devices_have_said_counts_before_a_guess() {
    let accepted = others(&json!({"classes": [
        {"name": "Place", "kind": "embedded", "properties": [{"name": "name", "type": "string"}]},
        {"name": "Reading", "kind": "asymmetric", "primary_key": "_id", "properties": [
            {"name": "_id", "type": "int"}, {"name": "value", "type": "double", "optional": true},
            {"name": "place", "type": "object", "object": "Place"}, {"name": "note", "type": "string"}]}]}));
    let written = Written::default()
        .create("Reading", Key::Int(1))
        .put("Reading", &["note"], TEXT)
        .put("Reading", &["new"], DOUBLE)
        .put("Reading", &["place"], Payload::Object)
        .put("Reading", &["place", "name"], TEXT)
        .put("Reading", &["place", "height"], INT)
        .put("Reading", &["value"], INT);
    let development = Definition::development(None);
    let told = tell(
        written,
        &["Reading"],
        &Registry::default(),
        &development,
        &accepted,
    );
    assert_eq!(
        shown(&told.schema, "Reading"),
        [
            "_id: int",
            "value: double?",
            "place: <Place>",
            "note: string",
            "new: double?"
        ]
    );
    assert_eq!(shown(&told.schema, "Place"), ["name: string", "height: int?"]);
    assert!(conflicts(&accepted["Reading"], &told.schema).is_empty());
}

#[test]
fn values_show_their_types() {
    let all = [
        ("int", Value::Int(1)),
        ("bool", Value::Bool(true)),
        ("string", Value::String("")),
        ("data", Value::Binary(b"")),
        (
            "date",
            Value::Timestamp {
                seconds: 0,
                nanoseconds: 0,
            },
        ),
        ("float", Value::Float(0.0)),
        ("double", Value::Double(0.0)),
        ("decimal128", Value::Decimal([0; 16])),
        ("object id", Value::ObjectId([0; 12])),
        ("uuid", Value::Uuid([0; 16])),
    ];
    for (kind, value) in all {
        let payload = Payload::Value(value);
        let written = Written::default()
            .create("A", Key::String("a"))
            .put("A", &["one"], payload)
            .put("A", &["list", "0"], NULL)
            .put("A", &["list", "1"], payload)
            .insert("A", &["set"], payload)
            .put("A", &["entries", "a"], payload);
        let expected = [
            "_id: string".to_owned(),
            format!("one: {kind}?"),
            format!("list: array<{kind}>?"),
            format!("set: set<{kind}>?"),
            format!("entries: dictionary<string, {kind}>?"),
        ];
        let told = guessed(written, &["A"]);
        assert_eq!(shown(&told.schema, "A"), expected);
        let class = told.schema.class("A").unwrap();
        assert!(class.properties.iter().all(|property| property.guessed));
    }
}

#[test]
fn values_of_several_types_or_none_are_mixed() {
    let written = Written::default()
        .create("A", Key::Null)
        .put("A", &["null"], NULL)
        .put("A", &["several"], INT)
        .put("A", &["several"], TEXT)
        .put("A", &["list", "0"], INT)
        .put("A", &["list", "1"], TEXT)
        .put("A", &["inside"], Payload::Dictionary)
        .with("A", &["inside"], |place| Instruction::Clear {
            place,
            container: Some(Container::Dictionary),
        })
        .put("A", &["inside", "a"], INT)
        .put("A", &["deep", "a"], Payload::List)
        .put("A", &["deep", "a", "0"], INT)
        .with("A", &["empty"], |place| Instruction::Clear {
            place,
            container: Some(Container::Set),
        });
    assert_eq!(
        shown(&guessed(written, &["A"]).schema, "A"),
        [
            "_id: object id?",
            "null: mixed",
            "several: mixed",
            "list: array<mixed>",
            "inside: mixed",
            "deep: dictionary<string, mixed>",
            "empty: set<mixed>",
        ]
    );
}

#[test]
fn embedded_objects_are_classes_of_their_own() {
    let written = Written::default()
        .create("A", Key::Uuid([1; 16]))
        .put("A", &["one"], NULL)
        .put("A", &["one"], Payload::Object)
        .put("A", &["one", "x"], DOUBLE)
        .put("A", &["one", "inner"], Payload::Object)
        .put("A", &["one", "inner", "list", "0"], TEXT)
        .put("A", &["many", "0"], Payload::Object)
        .put("A", &["many", "0", "n"], INT)
        .put("A", &["many", "0", "names", "a"], TEXT)
        .put("A", &["entries", "a"], NULL)
        .put("A", &["entries", "b"], Payload::Object)
        .put("A", &["entries", "b", "ok"], Payload::Value(Value::Bool(true)));
    let told = guessed(written, &["A"]);
    let of = |class| shown(&told.schema, class);
    let [one, many, entries] = ["one", "many", "entries"].map(|name| made_up("A", name));
    let inner = made_up(&one, "inner");
    assert_eq!(
        of("A"),
        [
            "_id: uuid".to_owned(),
            format!("one: <{one}>"),
            format!("many: array<{many}>"),
            format!("entries: dictionary<string, {entries}>"),
        ]
    );
    assert_eq!(of(&one), ["x: double?".to_owned(), format!("inner: <{inner}>")]);
    assert_eq!(of(&inner), ["list: array<string>?"]);
    assert_eq!(of(&many), ["n: int?", "names: dictionary<string, string>?"]);
    assert_eq!(of(&entries), ["ok: bool?"]);
    let nothing = described::compared(&Definition::development(None), &told.schema);
    assert_eq!(
        nothing,
        Schema::default(),
        "no other device is compared with a guess"
    );
}

#[test]
fn objects_that_others_link_to_or_that_are_changed_stay_on_the_device() {
    let link = Payload::Link {
        class: "Top",
        key: Key::ObjectId([1; 12]),
    };
    let written = Written::default()
        .create("Top", Key::ObjectId([1; 12]))
        .put("Top", &["name"], TEXT)
        .create("A", Key::Int(1))
        .put("A", &["top"], link)
        .put("A", &["tops", "0"], link)
        .put("Changed", &["n"], INT)
        .with("Gone", &["n"], |place| Instruction::EraseObject {
            class: place.class,
            key: place.key,
        });
    let told = guessed(written, &["Top", "A", "Changed", "Gone"]);
    assert_eq!(told.regular, ["Gone", "Changed", "Top"]);
    assert_eq!(
        shown(&told.schema, "A"),
        ["_id: int", "top: object id?", "tops: array<object id>?"]
    );
}

#[test]
fn a_name_that_would_be_too_long_is_cut() {
    let (class, property) = ("C".repeat(40), "ä".repeat(30));
    let written = Written::default()
        .create(&class, Key::Int(1))
        .put(&class, &[&property], Payload::Object);
    let told = guessed(written, &[&class]);
    assert!(told.schema.classes.iter().any(|one| one.name.len() > 55));
}

#[test]
fn a_device_whose_release_has_less_gets_no_values_that_it_never_had() {
    let definition = application(&[reading()], false);
    let accepted = BTreeMap::new();
    let elsewhere = Elsewhere {
        definition: &definition,
        accepted: &accepted,
    };
    let mut registry = Registry::default();
    let object = || Written::default().create("Reading", Key::Int(1));
    let of = |written: Written, registry: &mut Registry| {
        let documents = documents(&written.0.finish(), registry, &elsewhere);
        bson::Document::from_reader(documents[0].1.as_slice()).unwrap()
    };
    let less = of(object(), &mut registry);
    assert!(!less.contains_key("value") && less.contains_key("note"), "{less}");
    // It turns out to have it: from then on each object does.
    let more = of(object().put("Reading", &["value"], DOUBLE), &mut registry);
    assert_eq!(more.get("value"), Some(&bson::Bson::Double(0.5)));
    assert!(described::contradictions(&definition, &registry.schema()).is_empty());
}

#[test]
fn made_up_names_are_no_others() {
    let mut names = BTreeSet::new();
    let mut name = "VehicleTelemetrySnapshotRecord".to_owned();
    for _ in 0..50 {
        name = made_up(&name, "environmentalMeasurements");
        assert!(
            name.len() <= MAX_CLASS_NAME && names.insert(name.clone()),
            "{name}"
        );
    }
    assert_ne!(made_up("A", "b_c"), made_up("A_b", "c"));
    assert!(made_up("A", "b").starts_with("A_b_"));
    let mut written = Written::default().create("VehicleTelemetrySnapshotRecord", Key::Int(1));
    let mut path = Vec::new();
    for _ in 0..20 {
        path.push("environmentalMeasurements");
        written = written.put("VehicleTelemetrySnapshotRecord", &path, Payload::Object);
    }
    path.push("value");
    written = written.put("VehicleTelemetrySnapshotRecord", &path, INT);
    assert_eq!(
        guessed(written, &["VehicleTelemetrySnapshotRecord"])
            .schema
            .classes
            .len(),
        21
    );
}

#[test]
fn an_id_of_an_embedded_object_is_a_property_of_it() {
    let written = Written::default()
        .create("A", Key::Int(1))
        .put("A", &["one"], Payload::Object)
        .put("A", &["one", "_id"], TEXT);
    let nobody = Definition::development(None);
    let elsewhere = Elsewhere {
        definition: &nobody,
        accepted: &BTreeMap::new(),
    };
    let mut registry = Registry::default();
    let documents = documents(&written.0.finish(), &mut registry, &elsewhere);
    are_taken(&documents, &registry);
    assert_eq!(shown(&registry.schema(), &made_up("A", "one")), ["_id: string?"]);
}

#[test]
fn names_that_nothing_can_have_are_not_looked_at() {
    let long = "x".repeat(8 * 1024 * 1024);
    let mut encoder = Encoder::default();
    let mut erase = || {
        for (class, field) in [(long.as_str(), "a"), ("A", long.as_str())] {
            let place = Place {
                class,
                key: Key::Int(1),
                field,
                path: &[PathElement::Index(0)],
            };
            encoder.push(Instruction::ArrayErase { place });
        }
        encoder.take()
    };
    let changeset = [erase(), erase().repeat(100_000)].concat();
    let seen = Seen::read(&changeset, &made_up).unwrap();
    assert!(seen.class(&long).is_none() && seen.class("A").is_some());
}

#[test]
fn files_that_show_their_classes_in_another_order_have_one_schema() {
    let nobody = Definition::development(None);
    let elsewhere = Elsewhere {
        definition: &nobody,
        accepted: &BTreeMap::new(),
    };
    let schemas = [["a", "b", "c"], ["c", "a", "b"]].map(|names| {
        let mut registry = Registry::default();
        for count in 1..=names.len() {
            let written = Written::default().create("A", Key::Int(1));
            let written = names[..count]
                .iter()
                .fold(written, |written, name| written.put("A", &[name], INT));
            documents(&written.0.finish(), &mut registry, &elsewhere);
        }
        registry.schema().fingerprint()
    });
    assert_eq!(schemas[0], schemas[1]);
}

#[test]
fn what_is_no_changeset_is_an_error() {
    let nobody = Definition::development(None);
    let elsewhere = Elsewhere {
        definition: &nobody,
        accepted: &BTreeMap::new(),
    };
    let wanted = ["A".to_owned()];
    let error = define(b"\x3e", &wanted, &mut Registry::default(), &elsewhere).unwrap_err();
    assert!(matches!(error, AdoptError::Changeset(_)), "{error}");
}

#[test]
fn titles_that_hold_each_other_are_not_taken_for_classes() {
    let object = |title: &str, name: &str, inner: Json| json!({"title": title, "bsonType": "object", "properties": {name: inner}});
    let number = json!({"bsonType": "int"});
    let schema = json!({"title": "A", "bsonType": "object", "properties": {
        "_id": {"bsonType": "int"},
        "a": object("Place", "p", object("Spot", "n", number.clone())),
        "b": object("Spot", "q", object("Place", "n", number))}});
    let definition = application(&[schema], false);
    let written = Written::default().create("A", Key::Int(1)).put("A", &["n"], INT);
    let told = tell(
        written,
        &["A"],
        &Registry::default(),
        &definition,
        &BTreeMap::new(),
    );
    assert_eq!(shown(&told.schema, "A"), ["_id: int", "n: int?"]);
}

fn lacking(built: builder::Built) -> Vec<String> {
    built.incomplete.into_iter().map(|(class, _)| class).collect()
}

/// Makes documents as the door does: what is not known of classes is asked for.
fn documents(changeset: &[u8], registry: &mut Registry, elsewhere: &Elsewhere<'_>) -> Vec<(String, Vec<u8>)> {
    let limits = Limits {
        documents: 100,
        bytes: 1 << 20,
    };
    let build = |registry: &mut Registry| {
        let mut budget = Budget::new(Arc::new(Semaphore::new(1 << 24)));
        builder::documents(changeset, registry, limits, &mut budget)
    };
    let wanted = match build(registry) {
        Err(BuildError::UnknownClasses(classes)) => classes,
        built => [outgrown(changeset, registry), lacking(built.unwrap())].concat(),
    };
    if !wanted.is_empty() {
        define(changeset, &wanted, registry, elsewhere).unwrap();
        assert_eq!(outgrown(changeset, registry), [""; 0]);
    }
    let built = build(registry).unwrap();
    assert!(built.incomplete.is_empty());
    let (mut all, mut payload) = (Vec::new(), &*built.payload);
    for run in built.runs {
        for _ in 0..run.count {
            let length = u32::from_le_bytes(payload[..4].try_into().unwrap());
            let (document, rest) = payload.split_at(usize::try_from(length).unwrap());
            all.push((run.class.to_string(), document.to_vec()));
            payload = rest;
        }
    }
    all
}

/// Whether the core takes them, under what the registry has come to know.
#[track_caller]
fn are_taken(documents: &[(String, Vec<u8>)], registry: &Registry) {
    for document in documents {
        check(document, registry).unwrap();
    }
}

fn check((class, document): &(String, Vec<u8>), registry: &Registry) -> Result<(), Violation> {
    Checker::new(&registry.schema()).check(class, &Document::assume_valid(document))
}

#[test]
fn what_a_guess_was_made_of_is_taken_and_a_guess_grows_with_what_comes() {
    let nobody = Definition::development(None);
    let elsewhere = Elsewhere {
        definition: &nobody,
        accepted: &BTreeMap::new(),
    };
    let mut registry = Registry::default();
    let first = || {
        Written::default()
            .create("A", Key::Int(1))
            .put("A", &["any"], INT)
            .put("A", &["place"], Payload::Object)
            .put("A", &["place", "x"], DOUBLE)
    };
    let more = || {
        first()
            .put("A", &["note"], TEXT)
            .put("A", &["place", "y"], DOUBLE)
    };
    let null = || first().put("A", &["note"], NULL).put("A", &["place"], NULL);
    let others = || more().put("A", &["any"], TEXT).put("A", &["note"], NULL);
    for written in [first(), more(), null(), others(), first()] {
        let documents = documents(&written.0.finish(), &mut registry, &elsewhere);
        assert_eq!(documents.len(), 1);
        are_taken(&documents, &registry);
        registry = Registry::parse(&registry.to_json().unwrap()).unwrap();
    }
    let place = made_up("A", "place");
    assert_eq!(
        shown(&registry.schema(), "A"),
        [
            "_id: int".to_owned(),
            "any: mixed".to_owned(),
            "note: string?".to_owned(),
            format!("place: <{place}>")
        ]
    );
    assert_eq!(shown(&registry.schema(), &place), ["x: double?", "y: double?"]);
    assert_eq!(registry.guessed(), ["A", place.as_str()]);
}

#[test]
fn what_somebody_says_takes_the_place_of_a_guess() {
    let mut registry = Registry::default();
    let nobody = Definition::development(None);
    let written = || {
        Written::default()
            .create("A", Key::Int(1))
            .put("A", &["any"], INT)
            .0
            .finish()
    };
    documents(
        &written(),
        &mut registry,
        &Elsewhere {
            definition: &nobody,
            accepted: &BTreeMap::new(),
        },
    );
    let accepted = others(
        &json!({"classes": [{"name": "A", "kind": "asymmetric", "primary_key": "_id",
        "properties": [{"name": "_id", "type": "int"}, {"name": "any", "type": "mixed"}]}]}),
    );
    let elsewhere = Elsewhere {
        definition: &nobody,
        accepted: &accepted,
    };
    define(&written(), &["A".to_owned()], &mut registry, &elsewhere).unwrap();
    assert_eq!(shown(&registry.schema(), "A"), ["_id: int", "any: mixed"]);
    // The key stays a guess, and is compared with nobody's.
    let compared = described::compared(&nobody, &registry.schema());
    assert_eq!(shown(&compared, "A"), ["any: mixed"]);
}

#[test]
fn a_link_that_the_client_has_added_leads_to_a_key_of_the_type_that_it_has() {
    let mut written = Written::default();
    for (field, target) in [("top", "Top"), ("never", "Never")] {
        let column = Column {
            kind: ColumnType::Link,
            nullable: true,
            container: None,
            target: Some(target),
        };
        written.0.push(Instruction::AddColumn {
            class: "A",
            field,
            column,
        });
    }
    let link = Payload::Link {
        class: "Top",
        key: Key::String("a"),
    };
    let written = written.create("A", Key::Int(1)).put("A", &["top"], link);
    let nobody = Definition::development(None);
    let mut registry = Registry::default();
    let elsewhere = Elsewhere {
        definition: &nobody,
        accepted: &BTreeMap::new(),
    };
    let documents = documents(&written.0.finish(), &mut registry, &elsewhere);
    are_taken(&documents, &registry);
    assert!(shown(&registry.schema(), "A").contains(&"top: string?".to_owned()));
}

#[test]
fn a_guess_takes_of_every_kind_of_property_what_its_own_class_takes() {
    let nobody = Definition::development(None);
    let mut taken = 0;
    for vector in vectors::all()
        .iter()
        .filter(|vector| !vector.documents.is_empty())
    {
        let elsewhere = Elsewhere {
            definition: &nobody,
            accepted: &BTreeMap::new(),
        };
        let (mut own, mut guess) = (Registry::default(), Registry::default());
        if let Some(schema) = &vector.schema {
            documents(&vectors::named(schema).changeset(), &mut own, &elsewhere);
        }
        let by_itself = documents(&vector.changeset(), &mut own, &elsewhere);
        let by_guess = documents(&vector.changeset(), &mut guess, &elsewhere);
        assert_eq!(by_guess.len(), vector.documents.len(), "{}", vector.name);
        for (one, other) in by_itself.into_iter().zip(by_guess) {
            let is_taken = check(&one, &own).is_ok();
            let by_guess = check(&other, &guess);
            assert_eq!(by_guess.is_ok(), is_taken, "{}: {by_guess:?}", vector.name);
            taken += usize::from(is_taken);
        }
    }
    assert!(taken > 5, "{taken}");
}
