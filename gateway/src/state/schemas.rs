//! The schemas in the file of the store: what was sent, what the operator chose, and which classes are in conflict.
//!
//! The server and the commands both change these, each in one SQLite transaction that ends by writing the conflicts
//! anew; whoever reads looks at the version first.

use std::collections::BTreeMap;

use realm_ingest_protocol::{Class, Schema};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::acceptance::{self, KnownSchema};
use crate::backend::BackendError;
use crate::clock;

/// Name of the version in `meta`.
const VERSION: &str = "schemas";

/// One schema, for the operator.
#[derive(Debug)]
pub struct ListedSchema {
    /// Its name.
    pub fingerprint: String,
    /// Milliseconds since 1970 when it came.
    pub created: i64,
    /// The schema.
    pub schema: Schema,
    /// Its classes that the operator chose.
    pub chosen: Vec<String>,
    /// Its classes that are in conflict.
    pub conflicts: Vec<Conflict>,
}

/// A class whose documents become dead letters.
#[derive(Debug)]
pub struct Conflict {
    /// The class.
    pub class: String,
    /// Milliseconds since 1970 when it came to be so.
    pub since: i64,
    /// What contradicts what.
    pub reason: String,
}

/// Grows whenever something about schemas changes, 0 before the first.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement
        .query_one([VERSION], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// Every schema by its fingerprint, and their version.
pub(super) fn load(
    connection: &mut Connection,
) -> Result<(i64, BTreeMap<String, KnownSchema>), BackendError> {
    let transaction = connection.transaction()?;
    let version = version(&transaction)?;
    let mut known = BTreeMap::new();
    for (fingerprint, schema) in sent(&transaction)? {
        let conflicts = conflicts_of(&transaction, &fingerprint)?;
        known.insert(fingerprint, KnownSchema { schema, conflicts });
    }
    Ok((version, known))
}

/// The schema of this fingerprint and the version it was read under.
pub(super) fn find(
    connection: &mut Connection,
    fingerprint: &str,
) -> Result<Option<(i64, KnownSchema)>, BackendError> {
    let transaction = connection.transaction()?;
    let version = version(&transaction)?;
    let json = transaction
        .prepare_cached("SELECT json FROM schemas WHERE fingerprint = ?1")?
        .query_one([fingerprint], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(json) = json else { return Ok(None) };
    let known = KnownSchema {
        schema: parse(&json)?,
        conflicts: conflicts_of(&transaction, fingerprint)?,
    };
    Ok(Some((version, known)))
}

/// The accepted definition of every class.
pub(super) fn accepted(connection: &mut Connection) -> Result<Schema, BackendError> {
    let transaction = connection.transaction()?;
    accepted_of(&transaction)
}

/// Keeps a schema. Which of its classes are in conflict is found by reading.
pub(super) fn add(connection: &mut Connection, schema: &Schema) -> Result<(), BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let added = transaction.execute(
        "INSERT OR IGNORE INTO schemas (fingerprint, json, created, number)
         SELECT ?1, ?2, ?3, coalesce(max(number), 0) + 1 FROM schemas",
        params![schema.fingerprint(), schema.to_json(), clock::unix_millis()],
    )?;
    if added == 1 {
        refresh(&transaction)?;
    }
    Ok(transaction.commit()?)
}

/// Makes the schema's definition of the class, and of the embedded classes in it, the accepted one; of all its classes
/// in conflict when none is named. The answer is the classes that were chosen, or what is wrong with the request.
pub(super) fn choose(
    connection: &mut Connection,
    fingerprint: &str,
    class: Option<&str>,
) -> Result<Result<Vec<String>, String>, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sent = sent(&transaction)?;
    let Some((_, schema)) = sent.into_iter().find(|(name, _)| name == fingerprint) else {
        return Ok(Err(format!(
            "there is no schema {fingerprint}; 'schemas list' shows those there are"
        )));
    };
    let conflicts = acceptance::conflicts(&accepted_of(&transaction)?, &schema);
    let wanted: Vec<&Class> = match class {
        None => {
            let in_conflict = schema.classes.iter();
            in_conflict
                .filter(|class| conflicts.contains_key(&class.name))
                .collect()
        }
        Some(name) => match schema.class(name) {
            Some(class) => vec![class],
            None => return Ok(Err(format!("schema {fingerprint} has no class '{name}'"))),
        },
    };
    let mut chosen: Vec<_> = wanted
        .into_iter()
        .flat_map(|class| schema.with_embedded(class))
        .map(|class| class.name.clone())
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
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
pub(super) fn list(connection: &mut Connection) -> Result<Vec<ListedSchema>, BackendError> {
    let transaction = connection.transaction()?;
    let mut listed = Vec::new();
    for (fingerprint, schema) in sent(&transaction)? {
        let created = transaction.query_one(
            "SELECT created FROM schemas WHERE fingerprint = ?1",
            [&fingerprint],
            |row| row.get(0),
        )?;
        let mut chosen =
            transaction.prepare_cached("SELECT class FROM choices WHERE fingerprint = ?1 ORDER BY class")?;
        let chosen = chosen.query_map([&fingerprint], |row| row.get(0))?;
        let mut conflicts = transaction.prepare_cached(
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
            schema,
        });
    }
    Ok(listed)
}

/// The same of a file of format 1, in which none contradicts another.
pub(super) fn list_format_1(connection: &Connection) -> Result<Vec<ListedSchema>, StorageError> {
    let mut statement =
        connection.prepare("SELECT fingerprint, created, json FROM schemas ORDER BY created, fingerprint")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
    rows.map(|row| {
        let (fingerprint, created, json) = row?;
        Ok(ListedSchema {
            fingerprint,
            created,
            schema: parse(&json)?,
            chosen: Vec::new(),
            conflicts: Vec::new(),
        })
    })
    .collect()
}

/// Every schema with its fingerprint, in the order they came.
fn sent(connection: &Connection) -> Result<Vec<(String, Schema)>, BackendError> {
    let mut statement =
        connection.prepare_cached("SELECT fingerprint, json FROM schemas ORDER BY number, fingerprint")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (fingerprint, json) = row?;
        Ok((fingerprint, parse(&json)?))
    })
    .collect()
}

/// Classes of this schema whose documents are refused, each with the reason.
fn conflicts_of(connection: &Connection, fingerprint: &str) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut statement =
        connection.prepare_cached("SELECT class, reason FROM conflicts WHERE fingerprint = ?1")?;
    let rows = statement.query_map([fingerprint], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn accepted_of(connection: &Connection) -> Result<Schema, BackendError> {
    let sent = sent(connection)?;
    let mut statement = connection.prepare_cached("SELECT class, fingerprint FROM choices")?;
    let choices = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut chosen = Vec::new();
    for choice in choices {
        let (class, fingerprint) = choice?;
        let schema = sent.iter().find(|(name, _)| *name == fingerprint);
        chosen.extend(schema.and_then(|(_, schema)| schema.class(&class)).cloned());
    }
    let schemas: Vec<_> = sent.into_iter().map(|(_, schema)| schema).collect();
    Ok(acceptance::accepted(&schemas, chosen))
}

/// Writes the conflicts anew, keeping since when those that stay have been there, and raises the version.
fn refresh(connection: &Connection) -> Result<(), BackendError> {
    let accepted = accepted_of(connection)?;
    for (fingerprint, schema) in sent(connection)? {
        let conflicts = acceptance::conflicts(&accepted, &schema);
        let mut before = connection.prepare_cached("SELECT class FROM conflicts WHERE fingerprint = ?1")?;
        let before = before.query_map([&fingerprint], |row| row.get::<_, String>(0))?;
        for class in before.collect::<rusqlite::Result<Vec<_>>>()? {
            if !conflicts.contains_key(&class) {
                connection
                    .prepare_cached("DELETE FROM conflicts WHERE fingerprint = ?1 AND class = ?2")?
                    .execute([&fingerprint, &class])?;
            }
        }
        for (class, reason) in conflicts {
            connection
                .prepare_cached(
                    "INSERT INTO conflicts (fingerprint, class, since, reason) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (fingerprint, class) DO UPDATE SET reason = excluded.reason",
                )?
                .execute(params![fingerprint, class, clock::unix_millis(), reason])?;
        }
    }
    connection.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
        params![VERSION, version(connection)? + 1],
    )?;
    Ok(())
}

fn parse(json: &str) -> Result<Schema, BackendError> {
    Schema::parse(json)
        .map_err(|error| BackendError::Damaged(format!("a stored schema cannot be read: {error}")))
}
