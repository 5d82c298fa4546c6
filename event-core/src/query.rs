//! The question: what is measured, of which events, by what, in which buckets of time.

mod percent;
mod measure;
mod bucket;
mod cursor;
mod page;
mod parameter;
mod parameters;
pub(crate) mod draft;
pub(crate) mod read;
mod write;

pub use bucket::{Bucket, Unit, UnitError};
pub use cursor::Cursor;
pub use measure::{Measure, MeasureError};
pub use page::{Order, Page};
pub use parameter::ParameterError;
pub use parameters::Parameters;
pub use percent::Percent;

use serde::{Deserialize, Deserializer};

use crate::code::Code;
use crate::filter::{Field, Filter};
use crate::timestamp::Timestamp;

/// A question about events that has an exact answer, or says how exact it is.
///
/// In JSON, and likewise in the parameters of a URL:
///
/// ```
/// use event_core::query::Measure;
/// use event_core::{Query, Timestamp};
/// let query = Query::from_json(br#"{
///     "measure": "sum:/order_value", "by": ["name", "/shipping_address/province"],
///     "bucket": "day", "zone": "Europe/Paris", "from": "2026-03-29", "to": "2026-03-31",
///     "top": 5, "filter": {"all": [{"field": "category", "equals": "order"}]}
/// }"#)?;
/// assert_eq!(query.measure, Measure::Sum("/order_value".parse()?));
/// // A date alone is its first instant in the asked zone.
/// assert_eq!(query.from, Some("2026-03-28T23:00:00Z".parse()?));
/// assert_eq!(query.to, Some("2026-03-30T22:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What is measured.
    pub measure: Measure,
    /// Of which events.
    pub filter: Filter,
    /// Of events from this instant on; absent, from the bucket of the first event.
    pub from: Option<Timestamp>,
    /// Of events before this instant; absent, to the end of the bucket of the last event.
    pub to: Option<Timestamp>,
    /// A value for each combination of what these fields hold.
    pub by: Vec<Field>,
    /// A value for each bucket of time.
    pub bucket: Option<Bucket>,
    /// Only the groups with the greatest values over the whole range.
    pub top: Option<usize>,
}

/// The question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// `to` lies before `from`.
    #[error("the range ends before it starts")]
    InvalidRange,
    /// More buckets or rows than [`Query::MAX_BUCKETS`] and [`Query::MAX_ROWS`].
    #[error(
        "the answer would have more than 100000 buckets or 1000000 rows: ask for a shorter range, a larger bucket, fewer groups or a top"
    )]
    RangeTooLarge,
    /// A `top` of 0, or of more than [`Query::MAX_TOP`].
    #[error("top is a number from 1 to 10000")]
    InvalidLimit,
    /// `by` names a field twice.
    #[error("by names a field twice")]
    RepeatedField,
    /// `by` names more fields than [`Query::MAX_FIELDS`].
    #[error("by names more than 20 fields")]
    TooManyFields,
    /// The filter has more conditions than [`Filter::MAX_CONDITIONS`], or more values than
    /// [`Filter::MAX_VALUES`].
    #[error("the filter has more than 50 conditions, or 10000 values")]
    TooManyConditions,
    /// A funnel without steps, or with more than [`Funnel::MAX_STEPS`](crate::analysis::Funnel::MAX_STEPS).
    #[error("a funnel has 1 to 20 steps")]
    InvalidSteps,
    /// A retention over no periods, or over more than
    /// [`Retention::MAX_PERIODS`](crate::analysis::Retention::MAX_PERIODS).
    #[error("periods is a number from 1 to 1000")]
    InvalidPeriods,
}

impl QueryError {
    /// The code of a problem for this error.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            QueryError::InvalidRange => Code::InvalidRange,
            QueryError::RangeTooLarge => Code::RangeTooLarge,
            QueryError::InvalidLimit => Code::InvalidLimit,
            QueryError::RepeatedField
            | QueryError::TooManyFields
            | QueryError::TooManyConditions
            | QueryError::InvalidSteps
            | QueryError::InvalidPeriods => Code::InvalidParameter,
        }
    }
}

impl Query {
    /// The most fields of `by`.
    pub const MAX_FIELDS: usize = 20;
    /// The greatest `top`.
    pub const MAX_TOP: usize = 10_000;
    /// The most buckets between the ends of a range.
    pub const MAX_BUCKETS: usize = 100_000;
    /// The most rows of an answer.
    pub const MAX_ROWS: usize = 1_000_000;

    /// One value over all events.
    #[must_use]
    pub const fn new(measure: Measure) -> Self {
        Query {
            measure,
            filter: Filter::new(),
            from: None,
            to: None,
            by: Vec::new(),
            bucket: None,
            top: None,
        }
    }

    /// The same question about other events.
    #[must_use]
    pub fn with_filter(self, filter: Filter) -> Self {
        Query { filter, ..self }
    }

    /// The same question about the events with `from ≤ occurred_at < to`.
    #[must_use]
    pub fn within(self, from: Timestamp, to: Timestamp) -> Self {
        Query {
            from: Some(from),
            to: Some(to),
            ..self
        }
    }

    /// The same question, answered for each value of one field more.
    #[must_use]
    pub fn by(mut self, field: Field) -> Self {
        self.by.push(field);
        self
    }

    /// The same question, answered for each bucket of time.
    #[must_use]
    pub fn per(self, bucket: Bucket) -> Self {
        Query {
            bucket: Some(bucket),
            ..self
        }
    }

    /// The same question, answered for the `count` groups with the greatest values.
    #[must_use]
    pub fn top(self, count: usize) -> Self {
        Query {
            top: Some(count),
            ..self
        }
    }

    /// Whether an event of this time lies in the range.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }

    /// The question whose counts answer this one: of [`Measure::Unique`], [`Measure::AboutUnique`] and
    /// [`Measure::Percentile`] how often each value is there, which becomes the last field of `by`; of every other measure the question itself.
    ///
    /// ```
    /// use event_core::Query;
    /// let visitors = Query::from_json(br#"{"measure": "unique:/user", "by": ["name"]}"#)?;
    /// let counted = Query::from_json(br#"{"measure": "count", "by": ["name", "/user"]}"#)?;
    /// assert_eq!(visitors.counting(), counted);
    /// # Ok::<(), event_core::query::ParameterError>(())
    /// ```
    #[must_use]
    pub fn counting(&self) -> Query {
        let mut counted = self.clone();
        if self.measure.is_of_values() {
            counted.by.extend(self.measure.field());
            counted.measure = Measure::Count;
            counted.top = None;
        }
        counted
    }

    /// Checks what can be checked without events, but for the number of buckets.
    ///
    /// # Errors
    /// Any [`QueryError`] but [`QueryError::RangeTooLarge`].
    pub fn check(&self) -> Result<(), QueryError> {
        if self.from.zip(self.to).is_some_and(|(from, to)| to < from) {
            return Err(QueryError::InvalidRange);
        }
        if self.top.is_some_and(|top| !(1..=Query::MAX_TOP).contains(&top)) {
            return Err(QueryError::InvalidLimit);
        }
        if self.by.len() > Query::MAX_FIELDS {
            return Err(QueryError::TooManyFields);
        }
        if !self.filter.is_bounded() {
            return Err(QueryError::TooManyConditions);
        }
        if self
            .by
            .iter()
            .enumerate()
            .any(|(at, field)| self.by[..at].contains(field))
        {
            return Err(QueryError::RepeatedField);
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Query::from_json(value.to_string().as_bytes()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_put_together() {
        let (from, to): (Timestamp, Timestamp) = ("2026-01-01".parse().unwrap(), "2026-01-02".parse().unwrap());
        let bucket = Bucket {
            unit: Unit::Hour,
            zone: chrono_tz::Tz::UTC,
        };
        let filter = Filter::default().and(Field::Name, crate::filter::Test::Contains("a".to_owned()));
        let plain = Query::new(Measure::Count);
        let one = |query: Query| serde_json::to_value(query).unwrap();
        let nothing = one(plain.clone());
        for (query, said) in [
            (plain.clone(), &[][..]),
            (plain.clone().within(from, to), &["from", "to"]),
            (plain.clone().by(Field::Subject).by(Field::Name), &["by"]),
            (plain.clone().per(bucket), &["bucket", "zone"]),
            (plain.clone().with_filter(filter.clone()), &["filter"]),
        ] {
            let written = one(query);
            let other: Vec<&String> = written
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| nothing.get(*key).is_none())
                .collect();
            assert!(other.iter().all(|key| said.contains(&key.as_str())), "{written}");
            assert!(said.is_empty() == other.is_empty(), "{written}");
        }
        let all = plain
            .by(Field::Subject)
            .per(bucket)
            .with_filter(filter.clone())
            .within(from, to);
        assert_eq!(
            (all.from, all.to, all.bucket, all.top),
            (Some(from), Some(to), Some(bucket), None)
        );
        assert_eq!(
            (all.by, all.filter, all.measure),
            (vec![Field::Subject], filter, Measure::Count)
        );
    }
}
