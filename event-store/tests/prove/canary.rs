//! Whether the proof catches builds that are broken on purpose.

use crate::broken::Broken;
use crate::oracle::{Stage, Violation, judge};
use crate::place::Place;
use crate::sweep::length;
use crate::trial::{Clock, Fault, Trial};

/// So many faults are tried on a build that only a fault shows to be broken.
const TRIES: u64 = 12;

async fn judged(trial: Trial, stage: Stage) -> Vec<Violation> {
    let place = Place::new();
    let outcome = trial.play(&place).await;
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    judge(&place, stage).await
}

/// Whether what should notice it does.
async fn is_caught(broken: Broken, calls: u64) -> bool {
    let fault = match broken {
        Broken::AnswerFirst => Fault::Kill,
        Broken::SynchronousOff => Fault::Loss,
        _ => {
            let trial = Trial {
                broken: Some(broken),
                ..Trial::of(Fault::None, 0)
            };
            return noticed(broken, &judged(trial, Stage::Whole).await);
        }
    };
    // From the end: there is more to be lost.
    for number in 1..=TRIES {
        let trial = Trial {
            broken: Some(broken),
            ..Trial::of(fault, calls - number * calls / (TRIES + 1))
        };
        if noticed(broken, &judged(trial, Stage::Cut).await) {
            return true;
        }
    }
    false
}

fn noticed(broken: Broken, violations: &[Violation]) -> bool {
    violations.iter().any(|violation| violation.0 == broken.noticed_by())
}

pub(crate) async fn every_one_is_caught() {
    let calls = length(Clock::Steady).await;
    let mut free = Vec::new();
    for broken in Broken::ALL {
        if !is_caught(broken, calls).await {
            free.push(broken);
        }
    }
    println!(
        "proof: builds broken on purpose: {} trials, {} violations",
        Broken::ALL.len(),
        free.len()
    );
    assert!(free.is_empty(), "nothing was noticed of {free:?}");
}
