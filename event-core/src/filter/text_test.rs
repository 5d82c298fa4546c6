//! A test of a value that is kept as its canonical JSON text.

use super::condition::Test;
use super::field::Found;
use super::scalar::Scalar;
use crate::json::{Number, unescape};

/// A test of a canonical text.
#[derive(Clone, Debug)]
pub(crate) enum TextTest {
    /// It is one of these, which are sorted: canonical texts are equal where values are.
    OneOf(Vec<String>),
    /// It passes a range, or a search for a text inside.
    Passes(Test),
}

impl TextTest {
    pub(crate) fn new(test: &Test) -> Self {
        let scalars = match test {
            Test::Equals(scalar) => std::slice::from_ref(scalar),
            Test::OneOf(scalars) => scalars.as_slice(),
            Test::Range { .. } | Test::Contains(_) => return TextTest::Passes(test.clone()),
        };
        let mut texts: Vec<String> = scalars.iter().filter_map(canonical).collect();
        texts.sort_unstable();
        texts.dedup();
        TextTest::OneOf(texts)
    }

    /// Whether it holds for what has this text; `null` is also nothing.
    pub(crate) fn holds(&self, text: &str) -> bool {
        match self {
            TextTest::OneOf(texts) => texts.binary_search_by(|known| known.as_str().cmp(text)).is_ok(),
            // Only numbers and strings have a range, and only strings a text inside.
            TextTest::Passes(test) => match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                Some(text) if text.contains('\\') => test.holds(Some(&Found::Text(&unescape(text)))),
                Some(text) => test.holds(Some(&Found::Text(text))),
                None => test.holds(Number::from_literal(text).map(Found::Number).as_ref()),
            },
        }
    }
}

/// The text that every equal value has; `None` for a number that no event holds.
fn canonical(scalar: &Scalar) -> Option<String> {
    match scalar {
        // A float made by hand may be an integer, or a zero below zero.
        Scalar::Number(Number::Float(float)) => Number::from_f64(*float).map(|number| number.to_string()),
        scalar => Some(scalar.text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_made_by_hand_is_found_too() {
        let zero = TextTest::new(&Test::equals(Number::Float(-0.0)));
        assert!(zero.holds("0") && !zero.holds("null"));
        assert!(TextTest::new(&Test::equals(Number::Float(1.0))).holds("1"));
        assert!(!TextTest::new(&Test::equals(Number::Float(f64::NAN))).holds("null"));
    }

    #[test]
    fn texts_are_looked_into_as_they_are_and_numbers_by_their_size() {
        let holds = |test: Test, text: &str| TextTest::new(&test).holds(text);
        assert!(holds(Test::contains("a\"b\0"), "\"xa\\\"b\\u0000\""));
        assert!(!holds(Test::contains("\\"), "\"a\\\"b\"") && !holds(Test::contains("n"), "null"));
        assert!(holds(Test::range(Some("b"), None), "\"b\"") && !holds(Test::range(Some("b"), None), "\"a\""));
        assert!(holds(Test::range(Some(9), Some(11)), "10") && !holds(Test::range(Some(9), None), "\"9\""));
        assert!(!holds(Test::range(Some(1), None), "[1]") && !holds(Test::contains("1"), "[\"1\"]"));
    }
}
