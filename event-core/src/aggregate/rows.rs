//! The answer to a question.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::group::Group;
use crate::decimal::Decimal;
use crate::timestamp::Timestamp;

/// The rows of an answer, and where it came from.
///
/// Without `top` rows are ordered by bucket, then by group; with it by rank, then by bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// One row for each group and bucket.
    pub rows: Vec<Row>,
    /// What was read for it.
    pub source: Origin,
    /// The position of the last event that it takes into account, where events have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// The standard error of the values, as a share of them, where they are estimates; absent, they are exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<Decimal>,
}

/// One value of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Of which stretch of time; `None` for the whole range of a question without buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Span>,
    /// Of which events; `None` for all of a question without `by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The measure; `None` for the average, minimum, maximum or percentile of nothing.
    pub value: Option<Decimal>,
}

/// A bucket of an answer, cut to the range that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant beyond.
    pub end: Timestamp,
    /// Whether the range cuts the bucket.
    pub partial: bool,
}

/// What an answer was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Events in memory.
    Memory,
    /// Stored events.
    Rows,
    /// Cells that were counted before.
    Cells,
}

impl Answer {
    /// The same answer, with what it was computed from.
    #[must_use]
    pub fn with_source(self, source: Origin, position: Option<i64>) -> Self {
        Answer {
            source,
            position,
            ..self
        }
    }
}

impl Span {
    /// A bucket in microseconds, cut to a range and to what a [`Timestamp`] holds.
    pub(crate) fn new((start, end): (i64, i64), from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        let (whole_start, whole_end) = (clamped(start), clamped(end));
        let (start, end) = (
            from.map_or(whole_start, |from| whole_start.max(from)),
            to.map_or(whole_end, |to| whole_end.min(to)),
        );
        Span {
            start,
            end,
            partial: start != whole_start || end != whole_end,
        }
    }
}

fn clamped(micros: i64) -> Timestamp {
    Timestamp::MIN.saturating_add_micros(micros)
}

impl Origin {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Origin::Memory => "memory",
            Origin::Rows => "rows",
            Origin::Cells => "cells",
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        [Origin::Memory, Origin::Rows, Origin::Cells]
            .into_iter()
            .find(|origin| origin.as_str() == text)
            .ok_or_else(|| serde::de::Error::custom("an answer comes from memory, rows or cells"))
    }
}
