//! `dead-letters`: what was refused for good, and why; another try for what may fit by now, and the end of what will not.

use std::ops::ControlFlow;
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;

use super::output::{Output, Progress, go_on, time};
use super::replay::{self, DirectoryArgs};
use super::{CommandError, DataArgs};
use crate::clock;
use crate::ejson::{self, Form};
use crate::sink::{DeadLetter, Which};

/// Show the documents that were refused for good, one a line, with the reason
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  realm-ingest-gateway dead-letters | jq -r .reason | sort | uniq -c\n  \
                  realm-ingest-gateway dead-letters purge --older-than 90d\n\n\
                  A document that is no readable BSON is shown as {\"$binary\": {\"base64\": ...}}."
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Show at most this many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Check dead letters again under their own schemas, and store those that pass
    ///
    /// Each is checked against what is accepted now, see `schemas`, and by the schemas and rules of the app's directory. Those
    /// that pass are stored once and are dead letters no more; the others stay, with the reason they have now. Works
    /// beside a running server.
    Replay {
        #[command(flatten)]
        filters: Filters,
        #[command(flatten)]
        directory: DirectoryArgs,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Take dead letters away for good
    ///
    /// Nothing takes them away without being asked. Works beside a running server; devices whose batches wait for room
    /// send them again within ten minutes.
    Purge {
        /// Every one of them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        filters: Filters,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Which letters are meant: those for which all of it is true.
#[derive(clap::Args, Clone)]
struct Filters {
    /// Only those of this class
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// Only those of this outbox
    #[arg(long, value_name = "ID")]
    outbox: Option<String>,
    /// Only those of this user
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only those refused with this code, such as SchemaConflict
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only those that came longer ago than this, such as 90d, 12h, 30m, 10s
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
}

impl From<&Filters> for Which {
    fn from(filters: &Filters) -> Self {
        let millis = |age: Duration| i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Self {
            class: filters.class.clone(),
            outbox: filters.outbox.clone(),
            user: filters.user.clone(),
            code: filters.code.clone(),
            before: filters.older_than.map(|age| clock::unix_millis() - millis(age)),
        }
    }
}

/// A number with a unit.
fn age(text: &str) -> Result<Duration, String> {
    let parsed = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit = match unit {
            "d" => 24 * 60 * 60,
            "h" => 60 * 60,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        Some(Duration::from_secs(
            number.parse::<u64>().ok()?.checked_mul(unit)?,
        ))
    };
    parsed().ok_or_else(|| "a number with d, h, m or s behind it is expected".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or, to replay and to purge, written.
pub fn run(args: &Args) -> Result<(), CommandError> {
    match &args.action {
        None => show(args),
        Some(Action::Replay {
            filters,
            directory,
            data,
        }) => replay::run(directory, data, &filters.into()),
        Some(Action::Purge { all, filters, data }) => purge(data, *all, &filters.into()),
    }
}

fn purge(data: &DataArgs, all: bool, which: &Which) -> Result<(), CommandError> {
    if all == (*which != Which::default()) {
        return Err(CommandError::Usage(
            "say which letters to take away: --class, --outbox, --user, --code and --older-than, or --all alone"
                .to_owned(),
        ));
    }
    let data = data.open()?;
    let mut progress = Progress::new("purged", "letters", 0);
    let purged = data
        .sink()?
        .purge(which, &mut |purged| progress.is_at(purged, 0))?;
    progress.finish();
    let mut output = Output::new(false);
    output.line(&format!("purged {purged}"))?;
    output.finish()
}

fn show(args: &Args) -> Result<(), CommandError> {
    let data = args.data.open()?;
    let sink = data.sink()?;
    let mut output = Output::new(false);
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut shown = Ok(());
    sink.each_dead_letter(&Which::from(&args.filters), &mut |letter| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        shown = output.line(&line(&letter));
        go_on(&shown)
    })?;
    shown?;
    output.finish()
}

fn line(letter: &DeadLetter) -> String {
    json!({
        "time": time(letter.time),
        "collection": letter.collection,
        "code": letter.code,
        "reason": letter.reason,
        "schema": letter.schema,
        "user": letter.user,
        "outbox": letter.outbox,
        "seq": letter.seq,
        "index": letter.index,
        "document": ejson::document_or_binary(&letter.document, Form::Canonical),
    })
    .to_string()
}
