//! How many things are open at a time: intervals that one event opens and another closes.

mod level;
mod read;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::level::Level;
use super::keys::Keys;
use super::order::Place;
use super::wanted::{Chosen, Wanted};
use super::{Analysis, Fold};
use crate::aggregate::edges::Edges;
use crate::aggregate::{Group, GroupKey, Span};
use crate::decimal::Decimal;
use crate::filter::{Field, Filter, Found};
use crate::query::{Bucket, Query, QueryError};
use crate::timestamp::Timestamp;

/// How many intervals are open, at an instant or over a range.
///
/// An event that `open` chooses opens the interval of its `key`, if it is not open; one that `close` chooses
/// closes it. One that both choose closes it and opens it anew. An interval is open from the instant of its
/// first event up to that of its last, `[opened, closed)`; it counts for the group of the event that opened it.
/// Events of before the range are looked at too.
///
/// ```
/// use event_core::analysis::Active;
/// let carts = Active::from_json(br#"{
///     "open": "cart opened", "close": {"name": ["cart left", "order created"]}, "key": ["session_id"],
///     "by": ["/country"], "bucket": "hour", "from": "2026-01-01", "to": "2026-01-02"
/// }"#)?;
/// assert_eq!(carts.key.len(), 1);
/// let now = Active::from_pairs([("open", "start"), ("close", "stop"), ("key", "/job"), ("at", "2026-01-01T12:00:00Z")])?;
/// assert!(now.at.is_some());
/// # Ok::<(), event_core::query::ParameterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Which events open an interval.
    pub open: Filter,
    /// Which events close it.
    pub close: Filter,
    /// What tells intervals apart.
    pub key: Vec<Field>,
    /// A value for each combination of what these fields hold.
    pub by: Vec<Field>,
    /// At this instant only.
    pub at: Option<Timestamp>,
    /// From this instant on; absent, from the bucket of the first event.
    pub from: Option<Timestamp>,
    /// Before this instant; absent, to the end of the bucket of the last event.
    pub to: Option<Timestamp>,
    /// A row for each bucket of time.
    pub bucket: Option<Bucket>,
    /// Of which events.
    pub filter: Filter,
}

/// The rows, ordered by bucket, then by group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveRows {
    /// One for each group and bucket.
    pub rows: Vec<ActiveRow>,
}

/// What was open in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveRow {
    /// Which stretch; of an instant the instant alone.
    pub bucket: Span,
    /// Of which events; `None` for all of a question without `by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Open at its start.
    pub open: u64,
    /// Opened in it, its start included.
    pub opened: u64,
    /// Closed in it, its start included.
    pub closed: u64,
    /// Open at a time at the least.
    pub minimum: u64,
    /// Open at a time at the most.
    pub maximum: u64,
    /// Open on average over the time, rounded half-even at 12 places; `None` of no time.
    pub average: Option<Decimal>,
}

impl Active {
    /// What is open of things that are told apart by a field.
    #[must_use]
    pub fn new(open: Filter, close: Filter, key: Field) -> Self {
        Active {
            open,
            close,
            key: vec![key],
            by: Vec::new(),
            at: None,
            from: None,
            to: None,
            bucket: None,
            filter: Filter::new(),
        }
    }
}

/// The answer in the making.
#[derive(Clone, Debug)]
pub struct ActiveFold {
    question: Active,
    open: Chosen,
    close: Chosen,
    wanted: Wanted,
    key: Vec<usize>,
    by: Vec<usize>,
    keys: Keys,
    groups: Keys,
    /// The events of each key: where, what it does, and for which group.
    stories: Vec<Vec<(Place, Does, usize)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    Close,
    Open,
    Both,
}

impl Analysis for Active {
    type Answer = ActiveRows;
    type Fold = ActiveFold;

    fn fold(&self) -> Result<ActiveFold, QueryError> {
        check(self)?;
        // What is open at the instant itself includes what opens at it.
        let to = self.at.map(|at| at.saturating_add_micros(1)).or(self.to);
        let mut wanted = Wanted::new(None, to, &self.filter)?;
        wanted.any_of([self.open.clone(), self.close.clone()]);
        Ok(ActiveFold {
            question: self.clone(),
            open: wanted.choose(&self.open)?,
            close: wanted.choose(&self.close)?,
            key: self.key.iter().map(|field| wanted.place(field)).collect(),
            by: self.by.iter().map(|field| wanted.place(field)).collect(),
            wanted,
            keys: Keys::default(),
            groups: Keys::default(),
            stories: Vec::new(),
        })
    }
}

impl Fold for ActiveFold {
    type Answer = ActiveRows;

    fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    fn add_found(&mut self, place: Place, found: &[Option<Found<'_>>]) {
        let does = match (self.open.holds(found), self.close.holds(found)) {
            (true, true) => Does::Both,
            (true, false) => Does::Open,
            (false, true) => Does::Close,
            (false, false) => return,
        };
        if !self.wanted.holds(place.at(), found) {
            return;
        }
        let key = self.keys.number(&self.key, found);
        if key == self.stories.len() {
            self.stories.push(Vec::new());
        }
        // What closes counts for the group that was opened.
        let group = if does == Does::Close {
            0
        } else {
            self.groups.number(&self.by, found)
        };
        self.stories[key].push((place, does, group));
    }

    fn answer(self) -> Result<ActiveRows, QueryError> {
        let mut levels = vec![Level::default(); self.groups.len()];
        for mut story in self.stories {
            story.sort_unstable();
            let mut open: Option<usize> = None;
            for (place, does, group) in story {
                if does != Does::Open
                    && let Some(group) = open.take()
                {
                    levels[group].close(place.micros());
                }
                if does != Does::Close && open.is_none() {
                    levels[group].open(place.micros());
                    open = Some(group);
                }
            }
        }
        let question = &self.question;
        if question.by.is_empty() && levels.is_empty() {
            levels.push(Level::default());
        }
        levels.iter_mut().for_each(Level::sort);
        let spans = spans(question, &levels)?;
        if spans.len().saturating_mul(levels.len()) > Query::MAX_ROWS {
            return Err(QueryError::RangeTooLarge);
        }
        let by: Arc<[Field]> = question.by.clone().into();
        let key = |group: usize| (!by.is_empty()).then(|| self.groups.key(group));
        let mut order: Vec<(Option<&GroupKey>, usize)> = (0..levels.len()).map(|group| (key(group), group)).collect();
        order.sort_unstable();
        let mut rows = Vec::with_capacity(spans.len() * levels.len());
        for span in spans {
            for (key, group) in &order {
                let group_of = key.map(|key| Group::new(&by, key));
                rows.push(levels[*group].row(span, group_of));
            }
        }
        Ok(ActiveRows { rows })
    }
}

/// Checks what can be checked without events.
fn check(question: &Active) -> Result<(), QueryError> {
    if question.from.zip(question.to).is_some_and(|(from, to)| to < from) {
        return Err(QueryError::InvalidRange);
    }
    for fields in [&question.key, &question.by] {
        if fields.len() > Query::MAX_FIELDS {
            return Err(QueryError::TooManyFields);
        }
        if fields
            .iter()
            .enumerate()
            .any(|(at, field)| fields[..at].contains(field))
        {
            return Err(QueryError::RepeatedField);
        }
    }
    Ok(())
}

/// The stretches of time of the answer.
fn spans(question: &Active, levels: &[Level]) -> Result<Vec<Span>, QueryError> {
    if let Some(at) = question.at {
        return Ok(vec![Span {
            start: at,
            end: at,
            partial: false,
        }]);
    }
    let first = levels.iter().filter_map(Level::first).min();
    let last = levels.iter().filter_map(Level::last).max();
    let instant = |micros: i64| Timestamp::MIN.saturating_add_micros(micros);
    let Some(bucket) = question.bucket else {
        let start = question.from.or_else(|| first.map(instant)).or(question.to);
        let Some(start) = start else { return Ok(Vec::new()) };
        let end = question.to.or_else(|| last.map(instant)).unwrap_or(start).max(start);
        return Ok(vec![Span {
            start,
            end,
            partial: false,
        }]);
    };
    let (from, to) = (question.from, question.to);
    let start = from.map(Timestamp::as_micros).or(first);
    let end = to.map(|to| to.as_micros() - 1).or(last);
    let (Some(start), Some(end)) = (start, end) else {
        return Ok(Vec::new());
    };
    if end < start {
        return Ok(Vec::new());
    }
    let mut edges = Edges::new(bucket);
    edges.locate(start)?;
    edges.locate(end)?;
    Ok(edges.iter().map(|(_, bounds)| Span::new(bounds, from, to)).collect())
}
