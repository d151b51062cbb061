//! What is kept of schemas when there are many.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rusqlite::params;
use tempfile::TempDir;

use super::acceptance::refresh;
use super::*;
use crate::sqlite::{open_existing, open_writer};
use crate::state::EmbeddedState;
use crate::state::embedded::{FILE, FORMAT, STEPS};
use crate::state::schemas::Limits;

const LIMITS: Limits = Limits {
    of_user: 50,
    in_all: 4,
    bytes: 10_000,
};

fn store() -> (TempDir, Connection) {
    let data = tempfile::tempdir().unwrap();
    drop(EmbeddedState::open(data.path()).unwrap());
    let connection = open_existing(&data.path().join(FILE), FORMAT).unwrap();
    (data, connection)
}

/// A class of this name that has a property of its own.
fn schema(class: &str, property: &str) -> Schema {
    Schema::parse(&format!(
        r#"{{"classes":[{{"name":"{class}","kind":"asymmetric","primary_key":"_id","properties":[
            {{"name":"_id","type":"int"}},{{"name":"{property}","type":"int"}}]}}]}}"#
    ))
    .unwrap()
}

fn add_number(connection: &mut Connection, number: usize) -> bool {
    let schema = schema("Reading", &format!("p{number}"));
    add(connection, &schema, None, &format!("user{number}"), LIMITS).unwrap()
}

/// The numbers of those that are there.
fn numbers(connection: &Connection) -> Vec<usize> {
    let there = fingerprints(connection).unwrap();
    let of = |number: &usize| schema("Reading", &format!("p{number}")).fingerprint();
    (0..20).filter(|number| there.contains(&of(number))).collect()
}

fn use_number(connection: &Connection, number: usize) {
    let fingerprint = schema("Reading", &format!("p{number}")).fingerprint();
    assert!(note_use(connection, &fingerprint).unwrap());
}

#[test]
fn the_oldest_that_nobody_uses_make_room_and_take_what_they_added_with_them() {
    let (_data, mut connection) = store();
    for number in 0..4 {
        assert!(add_number(&mut connection, number));
    }
    use_number(&connection, 0);
    let before = version(&connection).unwrap();
    assert!(add_number(&mut connection, 4));
    assert_eq!(numbers(&connection), [0, 3, 4]);
    assert!(
        version(&connection).unwrap() > before,
        "nobody remembers the others"
    );
    let accepted = accepted(&connection).unwrap();
    let properties = accepted.class("Reading").unwrap().properties.iter();
    let names: Vec<_> = properties.map(|property| property.name.as_str()).collect();
    assert_eq!(names, ["_id", "p0", "p3", "p4"]);
}

#[test]
fn those_that_are_used_or_chosen_make_no_room() {
    let (_data, mut connection) = store();
    for number in 0..4 {
        assert!(add_number(&mut connection, number));
    }
    for number in 1..4 {
        use_number(&connection, number);
    }
    let chosen = schema("Reading", "p0").fingerprint();
    choose(&mut connection, &chosen, Some("Reading"))
        .unwrap()
        .unwrap();
    assert!(!add_number(&mut connection, 4));
    assert_eq!(numbers(&connection), [0, 1, 2, 3]);
}

#[test]
fn few_large_ones_make_room_as_many_small_ones_do() {
    let (_data, mut connection) = store();
    let large = |number: usize| schema(&format!("Class{number}"), &"p".repeat(4_000));
    for number in 0..3 {
        assert!(add(&mut connection, &large(number), None, "user", LIMITS).unwrap());
    }
    let there = fingerprints(&connection).unwrap();
    assert_eq!(there, [large(1).fingerprint(), large(2).fingerprint()]);
}

#[test]
fn what_was_decided_about_classes_is_found_anew_with_the_same_result() {
    let (_data, mut connection) = store();
    let other = Schema::parse(
        &schema("Reading", "p0")
            .to_json()
            .replace(r#""p0","type":"int""#, r#""p0","type":"bool""#),
    );
    assert!(add_number(&mut connection, 0));
    assert!(add_number(&mut connection, 1));
    assert!(add(&mut connection, &other.unwrap(), None, "user", LIMITS).unwrap());
    let found = |connection: &mut Connection| {
        let listed = list(connection).unwrap().into_iter();
        let conflicts: Vec<_> = listed.map(|one| one.conflicts.len()).collect();
        (accepted(connection).unwrap(), conflicts)
    };
    let before = found(&mut connection);
    assert_eq!(before.1, [0, 0, 1]);
    refresh(&connection).unwrap();
    assert_eq!(found(&mut connection), before);
}

#[test]
fn schemas_of_format_1_are_numbered_as_they_came_and_make_no_room() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join(FILE);
    let former = open_writer(&path, 1, &STEPS[..1]).unwrap();
    let came = ["c", "a", "b"].map(|property| schema("Reading", property));
    for (at, schema) in came.iter().enumerate().rev() {
        let values = params![schema.fingerprint(), schema.to_json(), i64::try_from(at).unwrap()];
        former
            .execute("INSERT INTO schemas VALUES (?1, ?2, ?3)", values)
            .unwrap();
    }
    drop(former);
    drop(EmbeddedState::open(data.path()).unwrap());
    let mut connection = open_existing(&path, FORMAT).unwrap();
    assert_eq!(
        fingerprints(&connection).unwrap(),
        came.each_ref().map(Schema::fingerprint)
    );
    assert_eq!(forget_unused(&mut connection).unwrap(), [""; 0]);
    let bytes: i64 = connection
        .query_one("SELECT sum(bytes) FROM schemas", [], |row| row.get(0))
        .unwrap();
    let json: usize = came.iter().map(|schema| schema.to_json().len()).sum();
    assert_eq!(usize::try_from(bytes).unwrap(), json);
}

#[test]
fn what_the_application_describes_itself_is_compared_with_nothing_also_after_a_decision() {
    let (_data, mut connection) = store();
    let ours = schema("Reading", "p0");
    let json = ours
        .to_json()
        .replace(r#""p0","type":"int""#, r#""p0","type":"bool""#);
    let theirs = Schema::parse(&json).unwrap();
    let nothing = Schema::default();
    assert!(add(&mut connection, &theirs, Some(&nothing), "user", LIMITS).unwrap());
    assert!(add(&mut connection, &ours, None, "user", LIMITS).unwrap());
    for _ in 0..2 {
        let (_, known) = find(&connection, &ours.fingerprint()).unwrap().unwrap();
        assert_eq!((known.conflicts.len(), known.compared()), (0, &ours));
        let (_, known) = find(&connection, &theirs.fingerprint()).unwrap().unwrap();
        assert_eq!(
            (known.schema.clone(), known.compared()),
            (theirs.clone(), &nothing)
        );
        refresh(&connection).unwrap();
    }
    let chosen = choose(&mut connection, &theirs.fingerprint(), Some("Reading")).unwrap();
    assert!(chosen.unwrap_err().contains("described by the app's directory"));
}
