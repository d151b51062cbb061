//! Values and keys in a changeset of realm-core 14, each with its type in front.

use serde::{Deserialize, Serialize};

use super::Fault;
use super::integer::Input;

const SET: i64 = -6;
const LIST: i64 = -5;
const ERASED: i64 = -4;
const DICTIONARY: i64 = -3;
const OBJECT: i64 = -2;
const GLOBAL_KEY: i64 = -1;
const NULL: i64 = 0;
const INT: i64 = 1;
const BOOL: i64 = 2;
const STRING: i64 = 3;
const BINARY: i64 = 4;
const TIMESTAMP: i64 = 5;
const FLOAT: i64 = 6;
const DOUBLE: i64 = 7;
const DECIMAL: i64 = 8;
const LINK: i64 = 9;
const OBJECT_ID: i64 = 10;
const UUID: i64 = 11;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// What is added to a decimal's exponent in its bits.
const EXPONENT_BIAS: i64 = 6_176;

/// Which object of a class: the value of its primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the types are Realm's own under Realm's own names")]
pub enum Key<'a> {
    Null,
    Int(i64),
    String(&'a str),
    ObjectId([u8; 12]),
    Uuid([u8; 16]),
    /// Of an object without a primary key.
    Global(u64, u64),
}

/// The type of a primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the types are Realm's own under Realm's own names")]
pub enum KeyType {
    Int,
    String,
    ObjectId,
    Uuid,
}

/// A value that holds no others.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the types are Realm's own under Realm's own names")]
pub enum Value<'a> {
    Null,
    Int(i64),
    Bool(bool),
    String(&'a str),
    Binary(&'a [u8]),
    /// Since 1970; both parts have one sign.
    Timestamp {
        seconds: i64,
        nanoseconds: i32,
    },
    Float(f32),
    Double(f64),
    /// The bits of a BSON decimal128, the least significant byte first.
    Decimal([u8; 16]),
    ObjectId([u8; 12]),
    Uuid([u8; 16]),
}

/// What an instruction puts somewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Payload<'a> {
    /// A value.
    Value(Value<'a>),
    /// A link to an object of a regular class.
    Link {
        /// Its class.
        class: &'a str,
        /// Which one of it.
        key: Key<'a>,
    },
    /// An embedded object without anything in it.
    Object,
    /// An empty dictionary.
    Dictionary,
    /// An empty list.
    List,
    /// An empty set.
    Set,
    /// Nothing: the entry of a dictionary goes.
    Erased,
}

impl<'a> Key<'a> {
    /// Reads a key; its strings are among the numbered ones.
    pub(super) fn read(input: &mut Input<'a>, strings: &[&'a str]) -> Result<Self, Fault> {
        Ok(match input.int()? {
            GLOBAL_KEY => Self::Global(input.uint()?, input.uint()?),
            NULL => Self::Null,
            INT => Self::Int(input.int()?),
            STRING => Self::String(numbered(input, strings)?),
            OBJECT_ID => Self::ObjectId(input.array()?),
            UUID => Self::Uuid(input.array()?),
            other => return Err(Fault::UnknownType(other)),
        })
    }

    /// As a value; none of an object that has no primary key.
    #[must_use]
    pub const fn value(self) -> Option<Value<'a>> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Int(value) => Value::Int(value),
            Self::String(value) => Value::String(value),
            Self::ObjectId(value) => Value::ObjectId(value),
            Self::Uuid(value) => Value::Uuid(value),
            Self::Global(..) => return None,
        })
    }
}

impl KeyType {
    /// None where the class has no primary key.
    pub(super) fn read(input: &mut Input<'_>) -> Result<Option<Self>, Fault> {
        Ok(Some(match input.int()? {
            GLOBAL_KEY => return Ok(None),
            INT => Self::Int,
            STRING => Self::String,
            OBJECT_ID => Self::ObjectId,
            UUID => Self::Uuid,
            other => return Err(Fault::UnknownType(other)),
        }))
    }
}

impl<'a> Payload<'a> {
    pub(super) fn read(input: &mut Input<'a>, strings: &[&'a str]) -> Result<Self, Fault> {
        Ok(Self::Value(match input.int()? {
            SET => return Ok(Self::Set),
            LIST => return Ok(Self::List),
            ERASED => return Ok(Self::Erased),
            DICTIONARY => return Ok(Self::Dictionary),
            OBJECT => return Ok(Self::Object),
            LINK => {
                let class = numbered(input, strings)?;
                let key = Key::read(input, strings)?;
                return Ok(Self::Link { class, key });
            }
            NULL => Value::Null,
            INT => Value::Int(input.int()?),
            BOOL => Value::Bool(input.bool()?),
            STRING => Value::String(input.string()?),
            BINARY => Value::Binary(input.binary()?),
            TIMESTAMP => timestamp(input)?,
            FLOAT => Value::Float(f32::from_le_bytes(input.array()?)),
            DOUBLE => Value::Double(f64::from_le_bytes(input.array()?)),
            DECIMAL => decimal(input)?,
            OBJECT_ID => Value::ObjectId(input.array()?),
            UUID => Value::Uuid(input.array()?),
            other => return Err(Fault::UnknownType(other)),
        }))
    }
}

/// A string by its number.
pub(super) fn numbered<'a>(input: &mut Input<'a>, strings: &[&'a str]) -> Result<&'a str, Fault> {
    strings.get(input.index()?).copied().ok_or(Fault::UnknownString)
}

fn timestamp<'a>(input: &mut Input<'a>) -> Result<Value<'a>, Fault> {
    let (seconds, nanoseconds) = (input.int()?, input.int()?);
    let one_sign = seconds.signum() * nanoseconds.signum() >= 0;
    if !one_sign || !(-SECOND..SECOND).contains(&nanoseconds) || nanoseconds == -SECOND {
        return Err(Fault::Integer);
    }
    let nanoseconds = i32::try_from(nanoseconds).map_err(|_| Fault::Integer)?;
    Ok(Value::Timestamp { seconds, nanoseconds })
}

/// The exponents of infinity and of what is no number lie beyond those of numbers, so one formula makes the bits of all.
fn decimal<'a>(input: &mut Input<'a>) -> Result<Value<'a>, Fault> {
    let coefficient = input.coefficient()?;
    let exponent = input.int()?.checked_add(EXPONENT_BIAS);
    let exponent = exponent
        .and_then(|exponent| u16::try_from(exponent).ok())
        .filter(|exponent| *exponent < 1 << 14)
        .ok_or(Fault::Integer)?;
    let sign = u128::from(input.bool()?);
    let bits = sign << 127 | u128::from(exponent) << 113 | coefficient;
    Ok(Value::Decimal(bits.to_le_bytes()))
}

/// Column types that are also value types, by their codes; `Null` stands for mixed there.
pub(super) mod code {
    pub const MIXED: i64 = super::NULL;
    pub const INT: i64 = super::INT;
    pub const BOOL: i64 = super::BOOL;
    pub const STRING: i64 = super::STRING;
    pub const BINARY: i64 = super::BINARY;
    pub const TIMESTAMP: i64 = super::TIMESTAMP;
    pub const FLOAT: i64 = super::FLOAT;
    pub const DOUBLE: i64 = super::DOUBLE;
    pub const DECIMAL: i64 = super::DECIMAL;
    pub const LINK: i64 = super::LINK;
    pub const OBJECT_ID: i64 = super::OBJECT_ID;
    pub const UUID: i64 = super::UUID;
}
