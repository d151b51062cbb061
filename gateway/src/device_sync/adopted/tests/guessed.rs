//! What the values of a file show of its classes.

use super::*;

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
