//! `generate`: what an installation has of the command line besides the program. For packagers, so hidden in the help.

use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

use super::CommandError;

/// Write man pages and shell completions, laid out as below /usr/share
#[derive(clap::Args)]
pub struct Args {
    /// The directory; it is made if it is not there
    directory: PathBuf,
}

/// The program's name, which shells and man pages go by.
const PROGRAM: &str = "realm-ingest-gateway";

/// Each shell, and the file in which it looks for the completions of a program of this name.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions/realm-ingest-gateway"),
    (Shell::Zsh, "zsh/site-functions/_realm-ingest-gateway"),
    (Shell::Fish, "fish/vendor_completions.d/realm-ingest-gateway.fish"),
];

/// Runs the command for a program with this command line.
///
/// # Errors
/// When a file cannot be written.
pub fn run(args: &Args, command_line: clap::Command) -> Result<(), CommandError> {
    let pages = args.directory.join("man/man1");
    make(&pages)?;
    // A page for the program and one for each command, as Git has them.
    clap_mangen::generate_to(command_line.clone(), &pages).map_err(|error| not_written(&pages, &error))?;
    for (shell, name) in COMPLETIONS {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command_line.clone(), PROGRAM, &mut script);
        let path = args.directory.join(name);
        make(path.parent().unwrap_or(&args.directory))?;
        fs::write(&path, script).map_err(|error| not_written(&path, &error))?;
    }
    Ok(())
}

fn make(directory: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(directory).map_err(|error| not_written(directory, &error))
}

fn not_written(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::Refused(format!("cannot write {}: {error}", path.display()))
}
