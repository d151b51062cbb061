//! Which apps are served: the one of development mode, or those whose directories an operator names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{error, info, warn};

use super::stores::{self, Stores};
use crate::app_directory::{Report, Secrets, Store, load_for};
use crate::commands::CommandError;
use crate::config::Options;
use crate::definition::{Definition, is_app_id};
use crate::gateway::Gateway;

/// Entries of one report that are logged at most; `check` shows all.
const LOGGED: usize = 100;

/// What was asked for.
pub(super) enum Asked {
    /// One app in development mode, under this client app id or under any.
    Development(Option<String>),
    /// The apps of these directories.
    Directories(Directories),
}

impl Asked {
    /// # Errors
    /// When the settings contradict each other, or say nothing.
    pub fn of(options: &Options) -> Result<Self, CommandError> {
        let usage = |text: &str| Err(CommandError::Usage(text.to_owned()));
        let app_id = options.app_id.clone();
        if let Some(id) = app_id.as_ref().filter(|id| !is_app_id(id)) {
            return usage(&format!(
                "'{id}' is no client app id: it has 1 to 64 letters, digits, '-' and '_'"
            ));
        }
        match (options.dev == Some(true), options.app.as_slice()) {
            (true, []) => Ok(Self::Development(app_id)),
            (true, _) => usage("--dev serves an app of its own; leave out --dev or --app"),
            (false, []) => usage(
                "nothing to serve: name the directory of an app with --app, or add --dev for development mode",
            ),
            (false, [_, _, ..]) if app_id.is_some() => {
                usage("--app-id is for one app; of several, each directory has to name its own")
            }
            (false, paths) => Ok(Self::Directories(Directories {
                paths: paths.to_vec(),
                secrets: options.secrets.clone(),
                app_id,
                mongodb: options.mongodb.as_ref().map(|_| MongoDb {
                    named: options
                        .data_source
                        .iter()
                        .map(|source| source.name.clone())
                        .collect(),
                    state: options.mongodb_database.clone().unwrap_or_default(),
                }),
            })),
        }
    }

    /// Serves them, with their data in the stores.
    ///
    /// # Errors
    /// When one cannot be served.
    pub async fn serve(&self, gateway: &mut Gateway, stores: &Stores) -> Result<(), CommandError> {
        match self {
            Self::Development(id) => {
                let definition = Definition::development(id.clone());
                stores.add_development(gateway, definition).await?;
            }
            Self::Directories(directories) => {
                for (id, definition) in directories.load_all()? {
                    tell_of_mails(gateway, &id, &definition);
                    stores.add(gateway, &id, definition).await?;
                }
            }
        }
        Ok(())
    }
}

/// Directories of apps, read when the server starts and whenever it is told to.
#[derive(Clone)]
pub(super) struct Directories {
    paths: Vec<PathBuf>,
    secrets: Option<PathBuf>,
    app_id: Option<String>,
    mongodb: Option<MongoDb>,
}

/// What has to be known of where documents go.
#[derive(Clone)]
struct MongoDb {
    /// The data sources that are told apart from `--mongodb`.
    named: BTreeSet<String>,
    /// The database that servers share.
    state: String,
}

impl Directories {
    /// Everything that is refused is logged before the error comes.
    fn load_all(&self) -> Result<Vec<(String, Definition)>, CommandError> {
        let secrets = self.secrets()?;
        let loaded: Vec<_> = self.paths.iter().map(|path| self.load(path, &secrets)).collect();
        let mut apps: Vec<(String, Definition)> = Vec::with_capacity(loaded.len());
        for one in loaded {
            let (id, definition) = one?;
            if apps.iter().any(|(other, _)| *other == id) {
                return Err(cannot(format!(
                    "two directories are of one app, '{id}'; name one of them"
                )));
            }
            apps.push((id, definition));
        }
        Ok(apps)
    }

    /// Reads the directories again. An app whose directory cannot be served stays as it is.
    pub fn reload(&self, gateway: &Gateway) {
        let secrets = match self.secrets() {
            Ok(secrets) => secrets,
            Err(error) => return error!(%error, "no app is read again; all stay as they are"),
        };
        // They were added in this order.
        for (path, app) in self.paths.iter().zip(gateway.apps.iter()) {
            let read = self.load(path, &secrets).and_then(|(id, definition)| {
                if !app.is_called(&id) {
                    return Err(cannot(format!(
                        "the directory is of another app now, '{id}', which needs a new start"
                    )));
                }
                tell_of_mails(gateway, &id, &definition);
                app.redefine(definition);
                Ok(id)
            });
            let directory = path.display();
            match read {
                Ok(app) => info!(app, %directory, "the directory was read again"),
                Err(error) => {
                    error!(%error, %directory, "a new definition is not used; the former one stays")
                }
            }
        }
    }

    fn secrets(&self) -> Result<Secrets, CommandError> {
        let secrets = Secrets::read(self.secrets.as_deref());
        secrets.map_err(|error| cannot(error.to_string()))
    }

    /// One directory, with the client app id that it is for.
    fn load(&self, path: &Path, secrets: &Secrets) -> Result<(String, Definition), CommandError> {
        let store = self.mongodb.as_ref().map_or(Store::Embedded, |_| Store::MongoDb);
        let loaded = load_for(store, path, secrets, self.app_id.as_deref());
        log(path, &loaded.report);
        let shown = path.display();
        let Some(definition) = loaded.definition else {
            let refused = loaded.report.refusals().count();
            return Err(cannot(format!(
                "{shown} cannot be served, refused: {refused}; the log tells what, and so does 'check'"
            )));
        };
        let id = definition.client_app_id.clone();
        let id = id.ok_or_else(|| cannot(format!("{shown} names no client app id; give --app-id")))?;
        match &self.app_id {
            Some(other) if *other != id => Err(cannot(format!(
                "{shown} is of the app '{id}', not '{other}'; leave --app-id out"
            ))),
            _ => {
                if let Some(mongodb) = &self.mongodb {
                    mongodb.check(&shown.to_string(), &definition)?;
                }
                Ok((id, definition))
            }
        }
    }
}

impl MongoDb {
    /// Documents go to `--mongodb`, whatever the app calls it. Another data source may be somewhere else, and its name does not say
    /// where.
    fn check(&self, directory: &str, definition: &Definition) -> Result<(), CommandError> {
        stores::check(definition, &self.state)?;
        let users = definition.custom_user_data.as_ref();
        let Some(name) = users.map(|users| &users.data_source) else {
            return Ok(());
        };
        if definition.sync.data_source.as_ref() == Some(name) || self.named.contains(name) {
            return Ok(());
        }
        Err(cannot(format!(
            "{directory} reads custom user data from the data source '{name}', which is another one than that of its documents; say \
             where it is with --data-source {name}=URI"
        )))
    }
}

/// Users who wait for mails that nobody sends are not told why.
fn tell_of_mails(gateway: &Gateway, app: &str, definition: &Definition) {
    if definition.providers.sends_mails() && !gateway.mailer.is_on() {
        warn!(
            app,
            "users should get mails, and neither --smtp-url nor --mail-dir is given: none is sent"
        );
    }
}

fn log(path: &Path, report: &Report) {
    let directory = path.display();
    for entry in report.refusals().take(LOGGED) {
        error!(%directory, "{entry}");
    }
    for entry in report.warnings().take(LOGGED) {
        warn!(%directory, "{entry}");
    }
}

pub(super) fn cannot(text: String) -> CommandError {
    CommandError::CannotStart(text)
}

/// Reads the directories again, off the async threads.
pub(super) async fn reload(directories: &Directories, gateway: &Arc<Gateway>) {
    let (directories, gateway) = (directories.clone(), Arc::clone(gateway));
    let read = tokio::task::spawn_blocking(move || directories.reload(&gateway));
    if let Err(error) = read.await {
        error!(%error, "directories could not be read again");
    }
}
