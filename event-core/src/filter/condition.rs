//! One test of one field.

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::field::{Field, Found};
use super::object;
use super::scalar::Scalar;
use crate::envelope::Envelope;
use crate::json::Payload;

/// What a field must be.
///
/// In JSON a condition is `{"field": …}` with one of `"equals": scalar`, `"in": [scalar, …]`,
/// `"from": scalar` and `"to": scalar` (either or both), `"contains": "text"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The place in the event.
    pub field: Field,
    /// What must hold there.
    pub test: Test,
}

/// What must hold at a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is this scalar, of the same kind: `"1"` is not `1`. [`Scalar::Null`] also holds where
    /// nothing is.
    Equals(Scalar),
    /// It is one of these.
    OneOf(Vec<Scalar>),
    /// It is a number within number bounds, or a string within string bounds, compared by bytes.
    /// Bounds of any other kind, of two kinds, or none at all, hold for nothing.
    Range {
        /// The least value.
        from: Option<Scalar>,
        /// The first value beyond.
        to: Option<Scalar>,
    },
    /// It is a string with this text inside, byte by byte.
    Contains(String),
}

impl Condition {
    /// Whether it holds for an event of this envelope and this data.
    #[must_use]
    pub fn holds(&self, envelope: &Envelope, payload: &Payload) -> bool {
        self.test.holds(self.field.find(envelope, payload).as_ref())
    }
}

impl Test {
    /// [`Test::Equals`].
    pub fn equals(scalar: impl Into<Scalar>) -> Self {
        Test::Equals(scalar.into())
    }

    /// [`Test::OneOf`].
    pub fn one_of<S: Into<Scalar>>(scalars: impl IntoIterator<Item = S>) -> Self {
        Test::OneOf(scalars.into_iter().map(Into::into).collect())
    }

    /// [`Test::Range`], `from` included and `to` not.
    pub fn range<S: Into<Scalar>>(from: Option<S>, to: Option<S>) -> Self {
        Test::Range {
            from: from.map(Into::into),
            to: to.map(Into::into),
        }
    }

    /// [`Test::Contains`].
    pub fn contains(text: impl Into<String>) -> Self {
        Test::Contains(text.into())
    }

    /// Whether it holds where an event has this.
    #[must_use]
    pub fn holds(&self, found: Option<&Found<'_>>) -> bool {
        match self {
            Test::Equals(scalar) => scalar.equals(found),
            Test::OneOf(scalars) => scalars.iter().any(|scalar| scalar.equals(found)),
            Test::Contains(text) => found
                .and_then(Found::as_str)
                .is_some_and(|string| contains(&string, text)),
            Test::Range { from, to } => found.is_some_and(|found| in_range(found, from.as_ref(), to.as_ref())),
        }
    }
}

fn contains(string: &str, text: &str) -> bool {
    memchr::memmem::find(string.as_bytes(), text.as_bytes()).is_some()
}

fn in_range(found: &Found<'_>, from: Option<&Scalar>, to: Option<&Scalar>) -> bool {
    let value = match (from.or(to), found) {
        (Some(Scalar::Number(_)), found) => found.as_number().map(Scalar::Number),
        (Some(Scalar::String(_)), found) => found.as_str().map(|string| Scalar::String(string.into_owned())),
        _ => None,
    };
    // Scalars of two kinds are ordered too, but by kind, which is no question that anyone asks.
    let same = |bound: &Scalar, value: &Scalar| std::mem::discriminant(bound) == std::mem::discriminant(value);
    value.is_some_and(|value| {
        from.is_none_or(|from| same(from, &value) && *from <= value)
            && to.is_none_or(|to| same(to, &value) && value < *to)
    })
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("field", &self.field)?;
        match &self.test {
            Test::Equals(scalar) => map.serialize_entry("equals", scalar)?,
            Test::OneOf(scalars) => map.serialize_entry("in", scalars)?,
            Test::Contains(text) => map.serialize_entry("contains", text)?,
            Test::Range { from, to } => {
                if let Some(from) = from {
                    map.serialize_entry("from", from)?;
                }
                if let Some(to) = to {
                    map.serialize_entry("to", to)?;
                }
            }
        }
        map.end()
    }
}

/// A condition as it is written, before it is known to be one test.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    field: Field,
    #[serde(default, deserialize_with = "given")]
    equals: Option<Scalar>,
    #[serde(default, rename = "in", deserialize_with = "given")]
    one_of: Option<Vec<Scalar>>,
    #[serde(default, deserialize_with = "given")]
    from: Option<Scalar>,
    #[serde(default, deserialize_with = "given")]
    to: Option<Scalar>,
    #[serde(default, deserialize_with = "given")]
    contains: Option<String>,
}

/// Tells `"equals": null` from no `equals` at all.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written {
            field,
            equals,
            one_of,
            from,
            to,
            contains,
        } = object::read(deserializer)?;
        let range = if from.is_some() || to.is_some() {
            Some(Test::Range { from, to })
        } else {
            None
        };
        if let Some(Test::Range { from, to }) = &range {
            bounds(from.as_ref(), to.as_ref()).map_err(serde::de::Error::custom)?;
        }
        let tests = [
            equals.map(Test::Equals),
            one_of.map(Test::OneOf),
            range,
            contains.map(Test::Contains),
        ];
        let mut tests = tests.into_iter().flatten();
        match (tests.next(), tests.next()) {
            (Some(test), None) => Ok(Condition { field, test }),
            _ => Err(serde::de::Error::custom(
                "a condition has exactly one of \"equals\", \"in\", \"contains\", or \"from\" and \"to\"",
            )),
        }
    }
}

/// Refuses bounds that could hold for nothing.
fn bounds(from: Option<&Scalar>, to: Option<&Scalar>) -> Result<(), &'static str> {
    match (from, to) {
        (Some(Scalar::Number(_)) | None, Some(Scalar::Number(_)) | None)
        | (Some(Scalar::String(_)) | None, Some(Scalar::String(_)) | None) => Ok(()),
        _ => Err("\"from\" and \"to\" of a condition are two numbers or two strings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Number;
    use crate::limits::Limits;

    fn holds(test: &Test, value: Option<&str>) -> bool {
        let data = value.map_or("{}".to_owned(), |value| format!("{{\"a\":{value}}}"));
        let payload = Payload::parse(data.as_bytes(), &Limits::DEFAULT).unwrap();
        let node = payload.root().get("a").map(Found::Node);
        test.holds(node.as_ref())
    }

    #[test]
    fn a_value_never_equals_one_of_another_kind() {
        let one = Test::equals(1);
        assert!(holds(&one, Some("1")) && holds(&one, Some("1.0")) && holds(&one, Some("1e0")));
        assert!(!holds(&one, Some("\"1\"")) && !holds(&one, Some("true")) && !holds(&one, None));
        let text = Test::equals("a\"b");
        assert!(holds(&text, Some(r#""a\"b""#)) && holds(&text, Some(r#""a\u0022b""#)));
        assert!(!holds(&text, Some(r#""A\"b""#)) && !holds(&Test::equals("é"), Some("\"e\u{301}\"")));
        assert!(!Test::equals(1).holds(Some(&Found::Text("1"))));
    }

    #[test]
    fn a_value_is_the_same_however_it_is_kept() {
        let kept = [
            ("1", Found::Number(Number::Int(1))),
            ("0.5", Found::Number(Number::Float(0.5))),
            ("true", Found::Bool(true)),
            ("null", Found::Null),
            ("\"1\"", Found::Text("1")),
        ];
        let scalars = [
            1.into(),
            Number::Float(0.5).into(),
            true.into(),
            Scalar::Null,
            "1".into(),
        ];
        let mut tests: Vec<Test> = scalars.iter().cloned().map(Test::Equals).collect();
        tests.extend(scalars.iter().flat_map(|bound| {
            let bound = || Some(bound.clone());
            [Test::range(bound(), None), Test::range(None, bound())]
        }));
        tests.push(Test::contains("1"));
        for (text, found) in kept {
            assert_eq!(found.text(), text);
            for test in &tests {
                assert_eq!(test.holds(Some(&found)), holds(test, Some(text)), "{test:?} {text}");
            }
        }
    }

    #[test]
    fn nothing_is_null() {
        for test in [Test::Equals(Scalar::Null), Test::OneOf(vec![1.into(), Scalar::Null])] {
            assert!(holds(&test, Some("null")) && holds(&test, None));
            assert!(!holds(&test, Some("false")) && !holds(&test, Some("\"\"")) && !holds(&test, Some("{}")));
        }
        assert!(!holds(&Test::OneOf(Vec::new()), None));
    }

    #[test]
    fn ranges_are_half_open_and_of_one_kind() {
        let range = Test::range(Some(1), Some(5));
        for (value, inside) in [
            ("1", true),
            ("4.999", true),
            ("5", false),
            ("0.999", false),
            ("\"3\"", false),
        ] {
            assert_eq!(holds(&range, Some(value)), inside, "{value}");
        }
        assert!(!holds(&range, None) && !holds(&range, Some("null")));
        let exact = Test::range(Some(9_007_199_254_740_993_i64), None);
        assert!(!holds(&exact, Some("9007199254740992")) && holds(&exact, Some("9007199254740993")));
        let text = Test::range(Some("B"), Some("b"));
        assert!(holds(&text, Some("\"a\"")) && holds(&text, Some("\"B\"")) && !holds(&text, Some("\"b\"")));
        assert!(text.holds(Some(&Found::Text("a"))) && !holds(&text, Some("1")));
        // By bytes U+FFFF comes before U+10000; by UTF-16 it would not.
        assert!(holds(&Test::range(Some("\u{ffff}"), None), Some("\"\u{10000}\"")));
        for nothing in [
            Test::Range { from: None, to: None },
            Test::Range {
                from: Some(1.into()),
                to: Some("a".into()),
            },
            Test::Range {
                from: Some(false.into()),
                to: None,
            },
            Test::Range {
                from: None,
                to: Some(Scalar::Null),
            },
        ] {
            let values = ["1", "\"a\"", "false", "true", "null", "[]"];
            assert!(!values.iter().any(|value| holds(&nothing, Some(value))), "{nothing:?}");
        }
    }

    #[test]
    fn text_inside_is_found_by_bytes() {
        let percent = Test::contains("a%");
        assert!(
            holds(&percent, Some("\"ba%b\"")) && !holds(&percent, Some("\"A%\"")) && !holds(&percent, Some("\"ab\""))
        );
        assert!(holds(&Test::contains(""), Some("\"\"")) && !holds(&Test::contains(""), None));
        assert!(!holds(&Test::contains("1"), Some("11")) && holds(&Test::contains("\n"), Some("\"a\\nb\"")));
    }
}
