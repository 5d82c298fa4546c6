//! Pairs of schemas that have much in common, and data that they tell apart.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Decisions, read from bytes: fewer bytes are simpler decisions, so that what fails shrinks well.
struct Choices {
    bytes: std::vec::IntoIter<u8>,
}

impl Choices {
    fn up_to(&mut self, count: usize) -> usize {
        usize::from(self.bytes.next().unwrap_or(0)) % count.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.up_to(count) == count - 1
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.up_to(all.len())].clone()
    }
}

fn decided<T: std::fmt::Debug>(most: usize, decide: impl Fn(&mut Choices) -> T) -> impl Strategy<Value = T> {
    proptest::collection::vec(any::<u8>(), 0..most).prop_map(move |bytes| {
        decide(&mut Choices {
            bytes: bytes.into_iter(),
        })
    })
}

/// An old and a new schema, of one draft; mostly one can be taken for a change of the other.
pub fn schema_pair() -> impl Strategy<Value = (Value, Value)> {
    decided(160, |choices| {
        let draft = choices.of(&[
            None,
            None,
            Some("https://json-schema.org/draft/2019-09/schema"),
            Some("http://json-schema.org/draft-07/schema#"),
            Some("http://json-schema.org/draft-06/schema#"),
        ]);
        let mut pair = Pair {
            choices,
            newest: draft.is_none(),
            may_refer: false,
        };
        let (mut old, mut new) = match pair.choices.up_to(3) {
            0 => pair.schema(4),
            _ => {
                let (old, new) = pair.inside(4);
                (json!({"properties": {"a": old}}), json!({"properties": {"a": new}}))
            }
        };
        let definitions = pair.schema(2);
        for (schema, definition) in [(&mut old, definitions.0), (&mut new, definitions.1)] {
            if let Value::Object(members) = schema {
                members.insert("$defs".to_owned(), json!({"x": definition}));
                if let Some(draft) = draft {
                    members.insert("$schema".to_owned(), Value::from(draft));
                }
            }
        }
        (old, new)
    })
}

/// Data of few keys and few values, on the edges of the rules of [`schema_pair`].
pub fn small_object() -> impl Strategy<Value = Value> {
    decided(40, |choices| object(choices, 3))
}

fn object(choices: &mut Choices, depth: usize) -> Value {
    let mut members = Map::new();
    for _ in 0..choices.up_to(4) {
        let name = choices.of(&NAMES);
        members.insert(name.to_owned(), value(choices, depth - 1));
    }
    Value::Object(members)
}

const NAMES: [&str; 5] = ["a", "b", "ab", "c", "x"];
const PATTERNS: [&str; 3] = ["^a", "b$", "[0-9]"];
const TYPES: [&str; 7] = ["object", "string", "integer", "number", "array", "null", "boolean"];

/// Small data, each value alone in the places that rules are for.
#[must_use]
pub fn small_objects() -> Vec<Value> {
    let each = |value: &Value| {
        [
            json!({"a": value}),
            json!({"b": value}),
            json!({"x": value}),
            json!({"a": [value]}),
            json!({"a": {"a": value}}),
            json!({"a": {"x": value}}),
            json!({"a": value, "b": value}),
            json!({"a": [value, "a"]}),
        ]
    };
    let empty = [json!({}), json!({"a": {}}), json!({"a": []})];
    scalars().iter().flat_map(each).chain(empty).collect()
}

fn scalar(choices: &mut Choices) -> Value {
    choices.of(&scalars())
}

fn scalars() -> [Value; 18] {
    [
        json!(1),
        json!("a"),
        json!(0),
        json!(2),
        json!(-1),
        json!(1.5),
        json!(0.5),
        json!(3),
        json!(6),
        json!(null),
        json!(true),
        json!(false),
        json!(""),
        json!("ab"),
        json!("b1"),
        json!("2021-01-01"),
        json!("a@b.org"),
        json!(1e19),
    ]
}

fn value(choices: &mut Choices, depth: usize) -> Value {
    match choices.up_to(6) {
        4 if depth > 0 => object(choices, depth),
        5 if depth > 0 => (0..choices.up_to(4)).map(|_| value(choices, depth - 1)).collect(),
        _ => scalar(choices),
    }
}

/// What the two schemas of a pair are made of.
struct Pair<'a> {
    choices: &'a mut Choices,
    newest: bool,
    /// Whether a reference to the whole would go inside the value.
    may_refer: bool,
}

impl Pair<'_> {
    fn schema(&mut self, depth: usize) -> (Value, Value) {
        if depth == 0 {
            return if self.choices.one_in(3) {
                (json!(false), json!(false))
            } else {
                (json!({}), json!({}))
            };
        }
        let (mut old, mut new) = (Map::new(), Map::new());
        for _ in 0..1 + self.choices.up_to(3) {
            if self.choices.one_in(4) {
                self.related(depth, &mut old, &mut new);
                continue;
            }
            let keyword = self.choices.of(&KEYWORDS);
            let Some((one, other)) = self.rule(keyword, depth) else {
                continue;
            };
            match self.choices.up_to(8) {
                5 => drop(old.insert(keyword.to_owned(), one)),
                6 => drop(new.insert(keyword.to_owned(), other)),
                7 => {
                    if let Some((changed, _)) = self.rule(keyword, depth) {
                        old.insert(keyword.to_owned(), one);
                        new.insert(keyword.to_owned(), changed);
                    }
                }
                _ => {
                    old.insert(keyword.to_owned(), one);
                    new.insert(keyword.to_owned(), other);
                }
            }
        }
        (Value::Object(old), Value::Object(new))
    }

    /// Says much the same by another keyword.
    fn related(&mut self, depth: usize, old: &mut Map<String, Value>, new: &mut Map<String, Value>) {
        let (one, other) = self.choices.of(&RELATED);
        let (one, other) = if self.choices.one_in(2) {
            (other, one)
        } else {
            (one, other)
        };
        let bytes = self.choices.bytes.clone();
        let before = self.rule(one, depth);
        // The same decisions once more, mostly.
        if self.choices.up_to(4) > 0 {
            self.choices.bytes = bytes;
        }
        let after = self.rule(other, depth);
        old.extend(before.map(|(rule, _)| (one.to_owned(), rule)));
        new.extend(after.map(|(_, rule)| (other.to_owned(), rule)));
    }

    fn inside(&mut self, depth: usize) -> (Value, Value) {
        let before = std::mem::replace(&mut self.may_refer, true);
        let pair = if self.choices.one_in(12) {
            (json!(false), json!(false))
        } else {
            self.schema(depth - 1)
        };
        self.may_refer = before;
        pair
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> (Value, Value)) -> (Value, Value) {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for _ in 0..1 + self.choices.up_to(2) {
            let (one, other) = each(self);
            old.push(one);
            new.push(other);
        }
        match self.choices.up_to(6) {
            4 => old.extend(new.last().cloned()),
            5 => new.reverse(),
            _ => {}
        }
        (Value::from(old), Value::from(new))
    }

    fn map(&mut self, names: &[&str], mut each: impl FnMut(&mut Self) -> (Value, Value)) -> (Value, Value) {
        let (mut old, mut new) = (Map::new(), Map::new());
        for _ in 0..1 + self.choices.up_to(2) {
            let name = self.choices.of(names).to_owned();
            let (one, other) = each(self);
            match self.choices.up_to(6) {
                4 => drop(old.insert(name, one)),
                5 => drop(new.insert(name, other)),
                _ => {
                    old.insert(name.clone(), one);
                    new.insert(name, other);
                }
            }
        }
        (Value::Object(old), Value::Object(new))
    }

    fn rule(&mut self, keyword: &str, depth: usize) -> Option<(Value, Value)> {
        let same = |value: Value| Some((value.clone(), value));
        match keyword {
            "type" => {
                let (one, other) = (self.choices.of(&TYPES), self.choices.of(&TYPES));
                match self.choices.up_to(4) {
                    0 if one != other => Some((json!(one), json!([one, other]))),
                    1 if one != other => same(json!([one, other])),
                    _ => same(json!(one)),
                }
            }
            "enum" => {
                let (one, other) = (value(self.choices, 1), scalar(self.choices));
                let both = if one == other {
                    json!([one])
                } else {
                    json!([one, other])
                };
                Some((json!([one]), both))
            }
            "const" => same(value(self.choices, 1)),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                let bounds = [json!(1), json!(0), json!(2), json!(1.0), json!(1.5), json!(1e300)];
                Some((self.choices.of(&bounds), self.choices.of(&bounds)))
            }
            "multipleOf" => {
                let steps = [json!(1), json!(2), json!(0.5), json!(3), json!(6)];
                Some((self.choices.of(&steps), self.choices.of(&steps)))
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                Some((json!(self.choices.up_to(3)), json!(self.choices.up_to(3))))
            }
            "pattern" => same(json!(self.choices.of(&PATTERNS))),
            "format" => same(json!(self.choices.of(&["date", "email"]))),
            "uniqueItems" => same(json!(true)),
            "required" => {
                let (one, other) = (self.choices.of(&NAMES), self.choices.of(&NAMES));
                let both = if one == other {
                    json!([one])
                } else {
                    json!([one, other])
                };
                Some((json!([one]), both))
            }
            "properties" => Some(self.map(&NAMES, |pair| pair.inside(depth))),
            "patternProperties" => Some(self.map(&PATTERNS, |pair| pair.inside(depth))),
            "additionalProperties" | "propertyNames" | "contains" => Some(self.inside(depth)),
            "unevaluatedProperties" if self.newest => same(json!(false)),
            "items" if !self.newest && self.choices.one_in(2) => Some(self.list(|pair| pair.inside(depth))),
            "items" => Some(self.inside(depth)),
            "additionalItems" if !self.newest => Some(self.inside(depth)),
            "prefixItems" if self.newest => Some(self.list(|pair| pair.inside(depth))),
            "dependentRequired" => same(json!({self.choices.of(&NAMES): [self.choices.of(&NAMES)]})),
            "dependentSchemas" => Some(self.map(&NAMES, |pair| pair.schema(depth - 1))),
            "allOf" | "anyOf" | "oneOf" => Some(self.list(|pair| pair.schema(depth - 1))),
            "not" | "if" | "then" | "else" => Some(self.schema(depth - 1)),
            "$ref" if self.may_refer => same(json!(self.choices.of(&["#/$defs/x", "#"]))),
            _ => None,
        }
    }
}

/// Keywords that say something alike.
const RELATED: [(&str, &str); 13] = [
    ("minimum", "exclusiveMinimum"),
    ("maximum", "exclusiveMaximum"),
    ("type", "enum"),
    ("enum", "const"),
    ("anyOf", "oneOf"),
    ("allOf", "anyOf"),
    ("items", "prefixItems"),
    ("properties", "patternProperties"),
    ("properties", "additionalProperties"),
    ("patternProperties", "additionalProperties"),
    ("required", "minProperties"),
    ("not", "type"),
    ("if", "then"),
];

/// Often used ones stand first, and stand twice.
const KEYWORDS: [&str; 43] = [
    "properties",
    "type",
    "required",
    "properties",
    "additionalProperties",
    "type",
    "enum",
    "minimum",
    "maximum",
    "anyOf",
    "const",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "pattern",
    "format",
    "uniqueItems",
    "patternProperties",
    "properties",
    "additionalProperties",
    "propertyNames",
    "contains",
    "unevaluatedProperties",
    "items",
    "items",
    "additionalItems",
    "prefixItems",
    "dependentRequired",
    "dependentSchemas",
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "$ref",
    "anyOf",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;
    use serde_json::{Value, json};

    use super::{Choices, KEYWORDS, Pair, schema_pair, small_objects, value};

    fn choices(bytes: &[u8]) -> Choices {
        Choices {
            bytes: Vec::from(bytes).into_iter(),
        }
    }

    /// What a pair of the newest draft makes of these bytes.
    fn decided<T>(bytes: &[u8], decide: impl FnOnce(&mut Pair<'_>) -> T) -> T {
        decide(&mut Pair {
            choices: &mut choices(bytes),
            newest: true,
            may_refer: false,
        })
    }

    #[test]
    fn a_decision_is_a_byte() {
        let mut some = choices(&[7, 2, 1, 4]);
        assert_eq!(some.up_to(3), 1);
        assert!(some.one_in(3) && !some.one_in(3));
        assert_eq!(some.of(&["a", "b", "c"]), "b");
        // Without bytes it is the first.
        assert_eq!((some.up_to(3), some.up_to(0), some.of(&[9])), (0, 0, 9));
        assert!(some.one_in(1) && !some.one_in(2));
    }

    #[test]
    fn values_are_no_deeper_than_they_may_be() {
        for (bytes, depth, expected) in [
            (&[0, 1][..], 1, json!("a")),
            (&[4, 1], 0, json!("a")),
            (&[5, 1], 0, json!("a")),
            (&[4, 1, 0, 4, 1], 1, json!({"a": "a"})),
            (&[4, 2, 0, 0, 1, 1, 0, 2], 1, json!({"a": "a", "b": 0})),
            (&[4, 1, 0, 4, 1, 0, 0, 1], 2, json!({"a": {"a": "a"}})),
            (&[5, 1, 5, 1], 1, json!(["a"])),
            (&[5, 2, 0, 1, 0, 2], 1, json!(["a", 0])),
            (&[5, 1, 5, 1, 0, 1], 2, json!([["a"]])),
        ] {
            assert_eq!(value(&mut choices(bytes), depth), expected, "{bytes:?}, {depth}");
        }
        let small: BTreeSet<String> = small_objects().iter().map(Value::to_string).collect();
        assert_eq!(small.len(), 18 * 8 + 3);
    }

    #[test]
    fn each_keyword_has_its_rule() {
        for (keyword, bytes, old, new) in [
            ("type", &[0, 1, 0][..], json!("object"), json!(["object", "string"])),
            (
                "type",
                &[0, 1, 1],
                json!(["object", "string"]),
                json!(["object", "string"]),
            ),
            ("type", &[0, 1, 2], json!("object"), json!("object")),
            ("type", &[1, 1, 0], json!("string"), json!("string")),
            ("type", &[1, 1, 1], json!("string"), json!("string")),
            ("enum", &[0, 0, 1], json!([1]), json!([1, "a"])),
            ("enum", &[0, 1, 1], json!(["a"]), json!(["a"])),
            ("enum", &[5, 1, 0, 1, 0], json!([["a"]]), json!([["a"], 1])),
            ("const", &[0, 3], json!(2), json!(2)),
            ("const", &[5, 1, 5, 3], json!([2]), json!([2])),
            ("minimum", &[0, 1], json!(1), json!(0)),
            ("maximum", &[2, 4], json!(2), json!(1.5)),
            ("exclusiveMinimum", &[1, 0], json!(0), json!(1)),
            ("exclusiveMaximum", &[3, 5], json!(1.0), json!(1e300)),
            ("multipleOf", &[3, 4], json!(3), json!(6)),
            ("minLength", &[2, 1], json!(2), json!(1)),
            ("maxProperties", &[0, 2], json!(0), json!(2)),
            ("pattern", &[1], json!("b$"), json!("b$")),
            ("format", &[1], json!("email"), json!("email")),
            ("uniqueItems", &[], json!(true), json!(true)),
            ("required", &[0, 1], json!(["a"]), json!(["a", "b"])),
            ("required", &[1, 1], json!(["b"]), json!(["b"])),
            ("dependentRequired", &[0, 1], json!({"a": ["b"]}), json!({"a": ["b"]})),
            ("unevaluatedProperties", &[], json!(false), json!(false)),
            // At the depth 1 what is inside is nothing, or everything.
            ("additionalProperties", &[11], json!(false), json!(false)),
            ("propertyNames", &[0, 2], json!(false), json!(false)),
            ("contains", &[0, 0], json!({}), json!({})),
            ("items", &[0, 2], json!(false), json!(false)),
            ("not", &[2], json!(false), json!(false)),
            ("if", &[1], json!({}), json!({})),
            ("allOf", &[0, 2, 0], json!([false]), json!([false])),
            ("anyOf", &[1, 2, 0, 4], json!([false, {}, {}]), json!([false, {}])),
            ("oneOf", &[1, 2, 0, 5], json!([false, {}]), json!([{}, false])),
            ("prefixItems", &[0, 11, 0], json!([false]), json!([false])),
            ("properties", &[0, 1, 0, 2, 0], json!({"b": false}), json!({"b": false})),
            (
                "properties",
                &[1, 0, 11, 4, 1, 11, 0],
                json!({"a": false, "b": false}),
                json!({"b": false}),
            ),
            (
                "properties",
                &[1, 0, 11, 5, 1, 11, 0],
                json!({"b": false}),
                json!({"a": false, "b": false}),
            ),
            (
                "patternProperties",
                &[0, 1, 11, 0],
                json!({"b$": false}),
                json!({"b$": false}),
            ),
            (
                "dependentSchemas",
                &[0, 0, 2, 0],
                json!({"a": false}),
                json!({"a": false}),
            ),
        ] {
            let rule = decided(bytes, |pair| pair.rule(keyword, 1));
            assert_eq!(rule, Some((old, new)), "{keyword} of {bytes:?}");
        }
    }

    #[test]
    fn drafts_and_places_have_their_keywords() {
        let none = |newest: bool, may_refer: bool| -> Vec<&str> {
            let rule = |keyword: &str| {
                let choices = &mut choices(&[]);
                Pair {
                    choices,
                    newest,
                    may_refer,
                }
                .rule(keyword, 1)
            };
            KEYWORDS.into_iter().filter(|keyword| rule(keyword).is_none()).collect()
        };
        assert_eq!(none(true, true), ["additionalItems"]);
        assert_eq!(none(false, false), ["unevaluatedProperties", "prefixItems", "$ref"]);
        // In an older draft items may be a list.
        for (bytes, items) in [(&[1, 0, 11][..], json!([false])), (&[0, 11], json!(false))] {
            let choices = &mut choices(bytes);
            let mut pair = Pair {
                choices,
                newest: false,
                may_refer: false,
            };
            assert_eq!(pair.rule("items", 1), Some((items.clone(), items)));
        }
        // A reference to the whole is there only inside of a value.
        let refers = json!({"$ref": "#"});
        let bytes = [0, 0, 0, 41, 1, 0];
        let (inside, after) = decided(&bytes, |pair| (pair.inside(2), pair.may_refer));
        assert_eq!((inside, after), ((refers.clone(), refers), false));
        assert_eq!(decided(&bytes[1..], |pair| pair.schema(1)), (json!({}), json!({})));
    }

    #[test]
    fn a_schema_has_rules_that_differ() {
        let (one, two) = (json!({"minimum": 1}), json!({"minimum": 0}));
        for (bytes, old, new) in [
            (&[0, 0, 7, 0, 1, 0][..], one.clone(), two.clone()),
            (&[0, 0, 7, 0, 1, 5], one.clone(), json!({})),
            (&[0, 0, 7, 0, 1, 6], json!({}), two),
            (&[0, 0, 7, 0, 1, 7, 2, 3], one, json!({"minimum": 2})),
            // Two rules.
            (
                &[1, 0, 7, 0, 0, 0, 0, 8, 1, 1, 0],
                json!({"minimum": 1, "maximum": 0}),
                json!({"minimum": 1, "maximum": 0}),
            ),
            // Another keyword, of the same decisions, of others, and the other way around.
            (
                &[0, 3, 0, 0, 1, 2, 1],
                json!({"minimum": 0}),
                json!({"exclusiveMinimum": 2}),
            ),
            (
                &[0, 3, 0, 0, 1, 2, 0, 3, 4],
                json!({"minimum": 0}),
                json!({"exclusiveMinimum": 1.5}),
            ),
            (
                &[0, 3, 0, 1, 1, 2, 1],
                json!({"exclusiveMinimum": 0}),
                json!({"minimum": 2}),
            ),
        ] {
            assert_eq!(decided(bytes, |pair| pair.schema(1)), (old, new), "{bytes:?}");
        }
    }

    #[test]
    fn pairs_are_of_every_draft() {
        let mut runner = TestRunner::deterministic();
        let mut drafts = BTreeSet::new();
        let mut properties = 0;
        for _ in 0..200 {
            let (old, new) = schema_pair().new_tree(&mut runner).unwrap().current();
            properties += usize::from(old["properties"]["a"] != Value::Null && new["properties"]["a"] != Value::Null);
            for schema in [&old, &new] {
                if schema.is_object() {
                    assert!(schema["$defs"].is_object(), "{schema}");
                }
            }
            drafts.insert(old["$schema"].to_string());
            assert_eq!(old["$schema"], new["$schema"]);
        }
        assert_eq!(drafts.len(), 4);
        assert!((50..200).contains(&properties), "{properties}");
    }
}
