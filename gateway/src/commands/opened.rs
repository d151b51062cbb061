//! The data of an app, wherever it is.

use std::path::PathBuf;
use std::sync::Arc;

use mongodb::Database;
use tokio::runtime::{Builder, Runtime};

use super::accounts::Accounts;
use super::{CommandError, DataArgs};
use crate::backend::BackendError;
use crate::cluster::{Cluster, NamedUri, Uri, UriError};
use crate::custom_user_data::{CustomUserData, InDataSources, InState};
use crate::sink::Operator;
use crate::sink::embedded::EmbeddedOperator;
use crate::sink::mongodb::{DataSources, MongoOperator};
use crate::state::{self, EmbeddedState, ListedSchema, MongoState};

/// See the module. Works beside servers that may be running.
pub(super) enum Data {
    /// The files of a directory, which are those of the app of this client app id or of development mode.
    Directory { path: PathBuf, app: Option<String> },
    /// What gateways share in MongoDB.
    Shared(Shared),
}

/// One app in the database of gateways.
pub(super) struct Shared {
    /// Apart from the command's own thread, so that the deployment is watched whatever that does.
    runtime: Arc<Runtime>,
    cluster: Cluster,
    database: Database,
    state: MongoState,
    app: Option<String>,
}

/// What dead letters are looked at and judged with.
pub(super) struct SinkOfApp {
    /// Where they and outboxes are.
    pub letters: Box<dyn Operator>,
    /// Where rules find what the application keeps about users.
    pub custom_data: Box<dyn CustomUserData>,
}

impl Data {
    /// Where users, schemas and keys are.
    pub(super) fn accounts(&self) -> Result<Accounts, CommandError> {
        Ok(match self {
            Self::Directory { path, .. } => {
                let state = EmbeddedState::open_existing(path)?;
                Accounts::over(Box::new(state), runtime()?)
            }
            Self::Shared(shared) => {
                Accounts::over(Box::new(shared.state.clone()), Arc::clone(&shared.runtime))
            }
        })
    }

    /// Where dead letters and outboxes are.
    pub(super) fn sink(&self) -> Result<Box<dyn Operator>, CommandError> {
        Ok(self.sink_with(&[])?.letters)
    }

    /// The same, with the data sources of the app that are somewhere else, and where its custom user data is.
    pub(super) fn sink_with(&self, sources: &[NamedUri]) -> Result<SinkOfApp, CommandError> {
        Ok(match self {
            Self::Directory { path, .. } => SinkOfApp {
                letters: Box::new(EmbeddedOperator::open(path)?),
                custom_data: Box::new(InState),
            },
            Self::Shared(shared) => {
                let sources = shared.sources(sources)?;
                SinkOfApp {
                    custom_data: Box::new(InDataSources::new(sources.clone())),
                    letters: Box::new(shared.sink(sources)),
                }
            }
        })
    }

    /// The client app id of the app; none of the one of development mode.
    pub(super) fn app(&self) -> Option<&str> {
        match self {
            Self::Directory { app, .. } | Self::Shared(Shared { app, .. }) => app.as_deref(),
        }
    }

    /// Whether it is in MongoDB.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Number of users. Of files also as an earlier release wrote them, like what follows.
    pub(super) fn count_users(&self) -> Result<u64, CommandError> {
        match self {
            Self::Directory { path, .. } => Ok(state::count_users(path)?),
            Self::Shared(_) => Ok(self.accounts()?.ask(|state| state.count_users())?),
        }
    }

    /// Every schema in the order they came.
    pub(super) fn list_schemas(&self) -> Result<Vec<ListedSchema>, CommandError> {
        match self {
            Self::Directory { path, .. } => Ok(state::list_schemas(path)?),
            Self::Shared(_) => Ok(self.accounts()?.ask(|state| state.list_schemas())?),
        }
    }

    /// A schema as it was sent.
    pub(super) fn find_schema(
        &self,
        fingerprint: &str,
    ) -> Result<Option<realm_ingest_protocol::Schema>, CommandError> {
        match self {
            Self::Directory { path, .. } => Ok(state::find_schema(path, fingerprint)?),
            Self::Shared(_) => Ok(self.accounts()?.ask(|state| state.sent_schema(fingerprint))?),
        }
    }
}

impl Shared {
    /// The app that is meant, or the only one.
    pub(super) fn open(uri: &Uri, database: &str, app: Option<&str>) -> Result<Self, CommandError> {
        let runtime = runtime()?;
        let cluster = runtime.block_on(Cluster::new(uri))?;
        let database = cluster.database(database);
        let apps = runtime.block_on(MongoState::apps(&database))?;
        let id = chosen(&apps, app, database.name())?;
        let app = Some(id).filter(|id| !id.is_empty());
        let state = MongoState::open_existing(database.clone(), app.as_deref());
        Ok(Self {
            state: runtime.block_on(state)?,
            runtime,
            cluster,
            database,
            app,
        })
    }

    fn sources(&self, named: &[NamedUri]) -> Result<DataSources, CommandError> {
        let mut sources = DataSources::new(self.cluster.clone());
        for NamedUri { name, uri } in named {
            if name.is_empty() {
                let text = "--data-source takes NAME=URI, with the name that the app's directory has for it";
                return Err(CommandError::Usage(text.to_owned()));
            }
            sources = sources.with(name.clone(), self.runtime.block_on(Cluster::new(uri))?);
        }
        Ok(sources)
    }

    fn sink(&self, sources: DataSources) -> MongoOperator {
        let runtime = self.runtime.handle().clone();
        MongoOperator::new(runtime, &self.database, sources, self.state.domain())
    }
}

impl DataArgs {
    /// The data of the app that is meant.
    ///
    /// # Errors
    /// When there is none, or it is not clear which.
    pub(super) fn open(&self) -> Result<Data, CommandError> {
        if let Some((uri, database)) = self.mongodb() {
            return Ok(Data::Shared(Shared::open(uri, database, self.app())?));
        }
        let path = self.directory()?;
        let app = self.app_of(&path);
        Ok(Data::Directory { path, app })
    }

    /// The directory of the app that is meant, for a command over files alone: `instead` says what is there for MongoDB.
    ///
    /// # Errors
    /// As [`DataArgs::open`], or when everything is in MongoDB.
    pub(super) fn files(&self, command: &str, instead: &str) -> Result<PathBuf, CommandError> {
        if self.mongodb().is_some() {
            return Err(CommandError::Usage(format!(
                "'{command}' works on the files of the embedded store; with MongoDB use {instead}"
            )));
        }
        self.directory()
    }
}

/// Which of the apps in a database is meant.
fn chosen(apps: &[String], app: Option<&str>, database: &str) -> Result<String, CommandError> {
    let names = || {
        let names = apps.iter().map(|id| match &**id {
            "" => "'' (of development mode)",
            id => id,
        });
        names.collect::<Vec<_>>().join(", ")
    };
    match (app, apps) {
        (_, []) => Err(BackendError::Missing(format!(
            "there is no app in database '{database}' yet; start the server on it once"
        ))
        .into()),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(CommandError::Usage(format!(
            "there are several apps in database '{database}'; name one with --app: {}",
            names()
        ))),
        (Some(id), apps) if apps.iter().any(|one| one == id) => Ok(id.to_owned()),
        (Some(id), _) => Err(CommandError::Usage(format!(
            "there is no app '{id}' in database '{database}'; there are: {}",
            names()
        ))),
    }
}

fn runtime() -> Result<Arc<Runtime>, CommandError> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime =
        runtime.map_err(|error| CommandError::CannotStart(format!("cannot start a thread: {error}")));
    Ok(Arc::new(runtime?))
}

impl From<UriError> for CommandError {
    fn from(error: UriError) -> Self {
        Self::Usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn of(apps: &[&str], app: Option<&str>) -> Result<String, (u8, String)> {
        let apps: Vec<_> = apps.iter().map(|app| (*app).to_owned()).collect();
        chosen(&apps, app, "db").map_err(|error| (error.exit_code(), error.to_string()))
    }

    #[test]
    fn an_app_is_named_or_the_only_one() {
        assert_eq!(of(&["one"], None).unwrap(), "one");
        assert_eq!(of(&[""], None).unwrap(), "");
        assert_eq!(of(&["", "one"], Some("one")).unwrap(), "one");
        assert_eq!(of(&["", "one"], Some("")).unwrap(), "");
        let (code, text) = of(&["", "one"], None).unwrap_err();
        assert_eq!(code, 2);
        assert!(
            text.ends_with("name one with --app: '' (of development mode), one"),
            "{text}"
        );
        let (code, text) = of(&["one", "two"], Some("three")).unwrap_err();
        assert_eq!(code, 2);
        assert!(text.ends_with("there are: one, two"), "{text}");
        assert_eq!(of(&[], None).unwrap_err().0, 3);
    }
}
