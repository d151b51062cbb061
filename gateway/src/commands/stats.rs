//! `stats`: how much there is.

use serde_json::{Map, Value, json};

use super::output::{Output, time};
use super::{CommandError, DataArgs};
use crate::sink::{LetterStats, Stats};
use crate::terminal::escaped;

/// Kinds of dead letters in the table. Who sends classes that nobody knows can make any number.
const KINDS: usize = 20;

/// Show what is stored: collections, documents, bytes, dead letters, users, outboxes, setbacks
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway stats\n  realm-ingest-gateway stats --json | jq .documents\n\n\
                  With --mongodb without collections, documents and bytes: mongosh tells those of the app's databases."
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
    let data = args.data.open()?;
    let stats = data.sink()?.stats()?;
    let users = data.count_users()?;
    let mut output = Output::new(false);
    if args.json {
        output.line(&as_json(&stats, users).to_string())?;
    } else {
        table(&stats, users, &mut output)?;
    }
    output.finish()
}

/// Documents and bytes of all collections.
fn in_all(stats: &Stats) -> (u64, u64) {
    let collections = stats.collections.iter();
    collections.fold((0, 0), |(documents, bytes), one| {
        (documents + one.documents, bytes + one.bytes)
    })
}

fn as_json(stats: &Stats, users: u64) -> Value {
    let letters = stats
        .letters
        .iter()
        .map(|one| json!({"class": one.class, "code": one.code, "letters": one.letters, "bytes": one.bytes}));
    let mut all = json!({
        "dead_letters": stats.dead_letters, "letters": letters.collect::<Vec<_>>(), "users": users,
        "outboxes": stats.outboxes, "setbacks": stats.setbacks, "set_back_outboxes": stats.set_back_outboxes,
        "last_setback": stats.last_setback.map(time),
    });
    if let Some(file_bytes) = stats.file_bytes {
        let collections = stats.collections.iter().map(|one| {
            let size = json!({"documents": one.documents, "bytes": one.bytes});
            (one.name.clone(), size)
        });
        let (documents, bytes) = in_all(stats);
        all["collections"] = collections.collect::<Map<_, _>>().into();
        all["documents"] = documents.into();
        all["bytes"] = bytes.into();
        all["file_bytes"] = file_bytes.into();
    }
    all
}

fn table(stats: &Stats, users: u64, output: &mut Output) -> Result<(), CommandError> {
    let names = stats.collections.iter().map(|one| &one.name);
    let width = names
        .map(|name| escaped(name).chars().count())
        .max()
        .unwrap_or(0)
        .max("outboxes set back".len());
    if stats.file_bytes.is_some() {
        output.line(&format!(
            "{:width$} {:>12} {:>16}",
            "collection", "documents", "bytes"
        ))?;
        for one in &stats.collections {
            let (name, documents, bytes) = (escaped(&one.name), one.documents, one.bytes);
            output.line(&format!("{name:width$} {documents:>12} {bytes:>16}"))?;
        }
        let (documents, bytes) = in_all(stats);
        output.line(&format!("{:width$} {documents:>12} {bytes:>16}", "in all"))?;
        output.line("")?;
    }
    for (name, count) in [
        ("dead letters", Some(stats.dead_letters)),
        ("users", Some(users)),
        ("outboxes", Some(stats.outboxes)),
        ("setbacks", Some(stats.setbacks)),
        ("outboxes set back", Some(stats.set_back_outboxes)),
        ("bytes on disk", stats.file_bytes),
    ] {
        if let Some(count) = count {
            output.line(&format!("{name:width$} {count:>12}"))?;
        }
    }
    letters(&stats.letters, width, output)
}

fn letters(kinds: &[LetterStats], width: usize, output: &mut Output) -> Result<(), CommandError> {
    if !kinds.is_empty() {
        output.line("")?;
        output.line(&format!(
            "{:width$} {:>12} {:>16}  code",
            "refused of class", "dead letters", "bytes"
        ))?;
    }
    for one in kinds.iter().take(KINDS) {
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
    if let Some(more) = kinds.len().checked_sub(KINDS).filter(|more| *more > 0) {
        output.line(&format!("and {more} other kinds, see --json"))?;
    }
    Ok(())
}
