//! One trial: the scenario in a process of its own, over a disk that fails at one call; then the judge, then the same to
//! the end without faults, and the judge again.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::broken::Broken;
use crate::journal::Journal;
use crate::library::library;
use crate::oracle::{Stage, Violation, judge};
use crate::place::Place;
use crate::scenario;

/// What happens at a call that writes, cuts, removes or synchronizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The process is killed.
    Kill,
    /// The disk has an error, once.
    Eio,
    /// Half of it is written, without an error.
    Short,
    /// Half of it is written, and then there is no room for a while.
    Full,
    /// The power is gone, and with it whatever was not synchronized, or some of it.
    Loss,
}

/// Whether the clock is to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    Steady,
    /// It goes back by hours and on by years, again and again.
    Jumping,
}

/// What to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) fault: Fault,
    /// At which call; 0 for none.
    pub(crate) at: u64,
    pub(crate) clock: Clock,
    pub(crate) broken: Option<Broken>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many calls were made.
    pub(crate) calls: u64,
    /// What does not hold after the fault, and after the end.
    pub(crate) violations: Vec<String>,
}

/// The place of the trial that a process is part of, and what is broken in it.
const CHILD: &str = "EVENT_STORE_PROVE";
/// So long a process may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// This program anew, for the test that plays the scenario, over a disk with faults.
pub(crate) fn command(place: &Place, trial: Trial, task: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "the_scenario_comes_to_its_end_twice"])
        .env(CHILD, format!("{task} {}", place.root().display()))
        .env("LD_PRELOAD", library())
        .env("PROVE_UNDER", place.under())
        .env("PROVE_COUNTER", place.counter())
        .env("PROVE_AT", trial.at.to_string())
        .env("PROVE_SEED", trial.at.to_string())
        .env("PROVE_FAULT", format!("{:?}", trial.fault).to_lowercase())
        .env("PROVE_CLOCK", if trial.clock == Clock::Jumping { "1" } else { "0" })
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Does the work of a process that a trial has started; false in any other.
pub(crate) async fn is_child() -> bool {
    let Ok(words) = std::env::var(CHILD) else { return false };
    let (task, root) = words.split_once(' ').unwrap();
    let place = Place::at(root.into());
    let journal = Journal::open(&place.journal());
    let done = match task.split_once(':') {
        Some((callers, from)) => {
            scenario::load(&place, &journal, callers.parse().unwrap(), from.parse().unwrap()).await
        }
        None => scenario::run(&place, &journal, Broken::named(task)).await,
    };
    if let Err(error) = done {
        journal.write(&crate::journal::Line::Failed(error));
    }
    true
}

/// How many calls were made by now.
pub(crate) fn calls(place: &Place) -> u64 {
    let bytes = std::fs::read(place.counter()).unwrap();
    u64::from_ne_bytes(bytes.try_into().unwrap())
}

/// Waits for the end of a process; nothing where it does not come.
async fn end(mut command: Command) -> Option<ExitStatus> {
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Trial {
    pub(crate) fn of(fault: Fault, at: u64) -> Self {
        Trial {
            fault,
            at,
            clock: Clock::Steady,
            broken: None,
        }
    }

    /// Plays the scenario in a process of its own.
    pub(crate) async fn play(self, place: &Place) -> Outcome {
        let task = self
            .broken
            .map_or_else(|| "sound".to_owned(), |broken| format!("{broken:?}"));
        let ended = end(command(place, self, &task)).await;
        let mut outcome = Outcome {
            calls: calls(place),
            violations: Vec::new(),
        };
        let is_to_die = matches!(self.fault, Fault::Kill | Fault::Loss) && outcome.calls >= self.at && self.at > 0;
        match ended {
            None => outcome.violations.push("the process does not end".to_owned()),
            // A build that waits for nothing may be over before the fault has struck.
            Some(status) if status.success() == is_to_die && self.broken.is_none() => {
                outcome.violations.push(format!("the process ended with {status}"));
            }
            Some(_) => {}
        }
        outcome
    }

    /// All of it, of a build that is sound.
    pub(crate) async fn run(self) -> Outcome {
        let place = Place::new();
        let mut outcome = self.play(&place).await;
        let told = |stage: &str, violation: Violation| format!("{self:?}, {stage}: {violation}");
        let cut = judge(&place, Stage::Cut).await;
        outcome
            .violations
            .extend(cut.into_iter().map(|it| told("after the fault", it)));
        let journal = Journal::open(&place.journal());
        if let Err(error) = scenario::run(&place, &journal, None).await {
            outcome.violations.push(format!("{self:?}, to the end: {error}"));
        }
        let whole = judge(&place, Stage::Whole).await;
        outcome
            .violations
            .extend(whole.into_iter().map(|it| told("at the end", it)));
        outcome
    }
}
