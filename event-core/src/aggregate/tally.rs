//! Cells in the making: events, cells and other tallies go in in any order, an answer comes out.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::edges::Edges;
use super::group::{self, Group, GroupKey};
use super::rows::{Answer, Origin, Row, Span};
use super::summary::Summary;
use super::top::{self, Ranked};
use crate::event::Event;
use crate::filter::Field;
use crate::query::{Query, QueryError};
use crate::timestamp::Timestamp;

/// A question and what is known so far of its answer.
///
/// Tallies of the parts of a set of events merge into the tally of the whole, however the set was
/// split.
///
/// ```
/// use event_core::aggregate::Tally;
/// use event_core::{Query, aggregate::{GroupKey, Summary}};
/// let query = Query::from_json(br#"{"by": ["name"], "bucket": "hour"}"#)?;
/// let (mut tally, mut other) = (Tally::new(&query)?, Tally::new(&query)?);
/// let mut cell = Summary::default();
/// cell.add_events(2);
/// let pageview = GroupKey::new([Some("\"pageview\"")]);
/// tally.add_cell("2026-03-29T01:10:00Z".parse()?, pageview.clone(), &cell);
/// other.add_cell("2026-03-29T01:50:00Z".parse()?, pageview, &cell);
/// tally.merge(other);
/// let answer = tally.answer()?;
/// assert_eq!(answer.rows.len(), 1);
/// assert_eq!(answer.rows[0].value, Some(4.into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tally {
    query: Query,
    edges: Option<Edges>,
    /// The groups by the order of their coming, and where to find them.
    keys: Vec<GroupKey>,
    groups: HashMap<GroupKey, u32, RandomState>,
    /// The cells, and where to find that of a group and bucket.
    cells: Vec<Cell>,
    places: HashMap<(u32, i32), u32, RandomState>,
    /// Set once the answer is bound to be too large.
    too_large: bool,
    /// A key in the making, kept for its room.
    scratch: String,
}

#[derive(Clone, Debug)]
struct Cell {
    group: u32,
    bucket: i32,
    summary: Summary,
}

impl Tally {
    /// An empty tally.
    ///
    /// # Errors
    /// If the question is wrong in itself, or has too many buckets.
    pub fn new(query: &Query) -> Result<Self, QueryError> {
        query.check()?;
        let mut edges = query.bucket.map(Edges::new);
        if let (Some(edges), Some(from), Some(to)) = (&mut edges, query.from, query.to)
            && from < to
        {
            edges.locate(from.as_micros())?;
            edges.locate(to.as_micros() - 1)?;
        }
        let mut tally = Tally {
            query: query.clone(),
            edges,
            keys: Vec::new(),
            groups: HashMap::default(),
            cells: Vec::new(),
            places: HashMap::default(),
            too_large: false,
            scratch: String::new(),
        };
        if query.by.is_empty() {
            tally.group("");
        }
        Ok(tally)
    }

    /// The question.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Adds an event, if it is one that the question is about.
    pub fn add(&mut self, event: &Event) {
        let at = event.envelope().occurred_at;
        if !self.query.spans(at) || !self.query.filter.matches(event) {
            return;
        }
        let Some(bucket) = self.bucket(at.as_micros()) else {
            return;
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        for field in &self.query.by {
            group::push_found(&mut scratch, field.find(event.envelope(), event.payload()));
        }
        let group = self.group(&scratch);
        self.scratch = scratch;
        let index = self.cell(group, bucket);
        let node = self
            .query
            .measure
            .pointer()
            .and_then(|pointer| event.payload().pointer(pointer));
        self.cells[index].summary.observe(&self.query.measure, node);
    }

    /// Adds a cell: events of one group and one bucket that the question is about, somewhere in
    /// which `at` lies.
    pub fn add_cell(&mut self, at: Timestamp, group: GroupKey, summary: &Summary) {
        // A bucket reaches beyond the range that cuts it.
        let at = self.query.from.map_or(at, |from| at.max(from));
        let at = self
            .query
            .to
            .map_or(at.as_micros(), |to| at.as_micros().min(to.as_micros() - 1));
        let Some(bucket) = self.bucket(at) else { return };
        let group = self.group(group.as_str());
        let index = self.cell(group, bucket);
        self.cells[index].summary.merge(summary);
    }

    /// Adds all that a tally of the same question has.
    pub fn merge(&mut self, other: Tally) {
        debug_assert_eq!(self.query, other.query, "tallies of two questions");
        self.too_large |= other.too_large;
        for Cell { group, bucket, summary } in &other.cells {
            let at = other.edges.as_ref().map_or(0, |edges| edges.start(*bucket));
            let Some(bucket) = self.bucket(at) else { return };
            let group = self.group(other.keys[*group as usize].as_str());
            let index = self.cell(group, bucket);
            self.cells[index].summary.merge(summary);
        }
    }

    /// The number of the bucket of an instant; `None` once the answer is bound to be too large.
    fn bucket(&mut self, at: i64) -> Option<i32> {
        let located = match &mut self.edges {
            _ if self.too_large => Err(QueryError::RangeTooLarge),
            None => Ok(0),
            Some(edges) => edges.locate(at),
        };
        self.too_large |= located.is_err();
        located.ok()
    }

    fn group(&mut self, key: &str) -> u32 {
        if let Some(&group) = self.groups.get(key) {
            return group;
        }
        let group = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let key = GroupKey::from_scratch(key);
        self.keys.push(key.clone());
        self.groups.insert(key, group);
        group
    }

    fn cell(&mut self, group: u32, bucket: i32) -> usize {
        *self.places.entry((group, bucket)).or_insert_with(|| {
            self.cells.push(Cell {
                group,
                bucket,
                summary: Summary::default(),
            });
            u32::try_from(self.cells.len() - 1).unwrap_or(u32::MAX)
        }) as usize
    }

    /// The answer to the question, as far as this tally knows.
    ///
    /// # Errors
    /// [`QueryError::RangeTooLarge`] beyond [`Query::MAX_BUCKETS`] or [`Query::MAX_ROWS`].
    pub fn answer(mut self) -> Result<Answer, QueryError> {
        let buckets = self.buckets()?;
        let ranking = self.ranking(&buckets)?;
        let by: Arc<[Field]> = self.query.by.as_slice().into();
        let none = Summary::default();
        let row = |group: u32, (number, bucket): &(i32, Option<Span>)| {
            let summary = self
                .places
                .get(&(group, *number))
                .map_or(&none, |at| &self.cells[*at as usize].summary);
            let key = (!by.is_empty()).then(|| Group::new(&by, &self.keys[group as usize]));
            Row {
                bucket: *bucket,
                group: key,
                value: summary.value(&self.query.measure),
            }
        };
        let rows = if self.query.top.is_some() {
            ranking
                .iter()
                .flat_map(|group| buckets.iter().map(|bucket| row(*group, bucket)))
                .collect()
        } else {
            buckets
                .iter()
                .flat_map(|bucket| ranking.iter().map(|group| row(*group, bucket)))
                .collect()
        };
        Ok(Answer {
            rows,
            source: Origin::Memory,
            position: None,
        })
    }

    /// The buckets of the answer, with their numbers.
    fn buckets(&mut self) -> Result<Vec<(i32, Option<Span>)>, QueryError> {
        let Query { from, to, .. } = self.query;
        if self.too_large {
            return Err(QueryError::RangeTooLarge);
        }
        let Some(edges) = &mut self.edges else {
            return Ok(vec![(0, None)]);
        };
        if edges.len() > 0 {
            // An end that was asked for counts also where no event comes near it.
            from.map_or(Ok(0), |from| edges.locate(from.as_micros()))?;
            to.map_or(Ok(0), |to| edges.locate(to.as_micros() - 1))?;
        }
        Ok(edges
            .iter()
            .map(|(number, bounds)| (number, Some(Span::new(bounds, from, to))))
            .collect())
    }

    /// The groups of the answer, in the order of their rows.
    fn ranking(&self, buckets: &[(i32, Option<Span>)]) -> Result<Vec<u32>, QueryError> {
        let count = self.query.top.unwrap_or(usize::MAX).min(self.keys.len());
        if count.saturating_mul(buckets.len()) > Query::MAX_ROWS {
            return Err(QueryError::RangeTooLarge);
        }
        let mut groups: Vec<Ranked<'_>> = (0..)
            .zip(&self.keys)
            .map(|(index, key)| Ranked {
                value: None,
                key,
                index,
            })
            .collect();
        if self.query.top.is_some() {
            let mut totals = vec![Summary::default(); groups.len()];
            self.cells
                .iter()
                .for_each(|cell| totals[cell.group as usize].merge(&cell.summary));
            for (group, total) in groups.iter_mut().zip(&totals) {
                group.value = total.value(&self.query.measure);
            }
        }
        Ok(top::greatest(groups, count)
            .into_iter()
            .map(|group| group.index)
            .collect())
    }
}
