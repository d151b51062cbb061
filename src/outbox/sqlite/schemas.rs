//! The statements on the schemas.

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::rows::not_as_written;
use crate::outbox::seal::Seal;
use crate::outbox::{SchemaId, StoredSchema};

/// Names the two columns to the seal. In an encrypted file a schema is looked up by its sealed fingerprint, and
/// has that in its sealed text as well, so that two schemas cannot be exchanged.
const FINGERPRINT: &str = "fingerprint";
const TEXT: &str = "schema";

pub(super) fn find(connection: &Connection, seal: &Seal, fingerprint: &str) -> Result<Option<SchemaId>> {
    connection
        .prepare_cached("SELECT id FROM schema WHERE fingerprint = ?1 AND json <> ''")?
        .query_row([seal.seal_name(FINGERPRINT, fingerprint)?], |row| {
            row.get(0).map(SchemaId)
        })
        .optional()
}

/// Another process may have added it meanwhile, or its text may be what damage took.
pub(super) fn add(connection: &Connection, seal: &Seal, fingerprint: &str, json: &str) -> Result<SchemaId> {
    let name = seal.seal_name(FINGERPRINT, fingerprint)?;
    let known = connection
        .query_row("SELECT id FROM schema WHERE fingerprint = ?1", [&name], |row| {
            row.get(0)
        })
        .optional()?;
    // The text is sealed for its id, so that is chosen here. Nobody else writes meanwhile.
    let id = match known {
        Some(id) => id,
        None => connection.query_row("SELECT coalesce(max(id), 0) + 1 FROM schema", [], |row| {
            row.get(0)
        })?,
    };
    let text = sealed_text(seal, SchemaId(id), fingerprint, json)?;
    connection.execute(
        "INSERT INTO schema (id, fingerprint, json) VALUES (?1, ?2, ?3)
         ON CONFLICT (fingerprint) DO UPDATE SET json = excluded.json WHERE json = ''",
        params![id, name, text],
    )?;
    Ok(SchemaId(id))
}

pub(super) fn ids(connection: &Connection) -> Result<Vec<SchemaId>> {
    // Not by the index of fingerprints, which has the ids as well: it may be what is damaged.
    connection
        .prepare("SELECT id FROM schema NOT INDEXED")?
        .query_map([], |row| row.get(0).map(SchemaId))?
        .collect()
}

/// The schemas without their texts, which are not in the index that this reads; those that can be opened.
pub(super) fn fingerprints(connection: &Connection, seal: &Seal) -> Result<Vec<(SchemaId, String)>> {
    let names: Vec<(SchemaId, String)> = connection
        .prepare("SELECT id, fingerprint FROM schema INDEXED BY sqlite_autoindex_schema_1")?
        .query_map([], |row| Ok((SchemaId(row.get(0)?), row.get(1)?)))?
        .collect::<Result<_>>()?;
    let opened = names
        .into_iter()
        .filter_map(|(id, name)| Some((id, seal.open_name(FINGERPRINT, &name)?)));
    Ok(opened.collect())
}

/// Stores a schema of another file under the id it had there. One that is there already stays.
pub(super) fn adopt(connection: &Connection, seal: &Seal, id: SchemaId, schema: &StoredSchema) -> Result<()> {
    let StoredSchema { fingerprint, json } = schema;
    let name = seal.seal_name(FINGERPRINT, fingerprint)?;
    let text = match json.is_empty() {
        true => String::new(),
        false => sealed_text(seal, id, fingerprint, json)?,
    };
    connection
        .execute(
            "INSERT INTO schema VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![id.0, name, text],
        )
        .map(|_| ())
}

pub(super) fn read(connection: &Connection, seal: &Seal, id: SchemaId) -> Result<StoredSchema> {
    let (name, text): (String, String) = connection
        .prepare_cached("SELECT fingerprint, json FROM schema WHERE id = ?1")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let opened = || {
        let fingerprint = seal.open_name(FINGERPRINT, &name)?;
        let json = match text.is_empty() {
            true => text.clone(),
            false => opened_text(seal, id, &fingerprint, &text)?,
        };
        Some(StoredSchema { fingerprint, json })
    };
    opened().ok_or_else(|| not_as_written(&format!("schema {}", id.0)))
}

fn sealed_text(seal: &Seal, id: SchemaId, fingerprint: &str, json: &str) -> Result<String> {
    if seal.is_none() {
        return Ok(json.to_owned());
    }
    Ok(seal.seal_text(TEXT, id.0, &format!("{fingerprint}\n{json}"))?)
}

fn opened_text(seal: &Seal, id: SchemaId, fingerprint: &str, stored: &str) -> Option<String> {
    if seal.is_none() {
        return Some(stored.to_owned());
    }
    let text = seal.open_text(TEXT, id.0, stored)?;
    let json = text.strip_prefix(fingerprint)?.strip_prefix('\n')?;
    Some(json.to_owned())
}
