//! Users who come from another service into the file of the store.

use rusqlite::{Connection, TransactionBehavior, params};
use serde_json::value::RawValue;

use super::{registrations, users};
use crate::backend::BackendError;
use crate::clock;
use crate::state::imports::{Imported, ImportedUser, are_same, differs, registered, removed, taken};

pub(super) fn import(
    connection: &mut Connection,
    all: &[ImportedUser],
) -> Result<Vec<Imported>, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let imported = all.iter().map(|one| self::one(&transaction, one));
    let imported = imported.collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(imported)
}

/// Looks at everything before anything is written.
fn one(connection: &Connection, imported: &ImportedUser) -> Result<Imported, BackendError> {
    let ImportedUser { user, registrations } = imported;
    if let Some(there) = users::find(connection, &user.id)? {
        return Ok(match are_same(&there.identities, &user.identities) {
            true => Imported::There,
            false => differs(),
        });
    }
    let was_there = connection
        .prepare_cached("SELECT 1 FROM users WHERE id = ?1")?
        .exists([&user.id])?;
    if was_there {
        return Ok(removed());
    }
    for identity in &user.identities {
        if let Some(owner) = users::owner(connection, identity.provider, &identity.id)? {
            return Ok(taken(identity, &owner));
        }
    }
    let mut new = Vec::new();
    for registration in registrations {
        let mut others = connection
            .prepare_cached("SELECT email, identity FROM registrations WHERE email = ?1 OR identity = ?2")?;
        let others = others.query_map([&registration.email, &registration.identity], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let others = others.collect::<rusqlite::Result<Vec<_>>>()?;
        match others.as_slice() {
            [] => new.push(registration),
            [(email, identity)] if *email == registration.email && *identity == registration.identity => {}
            _ => return Ok(registered(&registration.email)),
        }
    }
    let custom_data = user.custom_data.as_deref().map(RawValue::get);
    connection
        .prepare_cached(
            "INSERT INTO users (id, type, disabled, custom_data, created, last_login) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            user.id,
            user.kind.as_str(),
            user.disabled,
            custom_data,
            user.created,
            user.last_login
        ])?;
    for identity in &user.identities {
        users::add_identity(connection, &user.id, identity)?;
    }
    for registration in new {
        registrations::add(connection, registration, clock::unix_millis())?;
    }
    Ok(Imported::Added)
}
