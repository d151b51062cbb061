//! What an application does with an object before it commits.

use ::bson::{Bson, doc};

use super::super::super::changeset::Container;
use super::*;

const fn index(at: usize) -> PathElement<'static> {
    PathElement::Index(at)
}

const fn name(name: &str) -> PathElement<'_> {
    PathElement::Name(name)
}

const fn text(value: &str) -> Payload<'_> {
    Payload::Value(Value::String(value))
}

fn field(object: Object, field: &str) -> Bson {
    object
        .document()
        .unwrap()
        .get(field)
        .cloned()
        .unwrap_or(Bson::Undefined)
}

fn array(values: &[i64]) -> Bson {
    Bson::Array(values.iter().map(|value| Bson::Int64(*value)).collect())
}

fn list(values: &[i64]) -> Object {
    values.iter().zip(0..).fold(Object::new(), |object, (value, at)| {
        object.insert("li", &[index(at)], int(*value))
    })
}

#[test]
fn elements_of_a_list_come_go_move_and_change() {
    let move_to = |from: usize, to| {
        let path = [index(from)];
        let place = place("li", &path);
        field(list(&[1, 2, 3]).push(Instruction::ArrayMove { place, to }), "li")
    };
    assert_eq!(move_to(0, 2), array(&[2, 3, 1]));
    assert_eq!(move_to(2, 0), array(&[3, 1, 2]));
    assert_eq!(move_to(1, 1), array(&[1, 2, 3]));
    let in_front = list(&[1, 2]).insert("li", &[index(0)], int(0));
    assert_eq!(field(in_front, "li"), array(&[0, 1, 2]));
    let changed = list(&[1, 2]).update("li", &[index(1)], int(5));
    assert_eq!(field(changed, "li"), array(&[1, 5]));
    let path = [index(0)];
    let erased = list(&[1, 2]).push(Instruction::ArrayErase {
        place: place("li", &path),
    });
    assert_eq!(field(erased, "li"), array(&[2]));
    let beyond = [index(3)];
    let place = place("li", &beyond);
    for instruction in [
        Instruction::ArrayErase { place },
        Instruction::ArrayMove { place, to: 0 },
        Instruction::Update {
            place,
            payload: int(1),
        },
    ] {
        assert_eq!(list(&[1, 2, 3]).push(instruction).misfit(), Some(Misfit::Index));
    }
    assert_eq!(
        list(&[1, 2]).insert("li", &beyond, int(1)).misfit(),
        Some(Misfit::Index)
    );
    let path = [index(0)];
    let too_far = Instruction::ArrayMove {
        place: super::place("li", &path),
        to: 3,
    };
    assert_eq!(list(&[1, 2, 3]).push(too_far).misfit(), Some(Misfit::Index));
}

#[test]
fn integers_are_added_to_where_there_is_one() {
    let add = |object: Object, field: &'static str, by| {
        object.push(Instruction::AddInteger {
            place: place(field, &[]),
            by,
        })
    };
    assert_eq!(
        field(add(Object::new().update("i", &[], int(5)), "i", -7), "i"),
        Bson::Int64(-2)
    );
    let wrapped = add(Object::new().update("i", &[], int(i64::MAX)), "i", 1);
    assert_eq!(field(wrapped, "i"), Bson::Int64(i64::MIN));
    assert_eq!(field(add(Object::new(), "i", 3), "i"), Bson::Int64(0));
    let null = add(Object::new().update("i_n", &[], NULL), "i_n", 3);
    assert_eq!(field(null, "i_n"), Bson::Null);
    let path = [index(1)];
    let element = list(&[1, 2]).push(Instruction::AddInteger {
        place: place("li", &path),
        by: 10,
    });
    assert_eq!(field(element, "li"), array(&[1, 12]));
}

#[test]
fn a_set_has_each_value_once_and_is_sorted() {
    let set = |values: &[Payload<'_>], field: &str| {
        let object = values.iter().fold(Object::new(), |object, payload| {
            object.push(Instruction::SetInsert {
                place: place(field, &[]),
                payload: *payload,
            })
        });
        super::edits::field(object, field)
    };
    assert_eq!(set(&[int(9), int(-1), int(9), int(8)], "si"), array(&[-1, 8, 9]));
    let texts = ["b", "", "a\0", "a", "ü", "b"].map(text);
    let sorted = ["", "a", "a\0", "b", "ü"].map(Bson::from);
    assert_eq!(set(&texts, "ss"), Bson::Array(sorted.to_vec()));
    let erase = Instruction::SetErase {
        place: place("si", &[]),
        payload: int(2),
    };
    let insert = |value| Instruction::SetInsert {
        place: place("si", &[]),
        payload: int(value),
    };
    let object = Object::new()
        .push(erase)
        .push(insert(2))
        .push(insert(1))
        .push(erase);
    assert_eq!(field(object, "si"), array(&[1]));
    let object = Object::new().push(Instruction::SetInsert {
        place: place("si", &[]),
        payload: Payload::Object,
    });
    assert_eq!(object.misfit(), Some(Misfit::Value));
}

#[test]
fn entries_of_a_dictionary_come_go_and_are_sorted() {
    let object = Object::new()
        .update("di", &[name("b")], int(2))
        .update("di", &[name("")], int(0))
        .update("di", &[name("a")], int(1))
        .update("di", &[name("b")], Payload::Erased)
        .update("di", &[name("nothing")], Payload::Erased)
        .update("di", &[name("a")], int(5));
    assert_eq!(field(object, "di"), Bson::from(doc! {"": 0_i64, "a": 5_i64}));
    let object = Object::new().update("di", &[name("a")], Payload::Erased);
    assert_eq!(field(object, "di"), Bson::from(doc! {}));
    let object = Object::new().update("di", &[name("a\0")], int(1));
    assert_eq!(object.document(), Err(BuildError::Key));
    let erased = Object::new().update("i", &[], Payload::Erased);
    assert_eq!(erased.misfit(), Some(Misfit::Value));
}

#[test]
fn an_embedded_object_has_the_properties_of_its_class_and_is_left_out_when_null() {
    let whole = doc! {"x": 0.0, "tags": []};
    let object = Object::new().update("e", &[], Payload::Object);
    assert_eq!(field(object, "e"), Bson::from(whole.clone()));
    assert_eq!(field(Object::new(), "e"), Bson::Undefined);
    assert_eq!(field(Object::new().update("e", &[], NULL), "e"), Bson::Undefined);
    let twice = Object::new()
        .update("e", &[], Payload::Object)
        .insert("e", &[name("tags"), index(0)], text("gone"))
        .update("e", &[], NULL)
        .update("e", &[], Payload::Object);
    assert_eq!(field(twice, "e"), Bson::from(whole.clone()));
    let kept = Object::new()
        .update("e", &[], Payload::Object)
        .insert("e", &[name("tags"), index(0)], text("kept"))
        .update("e", &[], Payload::Object);
    assert_eq!(field(kept, "e"), Bson::from(doc! {"x": 0.0, "tags": ["kept"]}));
    let in_containers = Object::new()
        .insert("le", &[index(0)], Payload::Object)
        .update("de", &[name("here")], Payload::Object)
        .update("de", &[name("gone")], NULL)
        .update("de", &[name("here"), name("sub")], Payload::Object);
    let document = in_containers.document().unwrap();
    assert_eq!(document.get("le").unwrap(), &Bson::Array(vec![whole.into()]));
    let here = doc! {"x": 0.0, "tags": [], "sub": {"n": 0_i64}};
    assert_eq!(
        document.get("de").unwrap(),
        &Bson::from(doc! {"gone": null, "here": here})
    );
}

#[test]
fn mixed_holds_containers_with_and_without_a_clear_behind_them() {
    fn clear<'a, 'r>(path: &'r [PathElement<'a>], container: Option<Container>) -> Instruction<'a, 'r> {
        let place = place("m", path);
        Instruction::Clear { place, container }
    }
    let expected = Bson::from(doc! {"a": [{"q": true}, []], "b": 1_i64});
    for with_clear in [false, true] {
        let mut object = Object::new().update("m", &[], Payload::Dictionary);
        if with_clear {
            object = object.push(clear(&[], Some(Container::Dictionary)));
        }
        object = object
            .update("m", &[name("b")], int(1))
            .update("m", &[name("a")], Payload::List);
        if with_clear {
            object = object.push(clear(&[name("a")], Some(Container::List)));
        }
        object = object
            .insert("m", &[name("a"), index(0)], Payload::Dictionary)
            .insert("m", &[name("a"), index(1)], Payload::List)
            .update(
                "m",
                &[name("a"), index(0), name("q")],
                Payload::Value(Value::Bool(true)),
            );
        assert_eq!(field(object, "m"), expected);
    }
    let replaced = Object::new()
        .update("m", &[], Payload::Dictionary)
        .update("m", &[name("a")], int(1))
        .update("m", &[], Payload::List)
        .insert("m", &[index(0)], int(2));
    assert_eq!(field(replaced, "m"), array(&[2]));
    let scalar = Object::new()
        .update("m", &[], Payload::Dictionary)
        .update("m", &[], int(1));
    assert_eq!(field(scalar, "m"), Bson::Int64(1));
}

#[test]
fn what_is_cleared_is_empty() {
    for container in [None, Some(Container::List)] {
        let clear = Instruction::Clear {
            place: place("li", &[]),
            container,
        };
        assert_eq!(field(list(&[1, 2]).push(clear), "li"), array(&[]));
        assert_eq!(field(Object::new().push(clear), "li"), array(&[]));
    }
    let unknown = Instruction::Clear {
        place: place("m", &[]),
        container: None,
    };
    assert_eq!(field(Object::new().push(unknown), "m"), Bson::Null);
    let kept = Object::new().update("m", &[], int(1)).push(unknown);
    assert_eq!(field(kept, "m"), Bson::Int64(1));
    let other = Instruction::Clear {
        place: place("m", &[]),
        container: Some(Container::Dictionary),
    };
    let object = Object::new().update("m", &[], Payload::List).push(other);
    assert_eq!(field(object, "m"), Bson::from(doc! {}));
    let embedded = Instruction::Clear {
        place: place("e", &[]),
        container: None,
    };
    let object = Object::new().update("e", &[], Payload::Object).push(embedded);
    assert_eq!(object.misfit(), Some(Misfit::Value));
}

#[test]
fn a_path_into_something_else_is_refused() {
    let cases = [
        Object::new()
            .update("i", &[], int(1))
            .update("i", &[name("x")], int(1)),
        Object::new().update("e", &[index(0)], int(1)),
        Object::new().update("li", &[name("x")], int(1)),
        Object::new().insert("di", &[index(0)], int(1)),
        Object::new().insert("si", &[index(0)], int(1)),
        list(&[1]).insert("li", &[index(0), index(0)], int(1)),
        list(&[1]).push(Instruction::SetInsert {
            place: place("li", &[]),
            payload: int(1),
        }),
        list(&[1]).push(Instruction::SetErase {
            place: place("li", &[]),
            payload: int(1),
        }),
        list(&[1]).update("li", &[name("x")], Payload::Erased),
    ];
    for (number, object) in cases.into_iter().enumerate() {
        assert_eq!(object.misfit(), Some(Misfit::Path), "case {number}");
    }
    let element = list(&[1]).insert("li", &[index(0)], Payload::Erased);
    assert_eq!(element.misfit(), Some(Misfit::Value));
}

#[test]
fn what_is_said_of_the_key_later_does_not_change_it() {
    let document = Object::new()
        .update("_id", &[], int(1))
        .update("i", &[], int(2))
        .document()
        .unwrap();
    assert_eq!(document.iter().filter(|(key, _)| *key == "_id").count(), 1);
    assert_eq!(
        document.get("_id").unwrap().as_object_id().unwrap().bytes(),
        [7; 12]
    );
    assert_eq!(document.get_i64("i").unwrap(), 2);
}

#[test]
fn values_are_kept_as_they_are_even_where_they_do_not_belong() {
    let document = Object::new()
        .update("i", &[], text("no number"))
        .update("b", &[], NULL)
        .document()
        .unwrap();
    assert_eq!(document.get_str("i").unwrap(), "no number");
    assert_eq!(document.get("b"), Some(&Bson::Null));
}
