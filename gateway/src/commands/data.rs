//! Where data is: that of the app in development mode lies in the server's directory itself, that of each other app in
//! `apps/ID` of it. A directory has the one or the other. In MongoDB the apps of all gateways share a database.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::CommandError;
use crate::cluster::Uri;
use crate::definition::is_app_id;
use crate::sqlite::OpenError;
use crate::{sink, state};

/// Which data a command works on.
#[derive(clap::Args, Clone, Debug)]
pub struct DataArgs {
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
    pub(super) mongodb: Option<Uri>,
    /// Database there with what the gateways share
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_MONGODB_DATABASE",
        value_name = "NAME",
        default_value = "realm_ingest"
    )]
    pub(super) mongodb_database: String,
    /// Client app id, where there are several apps
    #[arg(long, value_name = "ID")]
    pub(super) app: Option<String>,
}

impl DataArgs {
    /// The directory of the app that is meant, in the server's.
    ///
    /// # Errors
    /// When there is none, or it is not clear which.
    pub(super) fn directory(&self) -> Result<PathBuf, CommandError> {
        let (data, there) = (&self.data, self.data.display());
        let apps =
            apps(data).map_err(|error| CommandError::Refused(format!("cannot read {there}: {error}")))?;
        match (&self.app, apps.as_slice()) {
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
        let name = directory.strip_prefix(self.data.join("apps")).ok()?;
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
pub(super) fn apps(data: &Path) -> std::io::Result<Vec<String>> {
    let entries = match data.join("apps").read_dir() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
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
