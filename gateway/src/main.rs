//! The command line.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use realm_ingest_gateway::commands::{self, CommandError};
use realm_ingest_gateway::terminal::escaped;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::debug_fn;

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
    Find(commands::find::Args),
    Export(commands::export::Args),
    Tail(commands::tail::Args),
    DeadLetters(commands::dead_letters::Args),
    Stats(commands::stats::Args),
    Outboxes(commands::outboxes::Args),
    Schemas(commands::schemas::Args),
    Backup(commands::backup::Args),
    CheckIntegrity(commands::check_integrity::Args),
    Keys(commands::keys::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    // Clients choose the text of many fields; none of it steers a terminal or begins a line.
    let fields = debug_fn(|out, field, value| match (field.name(), format!("{value:?}")) {
        ("message", text) => write!(out, "{}", escaped(&text)),
        (name, text) => write!(out, "{name}={}", escaped(&text)),
    });
    tracing_subscriber::fmt()
        .fmt_fields(fields.delimited(" "))
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .init();
    let result = match cli.command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Find(args) => commands::find::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Tail(args) => commands::tail::run(&args),
        Command::DeadLetters(args) => commands::dead_letters::run(&args),
        Command::Stats(args) => commands::stats::run(&args),
        Command::Outboxes(args) => commands::outboxes::run(&args),
        Command::Schemas(args) => commands::schemas::run(&args),
        Command::Backup(args) => commands::backup::run(&args),
        Command::CheckIntegrity(args) => commands::check_integrity::run(&args),
        Command::Keys(args) => commands::keys::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough: `find ... | head`.
        Err(CommandError::Closed) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", escaped(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}
