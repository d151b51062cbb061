//! What is accepted of classes, and which of them are in conflict with it.

use std::collections::BTreeMap;

use realm_ingest_protocol::Schema;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{VERSION, compared, conflicts_of, fingerprints, parse_class, version};
use crate::backend::BackendError;
use crate::clock;
use crate::state::acceptance;

/// Finds what is accepted in a file that was written before that was kept.
pub(in crate::state::embedded) fn complete(connection: &mut Connection) -> Result<(), BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let exists = |query| transaction.prepare(query)?.exists([]);
    if exists("SELECT 1 FROM schemas")? && !exists("SELECT 1 FROM accepted")? {
        refresh(&transaction)?;
    }
    Ok(transaction.commit()?)
}

/// What is accepted of those classes that the schema has.
pub(super) fn accepted_of_classes(connection: &Connection, schema: &Schema) -> Result<Schema, BackendError> {
    let mut statement = connection.prepare_cached("SELECT json FROM accepted WHERE class = ?1")?;
    let mut classes = Vec::new();
    for class in &schema.classes {
        let json = statement.query_one([&class.name], |row| row.get::<_, String>(0));
        if let Some(json) = json.optional()? {
            classes.push(parse_class(&json)?);
        }
    }
    Ok(Schema { classes })
}

/// Makes these definitions the accepted ones of their classes.
fn accept(connection: &Connection, accepted: &Schema) -> Result<(), BackendError> {
    let mut write =
        connection.prepare_cached("INSERT OR REPLACE INTO accepted (class, json) VALUES (?1, ?2)")?;
    for class in &accepted.classes {
        let json = serde_json::to_string(class)
            .map_err(|error| BackendError::Damaged(format!("a class cannot be written: {error}")))?;
        write.execute([&class.name, &json])?;
    }
    Ok(())
}

/// After something was decided or forgotten: finds anew what is accepted and in conflict, from what was chosen and then
/// each schema in the order they came, and raises the version.
pub(super) fn refresh(connection: &Connection) -> Result<(), BackendError> {
    connection.execute("DELETE FROM accepted", [])?;
    let mut choices = connection.prepare_cached("SELECT class, fingerprint FROM choices")?;
    let choices = choices.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for choice in choices.collect::<rusqlite::Result<Vec<_>>>()? {
        let (class, fingerprint) = choice;
        if let Some(mut schema) = compared(connection, &fingerprint)? {
            schema.classes.retain(|one| one.name == class);
            accept(connection, &schema)?;
        }
    }
    for fingerprint in fingerprints(connection)? {
        if let Some(schema) = compared(connection, &fingerprint)? {
            accept_what_fits(connection, &fingerprint, &schema)?;
        }
    }
    connection.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
        params![VERSION, version(connection)? + 1],
    )?;
    Ok(())
}

/// Extends what is accepted by those classes of the schema that contradict nothing so far, and notes the others as in
/// conflict, keeping since when those that were have been so. What schemas behind this one add contradicts none of it.
pub(super) fn accept_what_fits(
    connection: &Connection,
    fingerprint: &str,
    schema: &Schema,
) -> Result<(), BackendError> {
    let before = accepted_of_classes(connection, schema)?;
    let conflicts = acceptance::conflicts(&before, schema);
    let mut extended = acceptance::extended(&before, schema, &conflicts);
    extended
        .classes
        .retain(|class| before.class(&class.name) != Some(class));
    accept(connection, &extended)?;
    let mut remove =
        connection.prepare_cached("DELETE FROM conflicts WHERE fingerprint = ?1 AND class = ?2")?;
    for class in conflicts_of(connection, fingerprint)?.keys() {
        if !conflicts.contains_key(class) {
            remove.execute([fingerprint, class])?;
        }
    }
    Ok(write_conflicts(connection, fingerprint, conflicts)?)
}

fn write_conflicts(
    connection: &Connection,
    fingerprint: &str,
    conflicts: BTreeMap<String, String>,
) -> rusqlite::Result<()> {
    let mut write = connection.prepare_cached(
        "INSERT INTO conflicts (fingerprint, class, since, reason) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (fingerprint, class) DO UPDATE SET reason = excluded.reason",
    )?;
    for (class, reason) in conflicts {
        write.execute(params![fingerprint, class, clock::unix_millis(), reason])?;
    }
    Ok(())
}
