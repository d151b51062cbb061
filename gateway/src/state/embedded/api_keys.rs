//! The API keys in the file of the store.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{sessions, users};
use crate::backend::BackendError;
use crate::clock;
use crate::state::{AddedKey, ApiKey, KeyOwner, Provider, SecretHash};

pub(super) fn add(
    connection: &mut Connection,
    key: &ApiKey,
    hash: &SecretHash,
) -> Result<AddedKey, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let KeyOwner::User(user) = &key.owner
        && users::find(&transaction, user)?.is_none()
    {
        return Ok(AddedKey::NoUser);
    }
    let others = list(&transaction, &key.owner)?;
    if others.iter().any(|other| other.name == key.name) {
        return Ok(AddedKey::NameTaken);
    }
    if others.len() >= key.owner.max_keys() {
        return Ok(AddedKey::TooMany);
    }
    transaction.execute(
        "INSERT INTO api_keys (id, user, name, hash, disabled, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            key.id,
            user(&key.owner),
            key.name,
            hash,
            key.disabled,
            key.created
        ],
    )?;
    transaction.commit()?;
    Ok(AddedKey::Added)
}

pub(super) fn find(connection: &Connection, hash: &SecretHash) -> rusqlite::Result<Option<ApiKey>> {
    connection
        .prepare_cached("SELECT * FROM api_keys WHERE hash = ?1")?
        .query_one([hash], read)
        .optional()
}

pub(super) fn list(connection: &Connection, owner: &KeyOwner) -> rusqlite::Result<Vec<ApiKey>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM api_keys WHERE user IS ?1 ORDER BY number")?;
    let rows = statement.query_map([user(owner)], read)?;
    rows.collect()
}

pub(super) fn set_disabled(
    connection: &mut Connection,
    owner: &KeyOwner,
    id: &str,
    disabled: bool,
) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.execute(
        "UPDATE api_keys SET disabled = ?3 WHERE user IS ?1 AND id = ?2",
        params![user(owner), id, disabled],
    )?;
    if found == 1 && disabled {
        sessions::end(&transaction, "api_key", id, clock::unix_millis())?;
    }
    transaction.commit()?;
    Ok(found == 1)
}

pub(super) fn remove(connection: &mut Connection, owner: &KeyOwner, id: &str) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = list(&transaction, owner)?.iter().any(|key| key.id == id);
    if found {
        forget(&transaction, owner, id)?;
        sessions::end(&transaction, "api_key", id, clock::unix_millis())?;
    }
    if found
        && *owner == KeyOwner::App
        && let Some(server) = users::find_by_identity(&transaction, Provider::ApiKey, id)?
    {
        users::remove_in(&transaction, &server.id)?;
    }
    transaction.commit()?;
    Ok(found)
}

/// Removes a key alone.
pub(super) fn forget(connection: &Connection, owner: &KeyOwner, id: &str) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM api_keys WHERE user IS ?1 AND id = ?2",
        params![user(owner), id],
    )?;
    Ok(())
}

fn user(owner: &KeyOwner) -> Option<&str> {
    match owner {
        KeyOwner::App => None,
        KeyOwner::User(user) => Some(user),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let user: Option<String> = row.get("user")?;
    Ok(ApiKey {
        id: row.get("id")?,
        owner: user.map_or(KeyOwner::App, KeyOwner::User),
        name: row.get("name")?,
        disabled: row.get("disabled")?,
        created: row.get("created")?,
    })
}
