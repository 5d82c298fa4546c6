//! `cargo xtask test`: every suite, then one line that sums them up.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::backends::Backends;
use crate::command::{Outcome, announce, cargo, succeeds_reading};
use crate::database::Database;
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
    /// Finds the name of a passed one.
    success: fn(&str) -> Option<&str>,
    /// What is added to the arguments to leave out the tests of these databases.
    without: fn(&[Database]) -> Vec<String>,
}

/// Everything that is tested. A suite in another language is one more row, with its runner and its readers.
const SUITES: &[Suite] = &[Suite {
    name: "Rust: unit, integration and documentation tests",
    arguments: &["test", "--workspace", "--all-features", "--no-fail-fast"],
    read: Tally::from_libtest,
    failure: tally::failed_in_libtest,
    success: tally::passed_in_libtest,
    without: skip_in_libtest,
}];

/// Runs every suite, also after one has failed; the last line printed is the sum.
pub(crate) fn run(root: &Path) -> Outcome<bool> {
    println!("\n==> Databases");
    let backends = Backends::start()?;
    for line in backends.present_lines().into_iter().chain(backends.absent_lines()) {
        println!("    {line}");
    }
    let mut total = Tally::default();
    let mut report = Vec::new();
    for suite in SUITES {
        let more = (suite.without)(&backends.absent());
        let arguments: Vec<&str> = suite
            .arguments
            .iter()
            .copied()
            .chain(more.iter().map(String::as_str))
            .collect();
        announce(suite.name, &format!("cargo {}", arguments.join(" ")));
        let start = Instant::now();
        let mut read = Tally::default();
        let mut failures = Vec::new();
        let mut passed = BTreeMap::new();
        let mut command = cargo(root, &arguments);
        let succeeded = succeeds_reading(command.envs(backends.environment()), |line| {
            if let Some(tally) = (suite.read)(line) {
                read += tally;
            }
            failures.extend((suite.failure)(line).map(|name| format!("FAILED: {name}")));
            if let Some(database) = (suite.success)(line).and_then(Database::of_test) {
                *passed.entry(database).or_default() += 1;
            }
        })?;
        let counted = verdict(read, succeeded);
        report.push(summary(suite.name, counted, start.elapsed()));
        report.extend(by_database(&passed));
        report.extend(failures);
        total += counted;
    }
    total.failed += backends.missing() as u64;
    report.extend(backends.absent_lines());
    println!("\n==> Summary");
    for line in report {
        println!("    {line}");
    }
    // Stopped before the last line, so that it is the last.
    drop(backends);
    println!("{total}");
    Ok(total.failed == 0)
}

/// The test runner of Rust takes what it leaves out after its own `--`.
fn skip_in_libtest(absent: &[Database]) -> Vec<String> {
    if absent.is_empty() {
        return Vec::new();
    }
    let skips = absent
        .iter()
        .flat_map(|database| ["--skip".to_owned(), format!("{}::", database.module())]);
    [vec!["--".to_owned()], skips.collect()].concat()
}

/// How many tests passed on each database, if any has tests of its own.
fn by_database(passed: &BTreeMap<Database, u64>) -> Option<String> {
    let counts = Database::ALL.map(|database| {
        let passed = passed.get(&database).copied().unwrap_or_default();
        format!("{}: {passed} passed", database.name())
    });
    (!passed.is_empty()).then(|| counts.join("   "))
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
    use super::{by_database, skip_in_libtest, summary, verdict};
    use crate::database::Database;
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
    fn an_absent_database_is_skipped() {
        assert!(skip_in_libtest(&[]).is_empty());
        assert_eq!(
            skip_in_libtest(&Database::SERVERS).join(" "),
            "-- --skip postgres:: --skip mysql::"
        );
    }

    #[test]
    fn every_database_is_counted_also_at_nothing() {
        assert_eq!(by_database(&[].into()), None);
        assert_eq!(
            by_database(&[(Database::Sqlite, 84), (Database::Mysql, 3)].into()).as_deref(),
            Some("SQLite: 84 passed   PostgreSQL: 0 passed   MariaDB: 3 passed")
        );
    }

    #[test]
    fn ignored_tests_are_named() {
        let line = summary("Rust", Tally { ignored: 3, ..GREEN }, Duration::from_secs(61));
        assert_eq!(line, "Rust: 5 passed, 0 failed, 3 IGNORED (61 s)");
    }
}
