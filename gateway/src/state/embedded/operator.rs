//! What the operator's commands ask of the store about schemas and the keys that sign, beside a running server or without one.

use std::collections::BTreeMap;
use std::path::Path;

use realm_ingest_protocol::Schema;
use rusqlite::Connection;

use super::keys::{self, ListedKey};
use super::schemas::{self, ListedSchema};
use super::{FILE, FORMAT};
use crate::backend::BackendError;
use crate::sqlite::{OpenError, open_existing, open_reader};
use crate::state::KnownSchema;

/// See the module.
pub struct OperatorStore {
    connection: Connection,
}

impl OperatorStore {
    /// Opens the store of the directory `data`, which must be there and have the format of this version.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let connection = open_existing(&data.join(FILE), FORMAT)?;
        Ok(Self { connection })
    }

    /// Every schema in the order they came.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&mut self) -> Result<Vec<ListedSchema>, BackendError> {
        schemas::list(&mut self.connection)
    }

    /// Every schema by its fingerprint.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn schemas(&mut self) -> Result<BTreeMap<String, KnownSchema>, BackendError> {
        Ok(schemas::load(&mut self.connection)?.1)
    }

    /// The accepted definition of every class.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn accepted(&mut self) -> Result<Schema, BackendError> {
        schemas::accepted(&mut self.connection)
    }

    /// Makes the schema's definition of the class accepted, with the embedded classes in it; of all its classes in
    /// conflict when none is named. The answer is the classes that were chosen, or what is wrong with the request.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn choose(
        &mut self,
        fingerprint: &str,
        class: Option<&str>,
    ) -> Result<Result<Vec<String>, String>, BackendError> {
        schemas::choose(&mut self.connection, fingerprint, class)
    }

    /// Forgets a schema and what was chosen of it; false when there is none. Who still writes under it sends it again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&mut self, fingerprint: &str) -> Result<bool, BackendError> {
        schemas::forget(&mut self.connection, fingerprint)
    }

    /// Forgets every schema under which nobody has written and of which nothing was chosen; the answer is their fingerprints.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_unused(&mut self) -> Result<Vec<String>, BackendError> {
        schemas::forget_unused(&mut self.connection)
    }

    /// Every key that signs or signed tokens, from the oldest on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn keys(&mut self) -> Result<Vec<ListedKey>, BackendError> {
        keys::list(&self.connection)
    }

    /// Makes a key that signs from now on; the answer is its number.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rotate_keys(&mut self) -> Result<i64, BackendError> {
        Ok(keys::add(&self.connection)?)
    }

    /// Removes a key that does not sign any more. The sessions whose refresh tokens it has signed end; without `force` there
    /// must be none. The answer is their number, or what is wrong with the request.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn retire_key(&mut self, key: i64, force: bool) -> Result<Result<i64, String>, BackendError> {
        keys::retire(&mut self.connection, key, force)
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
    Ok(match format {
        1 => schemas::list_format_1(&connection)?,
        _ => schemas::list(&mut connection)?,
    })
}
