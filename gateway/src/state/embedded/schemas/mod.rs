//! The schemas in the file of the store: what was sent, what the operator chose, and which classes are in conflict.
//!
//! A schema that comes is compared with what is accepted of its own classes. A decision of the operator, which is rare,
//! finds everything anew and raises the version, at which whoever remembers something looks first. Only one schema is in
//! memory at a time.
//!
//! Where there is no room for another one, the oldest under which nobody has written and of which nothing was chosen make
//! room: strangers who send schemas for their own sake push out each other's.

mod acceptance;
mod kept;
mod operator;
#[cfg(test)]
mod tests;

pub(super) use acceptance::complete;
pub(super) use kept::{add, forget, forget_unused, note_use};
pub(super) use operator::{choose, list, list_format_1};

use std::collections::BTreeMap;

use realm_ingest_protocol::{Class, Schema};
use rusqlite::{Connection, OptionalExtension};

use crate::backend::BackendError;
use crate::state::acceptance::{KnownSchema, Reaching};

/// Name of the version in `meta`.
const VERSION: &str = "schemas";

/// Grows with each decision of the operator, 0 before the first.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement
        .query_one([VERSION], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// Every schema by its fingerprint.
pub(super) fn load(connection: &Connection) -> Result<BTreeMap<String, KnownSchema>, BackendError> {
    let mut known = BTreeMap::new();
    for fingerprint in fingerprints(connection)? {
        if let Some(schema) = known_schema(connection, &fingerprint)? {
            known.insert(fingerprint, schema);
        }
    }
    Ok(known)
}

/// The schema of this fingerprint and the version it was read under.
pub(super) fn find(
    connection: &Connection,
    fingerprint: &str,
) -> Result<Option<(i64, KnownSchema)>, BackendError> {
    let version = version(connection)?;
    let known = known_schema(connection, fingerprint)?;
    Ok(known.map(|known| (version, known)))
}

/// The accepted definition of every class.
pub(super) fn accepted(connection: &Connection) -> Result<Schema, BackendError> {
    let mut statement = connection.prepare_cached("SELECT json FROM accepted ORDER BY class")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let classes = rows.map(|json| parse_class(&json?)).collect::<Result<_, _>>()?;
    Ok(Schema { classes })
}

/// The accepted definition of a class and of the embedded classes in it.
pub(super) fn accepted_class(connection: &Connection, class: String) -> Result<Option<Schema>, BackendError> {
    let mut statement = connection.prepare_cached("SELECT json FROM accepted WHERE class = ?1")?;
    let mut reaching = Reaching::from(class);
    while let Some(name) = reaching.next() {
        let json = statement.query_one([&name], |row| row.get::<_, String>(0));
        if let Some(json) = json.optional()? {
            reaching.found(parse_class(&json)?);
        }
    }
    Ok(reaching.schema())
}

/// The fingerprint of every schema, in the order they came.
fn fingerprints(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare_cached("SELECT fingerprint FROM schemas ORDER BY number, fingerprint")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

/// The schema of this fingerprint as it was sent.
pub(super) fn sent(connection: &Connection, fingerprint: &str) -> Result<Option<Schema>, BackendError> {
    let mut statement = connection.prepare_cached("SELECT json FROM schemas WHERE fingerprint = ?1")?;
    let json = statement.query_one([fingerprint], |row| row.get::<_, String>(0));
    json.optional()?.map(|json| parse(&json)).transpose()
}

/// What of the schema of this fingerprint is compared with others.
fn compared(connection: &Connection, fingerprint: &str) -> Result<Option<Schema>, BackendError> {
    let mut statement =
        connection.prepare_cached("SELECT coalesce(compared, json) FROM schemas WHERE fingerprint = ?1")?;
    let json = statement.query_one([fingerprint], |row| row.get::<_, String>(0));
    json.optional()?.map(|json| parse(&json)).transpose()
}

/// The schema of this fingerprint with what is known of it.
fn known_schema(connection: &Connection, fingerprint: &str) -> Result<Option<KnownSchema>, BackendError> {
    let Some(schema) = sent(connection, fingerprint)? else {
        return Ok(None);
    };
    let mut rest = connection.prepare_cached("SELECT used, compared FROM schemas WHERE fingerprint = ?1")?;
    let (used, compared) = rest.query_one([fingerprint], |row| {
        Ok((row.get(0)?, row.get::<_, Option<String>>(1)?))
    })?;
    Ok(Some(KnownSchema {
        schema,
        compared: compared.map(|json| parse(&json)).transpose()?,
        conflicts: conflicts_of(connection, fingerprint)?,
        used,
    }))
}

/// Classes of this schema whose documents are refused, each with the reason.
fn conflicts_of(connection: &Connection, fingerprint: &str) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement =
        connection.prepare_cached("SELECT class, reason FROM conflicts WHERE fingerprint = ?1")?;
    let rows = statement.query_map([fingerprint], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn parse_class(json: &str) -> Result<Class, BackendError> {
    serde_json::from_str(json)
        .map_err(|error| BackendError::Damaged(format!("a stored class cannot be read: {error}")))
}

fn parse(json: &str) -> Result<Schema, BackendError> {
    Schema::parse(json)
        .map_err(|error| BackendError::Damaged(format!("a stored schema cannot be read: {error}")))
}
