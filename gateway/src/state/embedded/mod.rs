//! The store as one SQLite file beside the documents. A file of its own, so that a login never waits for
//! a large batch and the signing keys are not in the file that people copy to look at their data.

mod api_keys;
mod client_files;
mod contracts;
mod format;
mod imports;
mod integrity;
mod keys;
mod operator;
mod registrations;
mod schemas;
mod sessions;
mod users;

pub(crate) use format::FORMAT;
pub(crate) use integrity::check;
pub use operator::{count_users, find_schema, list_schemas};

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Mutex;

use self::format::STEPS;
use super::client_files::MAX_OF_USER;
use crate::backend::{Answer, BackendError};
use crate::sqlite::{OpenError, open_existing, open_reader, open_writer};

/// Name of the file in the data directory.
pub(crate) const FILE: &str = "gateway.sqlite";

/// See the module.
#[derive(Clone)]
pub struct EmbeddedState {
    connection: Arc<Mutex<Connection>>,
    /// What every batch asks does not wait for logins to be synced.
    reader: Arc<Mutex<Connection>>,
    /// Client files of one user.
    files_of_user: i64,
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
        Self::over(connection, &path)
    }

    /// Opens the store of the directory `data` beside a server that may be running. It must be there and have the format of this
    /// version.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open_existing(data: &Path) -> Result<Self, OpenError> {
        let path = data.join(FILE);
        Self::over(open_existing(&path, FORMAT)?, &path)
    }

    fn over(connection: Connection, path: &Path) -> Result<Self, OpenError> {
        let (reader, _) = open_reader(path, FORMAT)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            reader: Arc::new(Mutex::new(reader)),
            files_of_user: MAX_OF_USER,
        })
    }

    /// The same that keeps no more than so many client files of one user.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_client_files(mut self, of_user: i64) -> Self {
        self.files_of_user = of_user;
        self
    }

    /// Runs `work` off the async threads, one at a time.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, BackendError> + Send + 'static,
    ) -> Answer<'_, T> {
        off_the_async_threads(&self.connection, work)
    }

    /// The same for what only reads, all of it as it was at one moment.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, BackendError> + Send + 'static,
    ) -> Answer<'_, T> {
        off_the_async_threads(&self.reader, |connection| work(&*connection.transaction()?))
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

#[cfg(test)]
mod tests;
