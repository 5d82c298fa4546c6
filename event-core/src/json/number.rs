//! The one rule for numbers, the same in memory, in SQL and in Python.
//!
//! A literal that is mathematically an integer within `i64` is that integer, however it is
//! written (`1`, `1.0`, `1e3`). Anything else is the nearest `f64`, and its value is the shortest
//! decimal that reads back as that `f64`. An integer written without fraction or exponent that
//! `i64` does not hold is refused, where most parsers would silently round it.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

/// A JSON number.
///
/// ```
/// use event_core::json::Number;
/// assert_eq!(Number::from_literal("1e3"), Some(Number::Int(1000)));
/// assert_eq!(Number::from_literal("0.50"), Some(Number::Float(0.5)));
/// assert_eq!(Number::from_literal("9223372036854775808"), None);
/// assert_eq!(Number::Float(0.5).to_string(), "0.5");
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An integer, exact.
    Int(i64),
    /// A finite number that is not an `i64`.
    Float(f64),
}

/// 2^63, the first float that `i64` does not hold.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
/// 2^53: every integer below is a float.
const EXACT: u64 = 1 << 53;
/// The powers of ten that are floats exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

impl Number {
    /// Reads a JSON number literal; `None` if nothing holds it, or if it is no JSON number.
    #[must_use]
    pub fn from_literal(literal: &str) -> Option<Number> {
        if is_literal(literal) {
            Number::of_literal(literal)
        } else {
            None
        }
    }

    /// The same for a text that is known to be a JSON number.
    pub(crate) fn of_literal(literal: &str) -> Option<Number> {
        if let Some(int) = small_integer(literal.as_bytes()) {
            return Some(Number::Int(int));
        }
        if let Some(number) = small_decimal(literal.as_bytes()) {
            return Some(number);
        }
        if !literal.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return literal.parse().ok().map(Number::Int);
        }
        match integer_value(literal) {
            Some(int) => Some(Number::Int(int)),
            None => literal.parse().ok().and_then(Number::from_f64),
        }
    }

    /// The number for a float; `None` for NaN and the infinities.
    #[must_use]
    pub fn from_f64(float: f64) -> Option<Number> {
        if !float.is_finite() {
            None
        } else if float.fract() == 0.0 && (-TWO_63..TWO_63).contains(&float) {
            // Exact: every integral float in this range is an i64.
            #[allow(clippy::cast_possible_truncation)]
            Some(Number::Int(float as i64))
        } else {
            Some(Number::Float(float))
        }
    }

    /// The nearest float.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(int) => int as f64,
            Number::Float(float) => float,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Number::Int(int) => Some(int),
            Number::Float(_) => None,
        }
    }

    /// The value as `mantissa × 10^exponent`, the decimal that [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn parts(self) -> (i64, i32) {
        match self {
            Number::Int(int) => (int, 0),
            Number::Float(float) => short_parts(float).unwrap_or_else(|| {
                let (mantissa, exponent) = decimal_parts(&self.to_string()).unwrap_or((0, 0));
                (mantissa, i32::from(exponent))
            }),
        }
    }

    /// The number that the literal `mantissa` `e` `exponent` stands for; `None` beyond any float.
    ///
    /// ```
    /// use event_core::json::Number;
    /// assert_eq!(Number::from_parts(1250, -2), Some(Number::Float(12.5)));
    /// assert_eq!(Number::from_parts(1200, -2), Some(Number::Int(12)));
    /// assert_eq!(Number::from_parts(1, 400), None);
    /// ```
    #[must_use]
    pub fn from_parts(mantissa: i64, exponent: i16) -> Option<Number> {
        if exponent == 0 {
            return Some(Number::Int(mantissa));
        }
        if (-22..0).contains(&exponent) && mantissa.unsigned_abs() < EXACT {
            // Both operands are floats exactly, so that the quotient is rounded once: what reading
            // the literal does, without writing it first.
            #[allow(clippy::cast_precision_loss)]
            return Number::from_f64(mantissa as f64 / POWERS[usize::from(exponent.unsigned_abs())]);
        }
        Number::of_literal(&format!("{mantissa}e{exponent}"))
    }
}

/// Mantissa and exponent of a float of few decimal places, such as prices have, without writing it first.
///
/// Decimals of at most 15 digits survive the way through `f64`: the one of the fewest places that reads back
/// as this float is the shortest there is. The product is off by less than a half, so that it rounds to the
/// mantissa; the quotient is rounded once, as reading the literal is.
#[allow(clippy::cast_possible_truncation)]
fn short_parts(float: f64) -> Option<(i64, i32)> {
    (1..).zip(&POWERS[1..5]).find_map(|(places, power)| {
        let mantissa = (float * power).round();
        let exact = mantissa.abs() < 1e15 && mantissa / power == float;
        exact.then_some((mantissa as i64, -places))
    })
}

/// Whether a text is a number by the grammar of JSON.
fn is_literal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'))
}

/// Up to 18 plain digits: most numbers there are.
fn small_integer(literal: &[u8]) -> Option<i64> {
    let (negative, digits) = match literal {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0_i64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}

/// A few digits with a point among them, as prices are written.
#[allow(clippy::cast_precision_loss)]
fn small_decimal(literal: &[u8]) -> Option<Number> {
    let (negative, digits) = match literal {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    // 15 digits and the point.
    if digits.len() > 16 {
        return None;
    }
    let (mut mantissa, mut places, mut fraction) = (0_i64, 0_usize, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + i64::from(byte - b'0');
                places += usize::from(fraction);
            }
            b'.' => fraction = true,
            _ => return None,
        }
    }
    // Both operands are floats exactly, so that the quotient is rounded once: to a whole number only where it is one.
    let float = mantissa as f64 / POWERS[places];
    Number::from_f64(if negative { -float } else { float })
}

/// The integer that a literal with a fraction or an exponent stands for, if it is one within `i64`.
fn integer_value(literal: &str) -> Option<i64> {
    let (mantissa, exponent) = match literal.split_once(['e', 'E']) {
        // An exponent of more digits than i32 can only mean zero or an overflow; f64 decides.
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (literal, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    let last = digits.clone().rev().position(|digit| digit != b'0');
    let Some(zeros) = last else { return Some(0) };
    let length = whole.len() + fraction.len();
    let places = i64::from(exponent) - i64::try_from(fraction.len()).ok()? + i64::try_from(zeros).ok()?;
    if !(0..=18).contains(&places) {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits.take(length - zeros) {
        value = value.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    for _ in 0..places {
        value = value.checked_mul(10)?;
    }
    // Built as a negative number, because i64::MIN has no positive twin.
    if negative { Some(value) } else { value.checked_neg() }
}

/// Mantissa and exponent of canonical number text, without the way through a float.
pub(crate) fn decimal_parts(text: &str) -> Option<(i64, i16)> {
    let (digits, exponent) = match memchr::memchr(b'e', text.as_bytes()) {
        Some(at) => (&text[..at], text[at + 1..].parse().ok()?),
        None => (text, 0_i16),
    };
    let (negative, digits) = digits
        .strip_prefix('-')
        .map_or((false, digits), |digits| (true, digits));
    // Built as a negative number, because i64::MIN has no positive twin.
    let (mut value, mut places, mut fraction) = (0_i64, 0_i16, false);
    for byte in digits.bytes() {
        if byte == b'.' {
            fraction = true;
        } else {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
            value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
            places += i16::from(fraction);
        }
    }
    let mantissa = if negative { value } else { value.checked_neg()? };
    Some((mantissa, exponent.checked_sub(places)?))
}

/// Whether `literal` is already what [`Display`](fmt::Display) would write for it, told without
/// reading it as a float: at most 15 significant digits always survive the way through `f64`.
pub(super) fn is_canonical(literal: &str) -> bool {
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    let Some((whole, fraction)) = digits.split_once('.') else {
        return literal != "-0" && small_integer(literal.as_bytes()).is_some();
    };
    whole.len() + fraction.len() <= 15
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && !fraction.ends_with('0')
        && (whole != "0" || !fraction.starts_with("00000"))
}

/// Canonical text: an integer as its digits; other numbers plainly where that stays short, else
/// with an exponent, and always such that reading it again gives the same number.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Number::Int(int) => write!(f, "{int}"),
            // An integer of 2^63 or more must keep its exponent: written plainly it would be refused.
            Number::Float(float) if float.abs() >= TWO_63 || float.abs() < 1e-5 => write!(f, "{float:e}"),
            Number::Float(float) => write!(f, "{float}"),
        }
    }
}

impl Number {
    /// Appends the canonical text to `out`.
    pub(crate) fn write_to(self, out: &mut String) {
        match self {
            Number::Int(int) => integer(int, out),
            Number::Float(float) => {
                // One that was made by hand may be whole, and has no decimal places then.
                if float.fract() == 0.0 || !short_decimal(float, out) {
                    // Writing into a String cannot fail.
                    let _ = write!(out, "{self}");
                }
            }
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Number::Int(a), Number::Int(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => a.total_cmp(&b),
            (Number::Int(a), Number::Float(b)) => int_against_float(a, b),
            (Number::Float(a), Number::Int(b)) => int_against_float(b, a).reverse(),
        }
    }
}

/// Compares without rounding: a float is an integer and a rest, and the integers compare exactly.
fn int_against_float(int: i64, float: f64) -> Ordering {
    if float >= TWO_63 {
        return Ordering::Less;
    }
    if float < -TWO_63 {
        return Ordering::Greater;
    }
    #[allow(clippy::cast_possible_truncation)]
    let whole = float.floor() as i64;
    int.cmp(&whole).then(if float.fract() == 0.0 {
        Ordering::Equal
    } else {
        Ordering::Less
    })
}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        match *self {
            Number::Int(int) => int.hash(state),
            Number::Float(float) => float.to_bits().hash(state),
        }
    }
}

/// Writes an integer, several times faster than the formatter: every event asks for it.
pub(crate) fn integer(integer: i64, out: &mut String) {
    if integer < 0 {
        out.push('-');
    }
    digits(integer.unsigned_abs(), out);
}

/// Writes a float of few decimal places, and at least with one, without the formatter; `false`, and nothing, if it has more.
pub(super) fn short_decimal(float: f64, out: &mut String) -> bool {
    let parts = short_parts(float);
    if let Some((mantissa, exponent)) = parts {
        decimal(mantissa, exponent.unsigned_abs() as usize, out);
    }
    parts.is_some()
}

/// Writes `mantissa` with so many decimal places, at least one, as plain text.
fn decimal(mantissa: i64, places: usize, out: &mut String) {
    if mantissa < 0 {
        out.push('-');
    }
    let start = out.len();
    digits(mantissa.unsigned_abs(), out);
    let digits = out.len() - start;
    // At least one digit stands before the point.
    (digits..=places).for_each(|_| out.insert(start, '0'));
    out.insert(out.len() - places, '.');
}

/// Writes the digits of an integer.
pub(crate) fn digits(mut integer: u64, out: &mut String) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] += (integer % 10) as u8;
        integer /= 10;
        if integer == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&text[at..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_number_of_json_is_none() {
        for text in [
            "", "-", ".5", "5.", "1e", "1e+", "01", "-01", "+1", "1.e3", "0x1", "1 ", "NaN", "--1", "e5", "1ee5",
        ] {
            assert_eq!(Number::from_literal(text), None, "{text}");
        }
        for text in ["0", "-0.5", "10", "1E5", "1.5e-3"] {
            assert!(Number::from_literal(text).is_some(), "{text}");
        }
    }

    #[test]
    fn few_places_are_found_the_short_way() {
        for (float, parts) in [
            (12.5, Some((125, -1))),
            (-0.25, Some((-25, -2))),
            (99.999, Some((99_999, -3))),
            (0.0001, Some((1, -4))),
            (0.00001, None),
            (1.0 / 3.0, None),
            (99_999_999_999_999.9, Some((999_999_999_999_999, -1))),
            (123_456_789_012_345.6, None),
            (1e14, None),
            (1e15, None),
            (1e300, None),
        ] {
            assert_eq!(short_parts(float), parts, "{float}");
        }
    }

    #[test]
    fn what_is_written_by_hand_is_what_the_formatter_writes() {
        for literal in [
            "0",
            "-0.0",
            "7",
            "-7",
            "0.5",
            "-0.25",
            "0.0001",
            "-0.0001",
            "0.00001",
            "10.05",
            "-99.999",
            "1200.5e-2",
            "9223372036854775807",
            "-9223372036854775808",
            "1e19",
            "1e-7",
            "0.1234567",
            "99999999999999.9",
        ] {
            let number = Number::from_literal(literal).unwrap();
            let mut text = String::from("before");
            number.write_to(&mut text);
            assert_eq!(text, format!("before{number}"));
        }
        for float in [2.0, -3.0, 0.0, -0.0, 1e15, 1e19, 1e300] {
            let mut text = String::new();
            Number::Float(float).write_to(&mut text);
            assert_eq!(text, Number::Float(float).to_string());
        }
    }

    #[test]
    fn what_is_equal_has_one_hash_and_what_is_not_has_another() {
        use std::hash::BuildHasher as _;
        let seed = std::hash::RandomState::new();
        let hash = |literal: &str| seed.hash_one(Number::from_literal(literal).unwrap());
        for (one, other) in [("1", "1.0"), ("0", "-0"), ("0.5", "5e-1"), ("1e3", "1000")] {
            assert_eq!(hash(one), hash(other), "{one} {other}");
        }
        let different = ["0", "1", "-1", "0.5", "-0.5", "1e300"];
        for (at, one) in different.iter().enumerate() {
            assert!(different[..at].iter().all(|other| hash(one) != hash(other)), "{one}");
        }
    }

    #[test]
    fn one_rule_for_every_way_to_write_a_number() {
        for (literal, text) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e-400", "0"),
            ("1.0", "1"),
            ("1e3", "1000"),
            ("12.50", "12.5"),
            ("-0.10", "-0.1"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775807.0", "9223372036854775807"),
            ("92233720368547758.07e2", "9223372036854775807"),
            ("9223372036854775808.0", "9.223372036854776e18"),
            ("1e19", "1e19"),
            ("1e300", "1e300"),
            ("0.000001", "1e-6"),
            ("0.00001", "0.00001"),
            ("1.00000000000000000001", "1"),
            ("123456789012345678901234567890e-20", "1234567890.1234567"),
        ] {
            let number = Number::from_literal(literal).unwrap();
            assert_eq!(number.to_string(), text, "{literal}");
            assert_eq!(Number::from_literal(text), Some(number), "{literal}");
            if is_canonical(literal) {
                assert_eq!(literal, text);
            }
        }
        for literal in [
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "1e400",
            "-1e400",
        ] {
            assert_eq!(Number::from_literal(literal), None, "{literal}");
        }
    }

    #[test]
    fn integers_and_floats_compare_exactly() {
        let big = Number::Int(9_007_199_254_740_993);
        assert!(big > Number::Float(9_007_199_254_740_992.5));
        assert!(Number::Int(1) < Number::Float(1.5));
        assert!(Number::Int(-1) > Number::Float(-1.5));
        assert!(Number::Int(i64::MAX) < Number::Float(1e19));
    }

    proptest! {
        #[test]
        fn canonical_text_reads_back(float in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            let number = Number::from_f64(float).unwrap();
            let text = number.to_string();
            prop_assert_eq!(Number::from_literal(&text), Some(number));
            let (mantissa, exponent) = number.parts();
            prop_assert_eq!(format!("{mantissa}e{exponent}").parse::<f64>().unwrap(), float);
        }

        #[test]
        fn parts_make_the_number_again(
            float in any::<f64>().prop_filter("finite", |f| f.is_finite()),
            mantissa in prop_oneof![any::<i64>(), -10_000_000_i64..10_000_000, -(1_i64 << 53)..1 << 53],
            exponent in -30..30_i16,
        ) {
            for number in [Number::Int(mantissa), Number::from_f64(float).unwrap()] {
                let (mantissa, exponent) = decimal_parts(&number.to_string()).unwrap();
                prop_assert_eq!((mantissa, i32::from(exponent)), number.parts());
                prop_assert_eq!(Number::from_parts(mantissa, exponent), Some(number));
            }
            let literal = Number::from_literal(&format!("{mantissa}e{exponent}"));
            prop_assert_eq!(Number::from_parts(mantissa, exponent), literal);
            if let Some(number) = literal {
                let mut text = String::new();
                number.write_to(&mut text);
                prop_assert_eq!(text, number.to_string());
                let (mantissa, exponent) = decimal_parts(&number.to_string()).unwrap();
                prop_assert_eq!((mantissa, i32::from(exponent)), number.parts());
            }
        }

        #[test]
        fn the_shortcut_agrees_with_the_long_way(literal in "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?") {
            if is_canonical(&literal) {
                prop_assert_eq!(Number::from_literal(&literal).unwrap().to_string(), literal);
            }
        }
    }
}
