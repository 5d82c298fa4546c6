//! `cargo xtask bench`: what `benches/RESULTS.md` says, measured anew on every database.

use std::path::Path;

use crate::backends::Backends;
use crate::command::{Outcome, announce, cargo, succeeds};

/// What cargo is told before the bench's own arguments.
const BENCH: [&str; 6] = ["bench", "--package", "event-benches", "--bench", "databases", "--"];

/// Starts the servers, measures, and writes the results; a server that is absent is no failure unless it must be there.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Outcome<bool> {
    println!("\n==> Databases");
    let backends = Backends::start()?;
    for line in backends.present_lines().into_iter().chain(backends.absent_lines()) {
        println!("    {line}");
    }
    if backends.missing() > 0 {
        return Ok(false);
    }
    let results = root.join("benches").join("RESULTS.md");
    let results = results.to_string_lossy();
    let arguments = [&BENCH, arguments, &["--results", &results]].concat();
    announce(
        "Ratios to what an expert would write by hand",
        &format!("cargo {}", arguments.join(" ")),
    );
    succeeds(cargo(root, &arguments).envs(backends.environment()))
}
