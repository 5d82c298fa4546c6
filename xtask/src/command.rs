//! A program to run in the workspace, shown before it runs.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What every task answers: whether all went well, or why it could not be found out.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The cargo that runs us, so that `cargo +beta xtask test` stays on beta.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.current_dir(root).args(arguments);
    command
}

/// Where cargo puts what it builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) if !target.is_empty() => root.join(target),
        _ => root.join("target"),
    }
}

/// Says what runs next, in words and as the line to type for it.
pub(crate) fn announce(title: &str, line: &str) {
    println!("\n==> {title}\n    {line}");
}

/// Runs it with its output passed through, and answers whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Outcome<bool> {
    Ok(command.status()?.success())
}

/// Runs it quietly, with nothing to read unless it was given something, and answers what it printed.
///
/// # Errors
///
/// When it fails: with what it printed to standard error.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed: {}", complaint.trim_end()).into())
}

/// Runs it quietly, with nothing to read unless it was given something.
///
/// # Errors
///
/// When it fails: with all that it printed.
pub(crate) fn quietly(command: &mut Command) -> Outcome<()> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let [printed, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    Err(format!("{command:?} failed:\n{printed}{}", complaint.trim_end()).into())
}
