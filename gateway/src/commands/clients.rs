//! `clients`: which local files of unmodified Realm SDKs there are.

use serde_json::json;

use super::accounts::Accounts;
use super::output::{Output, time};
use super::{CommandError, DataArgs};
use crate::state::ClientFile;

/// Files that are read at once: each comes with what its classes are.
const PAGE: usize = 100;

/// Show every local file of an unmodified Realm SDK that has sent something, one a line
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway clients | jq 'select(.user == \"6566a1d0c2f3b4a5d6e7f801\")'\n\n\
                  'outbox' is what 'outboxes' and 'dead-letters' call the file, 'generation' how often it was found to have gone\n\
                  back, as a restored backup or a clone has, and 'seen' when it was last connected, to the hour."
)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let accounts = Accounts::open(&args.data)?;
    let mut output = Output::new(false);
    let mut last: Option<ClientFile> = None;
    loop {
        let page = accounts.ask(|state| state.client_files(last.as_ref(), PAGE))?;
        for file in &page {
            let line = json!({
                "user": file.user,
                "ident": file.ident,
                "outbox": file.outbox(),
                "client": file.client,
                "generation": file.generation,
                "time": time(file.created),
                "seen": time(file.seen),
            });
            output.line(&line.to_string())?;
        }
        match page.into_iter().next_back() {
            Some(file) => last = Some(file),
            None => return output.finish(),
        }
    }
}
