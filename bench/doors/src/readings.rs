//! The objects: readings of 136 bytes of BSON.

use bson::doc;
use bson::oid::ObjectId;

use crate::Failure;
use crate::changeset::{Changeset, Value};

/// Their class.
pub const CLASS: &str = "Reading";

pub struct Reading(ObjectId);

impl Reading {
    pub fn new() -> Self {
        Self(ObjectId::new())
    }

    /// As this project's library sends it.
    pub fn document(&self) -> Result<Vec<u8>, Failure> {
        let document = doc! {"_id": self.0, "station": STATION, "value": VALUE, "note": note()};
        Ok(document.to_vec()?)
    }

    /// As a Realm SDK sends it.
    pub fn create(&self, changeset: &mut Changeset) {
        let key = self.0.bytes();
        changeset.create(CLASS, key);
        changeset.update(CLASS, key, "station", &Value::Int(STATION));
        changeset.update(CLASS, key, "value", &Value::Double(VALUE));
        changeset.update(CLASS, key, "note", &Value::Text(&note()));
    }
}

/// As this project's library sends it.
pub const SCHEMA: &str = r#"{"classes":[{"name":"Reading","kind":"asymmetric","primary_key":"_id","properties":[
    {"name":"_id","type":"objectId"},{"name":"station","type":"int"},{"name":"value","type":"double"},{"name":"note","type":"string"}]}]}"#;

/// As a Realm SDK sends it, in the first changeset of a file.
pub fn create_schema(changeset: &mut Changeset) {
    changeset.add_table(CLASS, "_id");
    for (property, kind) in [("station", INT), ("value", DOUBLE), ("note", TEXT)] {
        changeset.add_column(CLASS, property, kind);
    }
}

const STATION: i64 = 7;
const VALUE: f64 = 21.5;
// The protocol's numbers of types.
const INT: u8 = 1;
const TEXT: u8 = 3;
const DOUBLE: u8 = 7;

fn note() -> String {
    "x".repeat(60)
}
