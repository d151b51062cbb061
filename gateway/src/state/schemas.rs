//! The schemas in the file of the store: what was sent, what the operator chose, and which classes are in conflict.
//!
//! A schema that comes is compared with what is accepted of its own classes. A decision of the operator, which is rare,
//! finds everything anew and raises the version, at which whoever remembers something looks first.

use std::collections::BTreeMap;

use realm_ingest_protocol::{Class, Schema};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params, params_from_iter};

use super::acceptance::{self, KnownSchema};
use crate::backend::BackendError;
use crate::clock;

/// Schemas that one user may send: a device has one for each release it runs.
const MAX_OF_USER: i64 = 50;

/// Schemas that are kept in all. A fleet has as many as its applications have had releases.
const MAX_IN_ALL: i64 = 10_000;

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

/// Grows with each decision of the operator, 0 before the first.
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
    let mut statement = connection.prepare_cached("SELECT json FROM accepted ORDER BY class")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let classes = rows.map(|json| parse_class(&json?)).collect::<Result<_, _>>()?;
    Ok(Schema { classes })
}

/// Keeps a schema, and finds which of its classes are in conflict with what is accepted; those of others stay as they
/// are. Costs what the schema has, however many there are. False, and nothing is kept, when there are too many.
pub(super) fn add(connection: &mut Connection, schema: &Schema, user: &str) -> Result<bool, BackendError> {
    let fingerprint = schema.fingerprint();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = transaction
        .prepare_cached("SELECT 1 FROM schemas WHERE fingerprint = ?1")?
        .exists([&fingerprint])?;
    if known {
        return Ok(true);
    }
    let count = |query: &str, values: &[&str]| -> rusqlite::Result<i64> {
        transaction
            .prepare_cached(query)?
            .query_one(params_from_iter(values), |row| row.get(0))
    };
    if count("SELECT count(*) FROM schemas WHERE user = ?1", &[user])? >= MAX_OF_USER
        || count("SELECT count(*) FROM schemas", &[])? >= MAX_IN_ALL
    {
        return Ok(false);
    }
    transaction.execute(
        "INSERT INTO schemas (fingerprint, json, created, number, user)
         SELECT ?1, ?2, ?3, coalesce(max(number), 0) + 1, ?4 FROM schemas",
        params![fingerprint, schema.to_json(), clock::unix_millis(), user],
    )?;
    let before = accepted_of_classes(&transaction, schema)?;
    let conflicts = acceptance::conflicts(&before, schema);
    accept(&transaction, &acceptance::extended(&before, schema, &conflicts))?;
    write_conflicts(&transaction, &fingerprint, conflicts)?;
    transaction.commit()?;
    Ok(true)
}

/// Forgets a schema and what was chosen of it.
pub(super) fn forget(connection: &mut Connection, fingerprint: &str) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let forgotten = transaction.execute("DELETE FROM schemas WHERE fingerprint = ?1", [fingerprint])? == 1;
    transaction.execute("DELETE FROM choices WHERE fingerprint = ?1", [fingerprint])?;
    transaction.execute("DELETE FROM conflicts WHERE fingerprint = ?1", [fingerprint])?;
    if forgotten {
        refresh(&transaction)?;
    }
    transaction.commit()?;
    Ok(forgotten)
}

/// Finds what is accepted in a file that was written before that was kept.
pub(super) fn complete(connection: &mut Connection) -> Result<(), BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let exists = |query| transaction.prepare(query)?.exists([]);
    if exists("SELECT 1 FROM schemas")? && !exists("SELECT 1 FROM accepted")? {
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
    let conflicts = acceptance::conflicts(&accepted_of_classes(&transaction, &schema)?, &schema);
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
pub(super) fn list_format_1(connection: &Connection) -> Result<Vec<ListedSchema>, BackendError> {
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

/// What is accepted of those classes that the schema has.
fn accepted_of_classes(connection: &Connection, schema: &Schema) -> Result<Schema, BackendError> {
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

/// Finds anew what is accepted, from every schema and choice there is.
fn accepted_of_all(connection: &Connection) -> Result<Schema, BackendError> {
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

/// After a decision of the operator: finds anew what is accepted and in conflict, keeping since when those conflicts that
/// stay have been there, and raises the version.
fn refresh(connection: &Connection) -> Result<(), BackendError> {
    let accepted = accepted_of_all(connection)?;
    connection.execute("DELETE FROM accepted", [])?;
    accept(connection, &accepted)?;
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
        write_conflicts(connection, &fingerprint, conflicts)?;
    }
    connection.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
        params![VERSION, version(connection)? + 1],
    )?;
    Ok(())
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

fn parse_class(json: &str) -> Result<Class, BackendError> {
    serde_json::from_str(json)
        .map_err(|error| BackendError::Damaged(format!("a stored class cannot be read: {error}")))
}

fn parse(json: &str) -> Result<Schema, BackendError> {
    Schema::parse(json)
        .map_err(|error| BackendError::Damaged(format!("a stored schema cannot be read: {error}")))
}
