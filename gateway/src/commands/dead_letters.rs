//! `dead-letters`: what was refused for good, and why.

use base64::Engine as _;
use serde_json::json;

use super::output::Output;
use super::{CommandError, DataArgs};
use crate::ejson::{self, Form};
use crate::sink::embedded::Reader;

/// Letters read at a time.
const CHUNK: u32 = 500;

/// Show the documents that were refused for good, one a line, with the reason
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway dead-letters | jq -r .reason | sort | uniq -c\n\n\
                  A document that is no readable BSON is shown as {\"$binary\": {\"base64\": ...}}."
)]
pub struct Args {
    /// Show at most this many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let reader = Reader::open(&args.data.data)?;
    let mut output = Output::new(false);
    let (mut after, mut left) = (0, args.limit.unwrap_or(u64::MAX));
    loop {
        let letters = reader.dead_letters(after, u32::try_from(left).unwrap_or(CHUNK).min(CHUNK))?;
        let Some(last) = letters.last() else { break };
        after = last.number;
        left -= letters.len() as u64;
        for letter in &letters {
            let document = ejson::document(&letter.document, Form::Canonical).unwrap_or_else(|_| {
                let base64 = base64::engine::general_purpose::STANDARD.encode(&letter.document);
                json!({"$binary": {"base64": base64, "subType": "00"}})
            });
            let line = json!({
                "time": ejson::value(bson::DateTime::from_millis(letter.time).into(), Form::Relaxed),
                "collection": letter.collection,
                "code": letter.code,
                "reason": letter.reason,
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
