//! Refused events, judged again and stored: under the id, the source and the time of their first receipt.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use event_core::lift::Lifter;
use event_core::upcaster::{Lift, Target};
use event_core::verdict::Status;
use event_core::{Code, Label, Verdict};
use serde::Serialize;

use super::again::{Again, Seen, judge_lifted};
use super::history::{Action, Done, record};
use super::settle::{refused_again, set_state, unchanged};
use super::work::Steps;
use super::{Run, State, Work};
use crate::append::{self, Ids};
use crate::backfill::Progress;
use crate::dialect::Transaction;
use crate::entity::quarantine::QuarantineRow;
use crate::error::Error;
use crate::inner::{Inner, detached, now};
use crate::patience::Patience;
use crate::position;
use crate::queue::Entry;
use crate::store::EventStore;

/// Samples of an outcome that are told.
const SAMPLES: usize = 5;

/// What became of a selection, or would become of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Replayed {
    /// Whether it was done.
    pub run: Run,
    /// Entries that were judged again.
    pub entries: u64,
    /// Entries that were asked for, and are not there, or not open, or were changed meanwhile.
    pub skipped: u64,
    /// What became of them, by status and reason.
    pub outcomes: Vec<Outcome>,
    /// The `after` of the next call, where the limit has ended this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// What became of so many entries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// `stored` and `duplicate` are in the log now; all others stay in the quarantine.
    pub status: Status,
    /// Why they stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// How many.
    pub entries: u64,
    /// The first five.
    pub samples: Vec<Sample>,
}

/// One entry, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Its number in the quarantine.
    pub number: i64,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Where it was to be judged as an event of another version: what became of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upcast: Option<Lift>,
}

impl EventStore {
    /// Judges refused events again, by what is registered now, and stores those that are good: each
    /// with the id, the source and the time of receipt that it came in with, at a new place at the end
    /// of the log. Those that are refused again stay, with the newest reason. What came in stays, also where an event
    /// is stored as one of another version ([`Work::upcast`]): a sender who sends it again sends the same event.
    ///
    /// An entry is marked in the transaction that stores its event: however often it is replayed, by
    /// however many at once, and wherever it is interrupted, its event is stored once. It works in
    /// short transactions; what is left is for the next time.
    ///
    /// # Errors
    /// If the database fails; what was stored stays so.
    pub async fn replay(&self, work: &Work, mut progress: impl FnMut(Progress)) -> Result<Replayed, Error> {
        let inner = self.inner();
        if inner.queue.is_closed() {
            return Err(Error::Closed);
        }
        let (begun, of) = (inner.clone(), work.clone());
        let mut steps = detached(async move { Steps::new(&of, true, &begun).await }).await?;
        let (mut found, mut seen, total) = (Found::default(), Seen::default(), steps.total);
        loop {
            let (inner, run, actor, upcast) = (inner.clone(), work.run, work.actor.clone(), work.upcast.clone());
            let step = detached(async move {
                let Some((rows, looked_for)) = steps.next(&inner).await? else {
                    return Ok((steps, seen, None));
                };
                let told = match run {
                    Run::Dry => tell(&inner, rows, upcast, &mut seen).await?,
                    Run::Real => store(&inner, rows, upcast, actor.as_ref()).await?,
                };
                Ok((steps, seen, Some((told, looked_for))))
            });
            let told;
            (steps, seen, told) = step.await?;
            let Some((told, looked_for)) = told else {
                return Ok(found.told(work.run, steps.rest()));
            };
            found.add(told, looked_for);
            progress(Progress::new(i64::try_from(found.looked_at).unwrap_or(i64::MAX), total));
        }
    }
}

/// What became of entries, by their numbers.
type Told = Vec<(i64, Verdict, Option<Lift>)>;

#[derive(Default)]
struct Found {
    looked_at: u64,
    entries: u64,
    outcomes: BTreeMap<(&'static str, Option<Code>), Outcome>,
}

impl Found {
    fn add(&mut self, told: Told, looked_for: usize) {
        self.looked_at += u64::try_from(looked_for).unwrap_or(0);
        for (number, verdict, upcast) in told {
            self.entries += 1;
            let key = (verdict.status.as_str(), verdict.code);
            let outcome = self.outcomes.entry(key).or_insert_with(|| Outcome {
                status: verdict.status,
                code: verdict.code,
                entries: 0,
                samples: Vec::new(),
            });
            outcome.entries += 1;
            if outcome.samples.len() < SAMPLES {
                outcome.samples.push(Sample {
                    number,
                    verdict,
                    upcast,
                });
            }
        }
    }

    fn told(self, run: Run, next: Option<i64>) -> Replayed {
        let mut outcomes: Vec<Outcome> = self.outcomes.into_values().collect();
        outcomes.sort_by_key(|outcome| std::cmp::Reverse(outcome.entries));
        Replayed {
            run,
            entries: self.entries,
            skipped: self.looked_at - self.entries.min(self.looked_at),
            outcomes,
            next,
        }
    }
}

/// Entries, and what was found of each of them.
struct Judged {
    rows: Vec<QuarantineRow>,
    judged: Vec<Again>,
    /// Those that were to be of another version, by their numbers.
    lifts: HashMap<i64, Lift>,
}

/// Judges entries away from the runtime's threads.
async fn judged(inner: &Arc<Inner>, rows: Vec<QuarantineRow>, upcast: Option<Target>) -> Result<Judged, Error> {
    let (registry, inner) = (inner.registry(), Arc::clone(inner));
    let work = tokio::task::spawn_blocking(move || {
        let lifter = |target| Lifter::new(&registry, target, inner.options.limits);
        let mut lifter = upcast.as_ref().map(lifter);
        let (mut judged, mut lifts) = (Vec::new(), HashMap::new());
        for row in &rows {
            let (again, lift) = judge_lifted(row, &registry, &inner, lifter.as_mut());
            judged.push(again);
            lifts.extend(lift.map(|lift| (row.entry.number, lift)));
        }
        Judged { rows, judged, lifts }
    });
    work.await
        .map_err(|error| Error::corrupt(format!("judging failed: {error}")))
}

/// What would become of entries.
async fn tell(
    inner: &Arc<Inner>,
    rows: Vec<QuarantineRow>,
    upcast: Option<Target>,
    seen: &mut Seen,
) -> Result<Told, Error> {
    let Judged {
        rows,
        judged,
        mut lifts,
    } = judged(inner, rows, upcast).await?;
    seen.look_up(inner, &inner.reader, &judged).await?;
    let told = rows.iter().zip(&judged);
    Ok(told
        .map(|(row, again)| {
            let number = row.entry.number;
            (number, seen.verdict(again, row), lifts.remove(&number))
        })
        .collect())
}

/// Stores entries; where one of them is the reason of a failure, the others do not pay for it.
async fn store(
    inner: &Arc<Inner>,
    rows: Vec<QuarantineRow>,
    upcast: Option<Target>,
    actor: Option<&Label>,
) -> Result<Told, Error> {
    let Judged { rows, judged, lifts } = judged(inner, rows, upcast).await?;
    let asked = Asked { lifts: &lifts, actor };
    match commit(inner, &rows, &judged, asked).await {
        Err(Error::Statement(_) | Error::Corrupt { .. }) if rows.len() > 1 => {
            let mut told = Vec::new();
            for (row, again) in rows.iter().zip(&judged) {
                let (row, again) = (std::slice::from_ref(row), std::slice::from_ref(again));
                match commit(inner, row, again, asked).await {
                    Ok(one) => told.extend(one),
                    Err(error @ (Error::Statement(_) | Error::Corrupt { .. })) => {
                        tracing::error!(entry = row[0].entry.number, %error, "an entry cannot be replayed");
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(told)
        }
        outcome => outcome,
    }
}

/// What goes into the history besides.
#[derive(Clone, Copy)]
struct Asked<'a> {
    lifts: &'a HashMap<i64, Lift>,
    actor: Option<&'a Label>,
}

async fn commit(inner: &Inner, rows: &[QuarantineRow], judged: &[Again], asked: Asked<'_>) -> Result<Told, Error> {
    let patience = Patience::with(inner.dialect);
    loop {
        match commit_once(inner, rows, judged, asked).await {
            Err(error) if patience.lasts(&error).await => {}
            outcome => return outcome,
        }
    }
}

async fn commit_once(inner: &Inner, rows: &[QuarantineRow], judged: &[Again], asked: Asked<'_>) -> Result<Told, Error> {
    let transaction = inner.dialect.begin(&inner.writer).await?;
    match settle(inner, &transaction, rows, judged, asked).await {
        Ok(told) => {
            transaction.commit().await?;
            Ok(told)
        }
        Err(error) => {
            if matches!(error, Error::Statement(_)) {
                let _ = transaction.rollback().await;
            }
            Err(error)
        }
    }
}

/// Stores the events of entries and marks them, all in one transaction.
async fn settle(
    inner: &Inner,
    db: &Transaction,
    rows: &[QuarantineRow],
    judged: &[Again],
    asked: Asked<'_>,
) -> Result<Told, Error> {
    // Whoever replays or edits the same entries at the same time waits here, and then finds it done.
    position::lock(inner.dialect, db, &inner.tables).await?;
    let same = unchanged(inner, db, rows).await?;
    let mine: Vec<(&QuarantineRow, &Again)> = rows
        .iter()
        .zip(judged)
        .zip(same)
        .filter_map(|(pair, same)| same.then_some(pair))
        .collect();
    let events: Vec<&Entry> = mine
        .iter()
        .filter_map(|(_, again)| match again {
            Again::Event(entry) => Some(entry),
            Again::Refused(_) => None,
        })
        .collect();
    let mut verdicts = if events.is_empty() {
        Vec::new()
    } else {
        append::append(inner, &mut Ids::default(), db, &events).await?.verdicts
    }
    .into_iter();
    let (mut told, mut in_log, mut done) = (Vec::new(), Vec::new(), Vec::new());
    for (row, again) in mine {
        let number = row.entry.number;
        let verdict = match again {
            Again::Event(_) => verdicts
                .next()
                .ok_or_else(|| Error::corrupt("fewer verdicts than events"))?,
            Again::Refused(still) => still.verdict(row.entry.id.as_ref()),
        };
        let lift = asked.lifts.get(&number);
        if let Some(position) = verdict.position {
            in_log.push(number);
            done.push(Done {
                entry: number,
                action: Action::Replayed,
                detail: Some(format!(
                    "{} at position {position}{}",
                    verdict.status.as_str(),
                    lift.map(lifted).unwrap_or_default()
                )),
            });
        } else {
            let code = verdict.code.unwrap_or(row.entry.code);
            refused_again(inner, db, row, code, &verdict.violations).await?;
            done.push(Done {
                entry: number,
                action: Action::FailedAgain,
                detail: Some(code.as_str().to_owned()),
            });
        }
        told.push((number, verdict, lift.cloned()));
    }
    set_state(inner, db, &in_log, State::Replayed).await?;
    record(inner, db, now(), asked.actor, &done).await?;
    Ok(told)
}

/// How an event was lifted, for the history.
fn lifted(lift: &Lift) -> String {
    match lift {
        Lift {
            from: Some(from),
            to: Some(to),
            error: None,
        } if from != to => format!(", lifted from version {from} to {to}"),
        _ => String::new(),
    }
}
