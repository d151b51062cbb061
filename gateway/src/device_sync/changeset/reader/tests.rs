#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::encode::Encoder;
use super::super::{Table, Value};
use super::*;
use crate::device_sync::vectors;

/// An instruction in the words of the vectors.
fn text(instruction: &Instruction<'_, '_>) -> String {
    use Instruction as I;
    match *instruction {
        I::AddTable { class, table } => match table {
            Table::Embedded => format!("AddTable {class} embedded"),
            Table::Asymmetric(key) => format!("AddTable {class} asymmetric {}", key_column(key)),
            Table::Regular(key) => format!("AddTable {class} regular {}", key_column(key)),
        },
        I::EraseTable { class } => format!("EraseTable {class}"),
        I::AddColumn { class, field, column } => {
            let kind = lower(&column.kind);
            let mut text = format!("AddColumn {class}.{field} {kind}");
            if column.nullable {
                text += " nullable";
            }
            if let Some(container) = column.container {
                write!(text, " {}", lower(&container)).unwrap();
            }
            if let Some(target) = column.target {
                write!(text, " -> {target}").unwrap();
            }
            text
        }
        I::EraseColumn { class, field } => format!("EraseColumn {class}.{field}"),
        I::CreateObject { class, key } => format!("CreateObject {class}/{}", key_text(key)),
        I::EraseObject { class, key } => format!("EraseObject {class}/{}", key_text(key)),
        I::Update { place, payload } => format!("Update {} {}", place_text(&place), payload_text(payload)),
        I::AddInteger { place, by } => format!("AddInteger {} {by}", place_text(&place)),
        I::ArrayInsert { place, payload } => {
            format!("ArrayInsert {} {}", place_text(&place), payload_text(payload))
        }
        I::ArrayMove { place, to } => format!("ArrayMove {} {to}", place_text(&place)),
        I::ArrayErase { place } => format!("ArrayErase {}", place_text(&place)),
        I::Clear { place, container } => {
            format!("Clear {} {}", place_text(&place), lower(&container.unwrap()))
        }
        I::SetInsert { place, payload } => {
            format!("SetInsert {} {}", place_text(&place), payload_text(payload))
        }
        I::SetErase { place, payload } => {
            format!("SetErase {} {}", place_text(&place), payload_text(payload))
        }
    }
}

fn lower(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn key_column(key: Option<KeyColumn<'_>>) -> String {
    let key = key.unwrap();
    let nullable = if key.nullable { " nullable" } else { "" };
    format!("{} {}{nullable}", key.name, lower(&key.kind))
}

fn key_text(key: Key<'_>) -> String {
    value_text(key.value().unwrap())
}

fn place_text(place: &Place<'_, '_>) -> String {
    let mut text = format!("{}/{} {}", place.class, key_text(place.key), place.field);
    for step in place.path {
        match step {
            PathElement::Index(index) => write!(text, "[{index}]").unwrap(),
            PathElement::Name(name) => write!(text, "[\"{name}\"]").unwrap(),
        }
    }
    text
}

fn payload_text(payload: Payload<'_>) -> String {
    match payload {
        Payload::Value(value) => value_text(value),
        Payload::Link { class, key } => format!("link:{class}/{}", key_text(key)),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn value_text(value: Value<'_>) -> String {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Int(value) => format!("int:{value}"),
        Value::Bool(value) => format!("bool:{value}"),
        Value::String(value) => format!("string:\"{value}\""),
        Value::Binary(value) => format!("binary:{}", hex(value)),
        Value::Timestamp { seconds, nanoseconds } => format!("timestamp:{seconds},{nanoseconds}"),
        Value::Float(value) => format!("float:{value:?}"),
        Value::Double(value) => format!("double:{value:?}"),
        Value::Decimal(bits) => {
            let bits = u128::from_le_bytes(bits);
            let (coefficient, exponent) = (bits & ((1 << 113) - 1), i64::try_from((bits >> 113) & 0x3fff));
            format!(
                "decimal:{coefficient},{},{}",
                exponent.unwrap() - 6_176,
                bits >> 127
            )
        }
        Value::ObjectId(value) => format!("objectId:{}", hex(&value)),
        Value::Uuid(value) => format!("uuid:{}", hex(&value)),
    }
}

fn read(changeset: &[u8]) -> Result<Vec<String>, ChangesetError> {
    let mut reader = Reader::new(changeset);
    let mut lines = Vec::new();
    while let Some(instruction) = reader.next_instruction()? {
        lines.push(text(&instruction));
    }
    Ok(lines)
}

fn fault(changeset: &[u8]) -> Option<Fault> {
    let mut reader = Reader::new(changeset);
    loop {
        match reader.next_instruction() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => {
                assert!(error.at <= changeset.len());
                return Some(error.fault);
            }
        }
    }
}

#[test]
fn changesets_of_clients_are_read_to_their_last_instruction() {
    for vector in vectors::all() {
        let lines = read(&vector.changeset()).unwrap();
        assert_eq!(lines, vector.instructions, "{}", vector.name);
    }
}

#[test]
fn what_is_written_anew_reads_the_same() {
    for vector in vectors::all() {
        let changeset = vector.changeset();
        let mut encoder = Encoder::default();
        let mut reader = Reader::new(&changeset);
        while let Some(instruction) = reader.next_instruction().unwrap() {
            encoder.push(instruction);
        }
        let anew = encoder.finish();
        assert_eq!(read(&anew).unwrap(), vector.instructions, "{}", vector.name);
    }
}

#[test]
fn a_changeset_that_is_cut_off_says_so_or_ends_with_an_item() {
    for vector in vectors::all() {
        let changeset = vector.changeset();
        for end in 0..changeset.len() {
            assert!(
                matches!(fault(&changeset[..end]), None | Some(Fault::CutOff)),
                "{} at {end}",
                vector.name
            );
        }
    }
}

#[test]
fn what_is_no_changeset_is_told_by_what_is_wrong() {
    // The strings "A" and "_id", a class and a place in an object of it without the path.
    let strings = [0x3f, 0, 1, b'A', 0x3f, 1, 3, b'_', b'i', b'd'];
    let place = |code: u8| [&strings[..], &[code, 0, 1, 5, 1]].concat();
    let with = |start: Vec<u8>, rest: &[u8]| [&start[..], rest].concat();
    let start = strings.to_vec();
    let cases = [
        (vec![14], Fault::UnknownInstruction(14)),
        (vec![0x40], Fault::UnknownInstruction(-1)),
        (vec![0xff; 20], Fault::Integer),
        (vec![0x3f, 1, 0], Fault::StringOrder),
        (vec![0x3f, 0, 1, 0xff], Fault::Text),
        (vec![1, 0], Fault::UnknownString),
        (with(start.clone(), &[1, 2]), Fault::UnknownString),
        (with(start.clone(), &[0, 0, 3]), Fault::UnknownType(3)),
        (with(start.clone(), &[0, 0, 2, 1, 7, 0]), Fault::UnknownType(7)),
        (with(start.clone(), &[2, 0, 2]), Fault::UnknownType(2)),
        (with(start.clone(), &[6, 0, 1, 12]), Fault::UnknownType(12)),
        (with(start.clone(), &[6, 0, 1, 1, 0, 4]), Fault::UnknownType(4)),
        (with(start.clone(), &[6, 0, 1, 1, 0, 2, 1]), Fault::UnknownType(1)),
        (with(place(4), &[0, 12]), Fault::UnknownType(12)),
        (with(place(4), &[0, 0x40]), Fault::UnknownType(-1)),
        (with(place(4), &[0, 0, 2]), Fault::Integer),
        (with(place(4), &[0, 2, 2]), Fault::Integer),
        (with(place(4), &[101]), Fault::CutOff),
        (with(place(4), &[0xe5, 0x00]), Fault::PathTooLong),
        (with(place(4), &[1, 0x41]), Fault::Integer),
        (with(place(8), &[0, 0, 0]), Fault::NoIndex),
        (with(place(10), &[1, 0x40, 1, 0]), Fault::NoIndex),
        (with(place(11), &[0, 4]), Fault::UnknownType(4)),
        // Timestamps whose parts differ in sign, and with a second of nanoseconds.
        (with(place(4), &[0, 5, 1, 0x40]), Fault::Integer),
        (
            with(place(4), &[0, 5, 1, 0x80, 0x94, 0xeb, 0xdc, 0x03]),
            Fault::Integer,
        ),
        // Decimals with an exponent of more than fourteen bits, and with another sign.
        (with(place(4), &[0, 8, 1, 0xe0, 0xcf, 0x00, 0]), Fault::Integer),
        (with(place(4), &[0, 8, 1, 0, 2]), Fault::Integer),
    ];
    for (bytes, expected) in cases {
        let found = fault(&bytes);
        if expected == Fault::CutOff {
            assert!(found.is_some());
        } else {
            assert_eq!(found, Some(expected), "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn old_cores_do_not_say_what_they_clear() {
    let mut changeset = vec![0x3f, 0, 1, b'A', 11, 0, 1, 5, 0, 0];
    changeset.push(0);
    let mut reader = Reader::new(&changeset);
    let instruction = reader.next_instruction().unwrap();
    assert!(matches!(
        instruction,
        Some(Instruction::Clear { container: None, .. })
    ));
}

proptest! {
    #[test]
    fn whatever_the_bytes_the_answer_is_instructions_or_an_error(bytes: Vec<u8>) {
        fault(&bytes);
    }

    #[test]
    fn a_changeset_with_bytes_changed_is_read_or_refused(
        which in 0_usize..10,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let all = vectors::all();
        let mut changeset = all[which % all.len()].changeset();
        for (at, byte) in changes {
            let at = at.index(changeset.len());
            changeset[at] = byte;
        }
        fault(&changeset);
        let held = {
            let mut reader = Reader::new(&changeset);
            while let Ok(Some(_)) = reader.next_instruction() {}
            reader.held()
        };
        prop_assert!(held <= 16 * changeset.len() + 64);
    }
}
