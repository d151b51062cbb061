//! The schemas in the file of the store: what was sent, what the operator chose, and which classes are in conflict.
//!
//! A schema that comes is compared with what is accepted of its own classes. A decision of the operator, which is rare,
//! finds everything anew and raises the version, at which whoever remembers something looks first. Only one schema is in
//! memory at a time.
//!
//! Where there is no room for another one, the oldest under which nobody has written and of which nothing was chosen make
//! room: strangers who send schemas for their own sake push out each other's.

use std::collections::BTreeMap;

use realm_ingest_protocol::{Class, Schema};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::backend::BackendError;
use crate::clock;
use crate::state::acceptance::{self, KnownSchema, Reaching};
use crate::state::operator::{Conflict, ListedSchema, chosen_classes, no_schema};
use crate::state::schemas::Limits;

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

/// Keeps a schema, and finds which of its classes are in conflict with what is accepted; those of others stay as they
/// are. Costs what the schema has, however many there are. Where only a part of it is `compared`, the rest is kept alone. False, and
/// nothing is kept, when there are too many.
pub(super) fn add(
    connection: &mut Connection,
    schema: &Schema,
    compared: Option<&Schema>,
    user: &str,
    limits: Limits,
) -> Result<bool, BackendError> {
    let (fingerprint, json) = (schema.fingerprint(), schema.to_json());
    let compared_json = compared.map(Schema::to_json);
    let bytes = json.len() + compared_json.as_ref().map_or(0, String::len);
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = transaction
        .prepare_cached("SELECT 1 FROM schemas WHERE fingerprint = ?1")?
        .exists([&fingerprint])?;
    if known {
        return Ok(true);
    }
    let of_user: i64 = transaction
        .prepare_cached("SELECT count(*) FROM schemas WHERE user = ?1")?
        .query_one([user], |row| row.get(0))?;
    if of_user >= limits.of_user || !make_room(&transaction, bytes, limits)? {
        return Ok(false);
    }
    transaction.execute(
        "INSERT INTO schemas (fingerprint, json, created, number, user, bytes, used, compared)
         SELECT ?1, ?2, ?3, coalesce(max(number), 0) + 1, ?4, ?5, 0, ?6 FROM schemas",
        params![
            fingerprint,
            json,
            clock::unix_millis(),
            user,
            bytes,
            compared_json
        ],
    )?;
    accept_what_fits(&transaction, &fingerprint, compared.unwrap_or(schema))?;
    transaction.commit()?;
    Ok(true)
}

/// Whether there is room for another schema of so many bytes. Where there is none, the older half of those that nothing
/// depends on is forgotten, as often as it takes: half of them, as everything is found anew after it.
fn make_room(connection: &Connection, bytes: i64, limits: Limits) -> Result<bool, BackendError> {
    let mut forgotten = false;
    loop {
        let (count, held): (i64, i64) = connection
            .prepare_cached("SELECT count(*), coalesce(sum(bytes), 0) FROM schemas")?
            .query_one([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if count < limits.in_all && held.saturating_add(bytes) <= limits.bytes {
            break;
        }
        let mut unused = unused(connection)?;
        unused.truncate(unused.len().div_ceil(2));
        if unused.is_empty() {
            return Ok(false);
        }
        for fingerprint in &unused {
            remove(connection, fingerprint)?;
        }
        forgotten = true;
    }
    if forgotten {
        refresh(connection)?;
    }
    Ok(true)
}

/// Notes that somebody writes under a schema, so that it is kept. False when there is none.
pub(super) fn note_use(connection: &Connection, fingerprint: &str) -> rusqlite::Result<bool> {
    let noted = connection
        .prepare_cached("UPDATE schemas SET used = 1 WHERE fingerprint = ?1")?
        .execute([fingerprint])?;
    Ok(noted == 1)
}

/// Forgets a schema and what was chosen of it.
pub(super) fn forget(connection: &mut Connection, fingerprint: &str) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let forgotten = remove(&transaction, fingerprint)?;
    if forgotten {
        refresh(&transaction)?;
    }
    transaction.commit()?;
    Ok(forgotten)
}

/// Forgets every schema under which nobody has written and of which nothing was chosen. The answer is their fingerprints.
pub(super) fn forget_unused(connection: &mut Connection) -> Result<Vec<String>, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let unused = unused(&transaction)?;
    for fingerprint in &unused {
        remove(&transaction, fingerprint)?;
    }
    if !unused.is_empty() {
        refresh(&transaction)?;
    }
    transaction.commit()?;
    Ok(unused)
}

/// The fingerprints of schemas under which nobody has written and of which nothing was chosen, the oldest first.
fn unused(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint FROM schemas
         WHERE used = 0 AND fingerprint NOT IN (SELECT fingerprint FROM choices) ORDER BY number",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

fn remove(connection: &Connection, fingerprint: &str) -> rusqlite::Result<bool> {
    let from = |statement| connection.prepare_cached(statement)?.execute([fingerprint]);
    from("DELETE FROM choices WHERE fingerprint = ?1")?;
    from("DELETE FROM conflicts WHERE fingerprint = ?1")?;
    Ok(from("DELETE FROM schemas WHERE fingerprint = ?1")? == 1)
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
pub(super) fn list(connection: &Connection) -> Result<Vec<ListedSchema>, BackendError> {
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
pub(super) fn list_format_1(connection: &Connection) -> Result<Vec<ListedSchema>, BackendError> {
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

/// After something was decided or forgotten: finds anew what is accepted and in conflict, from what was chosen and then
/// each schema in the order they came, and raises the version.
fn refresh(connection: &Connection) -> Result<(), BackendError> {
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
fn accept_what_fits(connection: &Connection, fingerprint: &str, schema: &Schema) -> Result<(), BackendError> {
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

fn parse_class(json: &str) -> Result<Class, BackendError> {
    serde_json::from_str(json)
        .map_err(|error| BackendError::Damaged(format!("a stored class cannot be read: {error}")))
}

fn parse(json: &str) -> Result<Schema, BackendError> {
    Schema::parse(json)
        .map_err(|error| BackendError::Damaged(format!("a stored schema cannot be read: {error}")))
}

#[cfg(test)]
#[path = "schemas_tests.rs"]
mod tests;
