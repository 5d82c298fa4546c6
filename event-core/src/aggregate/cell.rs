//! What a store keeps of many events in their stead: integers that add up in any order.

use std::collections::{BTreeMap, btree_map};

use super::group::GroupKey;
use super::level::Level;
use super::observation::Observation;
use super::sketch::Sketch;
use super::summary::Summary;
use crate::json::Number;
use crate::timestamp::Timestamp;

/// Mantissas are summed in two halves, so that no total overflows 64 bits.
const HALF: i64 = 1_000_000_000;

/// Which events of a metric a [`Cell`] counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    /// How long its stretch of time is.
    pub level: Level,
    /// What its events have at the fields of the metric.
    pub group: GroupKey,
    /// The start of its stretch of time.
    pub at: Timestamp,
    /// The exponent of its events' numbers; `None` for events without a number.
    pub exponent: Option<i16>,
}

/// Which events of a metric a [`Sketch`] has the values of: those of a [`CellKey`], whatever their numbers are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SketchKey {
    /// How long its stretch of time is.
    pub level: Level,
    /// What its events have at the fields of the metric.
    pub group: GroupKey,
    /// The start of its stretch of time.
    pub at: Timestamp,
}

/// Count, sum, minimum and maximum of the events of one [`CellKey`]; nine hundred million
/// of them fit, whatever their numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Events.
    pub events: i64,
    /// Numbers among them: all or none, as the key says.
    pub numbers: i64,
    /// The sum of the mantissas' billions: of each one divided by 10^9, towards zero.
    pub high: i64,
    /// The sum of what that leaves: `high × 10^9 + low` is the sum of the mantissas.
    pub low: i64,
    /// The least mantissa; 0 without numbers.
    pub least: i64,
    /// The greatest mantissa; 0 without numbers.
    pub greatest: i64,
}

impl Cell {
    /// The cell of one event, with the mantissa of its number.
    #[must_use]
    pub const fn of(mantissa: Option<i64>) -> Self {
        let (number, numbers) = match mantissa {
            Some(number) => (number, 1),
            None => (0, 0),
        };
        Cell {
            events: 1,
            numbers,
            high: number / HALF,
            low: number % HALF,
            least: number,
            greatest: number,
        }
    }

    /// Adds all that another cell of the same key, or of the same exponent, has.
    pub fn merge(&mut self, other: &Cell) {
        self.events += other.events;
        self.numbers += other.numbers;
        self.high += other.high;
        self.low += other.low;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
    }

    /// The same for a tally; `None` if it cannot be one of ours: counts below zero, or a number
    /// that no float holds.
    ///
    /// ```
    /// use event_core::aggregate::Cell;
    /// let mut cell = Cell::of(Some(990));
    /// cell.merge(&Cell::of(Some(-40)));
    /// let summary = cell.summary(Some(-2)).unwrap();
    /// assert_eq!(summary.value(&"sum:/total".parse()?), Some("9.5".parse()?));
    /// assert_eq!(summary.value(&"minimum:/total".parse()?), Some("-0.4".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn summary(&self, exponent: Option<i16>) -> Option<Summary> {
        let mut summary = Summary::default();
        summary.add_events(u64::try_from(self.events).ok()?);
        if let Some(exponent) = exponent {
            let total = i128::from(self.high) * i128::from(HALF) + i128::from(self.low);
            summary.add_sum(u64::try_from(self.numbers).ok()?, total, exponent);
            let least = Number::from_parts(self.least, exponent)?;
            summary.add_extremes(least, Number::from_parts(self.greatest, exponent)?);
        }
        Some(summary)
    }
}

/// The cells of one metric, ordered by their keys, and where it tells a field's different values their
/// sketches.
///
/// However the observations were split and in whatever order they came, the cells are equal:
///
/// ```
/// use event_core::aggregate::{Cells, GroupKey, Level, Observation};
/// let seen = |at: &str, number| Observation {
///     at: at.parse().unwrap(), group: GroupKey::new([Some("\"ann\"")]), number, unique: None,
/// };
/// let observations = [
///     seen("2026-01-01T10:00:00Z", Some((990, -2))),
///     seen("2026-01-01T10:01:00Z", Some((10, -2))),
/// ];
/// let (mut whole, mut part, mut other) = (Cells::new(), Cells::new(), Cells::new());
/// observations.iter().for_each(|seen| whole.add(seen));
/// part.add(&observations[1]);
/// other.add(&observations[0]);
/// part.merge(other);
/// assert_eq!(whole, part);
/// // Two minutes, one hour, one day.
/// assert_eq!(whole.len(), 4);
/// let (key, day) = whole.iter().last().unwrap();
/// assert_eq!((key.level, day.events, day.low), (Level::Day, 2, 1000));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    cells: BTreeMap<CellKey, Cell>,
    sketches: BTreeMap<SketchKey, Sketch>,
}

impl Cells {
    /// No cells.
    #[must_use]
    pub const fn new() -> Self {
        Cells {
            cells: BTreeMap::new(),
            sketches: BTreeMap::new(),
        }
    }

    /// Adds an event to its minute, its hour and its day.
    pub fn add(&mut self, observation: &Observation) {
        let Observation {
            at,
            group,
            number,
            unique,
        } = observation;
        let cell = Cell::of(number.map(|(mantissa, _)| mantissa));
        for level in Level::ALL {
            let key = CellKey {
                level,
                group: group.clone(),
                at: level.start(*at),
                exponent: number.map(|(_, exponent)| exponent),
            };
            self.add_cell(key, &cell);
            if let Some(sketch) = unique {
                let (group, at) = (group.clone(), level.start(*at));
                self.add_sketch(SketchKey { level, group, at }, sketch);
            }
        }
    }

    /// Adds a cell to that of its key.
    pub fn add_cell(&mut self, key: CellKey, cell: &Cell) {
        match self.cells.entry(key) {
            btree_map::Entry::Vacant(place) => {
                place.insert(*cell);
            }
            btree_map::Entry::Occupied(mut known) => known.get_mut().merge(cell),
        }
    }

    /// Adds a sketch to that of its key.
    pub fn add_sketch(&mut self, key: SketchKey, sketch: &Sketch) {
        self.sketches.entry(key).or_default().merge(sketch);
    }

    /// Adds all cells of the same metric.
    pub fn merge(&mut self, other: Cells) {
        for (key, cell) in other.cells {
            self.add_cell(key, &cell);
        }
        for (key, sketch) in &other.sketches {
            self.add_sketch(key.clone(), sketch);
        }
    }

    /// The cells, ordered by their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&CellKey, &Cell)> {
        self.cells.iter()
    }

    /// The sketches, ordered by their keys: one for the cells of all exponents, none where the metric tells no
    /// field's different values.
    pub fn sketches(&self) -> impl ExactSizeIterator<Item = (&SketchKey, &Sketch)> {
        self.sketches.iter()
    }

    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }
}

impl IntoIterator for Cells {
    type Item = (CellKey, Cell);
    type IntoIter = btree_map::IntoIter<CellKey, Cell>;

    fn into_iter(self) -> Self::IntoIter {
        self.cells.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_total_overflows() {
        let mut cell = Cell::of(Some(i64::MAX));
        (0..29).for_each(|_| cell.merge(&cell.clone()));
        assert_eq!(cell.events, 1 << 29);
        let sum = cell.summary(Some(0)).unwrap().value(&"sum:/n".parse().unwrap());
        let total = crate::decimal::Decimal::new(i128::from(i64::MAX) << 29, 0);
        assert_eq!(sum, Some(total));
    }

    #[test]
    fn what_is_no_cell_of_ours() {
        let cell = Cell::of(Some(1));
        assert!(cell.summary(Some(400)).is_none());
        assert!(Cell { events: -1, ..cell }.summary(None).is_none());
        let none = Cell::of(None);
        assert_eq!(none.summary(None).unwrap().events(), 1);
    }
}
