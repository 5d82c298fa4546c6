//! The browser in which the tests look at the collector's pages.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{Outcome, output};
use crate::install::{Packages, install};
use crate::program::{find as find_in, search_path};
use crate::requirement;

/// The environment variable that holds its path for the tests.
pub(crate) const VARIABLE: &str = "EVENT_TEST_CHROMIUM";

const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
];

const PACKAGES: Packages = Packages {
    apt: &[&["chromium"], &["chromium-browser"]],
    dnf: &[&["chromium-headless"], &["chromium"]],
    apk: &[&["chromium"]],
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
    install(&PACKAGES).map_err(|error| format!("`chromium` was not found, and {error}"))?;
    installed().ok_or_else(|| "`chromium` was installed, and still does not run".into())
}

/// The first that runs: some systems have a script of this name that only tells where to get it.
fn installed() -> Option<PathBuf> {
    let path = search_path();
    let found = NAMES.iter().filter_map(|name| find_in(&path, &[name]));
    let mut running = found.filter(|program| output(Command::new(program).arg("--version")).is_ok());
    running.next()
}

/// Loud lines for one that is not there: why, what that leaves out, and how to mend it.
pub(crate) fn absent_lines(reason: &str, required: bool) -> Vec<String> {
    let left_out = "No test of event-py/tests/test_page.py runs.";
    let mut lines = requirement::absent_lines("Chromium", reason, left_out, required);
    lines.push(format!("!! Install Chromium, or set {VARIABLE} to its path."));
    lines
}

#[cfg(test)]
mod tests {
    use super::absent_lines;

    #[test]
    fn an_absent_browser_is_said_loudly() {
        let lines = absent_lines("nobody home\nits log", false).join("\n");
        assert!(
            lines.contains("NOT RUN: Chromium (nobody home)\n!!    its log"),
            "{lines}"
        );
        assert!(!lines.contains("FAILURE"), "{lines}");
        assert!(absent_lines("nobody home", true).join("\n").contains("FAILURE"));
    }
}
