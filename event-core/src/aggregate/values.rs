//! The values themselves, for measures that no total tells.

use std::collections::{BTreeMap, HashSet};

use foldhash::fast::RandomState;

use super::sketch::Sketch;
use crate::decimal::Decimal;
use crate::json::Number;
use crate::query::{Measure, Percent};

/// Which values some events have.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// Every value once, as canonical JSON text.
    Once(HashSet<Box<str>, RandomState>),
    /// A sketch of them.
    Sketch(Sketch),
    /// Every number, and how often.
    Numbers(BTreeMap<Number, u64>),
}

impl Values {
    /// None yet; `None` for a measure that needs no values.
    pub(super) fn of(measure: &Measure) -> Option<Self> {
        match measure {
            Measure::Unique(_) => Some(Values::Once(HashSet::default())),
            Measure::AboutUnique(_) => Some(Values::Sketch(Sketch::new())),
            Measure::Percentile(..) => Some(Values::Numbers(BTreeMap::new())),
            _ => None,
        }
    }

    /// Adds a value that so many events have, by its canonical JSON text.
    pub(super) fn add(&mut self, text: &str, events: u64) {
        match self {
            Values::Once(known) => {
                if text != "null" && !known.contains(text) {
                    known.insert(Box::from(text));
                }
            }
            Values::Sketch(sketch) => sketch.add(text),
            Values::Numbers(_) => {
                let first = text.as_bytes().first();
                if matches!(first, Some(b'-' | b'0'..=b'9'))
                    && let Some(number) = Number::from_literal(text)
                {
                    self.add_number(number, events);
                }
            }
        }
    }

    /// Adds a number that so many events have.
    pub(super) fn add_number(&mut self, number: Number, events: u64) {
        match self {
            Values::Numbers(counts) => *counts.entry(number).or_default() += events,
            values => values.add(&number.to_string(), events),
        }
    }

    /// Adds all values of a sketch, which only a sketch can.
    pub(super) fn add_sketch(&mut self, more: &Sketch) {
        if let Values::Sketch(sketch) = self {
            sketch.merge(more);
        }
    }

    pub(super) fn merge(&mut self, other: &Values) {
        match (self, other) {
            (Values::Once(known), Values::Once(more)) => known.extend(more.iter().cloned()),
            (Values::Sketch(sketch), Values::Sketch(more)) => sketch.merge(more),
            (Values::Numbers(counts), Values::Numbers(more)) => {
                for (number, events) in more {
                    *counts.entry(*number).or_default() += events;
                }
            }
            // Cells of two questions are never merged.
            _ => {}
        }
    }

    /// How many are kept one by one.
    pub(super) fn kept(&self) -> usize {
        match self {
            Values::Once(known) => known.len(),
            Values::Sketch(_) => 0,
            Values::Numbers(counts) => counts.len(),
        }
    }

    /// How many values.
    pub(super) fn count(&self) -> u64 {
        match self {
            Values::Once(known) => known.len() as u64,
            Values::Sketch(sketch) => sketch.estimate(),
            Values::Numbers(counts) => counts.len() as u64,
        }
    }

    /// The number of a share's rank.
    pub(super) fn at(&self, percent: Percent) -> Option<Decimal> {
        let Values::Numbers(counts) = self else { return None };
        let rank = percent.rank(counts.values().sum());
        let mut before = 0;
        let found = counts.iter().find(|(_, events)| {
            before += **events;
            before >= rank
        });
        found.map(|(number, _)| Decimal::from(*number))
    }
}
