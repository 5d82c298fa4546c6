//! `cargo xtask test`: every suite, then one line that sums them up.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::command::{Outcome, announce, cargo, succeeds_reading};
use crate::tally::{self, Tally};

/// A set of tests with a runner of its own.
struct Suite {
    name: &'static str,
    /// What follows `cargo`.
    arguments: &'static [&'static str],
    /// Finds the counts in one line of the runner's output.
    read: fn(&str) -> Option<Tally>,
    /// Finds the name of a failed test in one line of it.
    failure: fn(&str) -> Option<&str>,
}

/// Everything that is tested. A suite in another language is one more row, with its runner and its readers.
const SUITES: &[Suite] = &[Suite {
    name: "Rust: unit, integration and documentation tests",
    arguments: &["test", "--workspace", "--all-features", "--no-fail-fast"],
    read: Tally::from_libtest,
    failure: tally::failed_in_libtest,
}];

/// Runs every suite, also after one has failed; the last line printed is the sum.
pub(crate) fn run(root: &Path) -> Outcome<bool> {
    let mut total = Tally::default();
    let mut report = Vec::new();
    for suite in SUITES {
        announce(suite.name, &format!("cargo {}", suite.arguments.join(" ")));
        let start = Instant::now();
        let mut read = Tally::default();
        let mut failures = Vec::new();
        let succeeded = succeeds_reading(&mut cargo(root, suite.arguments), |line| {
            if let Some(tally) = (suite.read)(line) {
                read += tally;
            }
            failures.extend((suite.failure)(line).map(|name| format!("FAILED: {name}")));
        })?;
        let counted = verdict(read, succeeded);
        report.push(summary(suite.name, counted, start.elapsed()));
        report.extend(failures);
        total += counted;
    }
    println!("\n==> Summary");
    for line in report {
        println!("    {line}");
    }
    println!("{total}");
    Ok(total.failed == 0)
}

/// A suite that could not be built, or that ran nothing, is a failure even though no test of it failed.
fn verdict(read: Tally, succeeded: bool) -> Tally {
    let silent_failure = !succeeded && read.failed == 0;
    let failed = read.failed + u64::from(silent_failure || read.is_empty());
    Tally { failed, ..read }
}

fn summary(name: &str, counted: Tally, took: Duration) -> String {
    let ignored = match counted.ignored {
        0 => String::new(),
        some => format!(", {some} IGNORED"),
    };
    format!("{name}: {counted}{ignored} ({} s)", took.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{summary, verdict};
    use crate::tally::Tally;
    use std::time::Duration;

    const GREEN: Tally = Tally {
        passed: 5,
        failed: 0,
        ignored: 0,
    };

    #[test]
    fn what_passed_passes() {
        assert_eq!(verdict(GREEN, true), GREEN);
    }

    #[test]
    fn a_runner_that_fails_without_a_failed_test_counts_as_one() {
        assert_eq!(verdict(GREEN, false).failed, 1);
        assert_eq!(verdict(Tally { failed: 2, ..GREEN }, false).failed, 2);
    }

    #[test]
    fn a_run_of_nothing_is_a_failure() {
        assert_eq!(verdict(Tally::default(), true).failed, 1);
        assert_eq!(verdict(Tally::default(), false).failed, 1);
    }

    #[test]
    fn ignored_tests_are_named() {
        let line = summary("Rust", Tally { ignored: 3, ..GREEN }, Duration::from_secs(61));
        assert_eq!(line, "Rust: 5 passed, 0 failed, 3 IGNORED (61 s)");
    }
}
