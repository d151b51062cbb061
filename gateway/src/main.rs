//! The command line.

#[cfg(test)]
mod documented;
#[cfg(test)]
mod share;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use realm_ingest_gateway::commands::{self, CommandError};
use realm_ingest_gateway::config::LogFormat;
use realm_ingest_gateway::logging;
use realm_ingest_gateway::terminal::escaped;

/// Takes in what applications stream, stores it, and shows it.
#[derive(Parser)]
#[command(name = "realm-ingest-gateway", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(commands::serve::Args),
    Health(commands::health::Args),
    Check(commands::check::Args),
    Init(commands::init::Args),
    Find(commands::find::Args),
    Export(commands::export::Args),
    Tail(commands::tail::Args),
    DeadLetters(commands::dead_letters::Args),
    Stats(commands::stats::Args),
    Outboxes(commands::outboxes::Args),
    Clients(commands::clients::Args),
    Schemas(commands::schemas::Args),
    Backup(commands::backup::Args),
    Copy(commands::copy::Args),
    CheckIntegrity(commands::check_integrity::Args),
    Keys(commands::keys::Args),
    Users(commands::users::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !matches!(error, CommandError::Closed) {
                eprintln!("error: {}", escaped(&error.to_string()));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), CommandError> {
    // The server's settings say how.
    if !matches!(command, Command::Serve(_)) {
        logging::start(LogFormat::Text);
    }
    match command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Health(args) => commands::health::run(args),
        Command::Check(args) => commands::check::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Find(args) => commands::find::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Tail(args) => commands::tail::run(&args),
        Command::DeadLetters(args) => commands::dead_letters::run(&args),
        Command::Stats(args) => commands::stats::run(&args),
        Command::Outboxes(args) => commands::outboxes::run(&args),
        Command::Clients(args) => commands::clients::run(&args),
        Command::Schemas(args) => commands::schemas::run(&args),
        Command::Backup(args) => commands::backup::run(&args),
        Command::Copy(args) => commands::copy::run(&args),
        Command::CheckIntegrity(args) => commands::check_integrity::run(&args),
        Command::Keys(args) => commands::keys::run(&args),
        Command::Users(args) => commands::users::run(&args),
    }
}
