//! What the operator sees of schemas and decides about them.

use realm_ingest_protocol::Schema;
use rusqlite::{Connection, TransactionBehavior, params};

use super::acceptance::{accepted_of_classes, refresh};
use super::{compared, fingerprints, parse, sent};
use crate::backend::BackendError;
use crate::clock;
use crate::state::operator::{Conflict, ListedSchema, chosen_classes, no_schema};

/// Makes the schema's definition of the class, and of the embedded classes in it, the accepted one; of all its classes
/// in conflict when none is named. The answer is the classes that were chosen, or what is wrong with the request.
pub(in crate::state::embedded) fn choose(
    connection: &mut Connection,
    fingerprint: &str,
    class: Option<&str>,
) -> Result<Result<Vec<String>, String>, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (Some(sent), Some(schema)) = (
        sent(&transaction, fingerprint)?,
        compared(&transaction, fingerprint)?,
    ) else {
        return Ok(Err(no_schema(fingerprint)));
    };
    let accepted = accepted_of_classes(&transaction, &schema)?;
    let chosen = match chosen_classes(&sent, &schema, &accepted, class) {
        Ok(chosen) => chosen,
        Err(refused) => return Ok(Err(refused)),
    };
    for class in &chosen {
        transaction.execute(
            "INSERT OR REPLACE INTO choices (class, fingerprint, time) VALUES (?1, ?2, ?3)",
            params![class, fingerprint, clock::unix_millis()],
        )?;
    }
    refresh(&transaction)?;
    transaction.commit()?;
    Ok(Ok(chosen))
}

/// Every schema for the operator, in the order they came.
pub(in crate::state::embedded) fn list(connection: &Connection) -> Result<Vec<ListedSchema>, BackendError> {
    let mut listed = Vec::new();
    for fingerprint in fingerprints(connection)? {
        let Some(schema) = sent(connection, &fingerprint)? else {
            continue;
        };
        let (created, user) = connection.query_one(
            "SELECT created, nullif(user, '') FROM schemas WHERE fingerprint = ?1",
            [&fingerprint],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut chosen =
            connection.prepare_cached("SELECT class FROM choices WHERE fingerprint = ?1 ORDER BY class")?;
        let chosen = chosen.query_map([&fingerprint], |row| row.get(0))?;
        let mut conflicts = connection.prepare_cached(
            "SELECT class, since, reason FROM conflicts WHERE fingerprint = ?1 ORDER BY class",
        )?;
        let conflicts = conflicts.query_map([&fingerprint], |row| {
            Ok(Conflict {
                class: row.get(0)?,
                since: row.get(1)?,
                reason: row.get(2)?,
            })
        })?;
        listed.push(ListedSchema {
            chosen: chosen.collect::<rusqlite::Result<_>>()?,
            conflicts: conflicts.collect::<rusqlite::Result<_>>()?,
            fingerprint,
            created,
            user,
            classes: names(schema),
        });
    }
    Ok(listed)
}

/// The same of a file of format 1, in which none contradicts another.
pub(in crate::state::embedded) fn list_format_1(
    connection: &Connection,
) -> Result<Vec<ListedSchema>, BackendError> {
    let mut statement =
        connection.prepare("SELECT fingerprint, created, json FROM schemas ORDER BY created, fingerprint")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
    rows.map(|row| {
        let (fingerprint, created, json) = row?;
        Ok(ListedSchema {
            fingerprint,
            created,
            user: None,
            classes: names(parse(&json)?),
            chosen: Vec::new(),
            conflicts: Vec::new(),
        })
    })
    .collect()
}

fn names(schema: Schema) -> Vec<String> {
    schema.classes.into_iter().map(|class| class.name).collect()
}
