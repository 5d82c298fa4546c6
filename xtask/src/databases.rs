//! `cargo xtask databases`: the servers of the tests, for one command or for as long as you like.

use std::io::stdin;
use std::process::{Command, ExitCode};

use crate::backends::Backends;
use crate::command::Outcome;
use crate::server::quoted;

/// Starts the servers; runs the command with their variables set and answers as it does, or without one
/// prints the variables for a shell and waits for Enter.
pub(crate) fn run(command: &[&str]) -> Outcome<ExitCode> {
    // Standard output is the command's, or lines that a shell can take in.
    eprintln!("==> Databases");
    let backends = Backends::start()?;
    for line in backends.present_lines().into_iter().chain(backends.absent_lines()) {
        eprintln!("    {line}");
    }
    if backends.missing() > 0 {
        return Ok(ExitCode::FAILURE);
    }
    let environment = backends.environment();
    let Some((program, arguments)) = command.split_first() else {
        for (variable, value) in environment {
            println!("export {variable}={}", quoted(&value.to_string_lossy()));
        }
        eprintln!("    They run until you press Enter.");
        stdin().read_line(&mut String::new())?;
        return Ok(ExitCode::SUCCESS);
    };
    let status = Command::new(program).args(arguments).envs(environment).status();
    let status = status.map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    // A command that a signal ended has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}
