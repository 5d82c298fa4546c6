//! The numbers between two bounds.

use serde_json::Value;

use crate::json::Number;

/// The bounds of a number, each the number itself and whether it is outside.
#[derive(Default)]
pub(super) struct Interval {
    least: [Option<Number>; 2],
    most: [Option<Number>; 2],
}

impl Interval {
    /// The place of a keyword's bound; `None` for other keywords.
    pub(super) fn bound(&mut self, keyword: &str) -> Option<&mut Option<Number>> {
        Some(match keyword {
            "minimum" => &mut self.least[0],
            "exclusiveMinimum" => &mut self.least[1],
            "maximum" => &mut self.most[0],
            "exclusiveMaximum" => &mut self.most[1],
            _ => return None,
        })
    }

    pub(super) fn is_all(&self) -> bool {
        [self.least, self.most].iter().flatten().all(Option::is_none)
    }

    #[inline]
    pub(super) fn holds(&self, number: Number) -> bool {
        let Interval { least, most } = self;
        least[0].is_none_or(|least| number >= least)
            && least[1].is_none_or(|least| number > least)
            && most[0].is_none_or(|most| number <= most)
            && most[1].is_none_or(|most| number < most)
    }
}

/// A number of a schema; `None` for one that events do not have.
pub(super) fn of(value: &Value) -> Option<Number> {
    match value.as_i64() {
        Some(int) => Some(Number::Int(int)),
        // One that is whole and beyond `i64` was perhaps written with more digits than a float has.
        None => Number::from_f64(value.as_f64()?).filter(|number| number.as_f64().abs() < 9e15),
    }
}
