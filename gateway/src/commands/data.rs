//! Where data is: that of the app in development mode lies in the server's directory itself, that of each other app in
//! `apps/ID` of it. A directory has the one or the other. In MongoDB the apps of all gateways share a database.

use std::io;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::error::ErrorKind;
use clap::parser::ValueSource;

use super::CommandError;
use crate::cluster::Uri;
use crate::definition::is_app_id;
use crate::sqlite::OpenError;
use crate::{sink, state};

/// Which data a command works on: what one flag of --data and --mongodb names, whatever the environment says of the other.
#[derive(Clone, Debug)]
pub struct DataArgs(Given);

/// What flags and the environment say.
#[derive(clap::Args, Clone, Debug)]
struct Given {
    /// Directory of the server's data
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_DATA",
        value_name = "DIRECTORY",
        default_value = "./realm-ingest-data"
    )]
    data: PathBuf,
    /// MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the
    /// environment
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_MONGODB",
        value_name = "URI",
        hide_env_values = true
    )]
    mongodb: Option<Uri>,
    /// Database there with what the gateways share
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_MONGODB_DATABASE",
        value_name = "NAME",
        default_value = "realm_ingest"
    )]
    mongodb_database: String,
    /// Client app id, where there are several apps
    #[arg(long, value_name = "ID")]
    app: Option<String>,
}

impl clap::Args for DataArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        <Given as clap::Args>::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        <Given as clap::Args>::augment_args_for_update(command)
    }
}

impl clap::FromArgMatches for DataArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_flag = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
        let mut given = <Given as clap::FromArgMatches>::from_arg_matches(matches)?;
        match (is_flag("data"), is_flag("mongodb")) {
            (true, true) => {
                let text = "the data is in one place: give --data or --mongodb, not both\n";
                return Err(clap::Error::raw(ErrorKind::ArgumentConflict, text));
            }
            (true, false) => given.mongodb = None,
            (false, _) => {}
        }
        Ok(Self(given))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = <Self as clap::FromArgMatches>::from_arg_matches(matches)?;
        Ok(())
    }
}

impl DataArgs {
    /// The deployment, unless the data is in files, and the database there.
    pub(super) fn mongodb(&self) -> Option<(&Uri, &str)> {
        let Given {
            mongodb,
            mongodb_database,
            ..
        } = &self.0;
        mongodb.as_ref().map(|uri| (uri, mongodb_database.as_str()))
    }

    /// The client app id that is named.
    pub(super) fn app(&self) -> Option<&str> {
        self.0.app.as_deref()
    }

    /// The directory of the app that is meant, in the server's.
    ///
    /// # Errors
    /// When there is none, or it is not clear which.
    pub(super) fn directory(&self) -> Result<PathBuf, CommandError> {
        let (data, there) = (&self.0.data, self.0.data.display());
        let apps =
            apps(data).map_err(|error| CommandError::Refused(format!("cannot read {there}: {error}")))?;
        match (&self.0.app, apps.as_slice()) {
            (None, []) => Ok(data.clone()),
            (None, [only]) => Ok(of_app(data, only)),
            (None, several) => Err(CommandError::Usage(format!(
                "there are several apps in {there}; name one with --app: {}",
                several.join(", ")
            ))),
            (Some(id), apps) if apps.contains(id) => Ok(of_app(data, id)),
            (Some(id), []) if is_development(data) => Err(CommandError::Usage(format!(
                "{there} has the one app of development mode, not '{id}'; leave --app out"
            ))),
            (Some(_), []) => Err(OpenError::NoData(data.clone()).into()),
            (Some(id), apps) => Err(CommandError::Usage(format!(
                "there is no app '{id}' in {there}; there are: {}",
                apps.join(", ")
            ))),
        }
    }

    /// The client app id of the app that has this directory of ours; none for that of development mode.
    pub(super) fn app_of(&self, directory: &Path) -> Option<String> {
        let name = directory.strip_prefix(self.0.data.join("apps")).ok()?;
        Some(name.to_string_lossy().into_owned())
    }
}

/// Where the data of this app is.
pub(super) fn of_app(data: &Path, client_app_id: &str) -> PathBuf {
    data.join("apps").join(client_app_id)
}

/// Whether the data is that of development mode, which has no folder for each app.
pub(super) fn is_development(data: &Path) -> bool {
    has_data(data)
}

/// The apps that have data here, by their client app ids.
pub(super) fn apps(data: &Path) -> io::Result<Vec<String>> {
    let entries = match data.join("apps").read_dir() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut apps = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_app_id(&name) && has_data(&entry.path()) {
            apps.push(name);
        }
    }
    apps.sort();
    Ok(apps)
}

fn has_data(directory: &Path) -> bool {
    let files = [sink::embedded::FILE, state::FILE];
    files.iter().any(|file| directory.join(file).exists())
}
