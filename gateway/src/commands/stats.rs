//! `stats`: how much there is.

use serde_json::{Map, Value, json};

use super::output::{Output, time};
use super::{CommandError, DataArgs};
use crate::sink::embedded::{LetterStats, Reader};
use crate::state;
use crate::terminal::escaped;

/// Kinds of dead letters in the table. Who sends classes that nobody knows can make any number.
const KINDS: usize = 20;

/// Show what is stored: collections, documents, bytes, dead letters, users, outboxes, setbacks
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway stats\n  realm-ingest-gateway stats --json | jq .documents"
)]
pub struct Args {
    /// As one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let directory = args.data.directory()?;
    let stats = Reader::open(&directory)?.stats()?;
    let users = state::count_users(&directory)?;
    let documents: u64 = stats
        .collections
        .iter()
        .map(|collection| collection.documents)
        .sum();
    let bytes: u64 = stats.collections.iter().map(|collection| collection.bytes).sum();
    let mut output = Output::new(false);
    if args.json {
        let collections: Map<String, Value> = stats
            .collections
            .iter()
            .map(|one| {
                (
                    one.name.clone(),
                    json!({"documents": one.documents, "bytes": one.bytes}),
                )
            })
            .collect();
        let letters: Vec<Value> = stats
            .letters
            .iter()
            .map(|one| {
                json!({"class": one.class, "code": one.code, "letters": one.letters, "bytes": one.bytes})
            })
            .collect();
        let all = json!({
            "collections": collections, "documents": documents, "bytes": bytes, "file_bytes": stats.file_bytes,
            "dead_letters": stats.dead_letters, "letters": letters, "users": users, "outboxes": stats.outboxes,
            "setbacks": stats.setbacks, "set_back_outboxes": stats.set_back_outboxes,
            "last_setback": stats.last_setback.map(time),
        });
        output.line(&all.to_string())?;
        return output.finish();
    }
    let width = stats
        .collections
        .iter()
        .map(|one| escaped(&one.name).chars().count())
        .max()
        .unwrap_or(0)
        .max("outboxes set back".len());
    output.line(&format!(
        "{:width$} {:>12} {:>16}",
        "collection", "documents", "bytes"
    ))?;
    for one in &stats.collections {
        output.line(&format!(
            "{:width$} {:>12} {:>16}",
            escaped(&one.name),
            one.documents,
            one.bytes
        ))?;
    }
    output.line(&format!("{:width$} {documents:>12} {bytes:>16}", "in all"))?;
    output.line("")?;
    for (name, count) in [
        ("dead letters", stats.dead_letters),
        ("users", users),
        ("outboxes", stats.outboxes),
        ("setbacks", stats.setbacks),
        ("outboxes set back", stats.set_back_outboxes),
        ("bytes on disk", stats.file_bytes),
    ] {
        output.line(&format!("{name:width$} {count:>12}"))?;
    }
    if !stats.letters.is_empty() {
        output.line("")?;
        output.line(&format!(
            "{:width$} {:>12} {:>16}  code",
            "refused of class", "dead letters", "bytes"
        ))?;
    }
    for one in stats.letters.iter().take(KINDS) {
        let LetterStats {
            class,
            code,
            letters,
            bytes,
        } = one;
        output.line(&format!(
            "{:width$} {letters:>12} {bytes:>16}  {code}",
            escaped(class)
        ))?;
    }
    if let Some(more) = stats.letters.len().checked_sub(KINDS).filter(|more| *more > 0) {
        output.line(&format!("and {more} other kinds, see --json"))?;
    }
    output.finish()
}
