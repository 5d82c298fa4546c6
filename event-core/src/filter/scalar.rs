//! A JSON value without parts, as something to compare with.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::field::Found;
use crate::json::{self, Kind, Number};

/// `null`, a boolean, a number or a string.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    /// `null`; it also stands for a place where nothing is.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
}

impl Scalar {
    /// Its canonical JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Scalar::Null => "null".to_owned(),
            Scalar::Bool(bool) => bool.to_string(),
            Scalar::Number(number) => number.to_string(),
            Scalar::String(string) => json::quote(string),
        }
    }

    /// Whether an event that has this at the place has this scalar there.
    #[must_use]
    pub fn equals(&self, found: Option<&Found<'_>>) -> bool {
        let Some(found) = found else {
            return *self == Scalar::Null;
        };
        match (self, found) {
            (Scalar::String(string), Found::Text(text)) => string == text,
            (Scalar::String(string), found) => found.as_str().is_some_and(|text| text == *string),
            (Scalar::Null, found) => found.kind() == Kind::Null,
            (Scalar::Bool(bool), found) => found.as_bool() == Some(*bool),
            (Scalar::Number(number), found) => found.as_number() == Some(*number),
        }
    }
}

impl From<&str> for Scalar {
    fn from(string: &str) -> Self {
        Scalar::String(string.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(string: String) -> Self {
        Scalar::String(string)
    }
}

impl From<bool> for Scalar {
    fn from(bool: bool) -> Self {
        Scalar::Bool(bool)
    }
}

impl From<i64> for Scalar {
    fn from(int: i64) -> Self {
        Scalar::Number(Number::Int(int))
    }
}

impl From<i32> for Scalar {
    fn from(int: i32) -> Self {
        Scalar::from(i64::from(int))
    }
}

impl From<Number> for Scalar {
    fn from(number: Number) -> Self {
        Scalar::Number(number)
    }
}

/// The canonical JSON text.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Scalar::Null => serializer.serialize_unit(),
            Scalar::Bool(bool) => serializer.serialize_bool(*bool),
            Scalar::Number(Number::Int(int)) => serializer.serialize_i64(*int),
            Scalar::Number(Number::Float(float)) => serializer.serialize_f64(*float),
            Scalar::String(string) => serializer.serialize_str(string),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a boolean, a number or a string")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(bool))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Scalar, E> {
        Ok(Scalar::Number(Number::Int(int)))
    }

    fn visit_u64<E: serde::de::Error>(self, int: u64) -> Result<Scalar, E> {
        i64::try_from(int)
            .map(Scalar::from)
            .map_err(|_| E::custom("an integer beyond 64 bits"))
    }

    fn visit_f64<E: serde::de::Error>(self, float: f64) -> Result<Scalar, E> {
        Number::from_f64(float)
            .map(Scalar::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, string: &str) -> Result<Scalar, E> {
        Ok(Scalar::from(string))
    }

    fn visit_string<E>(self, string: String) -> Result<Scalar, E> {
        Ok(Scalar::String(string))
    }
}
