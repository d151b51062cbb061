//! Which schemas are kept: there is room for so many.

use realm_ingest_protocol::Schema;
use rusqlite::{Connection, TransactionBehavior, params};

use super::acceptance::{accept_what_fits, refresh};
use crate::backend::BackendError;
use crate::clock;
use crate::state::schemas::Limits;

/// Keeps a schema, and finds which of its classes are in conflict with what is accepted; those of others stay as they
/// are. Costs what the schema has, however many there are. Where only a part of it is `compared`, the rest is kept alone. False, and
/// nothing is kept, when there are too many.
pub(in crate::state::embedded) fn add(
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
pub(in crate::state::embedded) fn note_use(
    connection: &Connection,
    fingerprint: &str,
) -> rusqlite::Result<bool> {
    let noted = connection
        .prepare_cached("UPDATE schemas SET used = 1 WHERE fingerprint = ?1")?
        .execute([fingerprint])?;
    Ok(noted == 1)
}

/// Forgets a schema and what was chosen of it.
pub(in crate::state::embedded) fn forget(
    connection: &mut Connection,
    fingerprint: &str,
) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let forgotten = remove(&transaction, fingerprint)?;
    if forgotten {
        refresh(&transaction)?;
    }
    transaction.commit()?;
    Ok(forgotten)
}

/// Forgets every schema under which nobody has written and of which nothing was chosen. The answer is their fingerprints.
pub(in crate::state::embedded) fn forget_unused(
    connection: &mut Connection,
) -> Result<Vec<String>, BackendError> {
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
