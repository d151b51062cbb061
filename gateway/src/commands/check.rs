//! `check`: whether a directory can be served, and what of it is.

use std::path::PathBuf;

use serde_json::json;

use super::CommandError;
use super::output::Output;
use crate::app_directory::{Secrets, Store, load_for};

/// Check the directory of an App Services app: what of it holds here, what does not, and what has to be changed
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway check ./weather --secrets ./secrets.toml\n\n\
                  Nothing is served and nothing is changed. Ends with status 1 when the directory cannot be served."
)]
pub struct Args {
    /// The directory, as it was exported or made with `init`
    directory: PathBuf,
    /// File with secrets, in TOML: name = "value"; those of the environment (REALM_INGEST_SECRET_NAME) go before
    #[arg(long, env = "REALM_INGEST_GATEWAY_SECRETS", value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// The client app id, if the directory names none
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// For a server that keeps everything in MongoDB
    #[arg(long)]
    mongodb: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the directory cannot be served, or the secrets cannot be read.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let secrets = Secrets::read(args.secrets.as_deref());
    let secrets = secrets.map_err(|error| CommandError::Usage(error.to_string()))?;
    let store = if args.mongodb {
        Store::MongoDb
    } else {
        Store::Embedded
    };
    let report = load_for(store, &args.directory, &secrets, args.app_id.as_deref()).report;
    let (refusals, warnings) = (report.refusals().count(), report.warnings().count());
    let mut output = Output::new(false);
    if args.json {
        let all = json!({"refusals": refusals, "warnings": warnings, "entries": report.entries()});
        output.line(&all.to_string())?;
    } else {
        for entry in report.entries() {
            output.line(&entry.to_string())?;
        }
    }
    if refusals == 0 && !args.json {
        output.line(&format!("can be served, warnings: {warnings}"))?;
    }
    output.finish()?;
    if refusals > 0 {
        return Err(CommandError::Refused(format!(
            "cannot be served, refused: {refusals}"
        )));
    }
    Ok(())
}
