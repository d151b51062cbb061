//! Schemas that come one after another: what is accepted grows and never changes, and depends on what came, not on how
//! often.

use arbitrary::{Arbitrary as _, Result, Unstructured};
use realm_ingest_gateway::state::acceptance;
use realm_ingest_protocol::schema::{self, PrimaryKey};
use realm_ingest_protocol::{Class, Collection, Kind, Property, PropertyType, Schema};

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Unstructured::new(data);
    let Ok(count) = bytes.int_in_range(1..=4) else {
        return;
    };
    let Ok(schemas) = (0..count).map(|_| any(&mut bytes)).collect::<Result<Vec<_>>>() else {
        return;
    };
    let valid: Vec<_> = schemas.into_iter().filter(|one| one.validate().is_ok()).collect();
    for one in &valid {
        for other in &valid {
            pair(one, other);
        }
    }
    sequence(&valid);
}

fn pair(old: &Schema, new: &Schema) {
    let changes = schema::additive_changes(old, new);
    let conflicts = schema::conflicts(old, new);
    assert_eq!(changes.is_ok(), conflicts.is_empty());
    assert_eq!(changes.is_ok(), schema::additive_changes(new, old).is_ok());
    if changes.is_err() {
        return;
    }
    let merged = schema::merge(old, new);
    for class in old.classes.iter().chain(&new.classes) {
        let all = merged.class(&class.name).unwrap();
        assert!(
            class
                .properties
                .iter()
                .all(|property| all.properties.contains(property))
        );
    }
    assert!(old.classes.iter().all(|class| {
        let all = &merged.class(&class.name).unwrap().properties;
        all.starts_with(&class.properties)
    }));
    assert_eq!(schema::merge(&merged, new), merged);
    assert_eq!(schema::merge(&merged, old), merged);
    for one in [old, new] {
        assert_eq!(schema::additive_changes(&merged, one), Ok(()));
        assert_eq!(schema::additive_changes(one, &merged), Ok(()));
    }
    assert_eq!(sorted(&merged), sorted(&schema::merge(new, old)));
}

/// With the properties by name: which came first is seen in their order alone.
fn sorted(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    for class in &mut schema.classes {
        class.properties.sort_by(|a, b| a.name.cmp(&b.name));
    }
    schema
}

fn sequence(schemas: &[Schema]) {
    let all = acceptance::accepted(schemas, Vec::new());
    let twice: Vec<_> = schemas.iter().chain(schemas).cloned().collect();
    assert_eq!(acceptance::accepted(&twice, Vec::new()), all);
    assert_eq!(acceptance::accepted(schemas, all.classes.clone()), all);
    let mut accepted = Schema::default();
    for (at, one) in (0..).zip(schemas) {
        // What a schema is told when it comes, it is told at the end as well.
        let then = acceptance::conflicts(&accepted, one);
        assert!(then.keys().eq(acceptance::conflicts(&all, one).keys()));
        accepted = acceptance::extended(&accepted, one, &then);
        assert_eq!(accepted, acceptance::accepted(&schemas[..=at], Vec::new()));
    }
    assert_eq!(accepted, all);
}

fn any(bytes: &mut Unstructured<'_>) -> Result<Schema> {
    let mut classes = Vec::new();
    for name in ["A", "B", "C", "D"] {
        if bool::arbitrary(bytes)? {
            classes.push(class(name, bytes)?);
        }
    }
    Ok(Schema { classes })
}

fn class(name: &str, bytes: &mut Unstructured<'_>) -> Result<Class> {
    let kind = *bytes.choose(&[Kind::Asymmetric, Kind::Embedded])?;
    let mut properties = Vec::new();
    let mut primary_key = PrimaryKey::None;
    if kind == Kind::Asymmetric {
        primary_key = PrimaryKey::One("_id".to_owned());
        let kind = *bytes.choose(&[PropertyType::ObjectId, PropertyType::Int])?;
        properties.push(Property {
            name: "_id".to_owned(),
            kind,
            optional: false,
            collection: None,
            object: None,
            guessed: false,
        });
    }
    for name in ["p", "q", "r"] {
        if bool::arbitrary(bytes)? {
            properties.push(property(name, bytes)?);
        }
    }
    if bool::arbitrary(bytes)? {
        properties.reverse();
    }
    Ok(Class {
        name: name.to_owned(),
        kind,
        primary_key,
        properties,
    })
}

fn property(name: &str, bytes: &mut Unstructured<'_>) -> Result<Property> {
    let kinds = [
        PropertyType::Int,
        PropertyType::String,
        PropertyType::Object,
        PropertyType::Object,
    ];
    let kind = *bytes.choose(&kinds)?;
    let object = match kind {
        PropertyType::Object => Some((*bytes.choose(&["A", "B", "C", "D"])?).to_owned()),
        _ => None,
    };
    let collection = *bytes.choose(&[None, Some(Collection::List), Some(Collection::Dictionary)])?;
    Ok(Property {
        name: name.to_owned(),
        kind,
        optional: bool::arbitrary(bytes)?,
        collection,
        object,
        guessed: false,
    })
}
