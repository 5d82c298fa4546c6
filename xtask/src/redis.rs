//! The Redis that one peer of a bench queues its work in.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{Outcome, output};
use crate::install::{Packages, install};
use crate::program::{find as find_in, search_path};

/// The environment variable that holds its path for the bench.
pub(crate) const VARIABLE: &str = "EVENT_BENCH_REDIS";

/// Redis and its twin, which differ in no way that matters to the peer.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];

/// Where distributions put what they think only administrators start.
const PLACES: [&str; 3] = ["/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

const PACKAGES: Packages = Packages {
    apt: &[&["redis-server"], &["valkey-server"]],
    dnf: &[&["redis"], &["valkey"]],
    apk: &[&["redis"], &["valkey"]],
};

/// Finds it, after installing it if need be.
///
/// # Errors
///
/// With the reason why there is none.
pub(crate) fn find() -> Outcome<PathBuf> {
    // What is set to nothing is not set.
    if let Some(given) = std::env::var_os(VARIABLE).filter(|given| !given.is_empty()) {
        return Ok(PathBuf::from(given));
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    install(&PACKAGES).map_err(|error| format!("`redis-server` was not found, and {error}"))?;
    installed().ok_or_else(|| "`redis-server` was installed, and still does not run".into())
}

fn installed() -> Option<PathBuf> {
    let mut path = search_path();
    path.extend(PLACES.map(PathBuf::from));
    let found = NAMES.iter().filter_map(|name| find_in(&path, &[name]));
    let mut running = found.filter(|program| output(Command::new(program).arg("--version")).is_ok());
    running.next()
}

/// Loud lines where there is none: why, what that leaves out, and how to mend it.
pub(crate) fn absent_lines(reason: &str) -> Vec<String> {
    // A reason may end with the output of a program: its first line is the one that fits into a sentence.
    let mut reason = reason.lines();
    let mut lines = vec![format!("!! NOT RUN: Redis ({})", reason.next().unwrap_or_default())];
    lines.extend(reason.map(|line| format!("!!    {line}")));
    lines.push("!! The Django service, which needs it, is not measured.".to_owned());
    lines.push(format!(
        "!! Install redis-server or valkey-server, or set {VARIABLE} to its path."
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::absent_lines;

    #[test]
    fn an_absent_redis_is_said_loudly() {
        let lines = absent_lines("nobody home\nits log").join("\n");
        assert!(lines.contains("NOT RUN: Redis (nobody home)\n!!    its log"), "{lines}");
        assert!(
            lines.contains("EVENT_BENCH_REDIS") && lines.contains("not measured"),
            "{lines}"
        );
    }
}
