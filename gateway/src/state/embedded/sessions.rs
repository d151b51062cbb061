//! The sessions in the file of the store. One that has expired is as good as gone, and is removed by a later log-in.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, TransactionBehavior, params};

use super::keys;
use crate::auth::Lifetimes;
use crate::backend::BackendError;
use crate::state::{Provider, Session};

/// Expired sessions that one log-in removes, so that none takes long. Each log-in makes one, so this is plenty.
const REMOVED_AT_ONCE: i64 = 100;

/// How exactly it is known when a session was used: each note of it is a write to the disk, and there is one session a device.
const NOTED_EVERY: i64 = 60 * 60 * 1000;

/// Adds a session that begins at `now`, if what lets the user in still does. The answer is the key that signs its refresh token:
/// found together with the session, so that no key is retired between the two.
pub(super) fn open(
    connection: &mut Connection,
    session: &Session,
    password_hash: Option<&str>,
    now: i64,
) -> Result<Option<i64>, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !may_open(&transaction, session, password_hash)? {
        return Ok(None);
    }
    let key = keys::newest(&transaction)?;
    let key = key.ok_or_else(|| BackendError::Damaged("there is no key to sign with".to_owned()))?;
    transaction
        .prepare_cached(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
        )?
        .execute([now, REMOVED_AT_ONCE])?;
    let values = params![
        session.id,
        session.user,
        session.device,
        session.api_key,
        now,
        session.expires,
        key
    ];
    transaction
        .prepare_cached(
            "INSERT INTO sessions (id, user, device, api_key, created, used, expires, key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7)",
        )?
        .execute(values)?;
    transaction.commit()?;
    Ok(Some(key))
}

/// Whether the user is there and enabled, and what he has shown is as it was.
fn may_open(
    connection: &Connection,
    session: &Session,
    password_hash: Option<&str>,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM users WHERE id = ?1 AND NOT disabled AND NOT gone
                 AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ?5)
                 AND NOT EXISTS (SELECT 1 FROM ended_sessions WHERE ended_sessions.id = ?5)
                 AND (?2 IS NULL OR EXISTS (SELECT 1 FROM api_keys WHERE api_keys.id = ?2 AND NOT api_keys.disabled))
                 AND (?3 IS NULL OR EXISTS (
                     SELECT 1 FROM identities JOIN registrations ON identity = identities.id
                     WHERE user = ?1 AND provider = ?4 AND password_hash = ?3))",
        )?
        .exists(params![
            session.user,
            session.api_key,
            password_hash,
            Provider::Password.as_str(),
            session.id
        ])
}

/// The session that lasts at `now` and whose user and API key are there and enabled, and whether its use is worth a note.
pub(super) fn find(connection: &Connection, id: &str, now: i64) -> rusqlite::Result<Option<(Session, bool)>> {
    let read = |row: &Row<'_>| {
        let session = Session {
            id: row.get(0)?,
            user: row.get(1)?,
            device: row.get(2)?,
            api_key: row.get(3)?,
            expires: row.get(4)?,
        };
        Ok((session, row.get::<_, i64>(5)? <= now - NOTED_EVERY))
    };
    connection
        .prepare_cached(
            "SELECT sessions.id, sessions.user, device, api_key, expires, used FROM sessions
             JOIN users ON users.id = sessions.user
             LEFT JOIN api_keys ON api_keys.id = api_key
             WHERE sessions.id = ?1 AND expires > ?2 AND NOT users.disabled AND NOT gone
                 AND (api_key IS NULL OR NOT api_keys.disabled)",
        )?
        .query_one(params![id, now], read)
        .optional()
}

/// Notes that the session is used at `now`, unless somebody has just done so.
pub(super) fn note_use(connection: &Connection, id: &str, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE sessions SET used = ?2 WHERE id = ?1 AND used <= ?3")?
        .execute(params![id, now, now - NOTED_EVERY])?;
    Ok(())
}

/// Ends the sessions of which `column` is `value`, and notes it for those who may have good access tokens of them. `now` is a time
/// of this transaction, which may have waited for its turn.
pub(super) fn end(
    connection: &Connection,
    column: &'static str,
    value: impl ToSql,
    now: i64,
) -> rusqlite::Result<()> {
    let expired = now - Lifetimes::REVOKED;
    connection.execute("DELETE FROM ended_sessions WHERE time < ?1", [expired])?;
    connection.execute(
        &format!(
            "INSERT OR REPLACE INTO ended_sessions SELECT id, ?2 FROM sessions WHERE {column} = ?1 AND used >= ?3"
        ),
        params![value, now, expired - NOTED_EVERY],
    )?;
    connection.execute(&format!("DELETE FROM sessions WHERE {column} = ?1"), [value])?;
    Ok(())
}

/// Ends a session; false when there was none.
pub(super) fn close(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
        .execute([id])?;
    Ok(removed == 1)
}
