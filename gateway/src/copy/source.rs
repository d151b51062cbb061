//! The files of an embedded gateway that is stopped, only read.

use std::path::Path;

use rusqlite::Connection;

use super::CopyError;
use crate::auth::Lifetimes;
use crate::clock;
use crate::sink::embedded::{self, Reader};
use crate::sqlite::open_reader_of;
use crate::state;
use crate::state::copying::CopiedApp;

/// See the module.
pub(super) struct Source {
    /// Users, sessions, schemas and keys.
    pub(super) state: Connection,
    /// Documents, dead letters and positions, as commands read them.
    pub(super) reader: Reader,
    /// The same for what they do not ask.
    pub(super) documents: Connection,
}

impl Source {
    pub(super) fn open(directory: &Path) -> Result<Self, CopyError> {
        Ok(Self {
            state: open_reader_of(&directory.join(state::FILE), state::FORMAT)?,
            documents: open_reader_of(&directory.join(embedded::FILE), embedded::FORMAT)?,
            reader: Reader::open(directory)?,
        })
    }

    /// Internal id of the app.
    pub(super) fn domain(&self) -> Result<String, CopyError> {
        let domain = "SELECT value FROM meta WHERE name = 'domain'";
        let domain: Vec<u8> = self.state.query_one(domain, [], |row| row.get(0))?;
        Ok(String::from_utf8_lossy(&domain).into_owned())
    }

    /// What the app's own record says.
    pub(super) fn app(&self, client_app_id: &str) -> Result<CopiedApp, CopyError> {
        let version = "SELECT coalesce((SELECT value FROM meta WHERE name = 'schemas'), 0)";
        let schemas = "SELECT coalesce(max(number), 0) FROM schemas";
        let files = "SELECT coalesce((SELECT value FROM meta WHERE name = 'client_files'), 0)";
        let ended = "SELECT max(time) FROM ended_sessions WHERE time >= ?1";
        let mut keys = self
            .state
            .prepare("SELECT id, secret, created FROM keys ORDER BY id")?;
        let keys = keys.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut choices = self
            .state
            .prepare("SELECT class, fingerprint, time FROM choices ORDER BY time, class")?;
        let choices = choices.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(CopiedApp {
            client_app_id: client_app_id.to_owned(),
            domain: self.domain()?,
            keys: keys.collect::<Result<_, _>>()?,
            schemas_version: self.state.query_one(version, [], |row| row.get(0))?,
            schemas: self.state.query_one(schemas, [], |row| row.get(0))?,
            client_files: self.state.query_one(files, [], |row| row.get(0))?,
            choices: choices.collect::<Result<_, _>>()?,
            ended: self.state.query_one(ended, [revoked_since()], |row| row.get(0))?,
        })
    }
}

/// Access tokens that were made before this have expired by themselves.
pub(super) fn revoked_since() -> i64 {
    clock::unix_millis() - Lifetimes::REVOKED
}
