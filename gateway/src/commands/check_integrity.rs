//! `check-integrity`: whether the files are sound, beside a running server or without one.

use super::output::Output;
use super::{CommandError, DataArgs};
use crate::integrity;

/// Check that both files are sound and agree with each other; what is wrong is shown, one a line
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway check-integrity --data /backups/2026-01-31\n\n\
                  Ends with status 1 when something is wrong. Reads everything once; a server's log grows meanwhile."
)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be opened, or something is wrong.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let mut output = Output::new(false);
    let mut written = Ok(());
    let mut tell = |line: &str| {
        if written.is_ok() {
            written = output.line(line);
        }
    };
    let report = integrity::check(
        &args
            .data
            .files("check-integrity", "mongosh (db.COLLECTION.validate())")?,
        &mut tell,
    )?;
    let (findings, documents, letters) = (report.findings(), report.documents, report.letters);
    let (outboxes, users) = (report.outboxes, report.users);
    written?;
    if findings > 0 {
        output.finish()?;
        return Err(CommandError::Refused(format!("{findings} things are wrong")));
    }
    output.line(&format!(
        "in order: {documents} documents, {letters} dead letters, {outboxes} outboxes, {users} users"
    ))?;
    output.finish()
}
