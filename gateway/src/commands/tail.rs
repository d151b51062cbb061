//! `tail`: what arrives, as it arrives. Documents are never changed once they can be seen.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use super::output::Output;
use super::{CommandError, DataArgs};
use crate::ejson::{self, Form};
use crate::sink::embedded::{Arrival, Reader};
use crate::terminal::escaped;

/// How often the file is asked. SQLite tells no other process that something came.
const PAUSE: Duration = Duration::from_millis(100);

/// Documents read at a time.
const CHUNK: u32 = 500;

/// Show documents as they arrive, until interrupted
#[derive(clap::Args)]
#[command(after_help = "Example:\n  realm-ingest-gateway tail WeatherSensorReading\n\n\
                  Without a collection every document is shown as {\"collection\": ..., \"document\": ...}.")]
pub struct Args {
    /// Name of the collection, waited for if it is not there yet; every collection if left out
    collection: Option<String>,
    /// Begin with what is there already
    #[arg(long)]
    from_start: bool,
    /// Spell out every type (canonical Extended JSON)
    #[arg(long)]
    canonical: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command; ends only when the output is closed or the process is interrupted.
///
/// # Errors
/// When the data cannot be read.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let reader = Reader::open(&args.data.files("tail", "mongosh (db.COLLECTION.watch())")?)?;
    let form = if args.canonical {
        Form::Canonical
    } else {
        Form::Relaxed
    };
    let mut output = Output::new(args.canonical);
    let mut after = if args.from_start { 0 } else { reader.newest()? };
    let only = match args.collection.as_deref() {
        Some(name) => Some(appearing(&reader, name)?),
        None => None,
    };
    let mut names = HashMap::new();
    loop {
        // Looked at first: what comes later than this is found by the next round.
        let newest = reader.newest()?;
        let documents = reader.documents(only, after, newest, CHUNK)?;
        after = documents.last().map_or(newest.max(after), |last| last.seq);
        for arrival in &documents {
            match only {
                Some(_) => output.document(arrival)?,
                None => output.line(&named(&reader, &mut names, arrival, form)?)?,
            }
        }
        output.flush()?;
        if documents.is_empty() {
            std::thread::sleep(PAUSE);
        }
    }
}

/// The collection of this name, which may have to arrive first.
fn appearing(reader: &Reader, name: &str) -> Result<i64, CommandError> {
    let mut told = false;
    loop {
        if let Some(found) = reader.collections()?.into_iter().find(|one| one.name == name) {
            return Ok(found.id);
        }
        if !told {
            eprintln!("there is no collection '{}' yet; waiting for it", escaped(name));
            told = true;
        }
        std::thread::sleep(PAUSE);
    }
}

fn named(
    reader: &Reader,
    names: &mut HashMap<i64, String>,
    arrival: &Arrival,
    form: Form,
) -> Result<String, CommandError> {
    if !names.contains_key(&arrival.collection) {
        names.extend(
            reader
                .collections()?
                .into_iter()
                .map(|collection| (collection.id, collection.name)),
        );
    }
    let document = ejson::document_or_binary(&arrival.document, form);
    Ok(json!({"collection": names.get(&arrival.collection), "document": document}).to_string())
}
