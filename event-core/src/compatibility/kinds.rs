//! Which kinds of value a schema can allow at all.

use serde_json::Value;

use super::document::Place;

/// A set of kinds of value; whole numbers and fractions are two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kinds(u8);

/// So deep into branches and references a schema's kinds are looked for.
const DEPTH: u8 = 6;

impl Kinds {
    pub(super) const NONE: Kinds = Kinds(0);
    pub(super) const NULL: Kinds = Kinds(1);
    pub(super) const BOOLEAN: Kinds = Kinds(1 << 1);
    pub(super) const WHOLE: Kinds = Kinds(1 << 2);
    pub(super) const NUMBER: Kinds = Kinds(1 << 2 | 1 << 3);
    pub(super) const STRING: Kinds = Kinds(1 << 4);
    pub(super) const ARRAY: Kinds = Kinds(1 << 5);
    pub(super) const OBJECT: Kinds = Kinds(1 << 6);
    pub(super) const ALL: Kinds = Kinds((1 << 7) - 1);

    pub(super) const fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether any of these kinds is among its own.
    pub(super) const fn meets(self, other: Kinds) -> bool {
        !self.and(other).is_none()
    }

    /// Whether all of its kinds are among these.
    pub(super) const fn within(self, other: Kinds) -> bool {
        self.0 & !other.0 == 0
    }

    /// The kinds of a `type` by its name.
    fn named(name: &str) -> Kinds {
        match name {
            "null" => Kinds::NULL,
            "boolean" => Kinds::BOOLEAN,
            "integer" => Kinds::WHOLE,
            "number" => Kinds::NUMBER,
            "string" => Kinds::STRING,
            "array" => Kinds::ARRAY,
            "object" => Kinds::OBJECT,
            _ => Kinds::NONE,
        }
    }

    /// The kinds of the keyword `type`.
    pub(super) fn listed(names: &Value) -> Kinds {
        match names {
            Value::String(name) => Kinds::named(name),
            Value::Array(names) => names
                .iter()
                .filter_map(Value::as_str)
                .fold(Kinds::NONE, |kinds, name| kinds.or(Kinds::named(name))),
            _ => Kinds::ALL,
        }
    }

    /// What kinds a value may be taken for.
    pub(super) fn of(value: &Value) -> Kinds {
        match value {
            Value::Null => Kinds::NULL,
            Value::Bool(_) => Kinds::BOOLEAN,
            Value::Number(number) if number.is_i64() => Kinds::WHOLE,
            // A float may be a whole number, too.
            Value::Number(_) => Kinds::NUMBER,
            Value::String(_) => Kinds::STRING,
            Value::Array(_) => Kinds::ARRAY,
            Value::Object(_) => Kinds::OBJECT,
        }
    }

    /// No value of another kind is allowed by a schema; of these kinds, not all need be.
    pub(super) fn allowed(place: Place<'_>) -> Kinds {
        allowed(place, DEPTH)
    }
}

fn allowed(place: Place<'_>, depth: u8) -> Kinds {
    let members = match place.schema {
        Value::Bool(false) => return Kinds::NONE,
        Value::Object(members) if depth > 0 => members,
        _ => return Kinds::ALL,
    };
    let mut kinds = Kinds::ALL;
    if let Some(target) = place.target() {
        kinds = allowed(target, depth - 1);
    }
    if place.is_reference_alone() {
        return kinds;
    }
    if let Some(names) = members.get("type") {
        kinds = kinds.and(Kinds::listed(names));
    }
    if let Some(value) = members.get("const") {
        kinds = kinds.and(Kinds::of(value));
    }
    let any = |kinds: &mut dyn Iterator<Item = Kinds>| kinds.fold(Kinds::NONE, Kinds::or);
    if let Some(Value::Array(values)) = members.get("enum") {
        kinds = kinds.and(any(&mut values.iter().map(Kinds::of)));
    }
    for branch in place.list("allOf") {
        kinds = kinds.and(allowed(branch, depth - 1));
    }
    for keyword in ["anyOf", "oneOf"] {
        if members.contains_key(keyword) {
            kinds = kinds.and(any(&mut place.list(keyword).map(|branch| allowed(branch, depth - 1))));
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::Document;
    use super::*;

    #[test]
    fn a_schema_allows_kinds() {
        let either = Kinds::STRING.or(Kinds::NULL);
        let nested = |depth: u8| {
            let leaf = json!({"type": "null"});
            (0..depth).fold(leaf, |inner, _| json!({"allOf": [inner]}))
        };
        for (schema, kinds) in [
            (json!(true), Kinds::ALL),
            (json!(false), Kinds::NONE),
            (json!({}), Kinds::ALL),
            (json!({"type": "null"}), Kinds::NULL),
            (json!({"type": "boolean"}), Kinds::BOOLEAN),
            (json!({"type": "integer"}), Kinds::WHOLE),
            (json!({"type": "number"}), Kinds::NUMBER),
            (json!({"type": "string"}), Kinds::STRING),
            (json!({"type": "array"}), Kinds::ARRAY),
            (json!({"type": "object"}), Kinds::OBJECT),
            (json!({"type": ["string", "null"]}), either),
            (json!({"const": [1]}), Kinds::ARRAY),
            (json!({"const": {}}), Kinds::OBJECT),
            (json!({"const": 1}), Kinds::WHOLE),
            (json!({"const": 1.0}), Kinds::NUMBER),
            (json!({"enum": ["a", null]}), either),
            (json!({"enum": [true, 1], "type": "boolean"}), Kinds::BOOLEAN),
            (json!({"type": "string", "const": 1}), Kinds::NONE),
            (
                json!({"allOf": [{"type": ["string", "null", "array"]}, {"type": ["null", "string", "object"]}]}),
                either,
            ),
            (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), either),
            (
                json!({"oneOf": [{"type": "string"}, {"type": "null"}], "type": "null"}),
                Kinds::NULL,
            ),
            (json!({"anyOf": [{"type": "string"}, {}]}), Kinds::ALL),
            (
                json!({"$ref": "#/$defs/t", "$defs": {"t": {"type": "string"}}}),
                Kinds::STRING,
            ),
            (
                json!({"$ref": "#/$defs/t", "type": "null", "$defs": {"t": {"type": "string"}}}),
                Kinds::NONE,
            ),
            // Beside a reference nothing counts in the older drafts.
            (
                json!({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/$defs/t", "type": "null",
                    "$defs": {"t": {"type": "string"}}}),
                Kinds::STRING,
            ),
            // As deep as one looks.
            (nested(DEPTH - 1), Kinds::NULL),
            (nested(DEPTH), Kinds::ALL),
        ] {
            assert_eq!(Kinds::allowed(Document::new(&schema).root()), kinds, "{schema}");
        }
    }

    #[test]
    fn kinds_are_sets() {
        let (number, whole, text) = (Kinds::NUMBER, Kinds::WHOLE, Kinds::STRING);
        assert!(whole.within(number) && !number.within(whole) && Kinds::NONE.within(text));
        assert!(whole.meets(number) && !whole.meets(text) && !Kinds::NONE.meets(Kinds::ALL));
        assert!(number.and(text).is_none() && !number.or(text).is_none());
        assert_eq!((number.or(whole), number.and(whole)), (number, whole));
        assert_eq!(Kinds::of(&json!(u64::MAX)), number);
        assert_eq!(Kinds::of(&json!(-1)), whole);
    }
}
