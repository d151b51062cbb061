//! What is made to cost much, and what is no changeset of a client.

use proptest::prelude::*;

use super::super::super::changeset::{Column, ColumnType, Container, KeyColumn, KeyType, Table};
use super::*;

fn limited(changeset: &[u8], limits: Limits) -> Result<Built, BuildError> {
    let mut registry = registry_of("every kind: schema");
    let mut budget = budget();
    let result = documents(changeset, &mut registry, limits, &mut budget);
    if result.is_err() {
        assert_eq!(budget.held(), 0, "nothing is held of what was refused");
    }
    result
}

fn many(class: &str, count: i64) -> Vec<u8> {
    let mut encoder = Encoder::default();
    for key in 0..count {
        let key = Key::Int(key);
        encoder.push(Instruction::CreateObject { class, key });
    }
    encoder.finish()
}

#[test]
fn documents_and_their_bytes_are_bounded() {
    let changeset = many("PkInt", 100);
    let whole = limited(&changeset, LIMITS).unwrap();
    let limits = Limits {
        documents: 100,
        bytes: whole.payload.len(),
    };
    assert_eq!(limited(&changeset, limits).unwrap().documents, 100);
    let fewer = Limits {
        documents: 99,
        ..limits
    };
    assert_eq!(
        limited(&changeset, fewer).unwrap_err(),
        BuildError::TooManyDocuments(99)
    );
    let smaller = Limits {
        bytes: limits.bytes - 1,
        ..limits
    };
    assert_eq!(
        limited(&changeset, smaller).unwrap_err(),
        BuildError::TooLarge(smaller.bytes)
    );
}

#[test]
fn memory_that_is_not_there_is_a_reason_to_come_back() {
    let object = (0..20_000).fold(Object::new(), |object, at| {
        object.insert("li", &[PathElement::Index(at)], int(1))
    });
    let changeset = object.0.finish();
    for bytes in [0, 100_000, 600_000] {
        let all = Arc::new(Semaphore::new(bytes));
        let mut registry = registry_of("every kind: schema");
        let mut budget = Budget::new(Arc::clone(&all));
        let result = documents(&changeset, &mut registry, LIMITS, &mut budget);
        assert!(matches!(result, Err(BuildError::NoMemory(_))), "{result:?}");
        drop(budget);
        assert_eq!(all.available_permits(), bytes, "it is given back");
    }
}

#[test]
fn elements_in_front_of_each_other_cost_no_more_than_behind() {
    let object = (0..100_000).fold(Object::new(), |object, at| {
        object.insert("li", &[PathElement::Index(0)], int(at))
    });
    let document = object.document().unwrap();
    let list = document.get_array("li").unwrap();
    assert_eq!(list.len(), 100_000);
    assert_eq!(list[0], ::bson::Bson::Int64(99_999));
}

/// A few bytes name a string of any length again and again: what it says is not looked at each time.
#[test]
fn long_strings_that_are_named_often_cost_nothing_each_time() {
    let [one, other] = ["a", "b"].map(|last| "x".repeat(1024 * 1024) + last);
    let mut encoder = Encoder::default();
    let mut changeset = Vec::new();
    for key in [&one, &other] {
        let key = Key::String(key);
        let update = |path, payload| Instruction::Update {
            place: Place {
                class: "Small",
                key,
                field: "v",
                path,
            },
            payload,
        };
        let class = "Small";
        encoder.push(Instruction::CreateObject { class, key });
        encoder.push(update(&[], Payload::Dictionary));
        let paths = [&one, &other].map(|name| [PathElement::Name(name)]);
        // Strings have their numbers after the first time.
        for _ in 0..2 {
            changeset.extend(encoder.take());
            paths.iter().for_each(|path| encoder.push(update(path, int(1))));
        }
        changeset.extend(encoder.take().repeat(100_000));
    }
    let built = limited(&changeset, LIMITS).unwrap();
    assert_eq!(built.documents, 2);
    let set = |key| {
        Object::new().push(Instruction::SetInsert {
            place: place("ss", &[]),
            payload: Payload::Link {
                class: "Small",
                key: Key::String(key),
            },
        })
    };
    assert_eq!(set(&one).misfit(), Some(Misfit::Value));
    assert_eq!(set("short").misfit(), None);
    assert_eq!(
        Object::new().update(&one, &[], int(1)).misfit(),
        Some(Misfit::Name)
    );
    let mut encoder = Encoder::default();
    encoder.push(Instruction::CreateObject { class: &one, key: ID });
    let refused = limited(&encoder.finish(), LIMITS).unwrap_err();
    assert!(refused.to_string().len() < 200, "it is not told at length");
}

#[test]
fn one_text_under_two_numbers_is_one_entry() {
    let mut changeset = Object::new()
        .update("di", &[PathElement::Name("k")], int(1))
        .0
        .finish();
    // The string "k" once more, as number 3, and an entry of that name.
    changeset.extend([0x3f, 3, 1, b'k', 4, 0, 10]);
    changeset.extend([7; 12]);
    changeset.extend([1, 1, 0x40, 3, 1, 2, 0]);
    let built = limited(&changeset, LIMITS).unwrap();
    let document = ::bson::Document::from_reader(built.payload.as_slice()).unwrap();
    assert_eq!(document.get_document("di").unwrap().len(), 1);
}

#[test]
fn objects_that_cannot_be_are_refused() {
    let one = |class, key| {
        let mut encoder = Encoder::default();
        encoder.push(Instruction::CreateObject { class, key });
        limited(&encoder.finish(), LIMITS).unwrap_err()
    };
    let object = |class: &str, what| BuildError::Object {
        class: class.to_owned(),
        what,
    };
    assert_eq!(one("Emb", Key::Int(1)), object("Emb", Misfit::Embedded));
    assert_eq!(one("PkInt", Key::Global(1, 2)), object("PkInt", Misfit::NoKey));
    let link = Payload::Link {
        class: "PkInt",
        key: Key::Global(1, 2),
    };
    assert_eq!(Object::new().update("i", &[], link).misfit(), Some(Misfit::NoKey));
}

#[test]
fn names_that_the_class_does_not_have_are_bounded() {
    let object = |count: usize| {
        (0..count).fold(Object::new(), |object, at| {
            object.update(&format!("other{at}"), &[], int(1))
        })
    };
    let most = object(MAX_UNKNOWN_PROPERTIES).document().unwrap();
    assert!(most.len() > MAX_UNKNOWN_PROPERTIES);
    let more = object(MAX_UNKNOWN_PROPERTIES + 1);
    assert_eq!(more.misfit(), Some(Misfit::TooManyProperties));
    assert_eq!(
        Object::new().update("a\0", &[], int(1)).misfit(),
        Some(Misfit::Name)
    );
}

#[test]
fn instructions_about_classes_are_bounded() {
    let mut encoder = Encoder::default();
    let id = KeyColumn {
        name: "_id",
        kind: KeyType::Int,
        nullable: false,
    };
    let table = Instruction::AddTable {
        class: "A",
        table: Table::Asymmetric(Some(id)),
    };
    (0..=MAX_SCHEMA_INSTRUCTIONS).for_each(|_| encoder.push(table));
    assert_eq!(
        limited(&encoder.finish(), LIMITS).unwrap_err(),
        BuildError::TooManySchemaInstructions
    );
}

#[test]
fn a_wide_class_in_a_long_list_stops_at_the_limit() {
    let mut encoder = Encoder::default();
    let id = KeyColumn {
        name: "_id",
        kind: KeyType::Int,
        nullable: false,
    };
    encoder.push(Instruction::AddTable {
        class: "Wide",
        table: Table::Embedded,
    });
    encoder.push(Instruction::AddTable {
        class: "A",
        table: Table::Asymmetric(Some(id)),
    });
    let column = |kind, container, target| Column {
        kind,
        nullable: false,
        container,
        target,
    };
    for number in 0..900 {
        encoder.push(Instruction::AddColumn {
            class: "Wide",
            field: &format!("property_number_{number}"),
            column: column(ColumnType::Int, None, None),
        });
    }
    encoder.push(Instruction::AddColumn {
        class: "A",
        field: "all",
        column: column(ColumnType::Link, Some(Container::List), Some("Wide")),
    });
    let key = Key::Int(1);
    encoder.push(Instruction::CreateObject { class: "A", key });
    for index in 0..5_000 {
        encoder.push(Instruction::ArrayInsert {
            place: Place {
                class: "A",
                key,
                field: "all",
                path: &[PathElement::Index(index)],
            },
            payload: Payload::Object,
        });
    }
    let changeset = encoder.finish();
    assert!(changeset.len() < 150_000);
    assert_eq!(
        limited(&changeset, LIMITS).unwrap_err(),
        BuildError::TooLarge(LIMITS.bytes)
    );
}

#[test]
fn the_deepest_path_becomes_a_document() {
    let names: Vec<_> = (0..100).map(|_| PathElement::Name("d")).collect();
    let object = (0..100).fold(
        Object::new().update("m", &[], Payload::Dictionary),
        |object, depth| object.update("m", &names[..=depth], Payload::Dictionary),
    );
    let built = limited(&object.0.finish(), LIMITS).unwrap();
    assert_eq!(built.documents, 1);
    let limits = realm_ingest_protocol::Limits::default();
    let checked = realm_ingest_protocol::Document::validate(&built.payload, &limits);
    assert!(checked.is_err(), "the checks refuse it, this one document");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_changeset_with_bytes_changed_becomes_documents_or_an_error(
        which in 0_usize..10,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let all = vectors::all();
        let vector = &all[which % all.len()];
        let mut changeset = vector.changeset();
        for (at, byte) in changes {
            let at = at.index(changeset.len());
            changeset[at] = byte;
        }
        let mut registry = vector.schema.as_deref().map(registry_of).unwrap_or_default();
        let before = registry.clone();
        let mut budget = budget();
        let result = documents(&changeset, &mut registry, LIMITS, &mut budget);
        match result {
            Err(_) => {
                prop_assert_eq!(registry, before);
                prop_assert_eq!(budget.held(), 0);
            }
            Ok(built) => {
                prop_assert_eq!(built.changed, registry != before);
                let count = realm_ingest_protocol::Documents::new(&built.payload).count();
                prop_assert_eq!(count, usize::try_from(built.documents).unwrap());
                for document in realm_ingest_protocol::Documents::new(&built.payload) {
                    realm_ingest_protocol::Document::validate(document, &realm_ingest_protocol::Limits::default()).unwrap();
                }
            }
        }
    }
}
