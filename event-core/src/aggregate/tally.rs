//! Cells in the making: events, cells and other tallies go in in any order, an answer comes out.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::edges::Edges;
use super::group::{GroupKey, Key};
use super::sketch::Sketch;
use super::summary::Summary;
use crate::envelope::Envelope;
use crate::event::Event;
use crate::filter::{Field, Found};
use crate::json::Payload;
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
    pub(super) query: Query,
    /// Where the measured number is.
    measured: Option<Field>,
    pub(super) edges: Option<Edges>,
    /// The groups by the order of their coming, and where to find them.
    pub(super) groups: Vec<Kept>,
    numbers: HashMap<GroupKey, u32, RandomState>,
    /// The cells, and where to find that of a group and bucket, unless it is the first of its group.
    pub(super) cells: Vec<Cell>,
    places: HashMap<(u32, i32), u32, RandomState>,
    /// Set once the answer is bound to be too large.
    pub(super) too_large: bool,
    /// A key in the making, kept for its room.
    scratch: String,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) key: GroupKey,
    /// Bucket and cell of the first event: where nothing is asked by time, there is no other.
    first: Option<(i32, u32)>,
    /// Bucket and cell of the last event: most events come in the order of time.
    last: Option<(i32, u32)>,
}

#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) group: u32,
    bucket: i32,
    pub(super) summary: Summary,
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
            measured: query.measure.field(),
            edges,
            groups: Vec::new(),
            numbers: HashMap::default(),
            cells: Vec::new(),
            places: HashMap::default(),
            too_large: false,
            scratch: String::new(),
        };
        if query.by.is_empty() {
            // The one group there is, with or without events.
            tally.group(Key::Text(""));
        }
        Ok(tally)
    }

    /// The question.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// How many cells and values there are, and about how many rows the answer will have: what there is to do for
    /// [`Tally::answer`]. Buckets up to an end that the question has, where it has but one, are not counted.
    ///
    /// ```
    /// use event_core::{Query, aggregate::{GroupKey, Summary, Tally}};
    /// let query = Query::from_json(br#"{"by": ["name"], "bucket": "hour"}"#)?;
    /// let mut tally = Tally::new(&query)?;
    /// assert_eq!(tally.weight(), 0);
    /// for at in ["2026-03-29T01:10:00Z", "2026-03-29T03:10:00Z"] {
    ///     tally.add_cell(at.parse()?, GroupKey::new([Some("\"pageview\"")]), &Summary::default());
    /// }
    /// // Two cells of one group, and a row for each of three hours.
    /// assert_eq!(tally.weight(), 2 + 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn weight(&self) -> usize {
        let buckets = self.edges.as_ref().map_or(1, Edges::len);
        let kept: usize = self.cells.iter().map(|cell| 1 + cell.summary.kept()).sum();
        kept + self.groups.len().saturating_mul(buckets)
    }

    /// Adds an event, if it is one that the question is about.
    pub fn add(&mut self, event: &Event) {
        self.add_parts(event.envelope(), event.payload());
    }

    /// Adds an event by its parts, if it is one that the question is about.
    pub fn add_parts(&mut self, envelope: &Envelope, payload: &Payload) {
        self.add_found(envelope.occurred_at, |_, field| field.find(envelope, payload));
    }

    /// The fields that the question asks every event for: those of its conditions, those of `by`, and the
    /// measured one.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        let conditions = self.query.filter.all.iter().map(|condition| &condition.field);
        conditions.chain(&self.query.by).chain(&self.measured)
    }

    /// Adds an event of which is known when it happened and what it has at each of the
    /// [fields](Tally::fields), which are also told by their places there; if it is one that the question is
    /// about. So events need not be built to be counted. Nodes are those of canonical data, as payloads are.
    ///
    /// ```
    /// use event_core::Query;
    /// use event_core::aggregate::Tally;
    /// use event_core::filter::Found;
    /// use event_core::json::Number;
    /// let query = Query::from_json(br#"{"measure": "sum:/value", "by": ["/country"]}"#)?;
    /// let mut tally = Tally::new(&query)?;
    /// for (country, value) in [("FR", 0.1), ("FR", 0.2)] {
    ///     let columns = [Some(Found::Text(country)), Number::from_f64(value).map(Found::Number)];
    ///     tally.add_found("2026-01-01".parse()?, |place, _| columns[place]);
    /// }
    /// assert_eq!(tally.answer()?.rows[0].value, Some("0.3".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_found<'a>(&mut self, at: Timestamp, find: impl Fn(usize, &Field) -> Option<Found<'a>>) {
        if !self.query.covers(at) || !self.query.filter.holds_for(&find) {
            return;
        }
        let mut key = std::mem::take(&mut self.scratch);
        key.clear();
        let mut place = self.query.filter.all.len();
        for field in &self.query.by {
            GroupKey::push_found(&mut key, find(place, field));
            place += 1;
        }
        if let Some(cell) = self.place(at.as_micros(), Key::Text(&key)) {
            let found = self.measured.as_ref().and_then(|field| find(place, field));
            self.cells[cell].summary.observe(&self.query.measure, found);
        }
        self.scratch = key;
    }

    /// Adds a cell: events of one group and one bucket that the question is about, somewhere in
    /// which `at` lies. For a measure of values it is a cell of the question that
    /// [counts](Query::counting) them, so that the last value of the group is the one that is measured.
    pub fn add_cell(&mut self, at: Timestamp, group: GroupKey, summary: &Summary) {
        if self.query.measure.is_of_values() {
            let (key, value) = group.split_last();
            if let Some(cell) = self.place(at.as_micros(), Key::Text(key)) {
                self.cells[cell]
                    .summary
                    .add_value(&self.query.measure, value, summary.events());
            }
            return;
        }
        self.add_summary(at.as_micros(), Key::Whole(&group), summary);
    }

    /// Adds what is known of events of one group and one bucket, somewhere in which `at` lies, in microseconds; for a
    /// measure of values these themselves. Says whether there is an answer still: no more is needed where it is bound to be too large.
    pub(crate) fn add_summary(&mut self, at: i64, key: Key<'_>, summary: &Summary) -> bool {
        let cell = self.place(at, key);
        if let Some(cell) = cell {
            self.cells[cell].summary.merge(summary);
        }
        cell.is_some()
    }

    /// Adds a sketch: the values that events of one group and one bucket have, somewhere in which `at` lies,
    /// for a question that is [told by sketches](crate::query::Measure::AboutUnique). An empty one says that
    /// there are events, none of which has a value.
    pub fn add_sketch(&mut self, at: Timestamp, group: &GroupKey, sketch: &Sketch) {
        if let Some(cell) = self.place(at.as_micros(), Key::Whole(group)) {
            self.cells[cell].summary.add_sketch(&self.query.measure, sketch);
        }
    }

    /// Adds all that a tally of the same question has.
    pub fn merge(&mut self, other: Tally) {
        debug_assert_eq!(self.query, other.query, "tallies of two questions");
        if other.too_large {
            self.give_up();
        }
        for Cell { group, bucket, summary } in &other.cells {
            let at = other.edges.as_ref().map_or(0, |edges| edges.start(*bucket));
            self.add_summary(at, Key::Whole(&other.groups[*group as usize].key), summary);
        }
    }

    /// The cell of an instant, in microseconds, and a group; `None` once the answer is bound to be
    /// too large.
    fn place(&mut self, at: i64, key: Key<'_>) -> Option<usize> {
        if self.too_large {
            return None;
        }
        let bucket = self.edges.as_mut().map_or(Ok(0), |edges| edges.locate(at));
        let group = self.group(key);
        match bucket {
            Ok(bucket) if self.query.top.is_some() || self.groups.len() <= Query::MAX_ROWS => {
                Some(self.cell(group, bucket))
            }
            _ => {
                self.give_up();
                None
            }
        }
    }

    /// Keeps nothing of an answer that will not be given.
    pub(crate) fn give_up(&mut self) {
        self.too_large = true;
        self.cells = Vec::new();
        self.places = HashMap::default();
    }

    fn group(&mut self, key: Key<'_>) -> u32 {
        if self.query.by.is_empty() && !self.groups.is_empty() {
            return 0;
        }
        if let Some(&group) = self.numbers.get(key.as_str()) {
            return group;
        }
        let group = number(self.groups.len());
        let key = GroupKey::from(key);
        self.numbers.insert(key.clone(), group);
        let (first, last) = (None, None);
        self.groups.push(Kept { key, first, last });
        group
    }

    /// The number of the cell of a group and a bucket, if there is one.
    pub(super) fn found(&self, group: u32, bucket: i32) -> Option<u32> {
        match self.groups[group as usize].first {
            Some((first, index)) if first == bucket => Some(index),
            _ => self.places.get(&(group, bucket)).copied(),
        }
    }

    fn cell(&mut self, group: u32, bucket: i32) -> usize {
        if let Some((last, index)) = self.groups[group as usize].last
            && last == bucket
        {
            return index as usize;
        }
        let index = self.found(group, bucket).unwrap_or_else(|| {
            let index = number(self.cells.len());
            let summary = Summary::default();
            self.cells.push(Cell { group, bucket, summary });
            match &mut self.groups[group as usize].first {
                first @ None => *first = Some((bucket, index)),
                Some(_) => _ = self.places.insert((group, bucket), index),
            }
            index
        });
        self.groups[group as usize].last = Some((bucket, index));
        index as usize
    }
}

/// The number of the newest of so many groups or cells; four billion fit into no memory.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
