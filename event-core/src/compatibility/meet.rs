//! What is known of a value that keeps to several schemas at once.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Number, Value};

use super::document::{Dialect, Place};
use super::kinds::Kinds;
use super::number;

/// Rules that a value keeps to, all of them.
#[derive(Clone, Debug)]
pub(super) struct Meet<'a> {
    /// Schemas that are objects; references and `allOf` are followed.
    rules: Vec<Place<'a>>,
    /// `anyOf` and `oneOf`, whose branches were not looked at one by one yet.
    choices: Vec<(&'static str, Place<'a>)>,
    kinds: Kinds,
}

/// What tells one meet from another.
pub(super) type Identity = (Vec<usize>, Vec<usize>, Kinds);

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value) as usize
}

impl<'a> Meet<'a> {
    pub(super) fn new(places: impl IntoIterator<Item = Place<'a>>) -> Self {
        let mut meet = Meet {
            rules: Vec::new(),
            choices: Vec::new(),
            kinds: Kinds::ALL,
        };
        places.into_iter().for_each(|place| meet.add(place));
        meet
    }

    /// The same, and one more schema.
    pub(super) fn with(&self, place: Place<'a>) -> Self {
        let mut meet = self.clone();
        meet.add(place);
        meet
    }

    /// The same of values of some kinds only.
    pub(super) fn of_kinds(&self, kinds: Kinds) -> Self {
        Meet {
            kinds: self.kinds.and(kinds),
            ..self.clone()
        }
    }

    fn add(&mut self, place: Place<'a>) {
        let mut open = vec![place];
        let mut seen = Vec::new();
        while let Some(place) = open.pop() {
            // References may lead round in a circle.
            if seen.contains(&address(place.schema)) {
                continue;
            }
            seen.push(address(place.schema));
            self.kinds = self.kinds.and(Kinds::allowed(place));
            let known = |rule: &Place<'_>| std::ptr::eq(rule.schema, place.schema);
            if !place.schema.is_object() || self.rules.iter().any(known) {
                continue;
            }
            open.extend(place.target());
            if place.is_reference_alone() {
                continue;
            }
            self.rules.push(place);
            open.extend(place.list("allOf"));
            for keyword in ["anyOf", "oneOf"] {
                if place.get(keyword).is_some() {
                    self.choices.push((keyword, place));
                }
            }
        }
    }

    pub(super) fn kinds(&self) -> Kinds {
        self.kinds
    }

    pub(super) fn rules(&self) -> impl Iterator<Item = Place<'a>> {
        self.rules.iter().copied()
    }

    pub(super) fn identity(&self) -> Identity {
        let mut rules: Vec<_> = self.rules.iter().map(|rule| address(rule.schema)).collect();
        rules.sort_unstable();
        let mut choices: Vec<_> = self
            .choices
            .iter()
            .map(|(keyword, place)| address(place.schema) + usize::from(*keyword == "oneOf"))
            .collect();
        choices.sort_unstable();
        (rules, choices, self.kinds)
    }

    /// The cases of one choice: every value is one of them.
    pub(super) fn cases(&self) -> Option<Vec<Meet<'a>>> {
        let mut rest = self.clone();
        let (keyword, place) = rest.choices.pop()?;
        Some(place.list(keyword).map(|branch| rest.with(branch)).collect())
    }

    /// All values that it can be, where that is a list; some may not be allowed after all.
    pub(super) fn finite(&self) -> Option<Vec<Value>> {
        let listed = self.rules.iter().flat_map(|rule| {
            let one = rule.get("const").map(|value| vec![value.clone()]);
            let many = rule.get("enum").and_then(Value::as_array).cloned();
            one.into_iter().chain(many)
        });
        let simple = [Value::Null, Value::Bool(false), Value::Bool(true)];
        let simple = self
            .kinds
            .within(Kinds::NULL.or(Kinds::BOOLEAN))
            .then(|| simple.to_vec());
        let mut values = listed.chain(simple).min_by_key(Vec::len)?;
        values.retain(|value| self.kinds.meets(Kinds::of(value)));
        Some(values)
    }

    /// Whether a property is there in any case.
    pub(super) fn requires(&self, name: &str) -> bool {
        self.required().any(|required| required == name)
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &'a str> {
        let lists = self.rules.iter().filter_map(|rule| rule.get("required")?.as_array());
        lists.flatten().filter_map(Value::as_str)
    }

    /// The properties that have rules of their own.
    pub(super) fn names(&self) -> BTreeSet<&'a str> {
        let named = |rule: &Place<'a>| rule.named("properties").map(|(name, _)| name);
        self.rules.iter().flat_map(named).chain(self.required()).collect()
    }

    /// The patterns that have rules of their own.
    pub(super) fn patterns(&self) -> BTreeSet<&'a str> {
        let named = |rule: &Place<'a>| rule.named("patternProperties").map(|(pattern, _)| pattern);
        self.rules.iter().flat_map(named).collect()
    }

    /// What is known of the value of a property, if it is there.
    pub(super) fn property(&self, name: &str, mut matches: impl FnMut(&str, &str) -> Option<bool>) -> Meet<'a> {
        Meet::new(self.rules.iter().flat_map(|rule| {
            let own = rule.named("properties").find(|(known, _)| *known == name);
            let mut places: Vec<_> = own.into_iter().map(|(_, place)| place).collect();
            let mut other = places.is_empty();
            for (pattern, place) in rule.named("patternProperties") {
                let hit = matches(pattern, name);
                if hit == Some(true) {
                    places.push(place);
                }
                other &= hit == Some(false);
            }
            if other {
                places.extend(rule.one("additionalProperties"));
            }
            places
        }))
    }

    /// What is known of the values of properties that have no rule of their own.
    pub(super) fn others(&self) -> Meet<'a> {
        Meet::new(self.rules.iter().filter_map(|rule| {
            let patterns = rule.named("patternProperties").next();
            rule.one("additionalProperties").filter(|_| patterns.is_none())
        }))
    }

    /// What is known of the values of properties that match a pattern and have no name of their own.
    pub(super) fn of_pattern(&self, pattern: &str) -> Meet<'a> {
        Meet::new(self.rules.iter().filter_map(|rule| {
            let mut patterns = rule.named("patternProperties").peekable();
            if patterns.peek().is_none() {
                return rule.one("additionalProperties");
            }
            patterns.find(|(known, _)| *known == pattern).map(|(_, place)| place)
        }))
    }

    /// How many elements of arrays have rules of their own.
    pub(super) fn prefix(&self) -> usize {
        let lengths = self.rules.iter().map(|rule| prefix(*rule).count());
        lengths.max().unwrap_or(0)
    }

    /// What is known of an element of an array.
    pub(super) fn element(&self, index: usize) -> Meet<'a> {
        Meet::new(self.rules.iter().filter_map(|rule| element(*rule, index)))
    }

    /// Whether all numbers are at the bound or on one side of it.
    pub(super) fn keeps_bound(&self, bound: &Bound<'_>) -> bool {
        let beyond = bound.side.beyond();
        let keeps = |rule: &Place<'_>, keyword: &str, strict: bool| {
            let own = rule.get(keyword).and_then(Value::as_number);
            own.is_some_and(|own| match number::compare(own, bound.limit) {
                Ordering::Equal => strict || !bound.strict,
                order => order == beyond,
            })
        };
        let (plain, strict) = bound.side.keywords();
        self.rules
            .iter()
            .any(|rule| keeps(rule, plain, false) || keeps(rule, strict, true))
    }

    /// Whether a count is bounded at least so closely.
    pub(super) fn keeps_count(&self, keyword: &str, limit: &Number) -> bool {
        let beyond = Side::of(keyword).beyond();
        self.rules.iter().any(|rule| {
            let own = rule.get(keyword).and_then(Value::as_number);
            own.is_some_and(|own| [Ordering::Equal, beyond].contains(&number::compare(own, limit)))
        })
    }

    /// Whether one of the schemas has the same value for each of these keywords, and the first at all.
    pub(super) fn has_same(&self, other: Place<'_>, keywords: &[&str]) -> bool {
        self.rules
            .iter()
            .any(|rule| keywords.iter().all(|keyword| rule.get(keyword) == other.get(keyword)))
    }
}

/// The elements of arrays that have rules of their own.
pub(super) fn prefix(rule: Place<'_>) -> impl Iterator<Item = Place<'_>> {
    let keyword = if rule.dialect() >= Dialect::Draft2020 {
        "prefixItems"
    } else {
        "items"
    };
    rule.list(keyword)
}

/// The rule for an element of an array.
pub(super) fn element(rule: Place<'_>, index: usize) -> Option<Place<'_>> {
    let length = prefix(rule).count();
    if index < length {
        prefix(rule).nth(index)
    } else if rule.dialect() < Dialect::Draft2020 && rule.get("items").is_some_and(Value::is_array) {
        rule.one("additionalItems")
    } else {
        rule.one("items")
    }
}

/// On which side of a bound values lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Above,
    Below,
}

impl Side {
    pub(super) fn of(keyword: &str) -> Side {
        if keyword.starts_with("min") || keyword == "exclusiveMinimum" {
            Side::Above
        } else {
            Side::Below
        }
    }

    /// How a closer bound compares with a looser one.
    fn beyond(self) -> Ordering {
        match self {
            Side::Above => Ordering::Greater,
            Side::Below => Ordering::Less,
        }
    }

    fn keywords(self) -> (&'static str, &'static str) {
        match self {
            Side::Above => ("minimum", "exclusiveMinimum"),
            Side::Below => ("maximum", "exclusiveMaximum"),
        }
    }
}

/// A bound of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<'a> {
    pub(super) side: Side,
    pub(super) limit: &'a Number,
    /// Whether the limit itself is out of bounds.
    pub(super) strict: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document::Document;
    use super::*;

    /// What is known of a value that keeps to both.
    fn with<T>(one: &Value, other: &Value, look: impl FnOnce(&Meet<'_>) -> T) -> T {
        let documents = [Document::new(one), Document::new(other)];
        look(&Meet::new(documents.iter().map(Document::root)))
    }

    #[test]
    fn bounds_are_kept_by_closer_ones() {
        let number = |number: &Value| number.as_number().cloned().unwrap();
        for (rule, side, limit, strict, kept) in [
            (json!({"minimum": 2}), Side::Above, 1, false, true),
            (json!({"minimum": 2}), Side::Above, 2, false, true),
            (json!({"minimum": 2}), Side::Above, 2, true, false),
            (json!({"minimum": 2}), Side::Above, 3, false, false),
            (json!({"minimum": 2}), Side::Above, 1, true, true),
            (json!({"exclusiveMinimum": 2}), Side::Above, 2, true, true),
            (json!({"exclusiveMinimum": 2}), Side::Above, 2, false, true),
            (json!({"exclusiveMinimum": 2}), Side::Above, 3, false, false),
            (json!({"minimum": 2}), Side::Below, 2, false, false),
            (json!({"maximum": 2}), Side::Below, 3, false, true),
            (json!({"maximum": 2}), Side::Below, 2, true, false),
            (json!({"maximum": 2}), Side::Below, 1, false, false),
            (json!({"exclusiveMaximum": 2}), Side::Below, 2, true, true),
            (json!({"exclusiveMaximum": 2}), Side::Below, 1, true, false),
            (json!({}), Side::Below, 1, false, false),
        ] {
            let limit = &number(&json!(limit));
            let found = with(&rule, &json!({}), |meet| {
                meet.keeps_bound(&Bound { side, limit, strict })
            });
            assert_eq!(found, kept, "{rule} {side:?} {limit} {strict}");
        }
        for (rule, keyword, limit, kept) in [
            (json!({"minItems": 2}), "minItems", 1, true),
            (json!({"minItems": 2}), "minItems", 2, true),
            (json!({"minItems": 2}), "minItems", 3, false),
            (json!({"maxItems": 2}), "maxItems", 3, true),
            (json!({"maxItems": 2}), "maxItems", 2, true),
            (json!({"maxItems": 2}), "maxItems", 1, false),
            (json!({"maxItems": 2}), "minItems", 2, false),
        ] {
            let limit = number(&json!(limit));
            let found = with(&json!({}), &rule, |meet| meet.keeps_count(keyword, &limit));
            assert_eq!(found, kept, "{rule} {keyword} {limit}");
        }
        assert_eq!(
            ["minimum", "exclusiveMinimum", "minLength"].map(Side::of),
            [Side::Above; 3]
        );
        assert_eq!(
            ["maximum", "exclusiveMaximum", "maxLength"].map(Side::of),
            [Side::Below; 3]
        );
    }

    #[test]
    fn values_are_listed_where_they_are_few() {
        for (one, other, listed) in [
            (json!({"enum": [1, 2, 3]}), json!({"enum": [1, 2]}), Some(json!([1, 2]))),
            (json!({"enum": [1, "a"]}), json!({"type": "string"}), Some(json!(["a"]))),
            (json!({"const": null}), json!({}), Some(json!([null]))),
            (
                json!({"type": ["null", "boolean"]}),
                json!({}),
                Some(json!([null, false, true])),
            ),
            (json!({"type": "boolean"}), json!({}), Some(json!([false, true]))),
            (json!({"type": ["null", "string"]}), json!({}), None),
            (json!({}), json!({}), None),
        ] {
            let found = with(&one, &other, |meet| meet.finite());
            assert_eq!(found.map(Value::Array), listed, "{one} {other}");
        }
    }

    #[test]
    fn elements_have_the_rule_of_their_place() {
        let draft = "http://json-schema.org/draft-07/schema#";
        for (schema, prefix, rules) in [
            (
                json!({"prefixItems": [{"const": 0}, {"const": 1}], "items": {"const": 2}}),
                2,
                [Some(0), Some(1), Some(2)],
            ),
            (json!({"items": {"const": 2}}), 0, [Some(2), Some(2), Some(2)]),
            (json!({"prefixItems": [{"const": 0}]}), 1, [Some(0), None, None]),
            (
                json!({"$schema": draft, "items": [{"const": 0}], "additionalItems": {"const": 2}}),
                1,
                [Some(0), Some(2), Some(2)],
            ),
            (
                json!({"$schema": draft, "items": {"const": 1}, "additionalItems": {"const": 2}}),
                0,
                [Some(1); 3],
            ),
            (json!({"$schema": draft, "prefixItems": [{"const": 0}]}), 0, [None; 3]),
        ] {
            let found = with(&schema, &json!({}), |meet| {
                let rule = |index| {
                    meet.element(index)
                        .rules()
                        .next()
                        .and_then(|rule| rule.get("const")?.as_i64())
                };
                (meet.prefix(), [0, 1, 2].map(rule))
            });
            assert_eq!(found, (prefix, rules), "{schema}");
        }
    }

    #[test]
    fn properties_have_the_rules_of_their_name_and_of_their_patterns() {
        let one = json!({"properties": {"a": {"const": 1}}, "patternProperties": {"^a": {"const": 2}},
            "additionalProperties": {"const": 3}, "required": ["r"]});
        let other = json!({"additionalProperties": {"const": 4}});
        let found =
            |meet: &Meet<'_>| -> Vec<i64> { meet.rules().filter_map(|rule| rule.get("const")?.as_i64()).collect() };
        with(&one, &other, |meet| {
            let starts = |pattern: &str, name: &str| Some(name.starts_with(&pattern[1..]));
            assert_eq!(found(&meet.property("a", starts)), [1, 2, 4]);
            assert_eq!(found(&meet.property("ab", starts)), [2, 4]);
            assert_eq!(found(&meet.property("b", starts)), [3, 4]);
            // Where it is not known whether a pattern hits, nothing is claimed of the others.
            assert_eq!(found(&meet.property("b", |_, _| None)), [4]);
            assert_eq!(found(&meet.others()), [4]);
            assert_eq!(found(&meet.of_pattern("^a")), [2, 4]);
            assert_eq!(found(&meet.of_pattern("^b")), [4]);
            assert!(meet.requires("r") && !meet.requires("a"));
            assert_eq!(meet.names().into_iter().collect::<Vec<_>>(), ["a", "r"]);
            assert_eq!(meet.patterns().into_iter().collect::<Vec<_>>(), ["^a"]);
        });
    }

    #[test]
    fn rules_are_followed_and_choices_are_taken_one_by_one() {
        let one = json!({"allOf": [{"anyOf": [{"const": 1}, {"const": 2}]}, {"$ref": "#/$defs/t"}], "type": "integer",
            "$defs": {"t": {"oneOf": [{"const": 3}], "minimum": 0}}});
        with(&one, &json!({"allOf": [{"$ref": "#"}]}), |meet| {
            assert_eq!((meet.rules().count(), meet.kinds()), (6, Kinds::WHOLE));
            let first = meet.cases().unwrap();
            let counts: Vec<usize> = first
                .iter()
                .map(|case| case.cases().map_or(0, |cases| cases.len()))
                .collect();
            assert!(counts == [2] || counts == [1, 1], "{counts:?}");
            let last = first[0].cases().unwrap();
            assert!(last[0].cases().is_none());
            assert_ne!(meet.identity(), first[0].identity());
            assert_eq!(meet.identity(), meet.clone().identity());
            let fewer = meet.of_kinds(Kinds::STRING);
            assert!(fewer.kinds().is_none() && fewer.identity() != meet.identity());
            let same = json!({"minimum": 0});
            let document = Document::new(&same);
            assert!(
                meet.has_same(document.root(), &["minimum"]) && !meet.has_same(document.root(), &["minimum", "oneOf"])
            );
        });
    }
}
