//! The command line: one file a subcommand; parse, call, print.

mod log;
mod serve;

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use event_server::config::Flags;

/// What the program ends with, beside 0.
const FAILED: u8 = 1;
const UNUSABLE_SETTINGS: u8 = 2;

/// Collects application events over HTTP: judged by JSON Schema, stored once, answered exactly.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT: what runs without a subcommand, too
    #[command(after_help = AFTER_HELP)]
    Serve(Flags),
}

const AFTER_HELP: &str = "\
A setting is taken from its flag, or else its environment variable, or else the file, or else its default.
Sizes are written as 5MiB, 256KiB or 4096, times as 10s, 500ms or 2m.

Ends with 0 after a clean stop, 1 if it failed, 2 if a setting cannot be used.";

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Serve(flags)) => serve::run(&flags),
        None => serve::run(&cli.flags),
    }
}

/// Says on standard error why the program ends.
fn fail(error: &dyn Display, code: u8) -> ExitCode {
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(std::io::stderr(), "event-server: {error}");
    ExitCode::from(code)
}
