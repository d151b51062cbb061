//! `copy`: what an embedded gateway has stored goes into MongoDB.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use super::output::Output;
use super::serve::{Locked, lock};
use super::{CommandError, data};
use crate::app_directory::{Secrets, Store, load_for};
use crate::backend::BackendError;
use crate::cluster::{Cluster, NamedUri, Uri};
use crate::copy::{Copied, CopyError, Target, copy};
use crate::definition::Definition;
use crate::sink::mongodb::DataSources;
use crate::sqlite::OpenError;

/// Copy what a stopped server has in its directory into MongoDB, for 'serve --mongodb' to go on from there
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway copy --from ./realm-ingest-data --to mongodb://db.example/?replicaSet=rs0 --app ./weather\n\n\
                  Users, sessions, tokens and positions go along, so devices notice nothing. The directory is only read. Cut off, it\n\
                  goes on where it was when it is run again."
)]
pub struct Args {
    /// Directory of the server's data
    #[arg(long, value_name = "DIRECTORY")]
    from: PathBuf,
    /// MongoDB, as for 'serve --mongodb'. Has a password: better given by the environment than by the flag
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_MONGODB",
        value_name = "URI",
        hide_env_values = true
    )]
    to: Uri,
    /// Database there with what the gateways share, as for 'serve --mongodb-database'
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_MONGODB_DATABASE",
        value_name = "NAME",
        default_value = "realm_ingest"
    )]
    to_database: String,
    /// Directory of an app that has data, which says where its documents go; may be given more than once. Not for development mode
    #[arg(long, value_name = "DIRECTORY")]
    app: Vec<PathBuf>,
    /// File with the secrets of the apps, as for 'serve'
    #[arg(long, env = "REALM_INGEST_GATEWAY_SECRETS", value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// Where a data source of an app's directory is, if not at --to: NAME=URI; may be given more than once
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_DATA_SOURCE",
        value_name = "NAME=URI",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    data_source: Vec<NamedUri>,
    /// The client app id, as for 'serve --app-id'
    #[arg(long, env = "REALM_INGEST_GATEWAY_APP_ID", value_name = "ID")]
    app_id: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read, or the database cannot take it.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let from = &args.from;
    let there = from.display();
    if !from.is_dir() {
        return Err(OpenError::NoData(from.clone()).into());
    }
    let cannot = |error| CommandError::Refused(format!("cannot use {there}: {error}"));
    let apps = apps(args)?;
    let Locked::Ours(_lock) = lock(from).map_err(cannot)? else {
        return Err(CommandError::Refused(format!(
            "a server uses {there}; stop it, as what it takes meanwhile would be left behind"
        )));
    };
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| CommandError::CannotStart(format!("cannot start threads: {error}")))?;
    let usual = cluster(&args.to, &runtime)?;
    let mut sources = DataSources::new(usual.clone());
    for source in &args.data_source {
        if source.name.is_empty() {
            let text = "--data-source takes NAME=URI, with the name that the app's directory has for it";
            return Err(CommandError::Usage(text.to_owned()));
        }
        sources = sources.with(source.name.clone(), cluster(&source.uri, &runtime)?);
    }
    let mut output = Output::new(false);
    for (directory, definition) in apps {
        let target = Target {
            state: usual.database(&args.to_database),
            sources: sources.clone(),
            definition: Arc::new(definition),
        };
        let id = target.definition.client_app_id.as_deref();
        let name = id.map_or_else(
            || "the app of development mode".to_owned(),
            |id| format!("app '{id}'"),
        );
        let into = &args.to_database;
        match copy(&directory, &target, &runtime)? {
            Copied::Done(tallies) => {
                for one in tallies {
                    output.line(&format!("{:<32} {:>12} of {}", one.what, one.here, one.there))?;
                    output.line(&format!("  sha256 of the directory  {}", one.sent))?;
                    output.line(&format!("  sha256 of the database   {}", one.stored))?;
                }
                output.line(&format!("{name} is copied into database '{into}'"))?;
            }
            Copied::Before => {
                output.line(&format!("{name} was copied into database '{into}' before"))?;
            }
        }
        output.flush()?;
    }
    output.finish()
}

fn cluster(uri: &Uri, runtime: &Runtime) -> Result<Cluster, CommandError> {
    let cluster = runtime.block_on(Cluster::new(uri))?;
    runtime.block_on(cluster.ping())?;
    Ok(cluster)
}

/// The directory of each app that has data, and what is said of it.
fn apps(args: &Args) -> Result<Vec<(PathBuf, Definition)>, CommandError> {
    let from = &args.from;
    let there = from.display();
    let mut with_data =
        data::apps(from).map_err(|error| CommandError::Refused(format!("cannot read {there}: {error}")))?;
    if with_data.is_empty() && !data::is_development(from) {
        return Err(OpenError::NoData(from.clone()).into());
    }
    if with_data.is_empty() {
        if !args.app.is_empty() {
            let text = format!("{there} has the one app of development mode; leave --app out");
            return Err(CommandError::Usage(text));
        }
        let definition = Definition::development(args.app_id.clone());
        return Ok(vec![(from.clone(), definition)]);
    }
    let secrets = Secrets::read(args.secrets.as_deref());
    let secrets = secrets.map_err(|error| CommandError::Usage(error.to_string()))?;
    let mut apps = Vec::new();
    for directory in &args.app {
        let definition = definition(directory, &secrets, args.app_id.as_deref())?;
        let id = definition.client_app_id.clone().unwrap_or_default();
        let Some(found) = with_data.iter().position(|other| *other == id) else {
            return Err(CommandError::Usage(format!(
                "{} is the directory of app '{id}', which has no data in {there}",
                directory.display()
            )));
        };
        with_data.swap_remove(found);
        apps.push((data::of_app(from, &id), definition));
    }
    if apps.is_empty() || !with_data.is_empty() {
        return Err(CommandError::Usage(format!(
            "where documents go is said by the directory of each app; name those of {} with --app",
            with_data.join(", ")
        )));
    }
    Ok(apps)
}

fn definition(directory: &Path, secrets: &Secrets, app_id: Option<&str>) -> Result<Definition, CommandError> {
    let loaded = load_for(Store::MongoDb, directory, secrets, app_id);
    loaded.definition.ok_or_else(|| {
        CommandError::Refused(format!(
            "{} cannot be served; 'check --mongodb' says why",
            directory.display()
        ))
    })
}

impl From<CopyError> for CommandError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Open(error) => Self::Open(error),
            CopyError::Read(error) => Self::Read(error),
            CopyError::Refused(text) => Self::Refused(text),
            CopyError::Backend(BackendError::Unavailable(text)) => Self::Refused(format!(
                "{text}; what was copied stays, and the same command goes on from there"
            )),
            CopyError::Backend(error) => Self::Backend(error),
        }
    }
}
