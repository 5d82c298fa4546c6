//! A cell: what is known of the events of one group and bucket, and can be merged.

use super::sketch::Sketch;
use super::values::Values;
use crate::decimal::Decimal;
use crate::filter::Found;
use crate::json::{Kind, Number};
use crate::query::Measure;

/// Count, exact sum, minimum and maximum of some events.
///
/// ```
/// use event_core::decimal::Decimal;
/// use event_core::query::Measure;
/// use event_core::aggregate::Summary;
/// let mut cell = Summary::default();
/// cell.add_events(3);
/// cell.add_sum(2, 10, -1); // two numbers, 0.3 and 0.7
/// let mut other = Summary::default();
/// other.add_events(1);
/// other.add_sum(1, 5, 0);
/// cell.merge(&other);
/// assert_eq!(cell.value(&Measure::Count), Some(Decimal::from(4)));
/// assert_eq!(cell.value(&"average:/n".parse()?), Some(Decimal::from(2)));
/// # Ok::<(), event_core::query::MeasureError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Events.
    events: u64,
    /// Numbers among what they have at the measured place.
    numbers: u64,
    /// The sum of the numbers: a total of mantissas for each exponent, by exponent.
    sums: Vec<(i16, i128)>,
    minimum: Option<Number>,
    maximum: Option<Number>,
    /// What no total tells.
    values: Option<Box<Values>>,
}

/// What an exponent holds at the most before its upper digits move to a greater one.
const CARRY: i128 = 1_000_000_000_000_000_000;
const CARRY_PLACES: i16 = 18;

/// Decimal places of an average.
const PLACES: u16 = 12;

impl Summary {
    /// Adds events.
    pub fn add_events(&mut self, count: u64) {
        self.events += count;
    }

    /// Adds numbers for a sum or an average: how many, and the total of their mantissas, all at
    /// one exponent.
    pub fn add_sum(&mut self, numbers: u64, total: i128, exponent: i16) {
        self.numbers += numbers;
        self.add_total(total, exponent);
    }

    /// Adds numbers for a minimum or a maximum: the least and the greatest of them.
    pub fn add_extremes(&mut self, least: Number, greatest: Number) {
        self.minimum = Some(self.minimum.map_or(least, |minimum| minimum.min(least)));
        self.maximum = Some(self.maximum.map_or(greatest, |maximum| maximum.max(greatest)));
    }

    /// Adds a value that so many events have, by its canonical JSON text, for a measure of values.
    pub(super) fn add_value(&mut self, measure: &Measure, text: &str, events: u64) {
        self.events += events;
        self.value_into(measure, text, events);
    }

    /// Adds so many events that have a value, by its canonical JSON text; `null` is also nothing.
    pub(crate) fn add_text(&mut self, measure: &Measure, text: &str, events: u64) {
        if measure.is_of_values() {
            self.add_value(measure, text, events);
        } else {
            self.observe_times(measure, Number::from_literal(text).map(Found::Number), events);
        }
    }

    /// Adds so many events that have a number, for a measure of values.
    pub(crate) fn add_number(&mut self, measure: &Measure, number: Number, events: u64) {
        self.events += events;
        if let Some(values) = self.values_of(measure) {
            values.add_number(number, events);
        }
    }

    /// Adds all values of a sketch, for a measure that is told by one.
    pub(super) fn add_sketch(&mut self, measure: &Measure, sketch: &Sketch) {
        if let Some(values) = self.values_of(measure) {
            values.add_sketch(sketch);
        }
    }

    fn value_into(&mut self, measure: &Measure, text: &str, events: u64) {
        if let Some(values) = self.values_of(measure) {
            values.add(text, events);
        }
    }

    fn values_of(&mut self, measure: &Measure) -> Option<&mut Values> {
        if self.values.is_none() {
            self.values = Values::of(measure).map(Box::new);
        }
        self.values.as_deref_mut()
    }

    /// Adds all that another cell has.
    pub fn merge(&mut self, other: &Summary) {
        self.events += other.events;
        self.numbers += other.numbers;
        for (exponent, total) in &other.sums {
            self.add_total(*total, *exponent);
        }
        if let (Some(least), Some(greatest)) = (other.minimum, other.maximum) {
            self.add_extremes(least, greatest);
        }
        match (&mut self.values, &other.values) {
            (Some(values), Some(more)) => values.merge(more),
            (None, Some(more)) => self.values = Some(more.clone()),
            _ => {}
        }
    }

    /// How many events there are.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// What a measure of these events is; `None` for the average, minimum, maximum or percentile of nothing.
    #[must_use]
    pub fn value(&self, measure: &Measure) -> Option<Decimal> {
        match measure {
            Measure::Count => Some(Decimal::from(self.events)),
            Measure::Sum(_) => Some(self.sum()),
            Measure::Average(_) => self.sum().div_round_half_even(self.numbers, PLACES),
            Measure::Minimum(_) => self.minimum.map(Decimal::from),
            Measure::Maximum(_) => self.maximum.map(Decimal::from),
            Measure::Percentile(percent, _) => self.values.as_ref().and_then(|values| values.at(*percent)),
            Measure::Unique(_) | Measure::AboutUnique(_) => {
                Some(self.values.as_ref().map_or(0, |values| values.count()).into())
            }
        }
    }

    /// How many values are kept for it one by one.
    pub(super) fn kept(&self) -> usize {
        self.values.as_ref().map_or(0, |values| values.kept())
    }

    /// Adds one event of canonical data, with what it has at the measured place, as far as the measure asks
    /// for it.
    pub(super) fn observe(&mut self, measure: &Measure, found: Option<Found<'_>>) {
        self.observe_times(measure, found, 1);
    }

    /// The same for so many events that have the same.
    fn observe_times(&mut self, measure: &Measure, found: Option<Found<'_>>, events: u64) {
        self.events += events;
        if measure.is_of_values() {
            if let Some(found) = found {
                self.value_into(measure, &found.text(), events);
            }
            return;
        }
        let Some(found) = found.filter(|found| found.kind() == Kind::Number) else {
            return;
        };
        match measure {
            Measure::Count | Measure::Percentile(..) | Measure::Unique(_) | Measure::AboutUnique(_) => {}
            Measure::Sum(_) | Measure::Average(_) => {
                if let Some((mantissa, exponent)) = found.decimal_parts() {
                    self.add_sum(events, i128::from(mantissa) * i128::from(events), exponent);
                }
            }
            Measure::Minimum(_) | Measure::Maximum(_) => {
                if let Some(number) = found.as_number() {
                    self.add_extremes(number, number);
                }
            }
        }
    }

    fn sum(&self) -> Decimal {
        let decimal = |(exponent, total): &(i16, i128)| Decimal::new(*total, *exponent);
        match self.sums.as_slice() {
            [sum] => decimal(sum),
            sums => sums.iter().map(decimal).sum(),
        }
    }

    fn add_total(&mut self, total: i128, exponent: i16) {
        match self.sums.binary_search_by_key(&exponent, |(exponent, _)| *exponent) {
            Err(at) => self.sums.insert(at, (exponent, total)),
            Ok(at) => match self.sums[at].1.checked_add(total) {
                Some(sum) => self.sums[at].1 = sum,
                None => self.carry(at, total),
            },
        }
    }

    /// Adds what would overflow: the upper digits of both go to a greater exponent.
    fn carry(&mut self, at: usize, total: i128) {
        let (exponent, sum) = self.sums[at];
        self.sums[at].1 = sum % CARRY + total % CARRY;
        let Some(greater) = exponent.checked_add(CARRY_PLACES) else {
            return;
        };
        self.add_total(sum / CARRY, greater);
        self.add_total(total / CARRY, greater);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_beyond_128_bits_are_exact() {
        let (mut cell, mut other) = (Summary::default(), Summary::default());
        cell.add_sum(1, i128::MAX, -2);
        cell.add_sum(1, i128::MAX, -2);
        other.add_sum(1, i128::MAX, -2);
        cell.merge(&other);
        other.add_sum(1, -i128::MAX, -2);
        cell.merge(&other);
        let expected: Decimal = (0..3).map(|_| Decimal::new(i128::MAX, -2)).sum();
        assert_eq!(cell.value(&Measure::Sum(Default::default())), Some(expected));
    }
}
