//! `backup`: copies of both files, beside a running server or without one.

use std::path::PathBuf;

use super::output::{Output, Progress};
use super::{CommandError, DataArgs};
use crate::backup::{BackupError, backup};
use crate::terminal::escaped;

const MIB: u64 = 1 << 20;

/// Copy the data into a new directory, also while the server runs
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway backup /backups/$(date +%F)\n\n\
                  The copy has the key that signs tokens: keep it to yourself. To restore it, give the directory to \
                  'serve --data',\n\
                  or make it the folder apps/ID of the server's."
)]
pub struct Args {
    /// The directory to make
    directory: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read, or there is something in the way.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let mut shown: Option<(&str, Progress)> = None;
    backup(
        &args.data.files("backup", "mongodump")?,
        &args.directory,
        |copied| {
            let (file, progress) =
                shown.get_or_insert_with(|| (copied.file, Progress::new("copied", "MiB", 0)));
            if *file != copied.file {
                progress.finish();
                (*file, *progress) = (copied.file, Progress::new("copied", "MiB", 0));
            }
            progress.is_at(copied.done / MIB, copied.total / MIB);
        },
    )?;
    if let Some((_, mut progress)) = shown {
        progress.finish();
    }
    let mut output = Output::new(false);
    let directory = args.directory.to_string_lossy();
    output.line(&format!("backed up to {}", escaped(&directory)))?;
    output.finish()
}

impl From<BackupError> for CommandError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Open(error) => Self::Open(error),
            error => Self::Refused(error.to_string()),
        }
    }
}
