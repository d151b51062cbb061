//! `dead-letters`: what was refused for good, and why; and another try for what may fit by now.

use std::collections::HashMap;

use clap::Subcommand;
use serde_json::json;

use super::output::{Output, time};
use super::{CommandError, DataArgs};
use crate::ejson::{self, Form};
use crate::ingest::checks::Judge;
use crate::sink::embedded::{Reader, Replay, Which};
use crate::state::{KnownSchema, OperatorStore};

/// Letters read at a time.
const CHUNK: u32 = 500;

/// Show the documents that were refused for good, one a line, with the reason
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  realm-ingest-gateway dead-letters | jq -r .reason | sort | uniq -c\n\n\
                  A document that is no readable BSON is shown as {\"$binary\": {\"base64\": ...}}."
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Show at most this many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Check dead letters again under their own schemas, and store those that pass
    ///
    /// Each is checked against what is accepted now, see `schemas`. Those that pass are stored once and are dead letters
    /// no more; the others stay, with the reason they have now. Works beside a running server.
    Replay {
        /// Only those of this class
        #[arg(long, value_name = "NAME")]
        class: Option<String>,
        /// Only those of this outbox
        #[arg(long, value_name = "ID")]
        outbox: Option<String>,
        /// Only those refused with this code, such as SchemaConflict
        #[arg(long, value_name = "CODE")]
        code: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read or, to replay, written.
pub fn run(args: &Args) -> Result<(), CommandError> {
    match &args.action {
        None => show(args),
        Some(Action::Replay {
            class,
            outbox,
            code,
            data,
        }) => {
            let which = Which {
                class: class.clone(),
                outbox: outbox.clone(),
                code: code.clone(),
            };
            replay(data, &which)
        }
    }
}

fn replay(data: &DataArgs, which: &Which) -> Result<(), CommandError> {
    let mut store = OperatorStore::open(&data.data)?;
    let schemas = store.schemas()?.into_iter();
    let judges: HashMap<String, Judge> = schemas.map(|(name, known)| (name, known.into())).collect();
    // What was refused before its schema was kept with it is tried under what is accepted.
    let accepted = Judge::from(KnownSchema {
        schema: store.accepted()?,
        ..KnownSchema::default()
    });
    let replayed = Replay::open(&data.data)?.run(which, |letter| {
        let judge = match &letter.schema {
            None => &accepted,
            // Without its schema nothing can be said; a device that still has it sends it again.
            Some(fingerprint) => judges.get(fingerprint).ok_or(None)?,
        };
        judge.of(&letter.collection).check(&letter.document).map_err(Some)
    })?;
    let mut output = Output::new(false);
    output.line(&format!("stored         {:>12}", replayed.stored))?;
    output.line(&format!("already stored {:>12}", replayed.already))?;
    output.line(&format!("left           {:>12}", replayed.left))?;
    output.finish()
}

fn show(args: &Args) -> Result<(), CommandError> {
    let reader = Reader::open(&args.data.data)?;
    let mut output = Output::new(false);
    let (mut after, mut left) = (0, args.limit.unwrap_or(u64::MAX));
    loop {
        let letters = reader.dead_letters(after, u32::try_from(left).unwrap_or(CHUNK).min(CHUNK))?;
        let Some(last) = letters.last() else { break };
        after = last.number;
        left -= letters.len() as u64;
        for letter in &letters {
            let document = ejson::document_or_binary(&letter.document, Form::Canonical);
            let line = json!({
                "time": time(letter.time),
                "collection": letter.collection,
                "code": letter.code,
                "reason": letter.reason,
                "schema": letter.schema,
                "user": letter.user,
                "outbox": letter.outbox,
                "seq": letter.seq,
                "index": letter.index,
                "document": document,
            });
            output.line(&line.to_string())?;
        }
    }
    output.finish()
}
