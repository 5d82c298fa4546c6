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
