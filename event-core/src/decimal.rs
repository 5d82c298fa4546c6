//! Decimals of any size, exact: what sums and averages are made of.

use std::cmp::Ordering;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};
use std::str::FromStr;

use num_bigint::{BigInt, Sign};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::Number;

/// `mantissa × 10^exponent`, kept without trailing zeros, so that equal values are equal.
///
/// ```
/// use event_core::decimal::Decimal;
/// let tenth: Decimal = "0.1".parse()?;
/// let fifth: Decimal = "0.20".parse()?;
/// assert_eq!((tenth + &fifth).to_string(), "0.3");
/// assert_eq!(Decimal::new(1250, -2).to_string(), "12.5");
/// assert_eq!(Decimal::from(1).div_round_half_even(3, 12).unwrap().to_string(), "0.333333333333");
/// # Ok::<(), event_core::decimal::DecimalError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: BigInt,
    exponent: i32,
}

/// The text is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no decimal: write it as 12, -0.5 or 1.5e300, with an exponent within ±10000")]
pub struct DecimalError;

/// The exponent of a text is bounded, so that a short one cannot ask for a huge number.
const EXPONENT_LIMIT: u32 = 10_000;
/// So long a text is at the most, and so long what is read from one when it is written: whatever is read can be read again.
const TEXT_LIMIT: usize = 30_000;

impl Decimal {
    /// `mantissa × 10^exponent`.
    #[must_use]
    pub fn new(mantissa: i128, exponent: i16) -> Self {
        let (mut mantissa, mut exponent) = (mantissa, i32::from(exponent));
        if mantissa == 0 {
            return Decimal::default();
        }
        // To divide 128 bits takes several times as long, and hardly anything needs them.
        if let Ok(mut small) = i64::try_from(mantissa) {
            while small % 10 == 0 {
                small /= 10;
                exponent += 1;
            }
            mantissa = i128::from(small);
        } else {
            while mantissa % 10 == 0 {
                mantissa /= 10;
                exponent += 1;
            }
        }
        Decimal {
            mantissa: BigInt::from(mantissa),
            exponent,
        }
    }

    fn normalised(mut mantissa: BigInt, mut exponent: i32) -> Self {
        if let (Ok(small), Ok(exponent)) = (i128::try_from(&mantissa), i16::try_from(exponent)) {
            return Decimal::new(small, exponent);
        }
        // Zeros go nine at a time while there are so many: every step divides all of the digits.
        for (factor, places) in [(1_000_000_000_u32, 9), (10, 1)] {
            while mantissa.sign() != Sign::NoSign && (&mantissa % factor).sign() == Sign::NoSign {
                mantissa /= factor;
                exponent += places;
            }
        }
        if mantissa.sign() == Sign::NoSign {
            Decimal::default()
        } else {
            Decimal { mantissa, exponent }
        }
    }

    /// Whether it is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.mantissa.sign() == Sign::NoSign
    }

    /// The mantissa of the same value at an exponent that is not above its own.
    fn at(&self, exponent: i32) -> BigInt {
        &self.mantissa * power_of_ten(self.exponent - exponent)
    }

    /// The same where it is no larger than 128 bits.
    fn small_at(&self, exponent: i32) -> Option<i128> {
        let mantissa = i128::try_from(&self.mantissa).ok()?;
        let places = u32::try_from(self.exponent - exponent).ok()?;
        mantissa.checked_mul(10_i128.checked_pow(places)?)
    }

    /// This value divided by `count` and rounded to `places` decimal places, a half to the even
    /// digit; `None` for a division by 0.
    #[must_use]
    pub fn div_round_half_even(&self, count: u64, places: u16) -> Option<Decimal> {
        if count == 0 {
            return None;
        }
        let (mut numerator, mut denominator) = (self.mantissa.clone(), BigInt::from(count));
        let shift = self.exponent + i32::from(places);
        if shift >= 0 {
            numerator *= power_of_ten(shift);
        } else {
            denominator *= power_of_ten(-shift);
        }
        let mut quotient = &numerator / &denominator;
        let rest = numerator - &quotient * &denominator;
        let negative = rest.sign() == Sign::Minus;
        let twice = BigInt::from_biguint(Sign::Plus, rest.magnitude() * 2_u32);
        let up = match twice.cmp(&denominator) {
            Ordering::Less => false,
            Ordering::Equal => quotient.bit(0),
            Ordering::Greater => true,
        };
        if up {
            quotient += if negative { -1 } else { 1 };
        }
        Some(Decimal::normalised(quotient, -i32::from(places)))
    }
}

fn power_of_ten(exponent: i32) -> BigInt {
    BigInt::from(10_u32).pow(exponent.unsigned_abs())
}

impl From<i64> for Decimal {
    fn from(int: i64) -> Self {
        Decimal::new(i128::from(int), 0)
    }
}

impl From<u64> for Decimal {
    fn from(int: u64) -> Self {
        Decimal::new(i128::from(int), 0)
    }
}

impl From<i32> for Decimal {
    fn from(int: i32) -> Self {
        Decimal::new(i128::from(int), 0)
    }
}

/// The decimal that the canonical text of the number shows.
impl From<Number> for Decimal {
    fn from(number: Number) -> Self {
        let (mantissa, exponent) = number.parts();
        Decimal::normalised(BigInt::from(mantissa), exponent)
    }
}

impl AddAssign<&Decimal> for Decimal {
    fn add_assign(&mut self, other: &Decimal) {
        if other.is_zero() {
            return;
        }
        let exponent = self.exponent.min(other.exponent);
        *self = Decimal::normalised(self.at(exponent) + other.at(exponent), exponent);
    }
}

impl Add<&Decimal> for Decimal {
    type Output = Decimal;

    fn add(mut self, other: &Decimal) -> Decimal {
        self += other;
        self
    }
}

impl Neg for Decimal {
    type Output = Decimal;

    fn neg(self) -> Decimal {
        Decimal {
            mantissa: -self.mantissa,
            exponent: self.exponent,
        }
    }
}

impl Sub<Decimal> for Decimal {
    type Output = Decimal;

    fn sub(self, other: Decimal) -> Decimal {
        self + &-other
    }
}

impl Sum for Decimal {
    fn sum<I: Iterator<Item = Decimal>>(values: I) -> Decimal {
        values.fold(Decimal::default(), |sum, value| sum + &value)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.exponent == other.exponent || self.mantissa.sign() != other.mantissa.sign() {
            return self.mantissa.cmp(&other.mantissa);
        }
        let exponent = self.exponent.min(other.exponent);
        // Most are small enough to be compared without a number of any size.
        if let (Some(one), Some(two)) = (self.small_at(exponent), other.small_at(exponent)) {
            return one.cmp(&two);
        }
        self.at(exponent).cmp(&other.at(exponent))
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        if text.len() > TEXT_LIMIT {
            return Err(DecimalError);
        }
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| DecimalError)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return Err(DecimalError),
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if digits.is_empty() || !plain(digits) || !plain(fraction) || exponent.unsigned_abs() > EXPONENT_LIMIT {
            return Err(DecimalError);
        }
        let value: BigInt = [whole, fraction].concat().parse().map_err(|_| DecimalError)?;
        let exponent = exponent - i32::try_from(fraction.len()).map_err(|_| DecimalError)?;
        let (digits, zeros) = (digits.len() + fraction.len(), exponent.unsigned_abs() as usize);
        // With a sign, and with a nought and a dot in front.
        let written = if exponent < 0 {
            (digits + 2).max(zeros + 3)
        } else {
            digits + zeros + 1
        };
        if written > TEXT_LIMIT {
            return Err(DecimalError);
        }
        Ok(Decimal::normalised(value, exponent))
    }
}

/// Plain notation, never an exponent: `12.5`, `-0.000001`, `1000`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.mantissa.magnitude().to_string();
        let places = self.exponent.unsigned_abs() as usize;
        if self.exponent >= 0 {
            digits.extend(std::iter::repeat_n('0', places));
        } else {
            if digits.len() <= places {
                digits.insert_str(0, &"0".repeat(places + 1 - digits.len()));
            }
            digits.insert(digits.len() - places, '.');
        }
        f.pad_integral(self.mantissa.sign() != Sign::Minus, "", &digits)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn text_is_plain_and_normalised() {
        for (text, plain) in [
            ("0", "0"),
            ("-0.00", "0"),
            ("12.50", "12.5"),
            ("1e3", "1000"),
            ("-1.5E-6", "-0.0000015"),
            ("0.1", "0.1"),
            ("007", "7"),
            ("123456789012345678901234567890.10", "123456789012345678901234567890.1"),
        ] {
            assert_eq!(decimal(text).to_string(), plain, "{text}");
            assert_eq!(decimal(plain), decimal(text));
        }
        for text in [
            "", "-", ".5", "1.", "+1", "1e", "1e99999", "1_0", "0x1", "NaN", "--1", "1.-5", "1e1e1", " 1",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError), "{text}");
        }
    }

    #[test]
    fn what_is_read_is_never_too_long_to_be_read_again() {
        let ones = "1".repeat(20_000);
        let noughts = |count: usize| format!("-0.{}1e-10000", "0".repeat(count));
        for (longest, longer) in [
            ("1e10000".to_owned(), "1e10001".to_owned()),
            (format!("{ones}e9999"), format!("{ones}e10000")),
            (noughts(19_996), noughts(19_997)),
            ("1".repeat(29_999), "1".repeat(30_000)),
        ] {
            let read = decimal(&longest);
            assert_eq!(decimal(&read.to_string()), read);
            assert_eq!(longer.parse::<Decimal>(), Err(DecimalError));
        }
    }

    #[test]
    fn what_is_read_can_be_read_again() {
        for text in ["1609492527241e9993", "-12.5e-10000", "1e10000"] {
            assert_eq!(decimal(&decimal(text).to_string()), decimal(text), "{text}");
        }
        let digits = "7".repeat(29_000);
        assert_eq!(decimal(&digits).to_string(), digits);
        for text in [
            format!("{digits}e9999"),
            format!("0.{digits}e-9999"),
            "7".repeat(30_001),
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError));
        }
    }

    #[test]
    fn sums_lose_nothing() {
        assert_eq!(decimal("0.1") + &decimal("0.2"), decimal("0.3"));
        let wide = decimal("1e300") + &decimal("1e-300");
        assert_eq!(wide.clone() - decimal("1e300"), decimal("1e-300"));
        assert_eq!(wide.to_string().len(), 602);
        let sum: Decimal = std::iter::repeat_n(Decimal::from(i64::MAX), 1000).sum();
        assert_eq!(sum.to_string(), "9223372036854775807000");
    }

    #[test]
    fn a_half_goes_to_the_even_digit() {
        for (text, count, places, expected) in [
            ("1", 2, 0, "0"),
            ("3", 2, 0, "2"),
            ("-1", 2, 0, "0"),
            ("-3", 2, 0, "-2"),
            ("5", 2, 0, "2"),
            ("2", 3, 12, "0.666666666667"),
            ("-2", 3, 12, "-0.666666666667"),
            ("1e-12", 2, 12, "0"),
            ("3e-12", 2, 12, "0.000000000002"),
            ("1.000001e-12", 2, 12, "0.000000000001"),
            ("1e300", 1, 12, &format!("1{}", "0".repeat(300))),
            ("1e-300", 1, 12, "0"),
        ] {
            let rounded = decimal(text).div_round_half_even(count, places).unwrap();
            assert_eq!(rounded.to_string(), expected, "{text}/{count}");
        }
        assert_eq!(decimal("1").div_round_half_even(0, 12), None);
    }

    proptest! {
        #[test]
        fn it_reckons_like_integers(a in any::<i64>(), b in any::<i64>(), scale in 0..6_i16) {
            let of = |int: i64| Decimal::new(i128::from(int), -scale);
            prop_assert_eq!(of(a) + &of(b), Decimal::new(i128::from(a) + i128::from(b), -scale));
            prop_assert_eq!(of(a).cmp(&of(b)), a.cmp(&b));
            prop_assert_eq!(of(a).cmp(&Decimal::from(b)), i128::from(a).cmp(&(i128::from(b) * 10_i128.pow(scale as u32))));
            prop_assert_eq!(decimal(&of(a).to_string()), of(a));
        }

        #[test]
        fn it_orders_like_numbers(a in any::<f64>(), b in any::<f64>(), int in any::<i64>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            let [a, b] = [a, b].map(|float| Number::from_f64(float).unwrap());
            prop_assert_eq!(Decimal::from(a).cmp(&Decimal::from(b)), a.cmp(&b));
            prop_assert_eq!(Decimal::from(a).cmp(&Decimal::from(int)), a.cmp(&Number::Int(int)));
        }
    }
}
