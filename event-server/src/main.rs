//! The program `event-server`: settings, signals, and the collector between them.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
