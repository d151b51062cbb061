//! The keys that sign tokens, in the file of the store. The newest signs; the others are there so that the tokens they signed
//! stay good. Keys are numbered from 1; as the newest is never removed, no number is used twice.

use rusqlite::{Connection, TransactionBehavior, params};

use super::sessions;
use crate::backend::BackendError;
use crate::state::operator::{ListedKey, may_retire};
use crate::state::{Key, Secrets};
use crate::{clock, ids};

/// Makes what a new file has to have.
pub(super) fn complete(connection: &mut Connection) -> Result<(), BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT OR IGNORE INTO meta VALUES ('domain', ?1)",
        [ids::object_id().into_bytes()],
    )?;
    if newest(&transaction)?.is_none() {
        add(&transaction)?;
    }
    Ok(transaction.commit()?)
}

/// The id of the app, and its keys from the oldest on.
pub(super) fn secrets(connection: &Connection) -> Result<Secrets, BackendError> {
    let domain: Vec<u8> =
        connection.query_one("SELECT value FROM meta WHERE name = 'domain'", [], |row| {
            row.get(0)
        })?;
    let mut statement = connection.prepare_cached("SELECT id, secret FROM keys ORDER BY id")?;
    let keys = statement.query_map([], |row| {
        Ok(Key {
            id: row.get(0)?,
            secret: row.get(1)?,
        })
    })?;
    Ok(Secrets {
        domain: String::from_utf8_lossy(&domain).into_owned(),
        keys: keys.collect::<rusqlite::Result<_>>()?,
    })
}

/// The key that signs, none in a file that no server has opened yet.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT max(id) FROM keys")?
        .query_one([], |row| row.get(0))
}

/// Every key, from the oldest on.
pub(super) fn list(connection: &Connection) -> Result<Vec<ListedKey>, BackendError> {
    let mut statement = connection.prepare(
        "SELECT keys.id, keys.created, keys.id = (SELECT max(id) FROM keys),
                count(sessions.id), max(sessions.used), max(sessions.expires)
         FROM keys LEFT JOIN sessions ON sessions.key = keys.id AND sessions.expires > ?1
         GROUP BY keys.id ORDER BY keys.id",
    )?;
    let rows = statement.query_map([clock::unix_millis()], |row| {
        Ok(ListedKey {
            id: row.get(0)?,
            created: row.get(1)?,
            signs: row.get(2)?,
            sessions: row.get(3)?,
            used: row.get(4)?,
            until: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Makes a key, which signs from now on.
pub(super) fn add(connection: &Connection) -> rusqlite::Result<i64> {
    let values = params![ids::signing_key(), clock::unix_millis()];
    connection.execute("INSERT INTO keys (secret, created) VALUES (?1, ?2)", values)?;
    Ok(connection.last_insert_rowid())
}

/// Removes a key and the sessions whose refresh tokens it has signed. The answer is the number of these that had not expired,
/// which must be 0 without `force`, or what is wrong with the request.
pub(super) fn retire(
    connection: &mut Connection,
    id: i64,
    force: bool,
) -> Result<Result<i64, String>, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let lasting = match may_retire(&list(&transaction)?, id, force) {
        Ok(lasting) => lasting,
        Err(refused) => return Ok(Err(refused)),
    };
    sessions::end(&transaction, "key", id, clock::unix_millis())?;
    transaction.execute("DELETE FROM keys WHERE id = ?1", [id])?;
    transaction.commit()?;
    Ok(Ok(lasting))
}
