//! What events have in common: one value for each field of `by`.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::filter::{Field, Found};
use crate::json::{Number, Payload};
use crate::limits::Limits;

/// The values of a group, one for each field of `by`, as canonical JSON texts; a place where
/// nothing is has the value `null`.
///
/// Keys are ordered by their values: null, false, true, numbers by size, strings by bytes, then
/// arrays and objects by their text.
///
/// ```
/// use event_core::aggregate::GroupKey;
/// let key = GroupKey::new([Some("\"pageview\""), None]);
/// assert_eq!(key.texts().collect::<Vec<_>>(), ["\"pageview\"", "null"]);
/// assert!(GroupKey::new([Some("9")]) < GroupKey::new([Some("10")]));
/// assert!(GroupKey::new([Some("10")]) < GroupKey::new([Some("\"1\"")]));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GroupKey(Arc<str>);

/// Between the values of a key; canonical JSON escapes every control character.
const SEPARATOR: char = '\n';

/// What a group is found by: a key that is there already, or the text of one in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key<'a> {
    Whole(&'a GroupKey),
    Text(&'a str),
}

impl<'a> Key<'a> {
    pub(super) fn as_str(self) -> &'a str {
        match self {
            Key::Whole(key) => &key.0,
            Key::Text(text) => text,
        }
    }
}

impl From<Key<'_>> for GroupKey {
    fn from(key: Key<'_>) -> Self {
        match key {
            Key::Whole(key) => key.clone(),
            Key::Text(text) => GroupKey::from_scratch(text),
        }
    }
}

impl GroupKey {
    /// A key of canonical JSON texts, in the order of `by`.
    pub fn new<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut key = String::new();
        for text in texts {
            GroupKey::push_text(&mut key, text.unwrap_or("null"));
        }
        GroupKey::from_scratch(&key)
    }

    /// The canonical JSON texts, in the order of `by`.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(SEPARATOR)
    }

    /// All but the last value, as the key in the making that they are, and the last.
    pub(super) fn split_last(&self) -> (&str, &str) {
        let texts = self.0.strip_suffix(SEPARATOR).unwrap_or(&self.0);
        let start = texts.rfind(SEPARATOR).map_or(0, |at| at + SEPARATOR.len_utf8());
        (&self.0[..start], &texts[start..])
    }

    pub(crate) fn from_scratch(key: &str) -> Self {
        GroupKey(Arc::from(key))
    }

    /// Appends what an event has at a field to a key in the making.
    pub(crate) fn push_found(key: &mut String, found: Option<Found<'_>>) {
        found.unwrap_or(Found::Null).write_to(key);
        key.push(SEPARATOR);
    }

    /// Appends a canonical JSON text to a key in the making.
    pub(crate) fn push_text(key: &mut String, text: &str) {
        key.push_str(text);
        key.push(SEPARATOR);
    }
}

impl Borrow<str> for GroupKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = self.texts().collect();
        write!(f, "[{}]", texts.join(", "))
    }
}

impl PartialOrd for GroupKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for GroupKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let mut pairs = self.texts().zip(other.texts()).map(|(a, b)| order(a, b));
        pairs
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.texts().count().cmp(&other.texts().count()))
    }
}

/// The order of two values by their canonical texts.
fn order(a: &str, b: &str) -> Ordering {
    let rank = |text: &str| match text.as_bytes().first() {
        Some(b'n') => 0,
        Some(b'f') => 1,
        Some(b't') => 2,
        Some(b'-' | b'0'..=b'9') => 3,
        Some(b'"') => 4,
        _ => 5,
    };
    rank(a).cmp(&rank(b)).then_with(|| match rank(a) {
        3 => Number::from_literal(a).cmp(&Number::from_literal(b)),
        4 if a.contains('\\') || b.contains('\\') => unquote(a).cmp(&unquote(b)),
        // Without the closing quote, which is greater than a space.
        4 => a[..a.len() - 1].cmp(&b[..b.len() - 1]),
        _ => a.cmp(b),
    })
}

fn unquote(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_default()
}

/// A group of an answer: the fields of `by` and what its events have there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    by: Arc<[Field]>,
    key: GroupKey,
}

impl Group {
    pub(crate) fn new(by: &Arc<[Field]>, key: &GroupKey) -> Self {
        Group {
            by: Arc::clone(by),
            key: key.clone(),
        }
    }

    /// The values.
    #[must_use]
    pub fn key(&self) -> &GroupKey {
        &self.key
    }

    /// Every field with its value as canonical JSON text.
    pub fn iter(&self) -> impl Iterator<Item = (&Field, &str)> {
        self.by.iter().zip(self.key.texts())
    }
}

/// A JSON object from the name of each field to its value.
impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.by.len()))?;
        for (field, text) in self.iter() {
            let value: &serde_json::value::RawValue = serde_json::from_str(text).map_err(S::Error::custom)?;
            map.serialize_entry(field, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GroupVisitor)
    }
}

struct GroupVisitor;

impl<'de> Visitor<'de> for GroupVisitor {
    type Value = Group;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from fields to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Group, A::Error> {
        let (mut by, mut key) = (Vec::new(), String::new());
        while let Some((field, value)) = map.next_entry::<Field, Value>()? {
            if by.contains(&field) {
                return Err(A::Error::custom("a group has a field twice"));
            }
            by.push(field);
            // Whoever wrote the value, its canonical text is that of a payload that holds it.
            let object = Value::Object([("value".to_owned(), value)].into_iter().collect());
            let limits = Limits {
                key_bytes: usize::MAX,
                ..Limits::DEFAULT.with_nodes(usize::MAX).with_depth(100)
            };
            let payload = Payload::from_value(&object, &limits).map_err(A::Error::custom)?;
            GroupKey::push_found(&mut key, payload.root().get("value").map(Found::Node));
        }
        Ok(Group {
            by: by.into(),
            key: GroupKey::from_scratch(&key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_by_value() {
        let sorted = [
            "null",
            "false",
            "true",
            "-1e300",
            "-2",
            "-1.5",
            "0",
            "1e-300",
            "0.1",
            "9",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e300",
            "\"\"",
            r#""\n""#,
            r#""\u001f""#,
            r#"" ""#,
            r#""\"""#,
            "\"1\"",
            "\"A\"",
            r#""A B""#,
            "\"AB\"",
            r#""\\""#,
            "\"a\"",
            "\"a \"",
            "\"é\"",
            "\"\u{ffff}\"",
            "\"\u{10000}\"",
            "[1]",
            "[]",
            "{}",
        ];
        let keys: Vec<GroupKey> = sorted.iter().map(|text| GroupKey::new([Some(*text)])).collect();
        for (a, key) in keys.iter().enumerate() {
            for (b, other) in keys.iter().enumerate() {
                assert_eq!(key.cmp(other), a.cmp(&b), "{key:?} {other:?}");
            }
        }
        let pair = |a, b| GroupKey::new([Some(a), Some(b)]);
        assert!(pair("1", "\"z\"") < pair("2", "null"));
        assert!(pair("1", "null") < pair("1", "false"));
        assert_eq!(GroupKey::new([None, Some("null")]), pair("null", "null"));
        assert_eq!(format!("{:?}", pair("\"a\"", "1")), "[\"a\", 1]");
    }
}
