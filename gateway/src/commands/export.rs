//! `export`: a whole collection, for other tools.

use super::output::{Output, Progress, each_document};
use super::{CommandError, DataArgs, collection};
use crate::sink::embedded::Reader;

/// Write a whole collection as Extended JSON, one document a line, as mongoimport reads it
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway export WeatherSensorReading --canonical > readings.jsonl\n\n\
                  Canonical form keeps every type; relaxed form is easier on the eye and on most scripts."
)]
pub struct Args {
    /// Name of the collection, which is the name of the class
    collection: String,
    /// Spell out every type (canonical Extended JSON)
    #[arg(long)]
    canonical: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When there is no such collection or it cannot be read.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let reader = Reader::open(&args.data.files("export", "mongoexport")?)?;
    let (id, total) = collection(&reader, &args.collection)?;
    let mut output = Output::new(args.canonical);
    let mut progress = Progress::new("exported", "documents", total);
    each_document(&reader, id, u64::MAX, |document| {
        progress.advance();
        output.document(document)
    })?;
    output.flush()?;
    progress.finish();
    output.finish()
}
