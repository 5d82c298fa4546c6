//! How many go all the way, and where the others stop.

mod attempt;
mod read;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use self::attempt::Attempt;
use super::keys::Keys;
use super::length::Length;
use super::order::Place;
use super::wanted::{Chosen, Wanted};
use super::{Analysis, Fold, seconds};
use crate::decimal::Decimal;
use crate::filter::{Field, Filter, Found};
use crate::query::QueryError;
use crate::timestamp::Timestamp;

/// How many of those who begin take each of some steps.
///
/// The events of each actor are put in the order of [`Place`]; one event takes one step. An actor without a
/// name counts for nobody.
///
/// ```
/// use event_core::analysis::{Funnel, FunnelOrder};
/// let funnel = Funnel::from_json(br#"{
///     "steps": ["pageview", {"name": "cta click", "/element": ["buy", "try"]}, "submit"],
///     "by": "subject", "window": "30m", "order": "strict", "from": "2026-01-01", "to": "2026-02-01"
/// }"#)?;
/// assert_eq!((funnel.steps.len(), funnel.order), (3, FunnelOrder::Strict));
/// let same = Funnel::from_pairs([("step", "pageview"), ("step", r#"{"name": "submit"}"#), ("by", "subject")])?;
/// assert_eq!(same.steps[1].label, "submit");
/// # Ok::<(), event_core::query::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funnel {
    /// What is done, one after another.
    pub steps: Vec<Step>,
    /// Who does it.
    pub by: Field,
    /// Between the first step and the last at the most; absent, any time.
    pub window: Option<Length>,
    /// What may come between the steps.
    pub order: FunnelOrder,
    /// Of which events.
    pub filter: Filter,
    /// Of events from this instant on.
    pub from: Option<Timestamp>,
    /// Of events before this instant.
    pub to: Option<Timestamp>,
}

/// A step of a funnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is called in the answer.
    pub label: String,
    /// Which events take it.
    pub filter: Filter,
}

/// In which order the steps are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FunnelOrder {
    /// One after another; other events may come between them.
    #[default]
    Ordered,
    /// One after another, and none of the events asked for between them.
    Strict,
    /// In any order: the second step is any two of them.
    Any,
}

/// The steps with those who took them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelSteps {
    /// In the order of the question.
    pub steps: Vec<FunnelStep>,
}

/// A step, and how many came so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunnelStep {
    /// What the question calls it.
    pub label: String,
    /// How many took it and all before it.
    pub reached: u64,
    /// Their share of those who took the first, rounded half-even at 12 places; `None` of nobody.
    pub of_first: Option<Decimal>,
    /// Their share of those who took the one before.
    pub of_previous: Option<Decimal>,
    /// Seconds since the step before: the least that half of them needed no more than, each in the first attempt
    /// that came as far as any of his. `None` for the first step, for nobody, and in any order.
    pub median: Option<Decimal>,
}

impl Funnel {
    /// The most steps.
    pub const MAX_STEPS: usize = 20;

    /// Steps of visits, in order, in any time.
    #[must_use]
    pub const fn new(steps: Vec<Step>) -> Self {
        Funnel {
            steps,
            by: Field::SessionId,
            window: None,
            order: FunnelOrder::Ordered,
            filter: Filter::new(),
            from: None,
            to: None,
        }
    }
}

/// A funnel in the making.
#[derive(Clone, Debug)]
pub struct FunnelFold {
    labels: Vec<String>,
    steps: Vec<Chosen>,
    order: FunnelOrder,
    window: i64,
    wanted: Wanted,
    by: [usize; 1],
    actors: Keys,
    /// The events of each actor: where, and a bit for each step they take.
    events: Vec<Vec<(Place, u32)>>,
}

impl Analysis for Funnel {
    type Answer = FunnelSteps;
    type Fold = FunnelFold;

    fn fold(&self) -> Result<FunnelFold, QueryError> {
        if !(1..=Funnel::MAX_STEPS).contains(&self.steps.len()) {
            return Err(QueryError::InvalidSteps);
        }
        let mut wanted = Wanted::new(self.from, self.to, &self.filter)?;
        let steps = self.steps.iter().map(|step| wanted.choose(&step.filter));
        let steps = steps.collect::<Result<_, _>>()?;
        if self.order != FunnelOrder::Strict {
            wanted.any_of(self.steps.iter().map(|step| step.filter.clone()));
        }
        Ok(FunnelFold {
            labels: self.steps.iter().map(|step| step.label.clone()).collect(),
            steps,
            order: self.order,
            window: self.window.map_or(i64::MAX, Length::as_micros),
            by: [wanted.place(&self.by)],
            wanted,
            actors: Keys::default(),
            events: Vec::new(),
        })
    }
}

impl Fold for FunnelFold {
    type Answer = FunnelSteps;

    fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn add_found(&mut self, place: Place, found: &[Option<Found<'_>>]) {
        let named = self
            .by
            .iter()
            .all(|by| matches!(found.get(*by), Some(Some(actor)) if !actor.is_null()));
        if !named || !self.wanted.holds(place.at(), found) {
            return;
        }
        let steps = self.steps.iter().enumerate();
        let taken = steps.fold(0, |taken, (step, chosen)| {
            taken | u32::from(chosen.holds(found)) << step
        });
        if taken == 0 && self.order != FunnelOrder::Strict {
            return;
        }
        let actor = self.actors.number(&self.by, found);
        if actor == self.events.len() {
            self.events.push(Vec::new());
        }
        self.events[actor].push((place, taken));
    }

    fn answer(self) -> Result<FunnelSteps, QueryError> {
        let steps = self.labels.len();
        let mut reached = vec![0_u64; steps];
        let mut needed: Vec<HashMap<i64, u64>> = vec![HashMap::new(); steps];
        for mut events in self.events {
            events.sort_unstable();
            let best = Attempt::best(&events, steps, self.window, self.order);
            for step in 0..best.steps {
                reached[step] += 1;
                if let (true, Some(needed_now)) = (step > 0, best.since_previous(step)) {
                    *needed[step].entry(needed_now).or_default() += 1;
                }
            }
        }
        let share = |part: u64, whole: u64| Decimal::from(part).div_round_half_even(whole, 12);
        let rows = self.labels.into_iter().enumerate().map(|(step, label)| FunnelStep {
            label,
            reached: reached[step],
            of_first: share(reached[step], reached[0]),
            of_previous: share(reached[step], reached[step.saturating_sub(1)]),
            median: median(&needed[step]).map(seconds),
        });
        Ok(FunnelSteps { steps: rows.collect() })
    }
}

/// The lower median of numbers that are so often there.
fn median(counts: &HashMap<i64, u64>) -> Option<i64> {
    let mut counts: Vec<(i64, u64)> = counts.iter().map(|(number, count)| (*number, *count)).collect();
    counts.sort_unstable();
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let mut before = 0;
    counts
        .into_iter()
        .find(|(_, count)| {
            before += count;
            2 * before >= total
        })
        .map(|(number, _)| number)
}
