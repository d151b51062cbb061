//! The registrations in the file of the store, with their one-time tokens. One that has expired is as good as gone, and is
//! removed when its registration gets another one.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::users;
use crate::backend::BackendError;
use crate::clock;
use crate::state::registrations::MAX_TOKENS;
use crate::state::{AddedToken, OneTimeToken, Provider, Purpose, Registration, SecretHash};

pub(super) fn add(connection: &Connection, registration: &Registration, now: i64) -> rusqlite::Result<bool> {
    let added = connection.execute(
        "INSERT INTO registrations (email, identity, password_hash, confirmed, created) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (email) DO NOTHING",
        params![
            registration.email,
            registration.identity,
            registration.password_hash,
            registration.confirmed,
            now
        ],
    )?;
    Ok(added == 1)
}

pub(super) fn find(connection: &Connection, email: &str) -> rusqlite::Result<Option<Registration>> {
    connection
        .prepare_cached("SELECT * FROM registrations WHERE email = ?1")?
        .query_one([email], read)
        .optional()
}

pub(super) fn add_token(
    connection: &mut Connection,
    email: &str,
    token: &OneTimeToken,
    now: i64,
) -> Result<AddedToken, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if find(&transaction, email)?.is_none() {
        return Ok(AddedToken::NoRegistration);
    }
    transaction.execute(
        "DELETE FROM tokens WHERE email = ?1 AND expires <= ?2",
        params![email, now],
    )?;
    let good: i64 = transaction.query_one(
        "SELECT count(*) FROM tokens WHERE email = ?1 AND purpose = ?2",
        [email, token.purpose.as_str()],
        |row| row.get(0),
    )?;
    if usize::try_from(good).unwrap_or(usize::MAX) >= MAX_TOKENS {
        return Ok(AddedToken::TooMany);
    }
    transaction.execute(
        "INSERT INTO tokens (id, email, purpose, hash, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![token.id, email, token.purpose.as_str(), token.hash, token.expires],
    )?;
    transaction.commit()?;
    Ok(AddedToken::Added)
}

pub(super) fn has_token(
    connection: &Connection,
    purpose: Purpose,
    id: &str,
    hash: &SecretHash,
    now: i64,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM tokens WHERE id = ?1 AND purpose = ?2 AND hash = ?3 AND expires > ?4")?
        .exists(params![id, purpose.as_str(), hash, now])
}

pub(super) fn confirm(
    connection: &mut Connection,
    id: &str,
    hash: &SecretHash,
    now: i64,
) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(email) = take_token(&transaction, Purpose::Confirm, id, hash, now)? else {
        return Ok(false);
    };
    transaction.execute("UPDATE registrations SET confirmed = 1 WHERE email = ?1", [email])?;
    transaction.commit()?;
    Ok(true)
}

pub(super) fn confirm_without_token(
    connection: &Connection,
    email: &str,
    identity: &str,
) -> rusqlite::Result<bool> {
    let found = connection.execute(
        "UPDATE registrations SET confirmed = 1 WHERE email = ?1 AND identity = ?2",
        [email, identity],
    )?;
    Ok(found == 1)
}

/// Whether the registration that proves this identity has this password.
pub(super) fn has_password(
    connection: &Connection,
    identity: &str,
    password_hash: &str,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM registrations WHERE identity = ?1 AND password_hash = ?2")?
        .exists([identity, password_hash])
}

pub(super) fn reset_password(
    connection: &mut Connection,
    id: &str,
    hash: &SecretHash,
    password_hash: &str,
) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(email) = take_token(&transaction, Purpose::Reset, id, hash, clock::unix_millis())? else {
        return Ok(false);
    };
    transaction.execute(
        "UPDATE registrations SET password_hash = ?2 WHERE email = ?1",
        [&email, password_hash],
    )?;
    let user = transaction
        .prepare_cached(
            "SELECT identities.user FROM identities JOIN registrations ON registrations.identity = identities.id
             WHERE registrations.email = ?1 AND identities.provider = ?2",
        )?
        .query_one([&email, Provider::Password.as_str()], |row| row.get::<_, String>(0))
        .optional()?;
    if let Some(user) = user {
        users::revoke(&transaction, &user)?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Removes a good token, and the others of its purpose that wait in the same mailbox; the answer is the e-mail it was sent to.
fn take_token(
    connection: &Connection,
    purpose: Purpose,
    id: &str,
    hash: &SecretHash,
    now: i64,
) -> rusqlite::Result<Option<String>> {
    let email = connection
        .prepare_cached(
            "SELECT email FROM tokens WHERE id = ?1 AND purpose = ?2 AND hash = ?3 AND expires > ?4",
        )?
        .query_one(params![id, purpose.as_str(), hash, now], |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    if let Some(email) = &email {
        connection.execute(
            "DELETE FROM tokens WHERE email = ?1 AND purpose = ?2",
            [email, purpose.as_str()],
        )?;
    }
    Ok(email)
}

pub(super) fn remove_unused(connection: &mut Connection, email: &str) -> Result<bool, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let unused = transaction
        .prepare_cached(&format!(
            "SELECT identity FROM registrations WHERE email = ?1 AND {UNUSED}"
        ))?
        .query_one([email], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(identity) = unused else {
        return Ok(false);
    };
    remove_identity(&transaction, &identity)?;
    transaction.commit()?;
    Ok(true)
}

/// Removes the registration that proves this identity, with its tokens.
pub(super) fn remove_identity(connection: &Connection, identity: &str) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM tokens WHERE email = (SELECT email FROM registrations WHERE identity = ?1)",
        [identity],
    )?;
    connection.execute("DELETE FROM registrations WHERE identity = ?1", [identity])?;
    Ok(())
}

pub(super) fn list_unused(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> rusqlite::Result<Vec<Registration>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT * FROM registrations WHERE email > ?1 AND {UNUSED} ORDER BY email LIMIT ?2"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after, limit], read)?;
    rows.collect()
}

/// What is true of registrations that no user has.
const UNUSED: &str =
    "NOT EXISTS (SELECT 1 FROM identities WHERE provider = 'local-userpass' AND id = registrations.identity)";

fn read(row: &Row<'_>) -> rusqlite::Result<Registration> {
    Ok(Registration {
        email: row.get("email")?,
        identity: row.get("identity")?,
        password_hash: row.get("password_hash")?,
        confirmed: row.get("confirmed")?,
    })
}
