//! `cargo xtask fuzz`: searches for bytes that a parser takes for what they are not.

use std::path::Path;
use std::process::Command;

use crate::command::{Outcome, announce, output, succeeds};

/// Each target is given so long, unless it is said.
const SECONDS: &str = "60";

/// Runs every target, or those that are named, over the kept corpus and what was found before; a finding ends it with the
/// line that repeats it.
///
/// # Errors
///
/// When cargo-fuzz is not installed, or there is no nightly toolchain.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Outcome<bool> {
    let (seconds, named) = match arguments {
        ["--seconds", seconds, named @ ..] => (*seconds, named),
        named => (SECONDS, named),
    };
    output(&mut nightly(root, &["fuzz", "--version"])).map_err(|error| {
        format!("{error}\nInstall both: rustup toolchain install nightly && cargo install --locked cargo-fuzz")
    })?;
    let known = output(&mut nightly(root, &["fuzz", "list"]))?;
    let targets: Vec<&str> = match named {
        [] => known.lines().collect(),
        named => named.to_vec(),
    };
    let mut held = true;
    for target in targets {
        // The first folder takes what is found to be new; the kept one stays as it is.
        let found = root.join("fuzz").join("target").join("corpus").join(target);
        std::fs::create_dir_all(&found)?;
        let kept = root.join("fuzz").join("corpus").join(target);
        let (found, kept) = (found.to_string_lossy(), kept.to_string_lossy());
        let time = format!("-max_total_time={seconds}");
        let command = ["fuzz", "run", target, &found, &kept, "--", "-max_len=4096", &time];
        announce(target, &format!("cargo +nightly {}", command.join(" ")));
        held &= succeeds(&mut nightly(root, &command))?;
    }
    Ok(held)
}

/// The only toolchain that counts the branches that were taken. The cargo that runs us is one toolchain's own; that of rustup
/// chooses.
fn nightly(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).arg("+nightly").args(arguments);
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command
}
