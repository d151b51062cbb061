//! Instructions as a client writes them, for tests.

use std::collections::HashMap;

use super::value::code;
use super::{Column, ColumnType, Container, Instruction, Key, KeyColumn, KeyType, PathElement, Place};
use super::{Payload, Table, Value};

/// A changeset on its way.
#[derive(Default)]
pub(crate) struct Encoder {
    out: Vec<u8>,
    strings: HashMap<String, i64>,
}

pub(crate) fn int(out: &mut Vec<u8>, value: i64) {
    let is_negative = value < 0;
    let magnitude = if is_negative { -(value + 1) } else { value };
    self::magnitude(out, u128::try_from(magnitude).unwrap_or_default(), is_negative);
}

pub(crate) fn magnitude(out: &mut Vec<u8>, mut value: u128, is_negative: bool) {
    let low = |value: u128, mask: u128| u8::try_from(value & mask).unwrap_or_default();
    while value >> 6 != 0 {
        out.push(0x80 | low(value, 0x7f));
        value >>= 7;
    }
    out.push(low(value, 0x3f) | if is_negative { 0x40 } else { 0 });
}

impl Encoder {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// What was written since the last time.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn int(&mut self, value: i64) {
        int(&mut self.out, value);
    }

    fn size(&mut self, value: usize) {
        self.int(i64::try_from(value).unwrap_or_default());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    /// Gives strings their numbers, before the instruction that names them.
    fn define<'s>(&mut self, strings: impl IntoIterator<Item = &'s str>) {
        for string in strings {
            if !self.strings.contains_key(string) {
                let number = i64::try_from(self.strings.len()).unwrap_or_default();
                self.strings.insert(string.to_owned(), number);
                self.int(63);
                self.int(number);
                self.bytes(string.as_bytes());
            }
        }
    }

    fn string(&mut self, string: &str) {
        let number = self.strings.get(string).copied();
        self.int(number.unwrap_or(i64::MAX));
    }

    fn key(&mut self, key: Key<'_>) {
        match key {
            Key::Global(high, low) => {
                self.int(-1);
                self.int(i64::try_from(high).unwrap_or_default());
                self.int(i64::try_from(low).unwrap_or_default());
            }
            Key::Null => self.int(0),
            Key::Int(value) => {
                self.int(code::INT);
                self.int(value);
            }
            Key::String(value) => {
                self.int(code::STRING);
                self.string(value);
            }
            Key::ObjectId(bytes) => {
                self.int(code::OBJECT_ID);
                self.out.extend_from_slice(&bytes);
            }
            Key::Uuid(bytes) => {
                self.int(code::UUID);
                self.out.extend_from_slice(&bytes);
            }
        }
    }

    fn payload(&mut self, payload: Payload<'_>) {
        let value = match payload {
            Payload::Set => return self.int(-6),
            Payload::List => return self.int(-5),
            Payload::Erased => return self.int(-4),
            Payload::Dictionary => return self.int(-3),
            Payload::Object => return self.int(-2),
            Payload::Link { class, key } => {
                self.int(code::LINK);
                self.string(class);
                return self.key(key);
            }
            Payload::Value(value) => value,
        };
        match value {
            Value::Null => self.int(0),
            Value::Int(value) => {
                self.int(code::INT);
                self.int(value);
            }
            Value::Bool(value) => {
                self.int(code::BOOL);
                self.int(value.into());
            }
            Value::String(value) => {
                self.int(code::STRING);
                self.bytes(value.as_bytes());
            }
            Value::Binary(value) => {
                self.int(code::BINARY);
                self.bytes(value);
            }
            Value::Timestamp { seconds, nanoseconds } => {
                self.int(code::TIMESTAMP);
                self.int(seconds);
                self.int(nanoseconds.into());
            }
            Value::Float(value) => {
                self.int(code::FLOAT);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            Value::Double(value) => {
                self.int(code::DOUBLE);
                self.out.extend_from_slice(&value.to_le_bytes());
            }
            Value::Decimal(bits) => {
                let bits = u128::from_le_bytes(bits);
                self.int(code::DECIMAL);
                magnitude(&mut self.out, bits & ((1 << 113) - 1), false);
                let exponent = i64::try_from((bits >> 113) & 0x3fff).unwrap_or_default();
                self.int(exponent - 6_176);
                self.int(i64::from(bits >> 127 == 1));
            }
            Value::ObjectId(bytes) => {
                self.int(code::OBJECT_ID);
                self.out.extend_from_slice(&bytes);
            }
            Value::Uuid(bytes) => {
                self.int(code::UUID);
                self.out.extend_from_slice(&bytes);
            }
        }
    }

    fn key_column(&mut self, key: Option<KeyColumn<'_>>) {
        self.string(key.map_or("", |key| key.name));
        self.int(match key.map(|key| key.kind) {
            None => -1,
            Some(KeyType::Int) => code::INT,
            Some(KeyType::String) => code::STRING,
            Some(KeyType::ObjectId) => code::OBJECT_ID,
            Some(KeyType::Uuid) => code::UUID,
        });
        self.int(key.is_some_and(|key| key.nullable).into());
    }

    fn column(&mut self, column: Column<'_>) {
        self.int(match column.kind {
            ColumnType::Mixed => code::MIXED,
            ColumnType::Int => code::INT,
            ColumnType::Bool => code::BOOL,
            ColumnType::String => code::STRING,
            ColumnType::Binary => code::BINARY,
            ColumnType::Timestamp => code::TIMESTAMP,
            ColumnType::Float => code::FLOAT,
            ColumnType::Double => code::DOUBLE,
            ColumnType::Decimal => code::DECIMAL,
            ColumnType::Link => code::LINK,
            ColumnType::ObjectId => code::OBJECT_ID,
            ColumnType::Uuid => code::UUID,
        });
        self.int(column.nullable.into());
        self.container(column.container);
        if let Some(target) = column.target {
            self.string(target);
        }
        if column.container == Some(Container::Dictionary) {
            self.int(code::STRING);
        }
    }

    fn container(&mut self, container: Option<Container>) {
        self.int(match container {
            None => 0,
            Some(Container::List) => 1,
            Some(Container::Dictionary) => 2,
            Some(Container::Set) => 3,
        });
    }

    fn place(&mut self, code: i64, place: Place<'_, '_>) {
        self.define([place.class, place.field]);
        self.define_key(place.key);
        let names = place.path.iter().filter_map(|step| match step {
            PathElement::Name(name) => Some(*name),
            PathElement::Index(_) => None,
        });
        self.define(names);
        self.int(code);
        self.string(place.class);
        self.key(place.key);
        self.string(place.field);
        self.size(place.path.len());
        for step in place.path {
            match *step {
                PathElement::Index(index) => self.size(index),
                PathElement::Name(name) => {
                    self.int(-1);
                    self.string(name);
                }
            }
        }
    }

    fn define_key(&mut self, key: Key<'_>) {
        if let Key::String(key) = key {
            self.define([key]);
        }
    }

    fn define_link(&mut self, payload: Payload<'_>) {
        if let Payload::Link { class, key } = payload {
            self.define([class]);
            self.define_key(key);
        }
    }

    pub(crate) fn push(&mut self, instruction: Instruction<'_, '_>) {
        use Instruction as I;
        match instruction {
            I::AddTable { class, table } => {
                let (code, key) = match table {
                    Table::Regular(key) => (0, Some(key)),
                    Table::Embedded => (1, None),
                    Table::Asymmetric(key) => (2, Some(key)),
                };
                self.define([class]);
                self.define(key.map(|key| key.map_or("", |key| key.name)));
                self.int(0);
                self.string(class);
                self.int(code);
                if let Some(key) = key {
                    self.key_column(key);
                }
            }
            I::EraseTable { class } => {
                self.define([class]);
                self.int(1);
                self.string(class);
            }
            I::CreateObject { class, key } | I::EraseObject { class, key } => {
                self.define([class]);
                self.define_key(key);
                let is_new = matches!(instruction, I::CreateObject { .. });
                self.int(if is_new { 2 } else { 3 });
                self.string(class);
                self.key(key);
            }
            I::Update { place, payload } => {
                self.define_link(payload);
                self.place(4, place);
                self.payload(payload);
                self.int(0);
            }
            I::AddInteger { place, by } => {
                self.place(5, place);
                self.int(by);
            }
            I::AddColumn { class, field, column } => {
                self.define([class, field]);
                self.define(column.target);
                self.int(6);
                self.string(class);
                self.string(field);
                self.column(column);
            }
            I::EraseColumn { class, field } => {
                self.define([class, field]);
                self.int(7);
                self.string(class);
                self.string(field);
            }
            I::ArrayInsert { place, payload } => {
                self.define_link(payload);
                self.place(8, place);
                self.payload(payload);
                self.int(0);
            }
            I::ArrayMove { place, to } => {
                self.place(9, place);
                self.size(to);
                self.int(0);
            }
            I::ArrayErase { place } => {
                self.place(10, place);
                self.int(0);
            }
            I::Clear { place, container } => {
                self.place(11, place);
                self.container(container);
            }
            I::SetInsert { place, payload } => {
                self.define_link(payload);
                self.place(12, place);
                self.payload(payload);
            }
            I::SetErase { place, payload } => {
                self.define_link(payload);
                self.place(13, place);
                self.payload(payload);
            }
        }
    }
}
