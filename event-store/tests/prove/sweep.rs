//! Each fault at each call, or at some of them.

use std::collections::BTreeSet;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::process::is_long;
use crate::trial::{Clock, Fault, Outcome, Trial};

/// Trials at a time: most of the time each waits for something.
const AT_A_TIME: usize = 10;

/// What came of many trials.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// In how many the fault was met.
    pub(crate) met: u64,
    pub(crate) violations: Vec<String>,
}

impl Report {
    fn take(&mut self, at: u64, outcome: Outcome) {
        self.met += u64::from(outcome.calls >= at);
        self.violations.extend(outcome.violations);
    }

    /// Says what was found, in the form that `cargo xtask prove` reads, and fails if anything was.
    pub(crate) fn conclude(self, name: &str) {
        println!(
            "proof: {name}: {} trials, {} violations",
            self.met,
            self.violations.len()
        );
        let first = &self.violations[..self.violations.len().min(10)];
        assert!(first.is_empty(), "{first:#?}");
    }
}

/// The calls at which a fault strikes: all of them, or so many, spread over a scenario of `calls`, the first ones included.
fn calls_to_fail(calls: u64, few: u64) -> BTreeSet<u64> {
    if is_long() {
        return (1..=calls).collect();
    }
    (0..few).map(|number| 1 + number * (calls - 1) / few.max(2)).collect()
}

/// Some trials at a time, until all are over.
pub(crate) async fn all(trials: impl IntoIterator<Item = Trial>) -> Report {
    let (mut report, mut running) = (Report::default(), JoinSet::new());
    for trial in trials {
        if running.len() == AT_A_TIME {
            let (at, outcome) = running.join_next().await.unwrap().unwrap();
            report.take(at, outcome);
        }
        // What a trial waits for need not be fit to go from thread to thread.
        let handle = Handle::current();
        running.spawn_blocking(move || (trial.at, handle.block_on(trial.run())));
    }
    while let Some(ended) = running.join_next().await {
        let (at, outcome) = ended.unwrap();
        report.take(at, outcome);
    }
    report
}

/// How many calls a scenario makes without a fault.
pub(crate) async fn length(clock: Clock) -> u64 {
    let outcome = Trial {
        clock,
        ..Trial::of(Fault::None, 0)
    };
    let outcome = outcome.run().await;
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    // How often leases are prolonged depends on the time that it takes.
    assert!(outcome.calls > 100, "{} calls are too few", outcome.calls);
    outcome.calls
}

/// A fault at each call, or at a few.
pub(crate) async fn sweep(name: &str, fault: Fault, clock: Clock, few: u64) {
    let calls = length(clock).await;
    let trials = calls_to_fail(calls, few).into_iter().map(|at| Trial {
        clock,
        ..Trial::of(fault, at)
    });
    let report = all(trials).await;
    assert!(
        report.met * 10 >= calls_to_fail(calls, few).len() as u64 * 9,
        "faults were not met"
    );
    report.conclude(name);
}
