//! What a question measures, as its column has it.

use std::borrow::Cow;

use super::column::{Column, Values};
use super::numbers::Numbers;
use super::totals::Total;
use super::{Frame, FrameError};
use crate::aggregate::Summary;
use crate::query::Measure;

/// What is to be known of the rows of a cell.
#[derive(Debug)]
pub(super) enum Measured<'a> {
    /// How many there are.
    Count,
    /// What their numbers come to.
    Sum(&'a Numbers),
    /// Their least and their greatest number.
    Extremes(&'a Numbers),
    /// How many have each value.
    Values(Cow<'a, Values>),
}

impl<'a> Measured<'a> {
    pub(super) fn of(frame: &'a Frame, measure: &Measure) -> Result<Self, FrameError> {
        let Some(field) = measure.field() else {
            return Ok(Measured::Count);
        };
        Ok(match (frame.column(&field)?, measure) {
            (Column::Numbers(numbers), Measure::Sum(_) | Measure::Average(_)) => Measured::Sum(numbers),
            (Column::Numbers(numbers), Measure::Minimum(_) | Measure::Maximum(_)) => Measured::Extremes(numbers),
            (column, _) => Measured::Values(column.as_values()),
        })
    }

    /// The same as cells are kept; `value` is the number of the value that all rows have, where values are told apart.
    pub(super) fn summary(&self, measure: &Measure, total: &Total, value: Option<usize>) -> Summary {
        let mut summary = Summary::default();
        match (self, value) {
            (Measured::Values(values), Some(value)) => {
                summary.add_text(measure, values.dictionary.text(value), total.events);
            }
            (Measured::Sum(numbers), _) => total.sum_into(&mut summary, numbers),
            (Measured::Extremes(numbers), _) => total.extremes_into(&mut summary, numbers),
            _ => summary.add_events(total.events),
        }
        summary
    }
}
