//! What the directory or other devices say of classes.

use super::*;

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
