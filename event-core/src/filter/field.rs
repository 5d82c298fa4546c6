//! A place in an event that can be asked for.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::envelope::Envelope;
use crate::json::{self, Kind, Node, Number, Payload, Pointer};

/// An envelope field, or a place in the data.
///
/// ```
/// use event_core::filter::Field;
/// assert_eq!("session_id".parse(), Ok(Field::SessionId));
/// let field: Field = "/shipping_address/province".parse()?;
/// assert_eq!("data./shipping_address/province".parse(), Ok(field.clone()));
/// assert_eq!(field.to_string(), "/shipping_address/province");
/// # Ok::<(), event_core::filter::FieldError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// What the event belongs to.
    Category,
    /// What it is.
    Name,
    /// The version of its type.
    Version,
    /// The application that sent it.
    Source,
    /// The visit or run it belongs to.
    SessionId,
    /// Whom it is about.
    Subject,
    /// A place in its data.
    Data(Pointer),
}

/// The text names no [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a field is category, name, version, source, session_id, subject or a JSON pointer into the data, \
     say /shipping_address/province"
)]
pub struct FieldError;

/// What an event has at a [`Field`].
///
/// However a value is kept, it is the same value:
///
/// ```
/// use event_core::filter::{Found, Test};
/// use event_core::json::{Document, Number};
/// let document = Document::parse(b"12.5", &Default::default())?;
/// let test = Test::range(Some(12), None);
/// for found in [Found::Node(document.root()), Found::Number(Number::Float(12.5))] {
///     assert!(test.holds(Some(&found)));
///     assert_eq!(found.text(), "12.5");
/// }
/// # Ok::<(), event_core::json::JsonError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// The text of an envelope field, or a string.
    Text(&'a str),
    /// A value in the data.
    Node(Node<'a>),
    /// A number that is kept as one, say in a column.
    Number(Number),
    /// A number as canonical text has it, which is taken on trust.
    Literal(&'a str),
    /// A boolean that is kept as one.
    Bool(bool),
    /// `null`, which is as good as nothing.
    Null,
}

impl Field {
    /// What an event has here; `None` where it has nothing.
    #[must_use]
    pub fn find<'a>(&self, envelope: &'a Envelope, payload: &'a Payload) -> Option<Found<'a>> {
        let text = match self {
            Field::Category => Some(envelope.event_type.category.as_str()),
            Field::Name => Some(envelope.event_type.name.as_str()),
            Field::Version => envelope.version.as_ref().map(|version| version.as_str()),
            Field::Source => Some(envelope.source.as_str()),
            Field::SessionId => envelope.session_id.as_ref().map(|session| session.as_str()),
            Field::Subject => envelope.subject.as_ref().map(|subject| subject.as_str()),
            Field::Data(pointer) => return payload.pointer(pointer).map(Found::Node),
        };
        text.map(Found::Text)
    }
}

impl<'a> Found<'a> {
    /// What a canonical JSON text is, as [`Pointer::find_in`](crate::Pointer::find_in) finds it; `None` where that takes
    /// a [`Payload`]: for objects, arrays, and strings with an escape in them. That it is canonical is taken on trust.
    ///
    /// ```
    /// use event_core::filter::Found;
    /// assert_eq!(Found::of_canonical("19.9").and_then(|found| found.as_number()).map(|it| it.as_f64()), Some(19.9));
    /// assert_eq!(Found::of_canonical("\"FR\"").and_then(|found| found.as_str().map(Into::into)), Some("FR".to_owned()));
    /// assert!(Found::of_canonical("[1]").is_none());
    /// ```
    #[must_use]
    pub fn of_canonical(text: &'a str) -> Option<Self> {
        let string = || text.strip_prefix('"')?.strip_suffix('"');
        match text.as_bytes().first()? {
            b'"' => string().filter(|text| !text.contains('\\')).map(Found::Text),
            b'-' | b'0'..=b'9' => Some(Found::Literal(text)),
            b't' => Some(Found::Bool(true)),
            b'f' => Some(Found::Bool(false)),
            b'n' => Some(Found::Null),
            _ => None,
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        match self {
            Found::Text(text) => Some(Cow::Borrowed(text)),
            Found::Node(node) => node.as_str(),
            Found::Number(_) | Found::Literal(_) | Found::Bool(_) | Found::Null => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        match self {
            Found::Node(node) => node.as_number(),
            Found::Number(number) => Some(*number),
            Found::Literal(text) => Number::from_literal(text),
            Found::Text(_) | Found::Bool(_) | Found::Null => None,
        }
    }

    /// Mantissa and exponent, if it is a number.
    pub(crate) fn decimal_parts(&self) -> Option<(i64, i16)> {
        // The text of canonical data says it at once.
        let literal = match self {
            Found::Node(node) if node.kind() == Kind::Number => Some(node.text()),
            Found::Literal(text) => Some(*text),
            _ => None,
        };
        if let Some(parts) = literal.and_then(json::decimal_parts) {
            return Some(parts);
        }
        // A float made by hand may be an integer.
        let number = match self.as_number()? {
            Number::Float(float) => Number::from_f64(float)?,
            number => number,
        };
        let (mantissa, exponent) = number.parts();
        Some((mantissa, i16::try_from(exponent).ok()?))
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Found::Node(node) => node.as_bool(),
            Found::Bool(bool) => Some(*bool),
            Found::Text(_) | Found::Number(_) | Found::Literal(_) | Found::Null => None,
        }
    }

    /// Its JSON text: canonical, unless it is a node of a document that is not.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text);
        text
    }

    /// Appends its [text](Found::text).
    pub(crate) fn write_to(&self, out: &mut String) {
        match self {
            Found::Text(text) => {
                json::quote_into(out, text);
            }
            Found::Node(node) => out.push_str(node.text()),
            Found::Number(number) => number.write_to(out),
            Found::Literal(text) => out.push_str(text),
            Found::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Found::Null => out.push_str("null"),
        }
    }

    /// Whether it is as good as nothing.
    pub(crate) fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Which kind of value it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Found::Text(_) => Kind::String,
            Found::Node(node) => node.kind(),
            Found::Number(_) | Found::Literal(_) => Kind::Number,
            Found::Bool(_) => Kind::Bool,
            Found::Null => Kind::Null,
        }
    }
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        Ok(match text {
            "category" => Field::Category,
            "name" => Field::Name,
            "version" => Field::Version,
            "source" => Field::Source,
            "session_id" => Field::SessionId,
            "subject" => Field::Subject,
            text => match text.strip_prefix("data.") {
                Some(pointer) => Field::Data(pointer.parse().map_err(|_| FieldError)?),
                None if text.starts_with('/') => Field::Data(text.parse().map_err(|_| FieldError)?),
                None => return Err(FieldError),
            },
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Category => "category",
            Field::Name => "name",
            Field::Version => "version",
            Field::Source => "source",
            Field::SessionId => "session_id",
            Field::Subject => "subject",
            // The pointer to all of the data is the empty text, which would name nothing.
            Field::Data(pointer) if pointer.tokens().len() == 0 => "data.",
            Field::Data(pointer) => return pointer.fmt(f),
        })
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_reads_back() {
        for text in [
            "category",
            "name",
            "version",
            "source",
            "session_id",
            "subject",
            "/a",
            "/a/0",
            "/m~0~1n",
            "/",
            "data.",
        ] {
            assert_eq!(text.parse::<Field>().unwrap().to_string(), text);
        }
        for text in ["", "Category", "id", "a/b", "data", "data.a", "/~2", " name"] {
            assert_eq!(text.parse::<Field>(), Err(FieldError), "{text}");
        }
    }
}
