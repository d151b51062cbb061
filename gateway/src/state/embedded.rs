//! The store as one SQLite file beside the documents. A file of its own, so that a login never waits for
//! a large batch and the signing keys are not in the file that people copy to look at their data.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use realm_ingest_protocol::Schema;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::Mutex;
use tracing::warn;

use super::schemas::Limits;
use super::{
    KnownSchema, ListedKey, ListedSchema, Provider, Secrets, Session, State, User, keys, schemas, sessions,
};
use crate::backend::{Answer, BackendError};
use crate::clock;
use crate::sqlite::{OpenError, open_existing, open_reader, open_writer};

/// Name of the file in the data directory.
pub(crate) const FILE: &str = "gateway.sqlite";

/// Format of the file, in `user_version`.
pub(crate) const FORMAT: i32 = 2;

/// What leads from each format to the next, from an empty file on.
pub(super) const STEPS: &[&str] = &[FORMAT_1, FORMAT_2];

const FORMAT_1: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE users (
        id TEXT PRIMARY KEY, identity TEXT NOT NULL, provider TEXT NOT NULL,
        email TEXT UNIQUE, password_hash TEXT, created INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users, device TEXT NOT NULL, created INTEGER NOT NULL
    ) WITHOUT ROWID;
    -- Canonical JSON.
    CREATE TABLE schemas (fingerprint TEXT PRIMARY KEY, json TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
";

/// The key of 0.1.0 is the first of several. A session ends with its refresh token and knows when it was `used`. `number` is the order in which schemas came, `user` who sent one first, `accepted` the definition of each class that holds.
/// See `schemas.rs`.
const FORMAT_2: &str = "
    -- The newest signs.
    CREATE TABLE keys (id INTEGER PRIMARY KEY, secret BLOB NOT NULL, created INTEGER NOT NULL);
    INSERT INTO keys SELECT 1, value, coalesce((SELECT min(created) FROM users), unixepoch() * 1000)
        FROM meta WHERE name = 'signing_key';
    DELETE FROM meta WHERE name = 'signing_key';
    -- Who signed its refresh token.
    ALTER TABLE sessions ADD COLUMN key INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE sessions ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN expires INTEGER NOT NULL DEFAULT 0;
    -- 50 years for anonymous users, 60 days for others.
    UPDATE sessions SET used = created, expires = created + 86400000 * iif(
        (SELECT provider FROM users WHERE users.id = sessions.user) = 'anon-user', 18250, 60);
    CREATE INDEX sessions_expires ON sessions (expires);
    ALTER TABLE schemas ADD COLUMN number INTEGER;
    ALTER TABLE schemas ADD COLUMN user TEXT NOT NULL DEFAULT '';
    ALTER TABLE schemas ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    -- Whether somebody has written under it; who knows of those of format 1.
    ALTER TABLE schemas ADD COLUMN used INTEGER NOT NULL DEFAULT 1;
    UPDATE schemas SET number = ordered.number, bytes = length(CAST(json AS BLOB)) FROM (
        SELECT fingerprint AS name, row_number() OVER (ORDER BY created, fingerprint) AS number FROM schemas
    ) AS ordered WHERE fingerprint = ordered.name;
    DELETE FROM meta WHERE name = 'merged';
    CREATE INDEX schemas_user ON schemas (user);
    -- What is asked of all of them, so that their JSON is not read for it.
    CREATE INDEX schemas_used ON schemas (used, number, bytes);
    CREATE TABLE accepted (class TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE choices (class TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE conflicts (
        fingerprint TEXT NOT NULL, class TEXT NOT NULL, since INTEGER NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (fingerprint, class)
    ) WITHOUT ROWID;
";

/// See the module.
#[derive(Clone)]
pub struct EmbeddedState {
    connection: Arc<Mutex<Connection>>,
    /// What every batch asks does not wait for logins to be synced.
    reader: Arc<Mutex<Connection>>,
}

impl EmbeddedState {
    /// Opens or creates the store in the directory `data`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let path = data.join(FILE);
        let mut connection = open_writer(&path, FORMAT, STEPS)?;
        keys::complete(&mut connection)?;
        schemas::complete(&mut connection)?;
        let (reader, _) = open_reader(&path, FORMAT)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            reader: Arc::new(Mutex::new(reader)),
        })
    }

    /// Runs `work` off the async threads, one at a time.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, BackendError> + Send + 'static,
    ) -> Answer<'_, T> {
        off_the_async_threads(&self.connection, work)
    }

    /// The same for what only reads.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, BackendError> + Send + 'static,
    ) -> Answer<'_, T> {
        off_the_async_threads(&self.reader, work)
    }
}

fn off_the_async_threads<'a, T: Send + 'static>(
    connection: &Arc<Mutex<Connection>>,
    work: impl FnOnce(&mut Connection) -> Result<T, BackendError> + Send + 'static,
) -> Answer<'a, T> {
    let connection = Arc::clone(connection);
    Box::pin(async move {
        // Whoever waits here keeps no thread from others, of which there are only so many.
        let mut connection = connection.lock_owned().await;
        let task = tokio::task::spawn_blocking(move || work(&mut connection));
        task.await.map_err(|_| BackendError::Closed)?
    })
}

/// What the operator's commands need of the store, beside a running server or without one.
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
}

impl OperatorStore {
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

/// Number of users in the store of the directory `data`.
///
/// # Errors
/// When the file cannot be read.
pub fn count_users(data: &Path) -> Result<u64, OpenError> {
    let (connection, _) = open_reader(&data.join(FILE), FORMAT)?;
    let count: i64 = connection
        .query_one("SELECT count(*) FROM users", [], |row| row.get(0))
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

fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    let provider: String = row.get("provider")?;
    Ok(User {
        id: row.get("id")?,
        identity: row.get("identity")?,
        provider: Provider::from_name(&provider).unwrap_or(Provider::Anonymous),
        email: row.get("email")?,
        password_hash: row.get("password_hash")?,
    })
}

impl State for EmbeddedState {
    fn secrets(&self) -> Answer<'_, Secrets> {
        self.read(keys::secrets)
    }

    fn add_user(&self, user: User) -> Answer<'_, bool> {
        self.run(move |connection| {
            let added = connection.execute(
                "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (email) DO NOTHING",
                params![
                    user.id,
                    user.identity,
                    user.provider.as_str(),
                    user.email,
                    user.password_hash,
                    clock::unix_millis()
                ],
            )?;
            Ok(added == 1)
        })
    }

    fn user(&self, id: &str) -> Answer<'_, Option<User>> {
        let id = id.to_owned();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM users WHERE id = ?1")?;
            Ok(statement.query_one([id], read_user).optional()?)
        })
    }

    fn user_by_email(&self, email: &str) -> Answer<'_, Option<User>> {
        let email = email.to_owned();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM users WHERE email = ?1")?;
            Ok(statement.query_one([email], read_user).optional()?)
        })
    }

    fn open_session(&self, session: Session) -> Answer<'_, i64> {
        self.run(move |connection| sessions::open(connection, &session, clock::unix_millis()))
    }

    fn session(&self, id: &str) -> Answer<'_, Option<Session>> {
        let (id, now) = (id.to_owned(), clock::unix_millis());
        Box::pin(async move {
            let name = id.clone();
            let found = self.read(move |connection| Ok(sessions::find(connection, &name, now)?));
            let Some((session, note)) = found.await? else {
                return Ok(None);
            };
            if note {
                let noted = self.run(move |connection| Ok(sessions::note_use(connection, &id, now)?));
                // A full disk keeps nobody out.
                if let Err(error) = noted.await {
                    warn!(%error, "when a session was used could not be noted");
                }
            }
            Ok(Some(session))
        })
    }

    fn close_session(&self, id: &str) -> Answer<'_, bool> {
        let id = id.to_owned();
        self.run(move |connection| Ok(sessions::close(connection, &id)?))
    }

    fn schemas_version(&self) -> Answer<'_, i64> {
        self.read(|connection| Ok(schemas::version(connection)?))
    }

    fn schema(&self, fingerprint: &str) -> Answer<'_, Option<(i64, KnownSchema)>> {
        let fingerprint = fingerprint.to_owned();
        self.read(move |connection| schemas::find(connection, &fingerprint))
    }

    fn add_schema(&self, schema: Schema, user: &str) -> Answer<'_, bool> {
        let user = user.to_owned();
        self.run(move |connection| schemas::add(connection, &schema, &user, Limits::USUAL))
    }

    fn note_schema_use(&self, fingerprint: &str) -> Answer<'_, bool> {
        let fingerprint = fingerprint.to_owned();
        self.run(move |connection| Ok(schemas::note_use(connection, &fingerprint)?))
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.run(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES ('probe', ?1)",
                [clock::unix_millis().to_string()],
            )?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test fails by panicking"
    )]
    use super::*;

    #[test]
    fn who_waits_for_the_file_keeps_no_thread_from_others() {
        let data = tempfile::tempdir().unwrap();
        let state = EmbeddedState::open(data.path()).unwrap();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().max_blocking_threads(2).build().unwrap();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        runtime.block_on(async move {
            let first = tokio::spawn(off_the_async_threads(
                &state.connection,
                move |_: &mut Connection| Ok(ended.recv().is_ok()),
            ));
            let second = tokio::spawn(off_the_async_threads(&state.connection, |_: &mut Connection| {
                Ok(true)
            }));
            tokio::task::yield_now().await;
            let other = tokio::task::spawn_blocking(|| ());
            let other = tokio::time::timeout(std::time::Duration::from_secs(10), other).await;
            end.send(()).unwrap();
            assert!(first.await.unwrap().unwrap() && second.await.unwrap().unwrap());
            other.expect("it does not wait for the file").unwrap();
        });
    }
}
