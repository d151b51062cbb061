//! Schemas, users with all that lets them in, their sessions and client files.

use std::collections::BTreeMap;

use rusqlite::{Connection, Params, Row};
use tokio::runtime::Runtime;

use super::CopyError;
use super::progress::stage;
use super::records::Records;
use super::source::{Source, revoked_since};
use crate::clock;
use crate::state::copying::{
    Copied, CopiedClientFile, CopiedRegistration, CopiedSchema, CopiedSession, CopiedUser, Copying, owner,
};
use crate::state::{ApiKey, Registration, Session};

/// Copies them.
pub(super) fn copy(source: &Source, copying: &Copying, records: &mut Records<'_>) -> Result<(), CopyError> {
    let state = &source.state;
    let mut table = |what, query, since: &[i64], read: &dyn Fn(&Row<'_>) -> Result<Copied, CopyError>| {
        stage(what);
        let mut all = state.prepare(query)?;
        let mut rows = all.query(rusqlite::params_from_iter(since))?;
        while let Some(row) = rows.next()? {
            records.push(read(row)?)?;
        }
        records.flush()
    };
    table(
        "copying schemas",
        "SELECT * FROM schemas ORDER BY number",
        &[],
        &|row| Ok(copying.schema(schema(state, row)?)?),
    )?;
    table("copying users", "SELECT * FROM users ORDER BY id", &[], &|row| {
        Ok(copying.user(user(state, row)?)?)
    })?;
    let registrations = "SELECT * FROM registrations ORDER BY email";
    table("copying registrations", registrations, &[], &|row| {
        Ok(copying.registration(registration(state, row)?)?)
    })?;
    table(
        "copying API keys",
        "SELECT * FROM api_keys ORDER BY number",
        &[],
        &|row| {
            let hash: Vec<u8> = row.get("hash")?;
            Ok(copying.api_key(api_key(row)?, row.get("number")?, &hash)?)
        },
    )?;
    let lasting = "SELECT *, EXISTS (
            SELECT 1 FROM identities WHERE identities.user = sessions.user AND provider = 'local-userpass'
        ) AS has_password FROM sessions WHERE expires > ?1 ORDER BY id";
    table("copying sessions", lasting, &[clock::unix_millis()], &|row| {
        Ok(copying.session(session(row)?)?)
    })?;
    let files = "SELECT * FROM client_files ORDER BY ident, salt";
    table("copying client files", files, &[], &|row| {
        Ok(copying.client_file(client_file(row)?)?)
    })?;
    let ended = "SELECT id, time FROM ended_sessions WHERE time >= ?1 ORDER BY id";
    table(
        "copying sessions that have ended",
        ended,
        &[revoked_since()],
        &|row| Ok(copying.ended_session(row.get("id")?, row.get("time")?)?),
    )
}

/// Finds anew in the database what is accepted of every class, and compares it with what is accepted here.
///
/// # Errors
/// When it differs.
pub(super) fn compare_accepted(
    source: &Source,
    copying: &Copying,
    runtime: &Runtime,
) -> Result<(), CopyError> {
    stage("comparing what is accepted of schemas");
    let found = runtime.block_on(copying.accepted())?;
    let mut accepted = BTreeMap::new();
    let query = "SELECT class, json FROM accepted";
    for (class, json) in rows(&source.state, query, [], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (class, json): (String, String) = (class, json);
        accepted.insert(class, json);
    }
    let parsed = |json: &String| serde_json::from_str::<serde_json::Value>(json).ok();
    let classes = accepted.keys().chain(found.keys());
    let mut different: Vec<_> = classes
        .filter(|class| accepted.get(*class).and_then(parsed) != found.get(*class).and_then(parsed))
        .map(String::as_str)
        .collect();
    different.dedup();
    if different.is_empty() {
        return Ok(());
    }
    Err(CopyError::Refused(format!(
        "what is accepted in the directory is not what its schemas make in the database, for classes: {}",
        different.join(", ")
    )))
}

fn schema(state: &Connection, row: &Row<'_>) -> Result<CopiedSchema, CopyError> {
    let fingerprint: String = row.get("fingerprint")?;
    let conflicts = "SELECT class, since, reason FROM conflicts WHERE fingerprint = ?1 ORDER BY class";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(CopiedSchema {
        number: row.get("number")?,
        json: row.get("json")?,
        compared: row.get("compared")?,
        user: row.get("user")?,
        used: row.get("used")?,
        created: row.get("created")?,
        conflicts: rows(state, conflicts, [&fingerprint], read)?,
        fingerprint,
    })
}

fn user(state: &Connection, row: &Row<'_>) -> Result<CopiedUser, CopyError> {
    let id: String = row.get("id")?;
    let identities = "SELECT provider, id, data FROM identities WHERE user = ?1 ORDER BY number";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(CopiedUser {
        kind: row.get("type")?,
        disabled: row.get("disabled")?,
        gone: row.get("gone")?,
        identities: rows(state, identities, [&id], read)?,
        custom_data: row.get("custom_data")?,
        created: row.get("created")?,
        last_login: row.get("last_login")?,
        revoked: row.get("revoked")?,
        id,
    })
}

fn registration(state: &Connection, row: &Row<'_>) -> Result<CopiedRegistration, CopyError> {
    let email: String = row.get("email")?;
    let tokens = "SELECT id, purpose, hash, expires FROM tokens WHERE email = ?1 ORDER BY id";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    Ok(CopiedRegistration {
        created: row.get("created")?,
        tokens: rows(state, tokens, [&email], read)?,
        registration: Registration {
            identity: row.get("identity")?,
            password_hash: row.get("password_hash")?,
            confirmed: row.get("confirmed")?,
            email,
        },
    })
}

fn api_key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    Ok(ApiKey {
        id: row.get("id")?,
        owner: owner(row.get("user")?),
        name: row.get("name")?,
        disabled: row.get("disabled")?,
        created: row.get("created")?,
    })
}

fn client_file(row: &Row<'_>) -> rusqlite::Result<CopiedClientFile> {
    Ok(CopiedClientFile {
        ident: row.get("ident")?,
        salt: row.get("salt")?,
        user: row.get("user")?,
        generation: row.get("generation")?,
        revision: row.get("revision")?,
        registry: row.get("registry")?,
        client: row.get("client")?,
        created: row.get("created")?,
        seen: row.get("seen")?,
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<CopiedSession> {
    Ok(CopiedSession {
        session: Session {
            id: row.get("id")?,
            user: row.get("user")?,
            device: row.get("device")?,
            api_key: row.get("api_key")?,
            expires: row.get("expires")?,
        },
        key: row.get("key")?,
        has_password: row.get("has_password")?,
        created: row.get("created")?,
        used: row.get("used")?,
    })
}

fn rows<T>(
    connection: &Connection,
    query: &str,
    values: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut all = connection.prepare_cached(query)?;
    let rows = all.query_map(values, read)?;
    rows.collect()
}
