//! The client files in the file of the store.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use crate::backend::BackendError;
use crate::state::ClientFile;
use crate::state::client_files::{NOTED_EVERY, New, SERVER, new_salt, packed, stored, unpacked};

/// Name in `meta` of how many numbers were given out.
const GIVEN: &str = "client_files";

pub(super) fn create(connection: &mut Connection, new: &New) -> Result<ClientFile, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let given: i64 = transaction
        .prepare_cached(
            "INSERT INTO meta (name, value) VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        )?
        .query_one([GIVEN], |row| row.get(0))?;
    let file = add(&transaction, SERVER + given, new_salt(), new)?;
    transaction.commit()?;
    Ok(file)
}

pub(super) fn adopt(
    connection: &mut Connection,
    ident: u64,
    salt: i64,
    new: &New,
) -> Result<ClientFile, BackendError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(known) = find(&transaction, ident, salt)? {
        return Ok(known);
    }
    let file = add(&transaction, stored(ident), salt, new)?;
    transaction.commit()?;
    Ok(file)
}

fn add(connection: &Connection, ident: i64, salt: i64, new: &New) -> Result<ClientFile, BackendError> {
    make_room(connection, new)?;
    connection
        .prepare_cached(
            "INSERT INTO client_files (ident, salt, user, client, created, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        )?
        .execute(params![ident, salt, new.user, new.client, new.now])?;
    let added = find(connection, ident.unsigned_abs(), salt)?;
    added.ok_or_else(|| BackendError::Damaged("a client file that was just added is not there".to_owned()))
}

/// Forgets those of the user that were not seen for longest, where there are as many as may be: first of those that have sent nothing.
fn make_room(connection: &Connection, new: &New) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM client_files WHERE (ident, salt) IN (
                 SELECT ident, salt FROM client_files WHERE user = ?1 ORDER BY revision > 0, seen
                 LIMIT max(0, (SELECT count(*) FROM client_files WHERE user = ?1) - ?2 + 1))",
        )?
        .execute(params![new.user, new.of_user])?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    ident: u64,
    salt: i64,
) -> Result<Option<ClientFile>, BackendError> {
    let found = connection
        .prepare_cached("SELECT * FROM client_files WHERE ident = ?1 AND salt = ?2")?
        .query_one([stored(ident), salt], read)
        .optional()?;
    found.map(Read::file).transpose()
}

pub(super) fn note(
    connection: &Connection,
    ident: u64,
    salt: i64,
    client: &str,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE client_files SET seen = max(seen, ?4), client = ?3
             WHERE ident = ?1 AND salt = ?2 AND (seen <= ?5 OR client <> ?3)",
        )?
        .execute(params![stored(ident), salt, client, now, now - NOTED_EVERY])?;
    Ok(())
}

pub(super) fn set_registry(
    connection: &Connection,
    ident: u64,
    salt: i64,
    revision: u64,
    registry: &str,
) -> Result<Option<u64>, BackendError> {
    let values = params![stored(ident), salt, stored(revision), packed(registry)?];
    let set = connection
        .prepare_cached(
            "UPDATE client_files SET registry = ?4, revision = revision + 1
             WHERE ident = ?1 AND salt = ?2 AND revision = ?3 RETURNING revision",
        )?
        .query_one(values, |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(set.map(i64::unsigned_abs))
}

pub(super) fn renew_generation(
    connection: &Connection,
    ident: u64,
    salt: i64,
    from: u32,
) -> rusqlite::Result<Option<u32>> {
    connection
        .prepare_cached(
            "UPDATE client_files SET generation = generation + (generation = ?3)
             WHERE ident = ?1 AND salt = ?2 RETURNING generation",
        )?
        .query_one(params![stored(ident), salt, from], |row| row.get(0))
        .optional()
}

/// Forgets those of a user.
pub(super) fn forget(connection: &Connection, user: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM client_files WHERE user = ?1", [user])?;
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    after: Option<(u64, i64)>,
    limit: usize,
) -> Result<Vec<ClientFile>, BackendError> {
    let (ident, salt) = after.unwrap_or_default();
    let mut statement = connection.prepare_cached(
        "SELECT * FROM client_files WHERE (ident, salt) > (?1, ?2) ORDER BY ident, salt LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map([stored(ident), salt, limit], read)?;
    rows.map(|row| row?.file()).collect()
}

/// One whose registry has yet to be unpacked.
struct Read {
    file: ClientFile,
    registry: Option<Vec<u8>>,
}

impl Read {
    fn file(self) -> Result<ClientFile, BackendError> {
        Ok(ClientFile {
            registry: self.registry.as_deref().map(unpacked).transpose()?,
            ..self.file
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Read> {
    Ok(Read {
        registry: row.get("registry")?,
        file: ClientFile {
            ident: row.get::<_, i64>("ident")?.unsigned_abs(),
            salt: row.get("salt")?,
            user: row.get("user")?,
            generation: row.get("generation")?,
            revision: row.get::<_, i64>("revision")?.unsigned_abs(),
            registry: None,
            client: row.get("client")?,
            created: row.get("created")?,
            seen: row.get("seen")?,
        },
    })
}
