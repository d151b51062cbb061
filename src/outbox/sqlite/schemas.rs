//! The statements on the schemas.

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::outbox::{SchemaId, StoredSchema};

pub(super) fn find(connection: &Connection, fingerprint: &str) -> Result<Option<SchemaId>> {
    connection
        .prepare_cached("SELECT id FROM schema WHERE fingerprint = ?1 AND json <> ''")?
        .query_row([fingerprint], |row| row.get(0).map(SchemaId))
        .optional()
}

/// Another process may have added it meanwhile, or its text may be what damage took.
pub(super) fn add(connection: &Connection, fingerprint: &str, json: &str) -> Result<SchemaId> {
    connection.execute(
        "INSERT INTO schema (fingerprint, json) VALUES (?1, ?2)
         ON CONFLICT (fingerprint) DO UPDATE SET json = excluded.json WHERE json = ''",
        [fingerprint, json],
    )?;
    find(connection, fingerprint)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

pub(super) fn ids(connection: &Connection) -> Result<Vec<SchemaId>> {
    // Not by the index of fingerprints, which has the ids as well: it may be what is damaged.
    connection
        .prepare("SELECT id FROM schema NOT INDEXED")?
        .query_map([], |row| row.get(0).map(SchemaId))?
        .collect()
}

/// The schemas without their texts, which are not in the index that this reads.
pub(super) fn fingerprints(connection: &Connection) -> Result<Vec<(SchemaId, String)>> {
    connection
        .prepare("SELECT id, fingerprint FROM schema INDEXED BY sqlite_autoindex_schema_1")?
        .query_map([], |row| Ok((SchemaId(row.get(0)?), row.get(1)?)))?
        .collect()
}

/// Stores a schema of another file under the id it had there. One that is there already stays.
pub(super) fn adopt(connection: &Connection, id: SchemaId, schema: &StoredSchema) -> Result<()> {
    connection
        .execute(
            "INSERT INTO schema VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![id.0, schema.fingerprint, schema.json],
        )
        .map(|_| ())
}

pub(super) fn read(connection: &Connection, id: SchemaId) -> Result<StoredSchema> {
    connection
        .prepare_cached("SELECT fingerprint, json FROM schema WHERE id = ?1")?
        .query_row([id.0], |row| {
            Ok(StoredSchema {
                fingerprint: row.get(0)?,
                json: row.get(1)?,
            })
        })
}
