//! What a question measures, as its column has it.

use super::column::Column;
use super::kinds::Kinds;
use super::numbers::Numbers;
use super::rows::Rows;
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
    Values(Kinds<'a>),
}

impl<'a> Measured<'a> {
    pub(super) fn of(frame: &'a Frame, measure: &Measure, rows: &Rows) -> Result<Self, FrameError> {
        let Some(field) = measure.field() else {
            return Ok(Measured::Count);
        };
        Ok(match (frame.column(&field)?, measure) {
            (Column::Numbers(numbers), Measure::Sum(_) | Measure::Average(_)) => Measured::Sum(numbers),
            (Column::Numbers(numbers), Measure::Minimum(_) | Measure::Maximum(_)) => Measured::Extremes(numbers),
            (column, _) => Measured::Values(Kinds::of(column, rows)),
        })
    }

    /// Whether rows are told apart by what is measured.
    pub(super) fn tells_values(&self) -> bool {
        matches!(self, Measured::Values(_))
    }

    /// Adds rows of one cell to what is known of it; `value` is the number of the value that all of them have, where
    /// rows are told apart by it.
    pub(super) fn add_to(&self, summary: &mut Summary, measure: &Measure, total: &Total, value: Option<u32>) {
        match (self, value) {
            (Measured::Values(kinds), Some(value)) => kinds.add_to(summary, measure, value, total.events),
            (Measured::Sum(numbers), _) => total.sum_into(summary, numbers),
            (Measured::Extremes(numbers), _) => total.extremes_into(summary, numbers),
            _ => summary.add_events(total.events),
        }
    }
}
