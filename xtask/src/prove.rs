//! `cargo xtask prove`: every proof that faults lose, double and change nothing, one after the other, in one table.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::backends::Backends;
use crate::command::{Outcome, announce, cargo};
use crate::database::Database;
use crate::silence::succeeds_reading;
use crate::tally::{self, Tally};

/// Tests that prove something.
struct Proof {
    name: &'static str,
    package: &'static str,
    target: &'static str,
    /// Words of the tests' names; all of the target, if there are none.
    tests: &'static [&'static str],
}

const fn proof(
    name: &'static str,
    package: &'static str,
    target: &'static str,
    tests: &'static [&'static str],
) -> Proof {
    Proof {
        name,
        package,
        target,
        tests,
    }
}

/// Those that say how many trials they made do so by lines of their own; of the others the tests are counted.
const PROOFS: &[Proof] = &[
    proof(
        "faults of the disk, the power and the clock",
        "event-store",
        "prove",
        &[],
    ),
    proof("disks that are full", "event-store", "store", &["full::"]),
    proof("places in the log, with several processes", "event-store", "order", &[]),
    proof("collectors on one server", "event-store", "contention", &[]),
    proof("servers that restart under load", "event-store", "restart", &[]),
    proof("projections over restarts and cuts", "event-store", "resume", &[]),
    proof("projections that are killed", "event-store", "follow", &["killed::"]),
    proof("imports that stop", "event-store", "import", &["stopped::"]),
    proof("imports that are killed", "event-server", "program", &["import::"]),
    proof(
        "collectors that are killed and stopped",
        "event-server",
        "durability",
        &[],
    ),
    proof(
        "clients that are gone at any byte",
        "event-server",
        "bad_input",
        &["gone::"],
    ),
    proof("clients on a network that fails", "event-client", "network", &[]),
    proof("everything at once, for a while", "event-server", "soak", &[]),
];

/// A line of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    trials: u64,
    violations: u64,
}

/// Runs all proofs, or those whose name or target has one of the words in it: in their long form, or in that of every run
/// of the tests (`--quick`).
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Outcome<bool> {
    let (is_quick, words) = match arguments {
        ["--quick", words @ ..] => (true, words),
        words => (false, words),
    };
    let is_asked = |proof: &&Proof| {
        let has = |word: &&str| proof.name.contains(*word) || proof.target == *word;
        words.is_empty() || words.iter().any(has)
    };
    let proofs: Vec<&Proof> = PROOFS.iter().filter(is_asked).collect();
    if proofs.is_empty() {
        return Err(format!("no proof is named {}", words.join(" ")).into());
    }
    println!("\n==> Databases");
    let backends = Backends::start()?;
    for line in backends.present_lines().into_iter().chain(backends.absent_lines()) {
        println!("    {line}");
    }
    let mut lines = Vec::new();
    let mut held = backends.missing() == 0;
    for proof in proofs {
        let started = Instant::now();
        let (rows, well) = one(root, proof, is_quick, &backends)?;
        held &= well && rows.iter().all(|row| row.violations == 0);
        lines.extend(rows.iter().map(ToString::to_string));
        lines.push(last(proof, well, started.elapsed()));
    }
    println!("\n==> Proofs");
    for line in backends.absent_lines().into_iter().chain(lines) {
        println!("    {line}");
    }
    Ok(held)
}

/// What a proof tells, and whether its tests passed.
fn one(root: &Path, proof: &Proof, is_quick: bool, backends: &Backends) -> Outcome<(Vec<Row>, bool)> {
    let skips: Vec<String> = backends.absent().into_iter().flat_map(skip).collect();
    let target = [
        "test",
        "--package",
        proof.package,
        "--all-features",
        "--test",
        proof.target,
    ];
    let arguments: Vec<&str> = target
        .into_iter()
        .chain(["--", "--nocapture"])
        .chain(proof.tests.iter().copied())
        .chain(skips.iter().map(String::as_str))
        .collect();
    announce(proof.name, &format!("cargo {}", arguments.join(" ")));
    let mut command = cargo(root, &arguments);
    command.envs(backends.environment());
    if !is_quick {
        command.env("EVENT_TEST_LONG", "1");
    }
    let (mut rows, mut counted, mut failed) = (Vec::new(), Tally::default(), BTreeSet::new());
    let succeeded = succeeds_reading(&mut command, None, |line| {
        rows.extend(Row::read(line));
        if let Some(tally) = Tally::from_libtest(line) {
            counted += tally;
        }
        failed.extend(tally::failed_in_libtest(line).map(str::to_owned));
    })?;
    if rows.is_empty() {
        rows.push(Row {
            name: proof.name.to_owned(),
            trials: counted.passed + counted.failed,
            violations: counted.failed,
        });
    }
    // Nothing that ran proves nothing.
    Ok((rows, succeeded && !counted.is_empty() && failed.is_empty()))
}

fn skip(database: Database) -> [String; 2] {
    ["--skip".to_owned(), format!("{}::", database.module())]
}

fn last(proof: &Proof, well: bool, took: Duration) -> String {
    let word = if well { "held" } else { "FAILED" };
    format!(
        "{} ({}/{}): {word} ({} s)",
        proof.name,
        proof.package,
        proof.target,
        took.as_secs()
    )
}

impl Row {
    /// Reads `proof: kill at a write or sync: 412 trials, 0 violations`, wherever it stands in a line: the runner of the
    /// tests may have begun it. Nothing from any other line.
    fn read(line: &str) -> Option<Self> {
        let (_, told) = line.split_once("proof: ")?;
        let (name, counts) = told.rsplit_once(": ")?;
        let (trials, violations) = counts.split_once(" trials, ")?;
        Some(Row {
            name: name.to_owned(),
            trials: trials.parse().ok()?,
            violations: violations.strip_suffix(" violations")?.parse().ok()?,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trials, violations) = (self.trials, self.violations);
        write!(f, "{:50} N = {trials:5}   {violations} violations", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{PROOFS, Row};

    #[test]
    fn a_line_of_a_proof_is_read() {
        let row = |name: &str, trials, violations| {
            Some(Row {
                name: name.to_owned(),
                trials,
                violations,
            })
        };
        let line = "proof: kill at a write or sync: 412 trials, 0 violations";
        assert_eq!(Row::read(line), row("kill at a write or sync", 412, 0));
        let line = "test kills ... proof: disk: full: 3 trials, 2 violations";
        assert_eq!(Row::read(line), row("disk: full", 3, 2));
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "test proof ... ok",
            "proof: 3 trials, 2 violations",
            "proof: kill: many trials, 0 violations",
            "proof: kill: 3 trials, 2 violations of it",
        ] {
            assert_eq!(Row::read(line), None, "{line}");
        }
    }

    #[test]
    fn every_proof_is_a_test_that_is_there() {
        let root = crate::root();
        for proof in PROOFS {
            let tests = root.join(proof.package).join("tests");
            let found = [
                tests.join(format!("{}.rs", proof.target)),
                tests.join(proof.target).join("main.rs"),
            ];
            assert!(
                found.iter().any(|file| file.is_file()),
                "{}/{}",
                proof.package,
                proof.target
            );
        }
    }
}
