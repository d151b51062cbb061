//! The users in the file of the store, with their identities.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use serde_json::value::RawValue;

use super::{api_keys, client_files, registrations, sessions};
use crate::backend::BackendError;
use crate::state::{Identity, KeyOwner, Linked, Provider, Revocation, User, UserKind};
use crate::{clock, ids};

pub(super) fn find_or_create(
    connection: &mut Connection,
    identity: &Identity,
    kind: UserKind,
    now: i64,
) -> Result<Option<User>, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = transaction
        .prepare_cached("UPDATE identities SET data = ?3 WHERE provider = ?1 AND id = ?2 RETURNING user")?
        .query_one(
            params![identity.provider.as_str(), identity.id, data(identity)?],
            |row| row.get(0),
        )
        .optional()?;
    let id: String = match known {
        Some(id) => {
            transaction
                .prepare_cached("UPDATE users SET last_login = ?2 WHERE id = ?1 AND NOT disabled")?
                .execute(params![id, now])?;
            id
        }
        None if !may_come(&transaction, identity)? => return Ok(None),
        None => {
            let id = ids::object_id();
            transaction
                .prepare_cached("INSERT INTO users (id, type, created, last_login) VALUES (?1, ?2, ?3, ?3)")?
                .execute(params![id, kind.as_str(), now])?;
            add_identity(&transaction, &id, identity)?;
            id
        }
    };
    let user = find(&transaction, &id)?;
    transaction.commit()?;
    user.map(Some)
        .ok_or_else(|| BackendError::Damaged(format!("an identity is of user '{id}', who is not there")))
}

/// Whether what proves the identity is there: it may have been removed since it was checked.
fn may_come(connection: &Connection, identity: &Identity) -> rusqlite::Result<bool> {
    let query = match identity.provider {
        Provider::Password => "SELECT 1 FROM registrations WHERE identity = ?1",
        Provider::ApiKey => "SELECT 1 FROM api_keys WHERE id = ?1 AND user IS NULL",
        _ => return Ok(true),
    };
    connection.prepare_cached(query)?.exists([&identity.id])
}

pub(super) fn find(connection: &Connection, id: &str) -> Result<Option<User>, BackendError> {
    let user = connection
        .prepare_cached("SELECT * FROM users WHERE id = ?1 AND NOT gone")?
        .query_one([id], read)
        .optional()?;
    user.map(|user| with_identities(connection, user)).transpose()
}

pub(super) fn find_by_identity(
    connection: &Connection,
    provider: Provider,
    id: &str,
) -> Result<Option<User>, BackendError> {
    match owner(connection, provider, id)? {
        Some(user) => find(connection, &user),
        None => Ok(None),
    }
}

pub(super) fn link(
    connection: &mut Connection,
    user: &str,
    identity: &Identity,
    password_hash: Option<&str>,
) -> Result<Linked, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(hash) = password_hash
        && !registrations::has_password(&transaction, &identity.id, hash)?
    {
        return Ok(Linked::NotProven);
    }
    let Some(found) = find(&transaction, user)? else {
        return Ok(Linked::NoUser);
    };
    match owner(&transaction, identity.provider, &identity.id)? {
        Some(owner) if owner == user => return Ok(Linked::Done(found)),
        Some(_) => return Ok(Linked::Taken),
        None if identity.provider == Provider::Password && found.has(Provider::Password) => {
            return Ok(Linked::HasAnother);
        }
        None => add_identity(&transaction, user, identity)?,
    }
    let linked = find(&transaction, user)?;
    transaction.commit()?;
    Ok(linked.map_or(Linked::NoUser, Linked::Done))
}

pub(super) fn set_disabled(
    connection: &mut Connection,
    user: &str,
    disabled: bool,
) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.execute(
        "UPDATE users SET disabled = ?2 WHERE id = ?1 AND NOT gone",
        params![user, disabled],
    )?;
    if disabled {
        revoke(&transaction, user)?;
    }
    transaction.commit()?;
    Ok(found == 1)
}

pub(super) fn set_custom_data(
    connection: &Connection,
    user: &str,
    data: Option<&RawValue>,
) -> rusqlite::Result<bool> {
    let found = connection.execute(
        "UPDATE users SET custom_data = ?2 WHERE id = ?1 AND NOT gone",
        params![user, data.map(RawValue::get)],
    )?;
    Ok(found == 1)
}

pub(super) fn end_sessions(connection: &mut Connection, user: &str) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = revoke(&transaction, user)?;
    transaction.commit()?;
    Ok(found)
}

pub(super) fn remove(connection: &mut Connection, user: &str) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let removed = remove_in(&transaction, user)?;
    transaction.commit()?;
    Ok(removed)
}

/// The same within a transaction.
pub(super) fn remove_in(connection: &Connection, user: &str) -> Result<bool, BackendError> {
    let Some(found) = find(connection, user)? else {
        return Ok(false);
    };
    for identity in &found.identities {
        match identity.provider {
            Provider::Password => registrations::remove_identity(connection, &identity.id)?,
            Provider::ApiKey => api_keys::forget(connection, &KeyOwner::App, &identity.id)?,
            _ => {}
        }
    }
    connection.execute("DELETE FROM identities WHERE user = ?1", [user])?;
    connection.execute("DELETE FROM api_keys WHERE user = ?1", [user])?;
    client_files::forget(connection, user)?;
    revoke(connection, user)?;
    connection.execute(
        "UPDATE users SET gone = 1, custom_data = NULL WHERE id = ?1",
        [user],
    )?;
    Ok(true)
}

/// Ends the sessions of a user, and notes it for those who have access tokens of them.
pub(super) fn revoke(connection: &Connection, user: &str) -> rusqlite::Result<bool> {
    // The transaction may have waited for its turn, while tokens were made.
    let now = clock::unix_millis();
    sessions::end(connection, "user", user, now)?;
    let found = connection.execute(
        "UPDATE users SET revoked = ?2 WHERE id = ?1 AND NOT gone",
        params![user, now],
    )?;
    Ok(found == 1)
}

pub(super) fn revocations(connection: &Connection, since: i64) -> rusqlite::Result<Vec<Revocation>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, revoked FROM users WHERE revoked >= ?1
         UNION ALL SELECT id, time FROM ended_sessions WHERE time >= ?1",
    )?;
    let rows = statement.query_map([since], |row| {
        Ok(Revocation {
            of: row.get(0)?,
            time: row.get(1)?,
        })
    })?;
    rows.collect()
}

pub(super) fn list(
    connection: &Connection,
    after: Option<(i64, String)>,
    limit: usize,
) -> Result<Vec<User>, BackendError> {
    let (created, id) = after.unwrap_or((i64::MIN, String::new()));
    let mut statement = connection.prepare_cached(
        "SELECT * FROM users WHERE NOT gone AND (created, id) > (?1, ?2) ORDER BY created, id LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let users = statement.query_map(params![created, id, limit], read)?;
    users.map(|user| with_identities(connection, user?)).collect()
}

/// Whose identity it is.
pub(super) fn owner(
    connection: &Connection,
    provider: Provider,
    id: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT user FROM identities WHERE provider = ?1 AND id = ?2")?
        .query_one([provider.as_str(), id], |row| row.get(0))
        .optional()
}

pub(super) fn add_identity(
    connection: &Connection,
    user: &str,
    identity: &Identity,
) -> Result<(), BackendError> {
    let values = params![identity.provider.as_str(), identity.id, user, data(identity)?];
    connection
        .prepare_cached("INSERT INTO identities (provider, id, user, data) VALUES (?1, ?2, ?3, ?4)")?
        .execute(values)?;
    Ok(())
}

fn data(identity: &Identity) -> Result<String, BackendError> {
    let text = serde_json::to_string(&identity.data);
    text.map_err(|error| {
        BackendError::Damaged(format!("what is said about a user cannot be written: {error}"))
    })
}

/// A user without his identities.
fn read(row: &Row<'_>) -> rusqlite::Result<User> {
    let kind: String = row.get("type")?;
    let custom_data: Option<String> = row.get("custom_data")?;
    Ok(User {
        id: row.get("id")?,
        kind: UserKind::from_name(&kind).unwrap_or(UserKind::Normal),
        identities: Vec::new(),
        disabled: row.get("disabled")?,
        // It was a document when it was written.
        custom_data: custom_data.and_then(|text| RawValue::from_string(text).ok()),
        created: row.get("created")?,
        last_login: row.get("last_login")?,
    })
}

fn with_identities(connection: &Connection, mut user: User) -> Result<User, BackendError> {
    let mut statement = connection
        .prepare_cached("SELECT provider, id, data FROM identities WHERE user = ?1 ORDER BY number")?;
    let mut rows = statement.query([&user.id])?;
    while let Some(row) = rows.next()? {
        let (provider, data): (String, String) = (row.get(0)?, row.get(2)?);
        let provider = Provider::from_name(&provider)
            .ok_or_else(|| BackendError::Damaged(format!("there is no provider '{provider}'")))?;
        let data = serde_json::from_str(&data).map_err(|error| {
            BackendError::Damaged(format!("what is said about a user cannot be read: {error}"))
        })?;
        user.identities.push(Identity {
            provider,
            id: row.get(1)?,
            data,
        });
    }
    Ok(user)
}
