//! Documents that are made under a guess are taken by the core.

use realm_ingest_protocol::{Checker, Document, Violation};

use super::super::super::changeset::{Column, ColumnType};
use super::super::super::vectors;
use super::*;

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
