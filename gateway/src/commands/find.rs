//! `find`: the documents of a collection, in the order they arrived.

use super::output::{Output, each_document};
use super::{CommandError, DataArgs, collection};
use crate::sink::embedded::Reader;

/// Show the documents of a collection as Extended JSON, one a line, in the order they arrived
#[derive(clap::Args)]
#[command(after_help = "Example:\n  realm-ingest-gateway find WeatherSensorReading --limit 3")]
pub struct Args {
    /// Name of the collection, which is the name of the class
    collection: String,
    /// Show at most this many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
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
    let reader = Reader::open(&args.data.files("find", "mongosh")?)?;
    let (id, _) = collection(&reader, &args.collection)?;
    let mut output = Output::new(args.canonical);
    each_document(&reader, id, args.limit.unwrap_or(u64::MAX), |document| {
        output.document(document)
    })?;
    output.finish()
}
