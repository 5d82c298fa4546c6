//! Who comes back: people by the day, week or month of their first event, and how many were there again later.

mod read;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use super::order::Place;
use super::wanted::{Chosen, Wanted};
use super::{Analysis, Fold};
use crate::aggregate::Span;
use crate::aggregate::edges::Edges;
use crate::filter::{Field, Filter, Found};
use crate::query::{Bucket, Query, QueryError, Unit};
use crate::timestamp::Timestamp;

/// How many of those who had their first event in a bucket of time had one again in each bucket after.
///
/// The first event is the first of the range. One that comes `again` counts in its bucket if it is a later
/// event than the first, also in the bucket of the first itself, which is period 0.
///
/// ```
/// use event_core::analysis::Retention;
/// let weekly = Retention::from_json(br#"{
///     "by": "subject", "first": "signup", "again": {"category": "order"}, "bucket": "week",
///     "zone": "Europe/Paris", "periods": 8, "from": "2026-01-01", "to": "2026-03-01"
/// }"#)?;
/// assert_eq!(weekly.periods, 8);
/// assert!(Retention::from_pairs([("periods", "0")]).is_err());
/// # Ok::<(), event_core::query::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Who comes back.
    pub by: Field,
    /// Which events begin it; without conditions any.
    pub first: Filter,
    /// Which events are a return; without conditions any.
    pub again: Filter,
    /// The buckets of time.
    pub bucket: Bucket,
    /// How many buckets, from that of the first event on.
    pub periods: usize,
    /// Of which events.
    pub filter: Filter,
    /// Of events from this instant on.
    pub from: Option<Timestamp>,
    /// Of events before this instant.
    pub to: Option<Timestamp>,
}

/// The cohorts, earliest first, with one for every bucket from the first that has a member to the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohorts {
    /// One for each bucket.
    pub cohorts: Vec<Cohort>,
}

/// Those whose first event lies in one bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// When they came first.
    pub bucket: Span,
    /// How many they are.
    pub size: u64,
    /// How many came again in the same bucket, in the next, and so on. Buckets are left out that begin behind the
    /// end of the range or, where it has none, behind the last event.
    pub returned: Vec<u64>,
}

impl Retention {
    /// The most periods.
    pub const MAX_PERIODS: usize = 1_000;

    /// Subjects and any of their events, by days in UTC, over two weeks.
    #[must_use]
    pub const fn new() -> Self {
        Retention {
            by: Field::Subject,
            first: Filter::new(),
            again: Filter::new(),
            bucket: Bucket::utc(Unit::Day),
            periods: 14,
            filter: Filter::new(),
            from: None,
            to: None,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Retention::new()
    }
}

/// A retention in the making.
#[derive(Clone, Debug)]
pub struct RetentionFold {
    first: Chosen,
    again: Chosen,
    periods: usize,
    wanted: Wanted,
    by: [usize; 1],
    edges: Edges,
    people: Keys,
    stories: Vec<Story>,
    /// The last instant of an event.
    last: Option<i64>,
    /// Set once there are more buckets than an answer has.
    too_large: bool,
}

#[derive(Clone, Debug, Default)]
struct Story {
    first: Option<Place>,
    /// The last return of each bucket.
    again: BTreeMap<i32, Place>,
}

impl Analysis for Retention {
    type Answer = Cohorts;
    type Fold = RetentionFold;

    fn fold(&self) -> Result<RetentionFold, QueryError> {
        if !(1..=Retention::MAX_PERIODS).contains(&self.periods) {
            return Err(QueryError::InvalidPeriods);
        }
        let mut wanted = Wanted::new(self.from, self.to, &self.filter)?;
        wanted.any_of([self.first.clone(), self.again.clone()]);
        Ok(RetentionFold {
            first: wanted.choose(&self.first)?,
            again: wanted.choose(&self.again)?,
            periods: self.periods,
            by: [wanted.place(&self.by)],
            wanted,
            edges: Edges::new(self.bucket),
            people: Keys::default(),
            stories: Vec::new(),
            last: None,
            too_large: false,
        })
    }
}

impl Fold for RetentionFold {
    type Answer = Cohorts;

    fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn add_found(&mut self, place: Place, found: &[Option<Found<'_>>]) {
        let named = self
            .by
            .iter()
            .all(|by| matches!(found.get(*by), Some(Some(person)) if !person.is_null()));
        if !named || !self.wanted.holds(place.at(), found) {
            return;
        }
        let (first, again) = (self.first.holds(found), self.again.holds(found));
        if !first && !again {
            return;
        }
        self.last = self.last.max(Some(place.micros()));
        let person = self.people.number(&self.by, found);
        if person == self.stories.len() {
            self.stories.push(Story::default());
        }
        let story = &mut self.stories[person];
        if first {
            story.first = Some(story.first.map_or(place, |known| known.min(place)));
        }
        if again {
            match self.edges.locate(place.micros()) {
                Ok(bucket) => {
                    let last = story.again.entry(bucket).or_insert(place);
                    *last = place.max(*last);
                }
                Err(_) => self.too_large = true,
            }
        }
    }

    fn answer(mut self) -> Result<Cohorts, QueryError> {
        if self.too_large {
            return Err(QueryError::RangeTooLarge);
        }
        let (from, to) = (self.wanted.from(), self.wanted.to());
        let firsts = || self.stories.iter().filter_map(|story| story.first);
        let (Some(earliest), Some(latest)) = (firsts().min(), firsts().max()) else {
            return Ok(Cohorts { cohorts: Vec::new() });
        };
        let last = to.map(|to| to.as_micros() - 1).or(self.last).unwrap_or_default();
        let first_bucket = self.edges.locate(earliest.micros())?;
        let last_cohort = self.edges.locate(latest.micros())?;
        // Also buckets without events are there, up to the end that was asked for.
        let last_bucket = self.edges.locate(last.max(latest.micros()))?;
        let buckets = usize::try_from(last_cohort - first_bucket).unwrap_or(0) + 1;
        if buckets.saturating_mul(self.periods) > Query::MAX_ROWS {
            return Err(QueryError::RangeTooLarge);
        }
        let mut cohorts: Vec<Cohort> = self
            .edges
            .iter()
            .filter(|(number, _)| (first_bucket..=last_cohort).contains(number))
            .map(|(number, bounds)| {
                let periods = usize::try_from(last_bucket - number).unwrap_or(0) + 1;
                Cohort {
                    bucket: Span::new(bounds, from, to),
                    size: 0,
                    returned: vec![0; periods.min(self.periods)],
                }
            })
            .collect();
        for story in &self.stories {
            let Some(first) = story.first else { continue };
            let number = self.edges.locate(first.micros())?;
            let Some(cohort) = usize::try_from(number - first_bucket)
                .ok()
                .and_then(|at| cohorts.get_mut(at))
            else {
                continue;
            };
            cohort.size += 1;
            for (bucket, last) in &story.again {
                let period = usize::try_from(bucket - number).ok().filter(|_| *last > first);
                if let Some(returned) = period.and_then(|period| cohort.returned.get_mut(period)) {
                    *returned += 1;
                }
            }
        }
        Ok(Cohorts { cohorts })
    }
}
