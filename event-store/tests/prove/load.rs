//! Many callers at once, and kills at random moments.

use std::time::{Duration, Instant};

use crate::journal::{self, Batch, Journal};
use crate::oracle::{Stage, judge};
use crate::place::Place;
use crate::process::{Dice, is_long};
use crate::scenario;
use crate::sweep::Report;
use crate::trial::{Fault, Trial, command};

const CALLERS: usize = 4;
/// Kills of one database, before all of it is judged as a whole.
const LIVES: u64 = 5;

fn databases() -> u64 {
    if is_long() { 200 } else { 1 }
}

/// How many batches were answered.
fn answers(place: &Place) -> usize {
    let journal = journal::read(&place.journal());
    journal.values().filter(|it| it.is_answered()).count()
}

pub(crate) async fn kills() {
    let (mut report, mut dice) = (Report::default(), Dice::new(5));
    for database in 0..databases() {
        let place = Place::new();
        let mut heard = 0;
        for life in 0..LIVES {
            let from = journal::read(&place.journal())
                .keys()
                .map(|of| of.1 + 1)
                .max()
                .unwrap_or(0);
            let mut child = command(&place, Trial::of(Fault::None, 0), &format!("{CALLERS}:{from}"))
                .spawn()
                .unwrap();
            tokio::time::sleep(Duration::from_millis(150 + dice.below(450))).await;
            // On a machine with other things to do that may have been no life at all. The first one may end before its
            // tables are made, and another one while the database is still being opened after a kill.
            let patient = Instant::now() + Duration::from_secs(if life % 3 == 0 { 0 } else { 20 });
            while answers(&place) < heard + 4 && Instant::now() < patient {
                tokio::time::sleep(Duration::from_millis(1 + dice.below(20))).await;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let answered = answers(&place);
            // The first life has tables to make.
            report.met += u64::from(answered > heard || life == 0);
            heard = answered;
            for violation in judge(&place, Stage::Cut).await {
                report
                    .violations
                    .push(format!("database {database}, life {life}: {violation}"));
            }
        }
        let batches: Vec<Batch> = journal::read(&place.journal()).into_keys().collect();
        let journal = Journal::open(&place.journal());
        if let Err(error) = scenario::conclude(&place, &journal, &batches).await {
            report
                .violations
                .push(format!("database {database}, to the end: {error}"));
        }
        for violation in judge(&place, Stage::Whole).await {
            report
                .violations
                .push(format!("database {database}, at the end: {violation}"));
        }
        assert!(heard > 10, "{heard} answers are too few to prove anything");
    }
    assert!(report.met * 2 > databases() * LIVES, "too few lives have done anything");
    report.conclude("kills at random under load");
}
