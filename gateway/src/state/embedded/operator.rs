//! What the operator's commands ask of the store, and what they read of one that an earlier release wrote.

use std::collections::BTreeMap;
use std::path::Path;

use realm_ingest_protocol::Schema;

use super::{EmbeddedState, FILE, FORMAT, client_files, keys, schemas};
use crate::backend::{Answer, BackendError};
use crate::sqlite::{OpenError, open_reader};
use crate::state::operator::{ListedKey, ListedSchema, Operator};
use crate::state::{ClientFile, KnownSchema};

impl Operator for EmbeddedState {
    fn count_users(&self) -> Answer<'_, u64> {
        self.read(|connection| {
            let query = "SELECT count(*) FROM users WHERE NOT gone";
            let count: i64 = connection.query_one(query, [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    fn signing_keys(&self) -> Answer<'_, Vec<ListedKey>> {
        self.read(keys::list)
    }

    fn rotate_keys(&self) -> Answer<'_, i64> {
        self.run(|connection| Ok(keys::add(connection)?))
    }

    fn retire_key(&self, key: i64, force: bool) -> Answer<'_, Result<i64, String>> {
        self.run(move |connection| keys::retire(connection, key, force))
    }

    fn list_schemas(&self) -> Answer<'_, Vec<ListedSchema>> {
        self.read(schemas::list)
    }

    fn known_schemas(&self) -> Answer<'_, BTreeMap<String, KnownSchema>> {
        self.read(schemas::load)
    }

    fn sent_schema(&self, fingerprint: &str) -> Answer<'_, Option<Schema>> {
        let fingerprint = fingerprint.to_owned();
        self.read(move |connection| schemas::sent(connection, &fingerprint))
    }

    fn accepted_schema(&self) -> Answer<'_, Schema> {
        self.read(schemas::accepted)
    }

    fn choose_schema(
        &self,
        fingerprint: &str,
        class: Option<&str>,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        let (fingerprint, class) = (fingerprint.to_owned(), class.map(str::to_owned));
        self.run(move |connection| schemas::choose(connection, &fingerprint, class.as_deref()))
    }

    fn forget_schema(&self, fingerprint: &str) -> Answer<'_, bool> {
        let fingerprint = fingerprint.to_owned();
        self.run(move |connection| schemas::forget(connection, &fingerprint))
    }

    fn forget_unused_schemas(&self) -> Answer<'_, Vec<String>> {
        self.run(schemas::forget_unused)
    }

    fn client_files(&self, after: Option<&ClientFile>, limit: usize) -> Answer<'_, Vec<ClientFile>> {
        let after = after.map(|file| (file.ident, file.salt));
        self.read(move |connection| client_files::list(connection, after, limit))
    }
}

/// Number of users in the store of the directory `data`. Reads, also what an earlier release wrote.
///
/// # Errors
/// When the file cannot be read.
pub fn count_users(data: &Path) -> Result<u64, OpenError> {
    let (connection, format) = open_reader(&data.join(FILE), FORMAT)?;
    let count = match format {
        1 => "SELECT count(*) FROM users",
        _ => "SELECT count(*) FROM users WHERE NOT gone",
    };
    let count: i64 = connection
        .query_one(count, [], |row| row.get(0))
        .map_err(BackendError::from)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// The schema of this fingerprint in the store of the directory `data`, as it was sent. Reads, also what an earlier release
/// wrote.
///
/// # Errors
/// When the file cannot be read.
pub fn find_schema(data: &Path, fingerprint: &str) -> Result<Option<Schema>, OpenError> {
    let (connection, _) = open_reader(&data.join(FILE), FORMAT)?;
    Ok(schemas::sent(&connection, fingerprint)?)
}

/// Every schema in the store of the directory `data`, in the order they came. Reads, also what an earlier release wrote.
///
/// # Errors
/// When the file cannot be read.
pub fn list_schemas(data: &Path) -> Result<Vec<ListedSchema>, OpenError> {
    let (mut connection, format) = open_reader(&data.join(FILE), FORMAT)?;
    let connection = connection.transaction().map_err(BackendError::from)?;
    Ok(match format {
        1 => schemas::list_format_1(&connection)?,
        _ => schemas::list(&connection)?,
    })
}
