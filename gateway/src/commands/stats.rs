//! `stats`: how much there is.

use serde_json::{Map, Value, json};

use super::output::Output;
use super::{CommandError, DataArgs};
use crate::sink::embedded::Reader;
use crate::state;
use crate::terminal::escaped;

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
    let stats = Reader::open(&args.data.data)?.stats()?;
    let users = state::count_users(&args.data.data)?;
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
        let all = json!({
            "collections": collections, "documents": documents, "bytes": bytes, "file_bytes": stats.file_bytes,
            "dead_letters": stats.dead_letters, "users": users, "outboxes": stats.outboxes, "setbacks": stats.setbacks,
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
        .max("collection".len());
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
        ("bytes on disk", stats.file_bytes),
    ] {
        output.line(&format!("{name:width$} {count:>12}"))?;
    }
    output.finish()
}
