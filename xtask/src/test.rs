//! `cargo xtask test`: every suite, then one line that sums them up.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::backends::Backends;
use crate::browser;
use crate::command::{Outcome, announce, cargo, quietly};
use crate::database::Database;
use crate::python::Environment;
use crate::requirement;
use crate::schema_suite;
use crate::silence::{self, succeeds_reading};
use crate::tally::{self, Tally};

/// A set of tests with a runner of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    Rust,
    Python,
}

/// How the output of a runner is read, line by line.
struct Reader {
    /// Finds the counts.
    counts: fn(&str) -> Option<Tally>,
    /// Finds the name of a failed test.
    failure: fn(&str) -> Option<&str>,
    /// Finds the name of a passed one.
    success: fn(&str) -> Option<&str>,
}

const RUST: [&str; 4] = ["test", "--workspace", "--all-features", "--no-fail-fast"];

/// The collector that the tests of Python send to: the one that the tests of Rust have built, or one by itself.
const COLLECTOR_OF_RUST: [&str; 4] = ["test", "--workspace", "--all-features", "--no-run"];
const COLLECTOR: [&str; 4] = ["build", "--package", "event-server", "--all-features"];

impl Suite {
    pub(crate) const ALL: [Self; 2] = [Self::Rust, Self::Python];

    fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust: unit, integration and documentation tests",
            Self::Python => "Python: the installed wheel, its types, its documentation",
        }
    }

    fn reader(self) -> Reader {
        match self {
            Self::Rust => Reader {
                counts: Tally::from_libtest,
                failure: tally::failed_in_libtest,
                success: tally::passed_in_libtest,
            },
            Self::Python => Reader {
                counts: Tally::from_pytest,
                failure: tally::failed_in_pytest,
                success: |_| None,
            },
        }
    }
}

/// What a run tells at its end.
#[derive(Default)]
struct Report {
    total: Tally,
    lines: Vec<String>,
}

/// Runs these suites, also after one has failed; the last line printed is the sum.
pub(crate) fn run(root: &Path, suites: &[Suite]) -> Outcome<bool> {
    let mut report = Report::default();
    if suites.contains(&Suite::Rust) {
        rust(root, &mut report)?;
    }
    if suites.contains(&Suite::Python) {
        python(root, suites.contains(&Suite::Rust), &mut report)?;
    }
    println!("\n==> Summary");
    for line in report.lines {
        println!("    {line}");
    }
    println!("{}", report.total);
    Ok(report.total.failed == 0)
}

/// The tests of Rust, with the databases that they ask for; those are stopped when this returns.
fn rust(root: &Path, report: &mut Report) -> Outcome<()> {
    println!("\n==> Databases");
    let backends = Backends::start()?;
    for line in backends.present_lines().into_iter().chain(backends.absent_lines()) {
        println!("    {line}");
    }
    let suite = schema_suite::find(root);
    let mut left_out: Vec<String> = backends
        .absent()
        .iter()
        .map(|it| format!("{}::", it.module()))
        .collect();
    if let Err(reason) = &suite {
        left_out.push(schema_suite::TEST.to_owned());
        let required = requirement::read()?.schema_suite;
        report.total.failed += u64::from(required);
        let lines = schema_suite::absent_lines(&reason.to_string(), required);
        lines.iter().for_each(|line| println!("    {line}"));
        report.lines.extend(lines);
    }
    let more = skip_in_libtest(&left_out);
    let arguments: Vec<&str> = RUST.into_iter().chain(more.iter().map(String::as_str)).collect();
    announce(Suite::Rust.name(), &format!("cargo {}", arguments.join(" ")));
    let mut command = cargo(root, &arguments);
    if let Ok(suite) = suite {
        command.env(schema_suite::VARIABLE, suite);
    }
    report.of(Suite::Rust, command.envs(backends.environment()))?;
    report.total.failed += backends.missing() as u64;
    report.lines.extend(backends.absent_lines());
    Ok(())
}

/// The tests of Python, in an environment of their own.
fn python(root: &Path, after_rust: bool, report: &mut Report) -> Outcome<()> {
    announce(Suite::Python.name(), "python -m pytest event-py/tests");
    let start = Instant::now();
    let environment = match Environment::prepare(root) {
        Ok(environment) => environment,
        Err(reason) => {
            let required = requirement::read()?.python;
            report.total.failed += u64::from(required);
            let lines = python_is_absent(&reason.to_string(), required);
            lines.iter().for_each(|line| println!("    {line}"));
            report.lines.extend(lines);
            return Ok(());
        }
    };
    let collector: &[&str] = if after_rust { &COLLECTOR_OF_RUST } else { &COLLECTOR };
    let built = quietly(&mut cargo(root, collector)).and_then(|()| environment.install());
    if let Err(error) = built {
        println!("{error}");
        let nothing = verdict(Tally::default(), false);
        report.total += nothing;
        report
            .lines
            .push(summary(Suite::Python.name(), nothing, start.elapsed()));
        report
            .lines
            .push("FAILED: event-py could not be built and installed".to_owned());
        return Ok(());
    }
    println!("    Built and installed after {} s", start.elapsed().as_secs());
    let mut pytest = environment.pytest()?;
    match browser::find() {
        Ok(program) => {
            pytest.env(browser::VARIABLE, program);
        }
        Err(reason) => {
            let required = requirement::read()?.chromium;
            report.total.failed += u64::from(required);
            let lines = browser::absent_lines(&reason.to_string(), required);
            lines.iter().for_each(|line| println!("    {line}"));
            report.lines.extend(lines);
        }
    }
    report.of(Suite::Python, &mut pytest)
}

impl Report {
    /// Runs a suite, its output passed through, and takes in what came of it.
    fn of(&mut self, suite: Suite, command: &mut Command) -> Outcome<()> {
        let start = Instant::now();
        let reader = suite.reader();
        let mut read = Tally::default();
        let mut failures = Vec::new();
        let mut passed = BTreeMap::new();
        let succeeded = succeeds_reading(command, silence::limit(), |line| {
            if let Some(tally) = (reader.counts)(line) {
                read += tally;
            }
            failures.extend((reader.failure)(line).map(|name| format!("FAILED: {name}")));
            if let Some(database) = (reader.success)(line).and_then(Database::of_test) {
                *passed.entry(database).or_default() += 1;
            }
        })?;
        let counted = verdict(read, succeeded);
        self.lines.push(summary(suite.name(), counted, start.elapsed()));
        self.lines.extend(by_database(&passed));
        self.lines.extend(failures);
        self.total += counted;
        Ok(())
    }
}

/// Loud lines for a Python that is not there: why, and how to mend it.
fn python_is_absent(reason: &str, required: bool) -> Vec<String> {
    requirement::absent_lines("Python", reason, "No test of event-py runs.", required)
}

/// The test runner of Rust takes what it leaves out after its own `--`.
fn skip_in_libtest(left_out: &[String]) -> Vec<String> {
    if left_out.is_empty() {
        return Vec::new();
    }
    let skips = left_out.iter().flat_map(|part| ["--skip".to_owned(), part.clone()]);
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
    use super::{by_database, python_is_absent, skip_in_libtest, summary, verdict};
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
    fn what_is_absent_is_skipped() {
        assert!(skip_in_libtest(&[]).is_empty());
        assert_eq!(
            skip_in_libtest(&["postgres::".to_owned(), "mysql::".to_owned()]).join(" "),
            "-- --skip postgres:: --skip mysql::"
        );
    }

    #[test]
    fn an_absent_python_is_said_loudly() {
        let lines = python_is_absent("none was found\nInstall one", false).join("\n");
        assert!(
            lines.contains("NOT RUN: Python (none was found)\n!!    Install one"),
            "{lines}"
        );
        assert!(!lines.contains("FAILURE"), "{lines}");
        assert!(
            python_is_absent("", true)
                .join("\n")
                .contains("FAILURE: REQUIRE_BACKENDS")
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
