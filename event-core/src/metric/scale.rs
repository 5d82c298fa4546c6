//! The number that a metric measures, and the scale that it keeps to.

use super::Metric;
use crate::code::Code;
use crate::json::{Kind, Payload, decimal_parts};
use crate::violation::Violation;

/// Significant digits of a number at a declared scale, so that its mantissa stays below 10^18.
const DIGITS: u8 = 18;
const MANTISSAS: i64 = 10_i64.pow(DIGITS as u32);

impl Metric {
    /// The rule that a measured number keeps to the declared scale: a multiple of `10^-scale` of
    /// at the most 18 digits. Whatever is no number is not measured, and breaks no rule.
    ///
    /// # Errors
    /// The broken rule.
    pub fn check(&self, payload: &Payload) -> Result<(), Violation> {
        let (Some(value), Some(scale)) = (&self.value, self.scale) else {
            return Ok(());
        };
        match self.parts(payload) {
            Some(parts) if at_scale(parts, scale).is_none() => Err(Violation {
                pointer: value.to_string(),
                keyword: Code::MeasureOutOfRange.as_str().to_owned(),
                limit: Some(format!("scale {scale}")),
                message: format!(
                    "the metric {} holds numbers of at most {scale} decimal places and {} digits before them: \
                     round the number, or declare another scale",
                    self.label,
                    DIGITS - scale
                ),
            }),
            _ => Ok(()),
        }
    }

    /// The measured number as mantissa and exponent: at the declared scale, if it keeps to it,
    /// else as it is written.
    pub(crate) fn number(&self, payload: &Payload) -> Option<(i64, i16)> {
        let parts = self.parts(payload)?;
        let scaled = self.scale.and_then(|scale| at_scale(parts, scale));
        Some(scaled.unwrap_or(parts))
    }

    fn parts(&self, payload: &Payload) -> Option<(i64, i16)> {
        let node = payload.pointer(self.value.as_ref()?)?;
        (node.kind() == Kind::Number).then(|| decimal_parts(node.text()))?
    }
}

/// The same number at the exponent `-scale`, if it is one there.
fn at_scale((mut mantissa, exponent): (i64, i16), scale: u8) -> Option<(i64, i16)> {
    let scaled = -i16::from(scale);
    let mut places = i32::from(exponent) - i32::from(scaled);
    if mantissa == 0 {
        return Some((0, scaled));
    }
    // Both loops end after 18 digits at the latest.
    while places > 0 {
        (mantissa, places) = (mantissa.checked_mul(10)?, places - 1);
    }
    while places < 0 {
        if mantissa % 10 != 0 {
            return None;
        }
        (mantissa, places) = (mantissa / 10, places + 1);
    }
    (-MANTISSAS < mantissa && mantissa < MANTISSAS).then_some((mantissa, scaled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Number;
    use crate::limits::Limits;
    use proptest::prelude::*;

    #[test]
    fn a_number_has_its_digits_at_the_scale() {
        for (number, scale, expected) in [
            ((15, -1), 1, Some((15, -1))),
            ((15, -1), 3, Some((1_500, -3))),
            ((15, 2), 1, Some((15_000, -1))),
            ((1_500, -3), 1, Some((15, -1))),
            ((1_500, -3), 2, Some((150, -2))),
            ((1_550, -3), 1, None),
            ((0, 7), 2, Some((0, -2))),
            ((i64::MAX, 0), 1, None),
            ((MANTISSAS - 1, 0), 0, Some((MANTISSAS - 1, 0))),
            ((1 - MANTISSAS, 0), 0, Some((1 - MANTISSAS, 0))),
            ((MANTISSAS, 0), 0, None),
            ((-MANTISSAS, 0), 0, None),
        ] {
            assert_eq!(at_scale(number, scale), expected, "{number:?} at {scale}");
        }
    }

    fn metric(rest: &str) -> Metric {
        let text = format!(r#"{{"metric":"sales","category":"order","name":"created"{rest}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    fn holds(scale: u8, number: &str) -> bool {
        let metric = metric(&format!(r#","value":"/a/n","scale":{scale}"#));
        let text = format!(r#"{{"a":{{"n":{number}}}}}"#);
        metric
            .check(&Payload::parse(text.as_bytes(), &Limits::DEFAULT).unwrap())
            .is_ok()
    }

    #[test]
    fn a_number_keeps_to_its_scale() {
        for (scale, number, kept) in [
            (2, "9.99", true),
            (2, "9.990", true),
            (2, "-0.01", true),
            (2, "0.001", false),
            (0, "1.0", true),
            (0, "0.5", false),
            (0, "999999999999999999", true),
            (0, "-999999999999999999", true),
            (0, "1000000000000000000", false),
            (0, "-9223372036854775808", false),
            (2, "9999999999999999", true),
            (2, "10000000000000000", false),
            (12, "999999", true),
            (12, "1000000", false),
            (12, "1e-12", true),
            (12, "1e-13", false),
            (6, "1e300", false),
            (6, "5e-324", false),
            (6, "0e0", true),
            (0, "\"much\"", true),
            (0, "[0.5]", true),
            (0, "null", true),
        ] {
            assert_eq!(holds(scale, number), kept, "{number} at {scale}");
        }
        let metric = metric(r#","value":"/m~1n","scale":2"#);
        let violation = |text: &str| metric.check(&Payload::parse(text.as_bytes(), &Limits::DEFAULT).unwrap());
        assert_eq!(violation("{}"), Ok(()));
        let violation = violation(r#"{"m/n": 1.2345}"#).unwrap_err();
        assert_eq!(
            (violation.pointer.as_str(), violation.limit.as_deref()),
            ("/m~1n", Some("scale 2"))
        );
        assert!(!violation.message.contains("1.2345"));
    }

    proptest! {
        #[test]
        fn a_number_at_its_scale_is_the_same(event in crate::arbitrary::event(), metric in crate::arbitrary::metric()) {
            let payload = event.payload();
            let number = metric.value().and_then(|value| payload.pointer(value)?.as_number());
            let parts = metric.number(payload);
            prop_assert_eq!(parts.map(|(mantissa, exponent)| Number::from_parts(mantissa, exponent)), number.map(Some));
            if let (Some(scale), Some((_, exponent))) = (metric.scale(), parts) && metric.check(payload).is_ok() {
                prop_assert_eq!(exponent, -i16::from(scale));
            }
        }
    }
}
