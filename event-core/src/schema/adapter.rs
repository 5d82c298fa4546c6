//! Lets `jsonschema` walk a payload's tape as it stands, without a tree built for it.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node as JsonNode, NodeIdentity, Object};
use serde_json::Value;

use crate::json::{Elements, Kind, Members, Node, Number, StringNode};

/// The representation's name for `jsonschema`.
pub(super) struct Tape;

#[derive(Clone, Copy)]
pub(super) struct TapeNode<'a>(pub(super) Node<'a>);

pub(super) struct TapeMembers<'a>(Members<'a>);
pub(super) struct TapeElements<'a>(Elements<'a>);

impl Json for Tape {
    type Node<'a> = TapeNode<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = StringNode;

    // A lookup walks the members, so that one pass over them replaces about this many lookups.
    const KEYS_PER_LOOKUP: usize = 2;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut StringNode, string: &str, f: impl FnOnce(TapeNode<'_>) -> T) -> T {
        f(TapeNode(buffer.set(string)))
    }
}

impl<'a> JsonNode<'a, Tape> for TapeNode<'a> {
    type Object = TapeNode<'a>;
    type Array = TapeNode<'a>;
    type Number = Number;

    fn as_object(&self) -> Option<Self> {
        (self.0.kind() == Kind::Object).then_some(*self)
    }

    fn as_array(&self) -> Option<Self> {
        (self.0.kind() == Kind::Array).then_some(*self)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.0.as_str()
    }

    fn as_number(&self) -> Option<Number> {
        self.0.as_number()
    }

    fn as_boolean(&self) -> Option<bool> {
        self.0.as_bool()
    }

    fn is_null(&self) -> bool {
        self.0.is_null()
    }

    fn is_number(&self) -> bool {
        self.0.kind() == Kind::Number
    }

    fn json_type(&self) -> JsonType {
        match self.0.kind() {
            Kind::Null => JsonType::Null,
            Kind::Bool => JsonType::Boolean,
            Kind::Number => JsonType::Number,
            Kind::String => JsonType::String,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.0.kind(), expected) {
            (Kind::String, Value::String(expected)) => self.0.as_str().is_some_and(|text| text == expected.as_str()),
            (Kind::Null, Value::Null) => true,
            (Kind::Bool, Value::Bool(expected)) => self.0.as_bool() == Some(*expected),
            (Kind::Number, Value::Number(_)) | (Kind::Array, Value::Array(_)) | (Kind::Object, Value::Object(_)) => {
                jsonschema::json::cmp::equal(&self.0.to_value(), expected)
            }
            _ => false,
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(self.0.to_value())
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(self.0.address()))
    }
}

impl<'a> Object<'a, Tape> for TapeNode<'a> {
    type Node = TapeNode<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = TapeMembers<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &Box<str>) -> Option<TapeNode<'a>> {
        self.0.get(key).map(TapeNode)
    }

    fn members(&self) -> TapeMembers<'a> {
        TapeMembers(self.0.members())
    }
}

impl<'a> Array<'a, Tape> for TapeNode<'a> {
    type Node = TapeNode<'a>;
    type ElementsIter = TapeElements<'a>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> TapeElements<'a> {
        TapeElements(self.0.elements())
    }
}

impl<'a> Iterator for TapeMembers<'a> {
    type Item = (Cow<'a, str>, TapeNode<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, TapeNode(value)))
    }
}

impl<'a> Iterator for TapeElements<'a> {
    type Item = TapeNode<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(TapeNode)
    }
}

impl JsonNumber for Number {
    fn as_u64(&self) -> Option<u64> {
        Number::as_i64(*self).and_then(|int| u64::try_from(int).ok())
    }

    fn as_i64(&self) -> Option<i64> {
        Number::as_i64(*self)
    }

    fn as_f64(&self) -> Option<f64> {
        Some(Number::as_f64(*self))
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(match *self {
            Number::Int(int) => int.into(),
            // A Number is always finite.
            Number::Float(float) => serde_json::Number::from_f64(float).unwrap_or_else(|| 0.into()),
        })
    }

    fn is_integer(&self) -> bool {
        match *self {
            Number::Int(_) => true,
            Number::Float(float) => float.fract() == 0.0,
        }
    }

    fn is_written_as_integer(&self) -> bool {
        matches!(self, Number::Int(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, Payload};
    use crate::limits::Limits;
    use jsonschema::json::conformance::{assert_conformance, document};

    #[test]
    fn the_tape_is_what_the_validator_relies_on() {
        let text = document().to_string();
        let as_sent = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        assert_conformance::<Tape>(&TapeNode(as_sent.root()));
        let canonical = Payload::parse(text.as_bytes(), &Limits::default()).unwrap();
        assert_conformance::<Tape>(&TapeNode(canonical.root()));
    }
}
