//! Objects that were refused, as an application is told of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bson::Bson;
use bson::spec::BinarySubtype;
use serde_json::{Value, json};

use super::bounded;

/// Objects that one message names. What a device is told has to fit into its memory.
pub const MAX_REJECTED: usize = 1_000;

/// The primary key of an object, of all kinds that Realm has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrimaryKey {
    /// None, or one that the protocol cannot say.
    Null,
    /// An integer.
    Int(i64),
    /// A text.
    String(String),
    /// An object id.
    ObjectId([u8; 12]),
    /// A UUID.
    Uuid([u8; 16]),
}

impl PrimaryKey {
    /// The key that an `_id` is.
    #[must_use]
    pub fn of(id: &Bson) -> Self {
        match id {
            Bson::Int32(value) => Self::Int(i64::from(*value)),
            Bson::Int64(value) => Self::Int(*value),
            Bson::String(value) => Self::String(value.clone()),
            Bson::ObjectId(value) => Self::ObjectId(value.bytes()),
            Bson::Binary(value) if value.subtype == BinarySubtype::Uuid => {
                let bytes = value.bytes.as_slice().try_into();
                bytes.map_or(Self::Null, Self::Uuid)
            }
            _ => Self::Null,
        }
    }

    /// As the protocol has it in an error: its type and its value, in base64.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut bytes = Vec::new();
        match self {
            Self::Null => bytes.push(0x00),
            Self::Int(value) => {
                bytes.push(0x01);
                push_int(&mut bytes, *value);
            }
            Self::String(value) => {
                bytes.push(0x03);
                push_int(&mut bytes, i64::try_from(value.len()).unwrap_or(i64::MAX));
                bytes.extend_from_slice(value.as_bytes());
            }
            Self::ObjectId(value) => {
                bytes.push(0x0a);
                bytes.extend_from_slice(value);
            }
            Self::Uuid(value) => {
                bytes.push(0x0b);
                bytes.extend_from_slice(value);
            }
        }
        STANDARD.encode(bytes)
    }
}

/// Appends an integer as changesets have them: seven bits a byte, the lowest first; the last one has six, and the sign.
fn push_int(bytes: &mut Vec<u8>, value: i64) {
    let (mut rest, sign) = if value < 0 {
        (value.unsigned_abs() - 1, 0x40)
    } else {
        (value.unsigned_abs(), 0x00)
    };
    let low = |rest: u64| u8::try_from(rest & 0x7f).unwrap_or_default();
    while rest > 0x3f {
        bytes.push(low(rest) | 0x80);
        rest >>= 7;
    }
    bytes.push(low(rest) | sign);
}

/// An object that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedUpdate {
    /// Of the changeset that has it.
    pub client_version: u64,
    /// Its class.
    pub table: String,
    /// Its primary key.
    pub key: PrimaryKey,
    /// Why, in a sentence. It is cut when it is too long.
    pub reason: String,
}

/// What one message says of objects that were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    updates: Vec<RejectedUpdate>,
    /// Refused as well, and not named.
    unnamed: u64,
    client_version: u64,
    server_version: u64,
}

impl Rejected {
    /// Names the first of these, and counts the others. The server version is the one of the changeset that comes with the
    /// acknowledgement; the client tells its application once it has it. None when there are none.
    #[must_use]
    pub fn new(mut updates: Vec<RejectedUpdate>, unnamed: u64, server_version: u64) -> Option<Self> {
        let client_version = updates.iter().map(|update| update.client_version).max()?;
        let too_many = updates.len().saturating_sub(MAX_REJECTED);
        updates.truncate(MAX_REJECTED);
        Some(Self {
            updates,
            unnamed: unnamed.saturating_add(u64::try_from(too_many).unwrap_or(u64::MAX)),
            client_version,
            server_version,
        })
    }

    pub(super) fn message(&self) -> String {
        let named = u64::try_from(self.updates.len()).unwrap_or(u64::MAX);
        match named.saturating_add(self.unnamed) {
            1 => "an object was refused; it is kept among the gateway's dead letters".to_owned(),
            all => format!("{all} objects were refused; they are kept among the gateway's dead letters"),
        }
    }

    /// What an error has beside the usual keys.
    pub(super) fn keys(&self) -> [(&'static str, Value); 3] {
        let last = self.updates.len().saturating_sub(1);
        let updates = self.updates.iter().enumerate().map(|(index, update)| {
            let mut reason = bounded(update.reason.clone());
            if index == last && self.unnamed > 0 {
                let more = self.unnamed;
                reason = format!("{reason} (and {more} more objects were refused, which are not named here)");
            }
            json!({"table": update.table, "pk": update.key.encoded(), "reason": reason})
        });
        [
            ("rejectedUpdates", Value::Array(updates.collect())),
            ("rejectedClientVersion", json!(self.client_version)),
            ("compensatingWriteServerVersion", json!(self.server_version)),
        ]
    }
}
