//! What the rows of a cell come to.

use super::numbers::{NONE, Numbers};
use crate::aggregate::Summary;

/// All that a measure of totals asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Total {
    pub(super) events: u64,
    numbers: u64,
    /// Of 2^32 mantissas at the most: no such sum is beyond 128 bits.
    sum: i128,
    least: i64,
    greatest: i64,
}

/// A total for each cell, by its place.
#[derive(Debug, Default)]
pub(super) struct Totals(Vec<Total>);

const EMPTY: Total = Total {
    events: 0,
    numbers: 0,
    sum: 0,
    least: i64::MAX,
    greatest: i64::MIN,
};

impl Totals {
    /// With room for so many cells.
    pub(super) fn new(count: usize) -> Self {
        Totals(vec![EMPTY; count])
    }

    /// Makes room for the cells of some rows.
    fn reach(&mut self, places: &[u32]) {
        let count = places.iter().max().map_or(0, |last| *last as usize + 1);
        if self.0.len() < count {
            self.0.resize(count, EMPTY);
        }
    }

    /// Counts rows.
    pub(super) fn count(&mut self, places: &[u32]) {
        self.reach(places);
        for place in places {
            self.0[*place as usize].events += 1;
        }
    }

    /// Counts rows, and adds up the numbers that they have.
    pub(super) fn sum(&mut self, places: &[u32], mantissas: &[i64]) {
        self.reach(places);
        for (place, mantissa) in places.iter().zip(mantissas.iter().copied()) {
            let total = &mut self.0[*place as usize];
            total.events += 1;
            if mantissa != NONE {
                total.numbers += 1;
                total.sum += i128::from(mantissa);
            }
        }
    }

    /// Counts rows, and finds the least and the greatest of the numbers that they have.
    pub(super) fn extremes(&mut self, places: &[u32], mantissas: &[i64]) {
        self.reach(places);
        for (place, mantissa) in places.iter().zip(mantissas.iter().copied()) {
            let total = &mut self.0[*place as usize];
            total.events += 1;
            if mantissa != NONE {
                total.least = total.least.min(mantissa);
                total.greatest = total.greatest.max(mantissa);
            }
        }
    }

    /// The cells that have events, by their places, and how many.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Total)> {
        (0..).zip(&self.0).filter(|(_, total)| total.events > 0)
    }
}

impl Total {
    /// What was added up, for a column of numbers.
    pub(super) fn sum_into(&self, summary: &mut Summary, numbers: &Numbers) {
        summary.add_events(self.events);
        if self.numbers > 0 {
            summary.add_sum(self.numbers, self.sum, numbers.exponent());
        }
    }

    /// The least and the greatest that were found, for a column of numbers.
    pub(super) fn extremes_into(&self, summary: &mut Summary, numbers: &Numbers) {
        summary.add_events(self.events);
        if self.least <= self.greatest
            && let (Some(least), Some(greatest)) = (numbers.number(self.least), numbers.number(self.greatest))
        {
            summary.add_extremes(least, greatest);
        }
    }
}
