//! Rules for objects: properties by name, by pattern, and all others.

use serde_json::{Value, json};

use super::Prover;
use crate::compatibility::document::{Dialect, Place};
use crate::compatibility::kinds::Kinds;
use crate::compatibility::meet::Meet;

impl<'a> Prover<'a> {
    pub(super) fn objects(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        let required = wide.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !narrow.requires(name) {
                self.gap("required", format!("{} is present", json!(name)));
            }
        }
        let least = narrow.required().collect::<std::collections::HashSet<_>>().len();
        if wide
            .get("minProperties")
            .is_none_or(|limit| limit.as_u64().is_none_or(|limit| limit > least as u64))
        {
            self.counts(narrow, wide, &["minProperties"]);
        }
        self.counts(narrow, wide, &["maxProperties"]);
        self.kept_by_the_same(narrow, wide, &["dependencies"]);
        if let Some(rule) = wide.one("propertyNames") {
            let theirs = narrow.rules().filter_map(|other| other.one("propertyNames"));
            self.inside(&["propertyNames"], &Meet::new(theirs).of_kinds(Kinds::STRING), rule);
        }
        self.dependent(narrow, wide);
        self.unevaluated(narrow, wide, "unevaluatedProperties");
        for (name, rule) in wide.named("properties") {
            let theirs = self.property(narrow, name);
            self.inside(&["properties", name], &theirs, rule);
        }
        for (pattern, rule) in wide.named("patternProperties") {
            let names: Vec<_> = narrow.names().into_iter().collect();
            for name in names {
                if self.matches(pattern, name) != Some(false) {
                    let theirs = self.property(narrow, name);
                    self.inside(&["patternProperties", pattern], &theirs, rule);
                }
            }
            let theirs = if narrow.patterns().contains(pattern) {
                narrow.of_pattern(pattern)
            } else {
                narrow.others()
            };
            self.inside(&["patternProperties", pattern], &theirs, rule);
        }
        if let Some(rule) = wide.one("additionalProperties") {
            self.additional(narrow, wide, rule);
        }
    }

    fn additional(&mut self, narrow: &Meet<'a>, wide: Place<'a>, rule: Place<'a>) {
        let closed = rule.schema == &Value::Bool(false);
        let check = |prover: &mut Self, theirs: &Meet<'a>, claim: String| {
            if !closed {
                prover.inside(&["additionalProperties"], theirs, rule);
            } else if !theirs.kinds().is_none() {
                prover.gap("additionalProperties", claim);
            }
        };
        for name in narrow.names() {
            let own = wide.named("properties").any(|(known, _)| known == name);
            let hit = wide
                .named("patternProperties")
                .any(|(pattern, _)| self.matches(pattern, name) == Some(true));
            if !own && !hit {
                let theirs = self.property(narrow, name);
                check(self, &theirs, format!("{} is absent", json!(name)));
            }
        }
        for pattern in narrow.patterns() {
            if !wide.named("patternProperties").any(|(known, _)| known == pattern) {
                let theirs = narrow.of_pattern(pattern);
                check(self, &theirs, format!("no property matches {pattern}"));
            }
        }
        check(
            self,
            &others_beside_patterns(narrow),
            "there are no other properties".to_owned(),
        );
    }

    fn dependent(&mut self, narrow: &Meet<'a>, wide: Place<'a>) {
        if wide.dialect() < Dialect::Draft2019 {
            return;
        }
        if let Some(Value::Object(map)) = wide.get("dependentRequired")
            && !self.same(narrow, wide, &["dependentRequired"])
        {
            for (name, needed) in map {
                let needed = needed.as_array().into_iter().flatten().filter_map(Value::as_str);
                let absent = self.property(narrow, name).kinds().is_none();
                if !absent && !needed.into_iter().all(|needed| narrow.requires(needed)) {
                    self.gap("dependentRequired", format!("what {} needs is present", json!(name)));
                }
            }
        }
        if wide.get("dependentSchemas").is_some() && !self.same(narrow, wide, &["dependentSchemas"]) {
            for (name, rule) in wide.named("dependentSchemas") {
                self.below(&["dependentSchemas", name], narrow, rule);
            }
        }
    }
}

/// What is known of properties that have neither a name of their own nor match a pattern.
fn others_beside_patterns<'a>(narrow: &Meet<'a>) -> Meet<'a> {
    Meet::new(narrow.rules().filter_map(|rule| rule.one("additionalProperties")))
}
