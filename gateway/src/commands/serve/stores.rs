//! Where a server keeps everything: in a directory that is its own, or in MongoDB, beside other servers.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mongodb::Database;
use tracing::{info, warn};

use super::apps::cannot;
use crate::backend::BackendError;
use crate::cluster::{Cluster, Uri};
use crate::commands::{CommandError, data};
use crate::config::Options;
use crate::custom_user_data::InDataSources;
use crate::definition::Definition;
use crate::gateway::{Gateway, SetUpError};
use crate::sink::mongodb::{DataSources, MongoSink};
use crate::state::MongoState;

/// How long after a database that does not answer it is asked again; it has seconds to answer each time.
const AGAIN: Duration = Duration::from_secs(1);

/// See the module.
pub(super) enum Stores {
    /// The files of a directory.
    Directory {
        /// The directory.
        path: PathBuf,
        /// One server for one directory.
        _lock: File,
    },
    /// A deployment of MongoDB, or several.
    Cluster(Shared),
}

/// What servers share.
pub(super) struct Shared {
    /// Users, sessions, schemas, positions and dead letters.
    state: Database,
    /// Where documents go.
    sink: Arc<MongoSink>,
    /// Where custom user data is.
    users: Arc<InDataSources>,
}

impl Stores {
    /// Those that the options name, once they answer.
    ///
    /// # Errors
    /// When the directory cannot be used or is another server's, or a connection string makes no sense.
    pub async fn open(options: &Options) -> Result<Self, CommandError> {
        let Some(uri) = &options.mongodb else {
            if !options.data_source.is_empty() {
                let text = "--data-source is for apps whose documents go to MongoDB; give --mongodb as well";
                return Err(CommandError::Usage(text.to_owned()));
            }
            let path = options.data.as_deref().unwrap_or(Path::new(""));
            return Self::of_directory(path);
        };
        if options.data_source.iter().any(|source| source.name.is_empty()) {
            let text = "--data-source takes NAME=URI, with the name that the app's directory has for it";
            return Err(CommandError::Usage(text.to_owned()));
        }
        let usual = cluster(uri).await?;
        let mut clusters = vec![("--mongodb", usual.clone())];
        for source in &options.data_source {
            clusters.push((&source.name, cluster(&source.uri).await?));
        }
        for (name, cluster) in &clusters {
            wait_for(name, cluster).await;
        }
        let named = clusters.into_iter().skip(1);
        let sources = named.fold(DataSources::new(usual.clone()), |sources, (name, cluster)| {
            sources.with(name.to_owned(), cluster)
        });
        let state = usual.database(options.mongodb_database.as_deref().unwrap_or_default());
        Ok(Self::Cluster(Shared {
            sink: Arc::new(MongoSink::new(&state, sources.clone())),
            users: Arc::new(InDataSources::new(sources)),
            state,
        }))
    }

    /// The files of this directory, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be used or is another server's.
    pub fn of_directory(path: &Path) -> Result<Self, CommandError> {
        Ok(Self::Directory {
            path: path.to_owned(),
            _lock: lock_or_make(path)?,
        })
    }

    /// Also serves the app of development mode.
    ///
    /// # Errors
    /// When its data cannot be used.
    pub async fn add_development(
        &self,
        gateway: &mut Gateway,
        definition: Definition,
    ) -> Result<(), CommandError> {
        match self {
            Self::Directory { path, .. } => {
                refuse_apps(path)?;
                Ok(gateway.add_directory(definition, path).await?)
            }
            Self::Cluster(shared) => shared.add(gateway, definition).await,
        }
    }

    /// Also serves the app of this client app id.
    ///
    /// # Errors
    /// When its data cannot be used.
    pub async fn add(
        &self,
        gateway: &mut Gateway,
        id: &str,
        definition: Definition,
    ) -> Result<(), CommandError> {
        match self {
            Self::Directory { path, .. } => {
                refuse_development(path)?;
                let own = data::of_app(path, id);
                let made = realm_ingest_durable::create_dir_all(&own);
                made.map_err(|error| cannot(format!("cannot use {}: {error}", own.display())))?;
                gateway.add_directory(definition, &own).await?;
                info!(app = id, data = %own.display(), "app is served");
            }
            Self::Cluster(shared) => {
                shared.add(gateway, definition).await?;
                info!(app = id, "app is served");
            }
        }
        Ok(())
    }

    /// For the log.
    pub fn describe(&self) -> String {
        match self {
            Self::Directory { path, .. } => path.display().to_string(),
            Self::Cluster(shared) => format!("database {} of MongoDB", shared.state.name()),
        }
    }
}

impl Shared {
    /// Waits where the database is in an election, or goes away once more.
    async fn add(&self, gateway: &mut Gateway, definition: Definition) -> Result<(), CommandError> {
        check(&definition, self.state.name())?;
        loop {
            match self.try_add(gateway, definition.clone()).await {
                Err(SetUpError::Backend(error @ BackendError::Unavailable(_))) => {
                    again(self.state.name(), &error).await
                }
                added => return Ok(added?),
            }
        }
    }

    async fn try_add(&self, gateway: &mut Gateway, definition: Definition) -> Result<(), SetUpError> {
        let id = definition.client_app_id.as_deref();
        let state = Arc::new(MongoState::open(self.state.clone(), id).await?);
        let (sink, users) = (Arc::clone(&self.sink), Arc::clone(&self.users));
        gateway.add_with_user_data(definition, state, sink, users).await
    }
}

/// Documents in the database that servers share could pass for its records, and make anybody of a device.
///
/// # Errors
/// When the app has some there.
pub(super) fn check(definition: &Definition, state: &str) -> Result<(), CommandError> {
    if !definition.databases().any(|database| database == state) {
        return Ok(());
    }
    let app = definition.client_app_id.as_deref().unwrap_or("any");
    Err(cannot(format!(
        "app '{app}' has documents in the database '{state}', which is for what servers share; name another one for that with \
         --mongodb-database"
    )))
}

async fn cluster(uri: &Uri) -> Result<Cluster, CommandError> {
    Cluster::new(uri).await.map_err(|error| cannot(error.to_string()))
}

/// Returns once it answers. Whoever starts machines starts a server and its database in any order.
async fn wait_for(name: &str, cluster: &Cluster) {
    while let Err(error) = cluster.ping().await {
        again(name, &error).await;
    }
}

async fn again(name: &str, error: &BackendError) {
    warn!(%error, database = name, "waiting for the database");
    tokio::time::sleep(AGAIN).await;
}

/// What is in `data` already has to be of the same kind, or commands would not know what is meant.
fn refuse_development(data: &Path) -> Result<(), CommandError> {
    if data::is_development(data) {
        return Err(cannot(format!(
            "{} has the data of development mode; choose another directory with --data, or make its files those of an \
             app by moving gateway.sqlite* and documents.sqlite* into apps/ID of it",
            data.display()
        )));
    }
    Ok(())
}

fn refuse_apps(data: &Path) -> Result<(), CommandError> {
    let apps = data::apps(data);
    let apps = apps.map_err(|error| cannot(format!("cannot use {}: {error}", data.display())))?;
    if apps.is_empty() {
        return Ok(());
    }
    Err(cannot(format!(
        "{} has the data of apps that --app serves ({}); choose another directory with --data",
        data.display(),
        apps.join(", ")
    )))
}

/// Whose a directory is.
pub(in crate::commands) enum Locked {
    /// Ours, while this is open.
    Ours(File),
    /// Another server's.
    Taken,
}

/// One server for one directory.
fn lock_or_make(data: &Path) -> Result<File, CommandError> {
    let made = realm_ingest_durable::create_dir_all(data);
    match made.and_then(|()| lock(data)) {
        Ok(Locked::Ours(file)) => Ok(file),
        Ok(Locked::Taken) => Err(CommandError::CannotStart(format!(
            "another server uses {}; stop it or choose another directory with --data",
            data.display()
        ))),
        Err(error) => Err(CommandError::CannotStart(format!(
            "cannot use {} as the directory of the server's data: {error}; choose another one with --data",
            data.display()
        ))),
    }
}

/// Takes a directory that is there.
pub(in crate::commands) fn lock(data: &Path) -> std::io::Result<Locked> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    let file = options.open(data.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Locked::Ours(file)),
        Err(TryLockError::WouldBlock) => Ok(Locked::Taken),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
