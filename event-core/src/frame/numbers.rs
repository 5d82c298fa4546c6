//! A column of numbers: integers of one decimal scale.

use std::collections::HashSet;
use std::ops::Range;

use foldhash::fast::RandomState;

use crate::filter::{Found, Scalar, Test};
use crate::json::Number;

/// What stands for no number; none has this mantissa here.
pub(super) const NONE: i64 = i64::MIN;

/// `mantissa × 10^exponent` for each, the exponent being nought, or the least that any of them needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    exponent: i16,
    mantissas: Vec<i64>,
    /// No mantissa is further from zero.
    greatest: u64,
}

impl Numbers {
    pub(super) fn mantissas(&self) -> &[i64] {
        &self.mantissas
    }

    pub(super) fn exponent(&self) -> i16 {
        self.exponent
    }

    /// The number of a mantissa; nothing for [`NONE`].
    pub(super) fn number(&self, mantissa: i64) -> Option<Number> {
        let mantissa = Some(mantissa).filter(|mantissa| *mantissa != NONE)?;
        Number::from_parts(mantissa, self.exponent)
    }

    /// Adds a place without a number.
    pub(super) fn add_none(&mut self) {
        self.mantissas.push(NONE);
    }

    /// Adds a number, or says that its scale and that of the others do not fit into 64 bits together.
    #[must_use]
    pub(super) fn add(&mut self, mantissa: i64, exponent: i16) -> bool {
        if mantissa != 0 && exponent < self.exponent && !self.rescale(exponent) {
            return false;
        }
        let Some(mantissa) = scaled(mantissa, exponent, self.exponent).filter(|mantissa| *mantissa != NONE) else {
            return false;
        };
        self.greatest = self.greatest.max(mantissa.unsigned_abs());
        self.mantissas.push(mantissa);
        true
    }

    fn rescale(&mut self, exponent: i16) -> bool {
        let greatest = i64::try_from(self.greatest).ok();
        if greatest
            .and_then(|greatest| scaled(greatest, self.exponent, exponent))
            .is_none()
        {
            return false;
        }
        // Where all of them are nought there may be no such power, and none is needed.
        if self.greatest > 0
            && let Some(factor) = scaled(1, self.exponent, exponent)
        {
            let numbers = self.mantissas.iter_mut().filter(|mantissa| **mantissa != NONE);
            numbers.for_each(|mantissa| *mantissa *= factor);
            self.greatest *= factor.unsigned_abs();
        }
        self.exponent = exponent;
        true
    }

    /// The mantissas of the numbers that a test names; with [`NONE`] where it holds for nothing, too.
    pub(super) fn among(&self, test: &Test) -> HashSet<i64, RandomState> {
        let scalars = match test {
            Test::Equals(scalar) => std::slice::from_ref(scalar),
            Test::OneOf(scalars) => scalars.as_slice(),
            // No number is in a range of texts, or holds a text.
            Test::Range { .. } | Test::Contains(_) => &[],
        };
        let mantissa = |scalar: &Scalar| match scalar {
            Scalar::Null => Some(NONE),
            Scalar::Number(number) => {
                let (mantissa, exponent) = Found::Number(*number).decimal_parts()?;
                scaled(mantissa, exponent, self.exponent).filter(|mantissa| *mantissa != NONE)
            }
            _ => None,
        };
        scalars.iter().filter_map(mantissa).collect()
    }

    /// Whether a test holds for what has a mantissa.
    fn holds(&self, test: &Test, mantissa: i64) -> bool {
        test.holds(self.number(mantissa).map(Found::Number).as_ref())
    }

    /// The mantissas of the numbers within a range; nothing for a test of another kind.
    pub(super) fn within(&self, test: &Test) -> Option<Range<i128>> {
        let Test::Range { from, to } = test else { return None };
        let mut bounds = from.iter().chain(to).peekable();
        if bounds.peek().is_none() || !bounds.all(|bound| matches!(bound, Scalar::Number(_))) {
            return None;
        }
        let ends = -i128::from(self.greatest)..i128::from(self.greatest) + 1;
        let first = |bound: &Scalar| {
            let reaches = Test::range(Some(bound.clone()), None);
            least(ends.clone(), |mantissa| self.holds(&reaches, mantissa))
        };
        Some(from.as_ref().map_or(ends.start, first)..to.as_ref().map_or(ends.end, first))
    }
}

/// The least of a range from which on a condition holds, or its end.
fn least(mut range: Range<i128>, holds: impl Fn(i64) -> bool) -> i128 {
    while range.start < range.end {
        let middle = (range.start + range.end).div_euclid(2);
        if i64::try_from(middle).is_ok_and(&holds) {
            range.end = middle;
        } else {
            range.start = middle + 1;
        }
    }
    range.end
}

/// The mantissa of the same number at another exponent that is not greater; nothing where 64 bits do not hold it.
fn scaled(mantissa: i64, from: i16, to: i16) -> Option<i64> {
    if mantissa == 0 {
        return Some(0);
    }
    let places = u32::try_from(i32::from(from) - i32::from(to)).ok()?;
    mantissa.checked_mul(10_i64.checked_pow(places)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(numbers: &[(i64, i16)]) -> Numbers {
        let mut column = Numbers::default();
        assert!(
            numbers
                .iter()
                .all(|(mantissa, exponent)| column.add(*mantissa, *exponent))
        );
        column
    }

    #[test]
    fn numbers_come_to_one_scale() {
        let exponent = |numbers: &[(i64, i16)]| column(numbers).exponent();
        assert_eq!(exponent(&[(3, 0), (125, -1), (0, -300), (2, 1)]), -1);
        assert_eq!(exponent(&[(0, 0), (0, 0), (1, -300)]), -300);
        let mut column = Numbers::default();
        column.add_none();
        assert!(column.add(0, 0) && column.add(3, 0) && column.add(125, -2) && column.add(-2, 1));
        assert_eq!(column.mantissas(), [NONE, 0, 300, 125, -2000]);
        assert_eq!(column.number(125), Number::from_f64(1.25));
        assert_eq!(column.number(NONE), None);
    }

    #[test]
    fn what_64_bits_do_not_hold_is_not_taken() {
        let mut column = column(&[(i64::MAX, 0)]);
        assert!(!column.add(1, -1) && !column.add(1, 19) && !column.add(i64::MIN, 0));
        assert!(column.add(i64::MIN + 1, 0));
        assert_eq!(column.mantissas(), [i64::MAX, i64::MIN + 1]);
    }

    #[test]
    fn a_range_is_one_of_mantissas() {
        let column = column(&[(-150, -2), (250, -2), (9_007_199_254_740_993, 0)]);
        let range = |from: Option<f64>, to: Option<f64>| {
            let scalar = |float| Scalar::Number(Number::from_f64(float).unwrap());
            column.within(&Test::range(from.map(scalar), to.map(scalar)))
        };
        assert_eq!(range(Some(-1.5), Some(2.5)), Some(-150..250));
        assert_eq!(range(Some(0.001), Some(0.009)), Some(1..1));
        let end = 900_719_925_474_099_300;
        assert_eq!(range(None, Some(-1e30)), Some(-end..-end));
        assert_eq!(range(Some(1e30), None), Some(end + 1..end + 1));
        assert_eq!(range(None, None), None);
        assert_eq!(column.within(&Test::range(Some("a"), None)), None);
        assert_eq!(column.within(&Test::contains("a")), None);
    }

    #[test]
    fn numbers_are_named_at_the_scale_of_the_column() {
        let column = column(&[(150, -2), (3, 0)]);
        let among = |scalars: Vec<Scalar>| {
            let mut among: Vec<i64> = column.among(&Test::one_of(scalars)).into_iter().collect();
            among.sort_unstable();
            among
        };
        // By hand there may be floats that are whole.
        let named = vec![
            Number::Float(3.0).into(),
            Number::Float(1.5).into(),
            Number::Int(-7).into(),
        ];
        assert_eq!(among(named), [-700, 150, 300]);
        assert_eq!(among(vec![Scalar::Null, "3".into(), true.into()]), [NONE]);
        // Of another scale, or of none that fits.
        let beyond = [Number::Float(0.001), Number::Float(1e300), Number::Int(i64::MAX)];
        assert_eq!(among(beyond.map(Scalar::from).into()), [] as [i64; 0]);
        assert!(
            column.among(&Test::contains("3")).is_empty() && column.among(&Test::range(Some("1"), None)).is_empty()
        );
    }
}
