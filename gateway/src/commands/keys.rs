//! `keys`: the keys that sign tokens. Another one can sign without anybody being logged out.

use clap::Subcommand;
use serde_json::json;

use super::output::{Output, time};
use super::{CommandError, DataArgs};
use crate::state::OperatorStore;

/// Show the keys that sign tokens, let a new one sign, and retire old ones
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway keys rotate\n  realm-ingest-gateway keys list\n  \
                  realm-ingest-gateway keys retire 1\n\nA running server knows within a second. No command shows a key itself."
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show every key, one a line, with the sessions that end with it, and when one of these was used last
    List {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make a key that signs from now on
    ///
    /// What the former ones signed stays good, so nobody is logged out.
    Rotate {
        #[command(flatten)]
        data: DataArgs,
    },
    /// Forget a key that does not sign any more
    ///
    /// Access tokens that it has signed are replaced by their holders. Refresh tokens are not: their sessions end.
    Retire {
        /// The key, as `keys list` numbers it
        key: i64,
        /// Also when refresh tokens that it has signed are good
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or written, or the key cannot be retired.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let mut output = Output::new(false);
    match &args.action {
        Action::List { data } => {
            for key in OperatorStore::open(&data.directory()?)?.keys()? {
                let line = json!({
                    "key": key.id,
                    "time": time(key.created),
                    "signs": key.signs,
                    "sessions": key.sessions,
                    "used": key.used.map(time),
                    "until": key.until.map(time),
                });
                output.line(&line.to_string())?;
            }
        }
        Action::Rotate { data } => {
            let key = OperatorStore::open(&data.directory()?)?.rotate_keys()?;
            output.line(&format!("key {key} signs from now on"))?;
        }
        Action::Retire { key, force, data } => {
            let retired = OperatorStore::open(&data.directory()?)?.retire_key(*key, *force)?;
            let ended = retired.map_err(CommandError::Refused)?;
            output.line(&format!("key {key} is retired, sessions ended: {ended}"))?;
        }
    }
    output.finish()
}
