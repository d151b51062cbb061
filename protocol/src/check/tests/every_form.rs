//! Every legal form of every type.

use super::*;

/// Values of every type, from one end of what it can hold to the other.
fn values() -> Vec<(PropertyType, Vec<Bson>)> {
    use PropertyType as T;
    let decimal = |text: &str| Bson::from(text.parse::<bson::Decimal128>().unwrap());
    let date = |millis| Bson::from(bson::DateTime::from_millis(millis));
    let doubles = || {
        let all = [
            f64::NEG_INFINITY,
            f64::MIN,
            -0.0,
            5e-324,
            0.1,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
        ];
        all.map(Bson::from).to_vec()
    };
    let scalars = vec![
        (
            T::Int,
            vec![i64::MIN.into(), 0_i64.into(), 7_i32.into(), i64::MAX.into()],
        ),
        (T::Bool, vec![true.into(), false.into()]),
        (
            T::String,
            vec!["".into(), "\0".into(), "東京".into(), "x".repeat(70_000).into()],
        ),
        (
            T::Data,
            vec![
                binary(BinarySubtype::Generic, 0),
                binary(BinarySubtype::Generic, 16),
            ],
        ),
        (T::Date, vec![date(i64::MIN), date(-1), date(0), date(i64::MAX)]),
        (T::Float, doubles()),
        (T::Double, doubles()),
        (
            T::Decimal128,
            [
                "-9.999999999999999999999999999999999E+6144",
                "-0",
                "1.00",
                "1E-6176",
                "NaN",
                "-Infinity",
            ]
            .map(decimal)
            .to_vec(),
        ),
        (
            T::ObjectId,
            vec![
                ObjectId::from_bytes([0; 12]).into(),
                ObjectId::from_bytes([255; 12]).into(),
            ],
        ),
        (T::Uuid, vec![binary(BinarySubtype::Uuid, 16)]),
    ];
    let mixed = scalars.iter().flat_map(|(_, values)| values.clone());
    let mixed = (T::Mixed, mixed.chain([Bson::Null]).collect());
    let object = (
        T::Object,
        vec![
            doc! {"x": 1_i64}.into(),
            doc! {"y": Bson::Null, "x": 1_i64}.into(),
        ],
    );
    scalars.into_iter().chain([mixed, object]).collect()
}

/// Checks a document of one property, and of none where `value` is none.
fn fits(property: &Property, value: Option<Bson>) -> bool {
    let mut schema = schema();
    let class = Class {
        name: "One".into(),
        kind: crate::schema::Kind::Embedded,
        primary_key: crate::schema::PrimaryKey::None,
        properties: vec![property.clone()],
    };
    let document: bson::Document = value
        .into_iter()
        .map(|value| (property.name.clone(), value))
        .collect();
    let bytes = document.to_vec().unwrap();
    schema.classes.push(class);
    Checker::new(&schema)
        .check("One", &Document::validate(&bytes, &Limits::default()).unwrap())
        .is_ok()
}

#[test]
fn every_legal_form_of_every_type_fits() {
    for (kind, values) in values() {
        let can_be_null = matches!(kind, PropertyType::Mixed | PropertyType::Object);
        for (optional, collection) in [
            (false, None),
            (true, None),
            (false, Some(Collection::List)),
            (true, Some(Collection::List)),
            (false, Some(Collection::Set)),
            (true, Some(Collection::Set)),
            (false, Some(Collection::Dictionary)),
            (true, Some(Collection::Dictionary)),
        ] {
            let property = Property {
                name: "p".into(),
                kind,
                optional,
                collection,
                object: (kind == PropertyType::Object).then(|| "E".to_owned()),
                guessed: false,
            };
            let wrap = |elements: Vec<Bson>| match collection {
                None => elements.into_iter().next().unwrap(),
                Some(Collection::Dictionary) => Bson::Document(
                    ["", "a", "a$", "ü", "5", "\u{1}"]
                        .into_iter()
                        .cycle()
                        .enumerate()
                        .map(|(index, key)| {
                            format!(
                                "{key}{}",
                                if index < 6 {
                                    String::new()
                                } else {
                                    index.to_string()
                                }
                            )
                        })
                        .zip(elements)
                        .collect(),
                ),
                Some(Collection::List | Collection::Set) => Bson::Array(elements),
            };
            for value in &values {
                let form = wrap(vec![value.clone(), value.clone()]);
                assert!(fits(&property, Some(form)), "{property:?} {value:?}");
            }
            assert!(fits(&property, Some(wrap(values.clone()))), "{property:?}");
            let may_be_absent = optional || can_be_null || collection.is_some();
            assert_eq!(fits(&property, None), may_be_absent, "{property:?} absent");
            let null_fits = optional
                || kind == PropertyType::Mixed
                || kind == PropertyType::Object && collection.is_none_or(|one| one == Collection::Dictionary);
            let with_null = wrap(vec![Bson::Null, values[0].clone(), Bson::Null]);
            if collection.is_some() {
                assert!(fits(&property, Some(wrap(vec![]))), "{property:?} empty");
                assert!(!fits(&property, Some(Bson::Null)), "{property:?} null");
            }
            // Embedded objects are never in a set; nobody asks what a null would be there.
            if kind != PropertyType::Object || collection != Some(Collection::Set) {
                assert_eq!(
                    fits(&property, Some(with_null)),
                    null_fits,
                    "{property:?} with null"
                );
            }
        }
    }
}
