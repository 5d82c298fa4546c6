//! What is claimed of two schemas holds for every event: no class without its proof.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeMap;

use event_core::compatibility::{Change, Class, Compatibility, Direction};
use event_core::{Limits, Payload, Schema, arbitrary};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

fn between(old: &Value, new: &Value) -> Compatibility {
    Compatibility::between(&Schema::compile(old).unwrap(), &Schema::compile(new).unwrap())
}

/// No event that one schema allows and the other does not stands against the class.
fn check(old: &Schema, new: &Schema, class: Class, data: &Payload) -> Result<bool, TestCaseError> {
    let (was, is) = (old.allows(data.root()), new.allows(data.root()));
    let told = || format!("{class:?}: {} → {} by {}", old.source(), new.source(), data.as_str());
    prop_assert!(!(was && !is && class.is_backward()), "{}", told());
    prop_assert!(!(is && !was && class.is_forward()), "{}", told());
    Ok(was != is)
}

#[test]
fn no_event_stands_against_a_class() {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(600),
        ..Config::default()
    };
    let seen = RefCell::new(BTreeMap::<&str, usize>::new());
    let count = |what| *seen.borrow_mut().entry(what).or_default() += 1;
    let payload = |data: &Value| Payload::from_value(data, &Limits::default()).unwrap();
    let always: Vec<_> = arbitrary::small_objects().iter().map(payload).collect();
    let data = proptest::collection::vec(arbitrary::small_object(), 40);
    TestRunner::new(config)
        .run(&(arbitrary::schema_pair(), data), |((old, new), data)| {
            let (Ok(old), Ok(new)) = (Schema::compile(&old), Schema::compile(&new)) else {
                count("not taken");
                return Ok(());
            };
            if old.source() == new.source() {
                count("equal");
                return Ok(());
            }
            let class = Compatibility::between(&old, &new).class;
            count(class.as_str());
            let data = data.iter().map(payload).collect::<Vec<_>>();
            let mut apart = false;
            for data in data.iter().chain(&always) {
                apart |= check(&old, &new, class, data)?;
            }
            if apart {
                count("told apart");
            }
            Ok(())
        })
        .unwrap();
    let seen = seen.into_inner();
    // The proof is worth something: all classes occur, and the data tell schemas apart.
    for what in ["full", "backward", "forward", "none", "told apart"] {
        assert!(seen.get(what).is_some_and(|times| *times > 20), "{seen:?}");
    }
}

#[test]
fn each_keyword_has_its_direction() {
    let object = |member: Value| json!({"type": "object", "properties": {"v": member}});
    for (old, new, class) in [
        (json!({}), json!({}), Class::Full),
        (json!({"type": "integer"}), json!({"type": "number"}), Class::Backward),
        (
            json!({"type": "string"}),
            json!({"type": ["string", "null"]}),
            Class::Backward,
        ),
        (json!({"type": "string"}), json!({"type": "integer"}), Class::None),
        (json!({"minimum": 1}), json!({"minimum": 0}), Class::Backward),
        (json!({"minimum": 1}), json!({"exclusiveMinimum": 1}), Class::Forward),
        (json!({"minimum": 1}), json!({"minimum": 1.0}), Class::Full),
        (json!({"multipleOf": 6}), json!({"multipleOf": 3}), Class::Backward),
        (json!({"maxLength": 5}), json!({"maxLength": 9}), Class::Backward),
        (
            json!({"type": "null"}),
            json!({"type": "null", "maxLength": 9}),
            Class::Full,
        ),
        (json!({"pattern": "^a"}), json!({}), Class::Backward),
        (json!({"format": "date"}), json!({"format": "email"}), Class::None),
        (json!({"enum": ["a"]}), json!({"enum": ["b", "a"]}), Class::Backward),
        (json!({"enum": ["a", 1]}), json!({"enum": ["b", "a"]}), Class::None),
        (
            json!({"const": "ab"}),
            json!({"type": "string", "pattern": "^a"}),
            Class::Backward,
        ),
        (json!({"type": "boolean"}), json!({"enum": [true, false]}), Class::Full),
        (
            json!({"items": {"type": "integer"}}),
            json!({"items": {"type": "number"}}),
            Class::Backward,
        ),
        (
            json!({"prefixItems": [{"type": "string"}]}),
            json!({"items": {"type": "string"}}),
            Class::Forward,
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!({"type": ["string", "null"]}),
            Class::Full,
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "null"}]}),
            json!({"anyOf": [{"type": "null"}, {"type": "string"}]}),
            Class::Full,
        ),
        (
            json!({"allOf": [{"minimum": 1}, {"maximum": 5}]}),
            json!({"minimum": 1, "maximum": 5}),
            Class::Full,
        ),
        (
            json!({"not": {"type": "string"}}),
            json!({"not": {"const": "a"}}),
            Class::Backward,
        ),
        (
            json!({"title": "a"}),
            json!({"title": "b", "default": 7, "x-owner": "me"}),
            Class::Full,
        ),
        (json!({"minProperties": 1}), json!({"required": ["a"]}), Class::Forward),
        (
            json!({"properties": {"a": {}}, "additionalProperties": false}),
            json!({"properties": {"a": {}, "b": {}}, "additionalProperties": false}),
            Class::Backward,
        ),
        // A property that was anything may be of another type.
        (
            json!({}),
            json!({"properties": {"b": {"type": "string"}}}),
            Class::Forward,
        ),
        (
            json!({"patternProperties": {"^a": {"type": "string"}}}),
            json!({"properties": {"ab": {"type": "string"}}}),
            Class::Backward,
        ),
        (
            json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
            json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "minProperties": 0}),
            Class::Full,
        ),
    ] {
        assert_eq!(
            between(&object(old.clone()), &object(new.clone())).class,
            class,
            "{old} → {new}"
        );
    }
}

#[test]
fn branches_that_a_property_tells_apart_are_one_of() {
    let click = json!({"properties": {"kind": {"const": "click"}}, "required": ["kind"]});
    let view = json!({"properties": {"kind": {"const": "view"}, "n": {"type": "integer"}}, "required": ["kind"]});
    let wider = json!({"properties": {"kind": {"const": "view"}, "n": {"type": "number"}}, "required": ["kind"]});
    let found = between(&json!({"oneOf": [click, view]}), &json!({"oneOf": [click, wider]}));
    assert_eq!(found.class, Class::Backward, "{found:?}");
}

#[test]
fn what_a_pattern_names_is_no_other_property() {
    let named = json!({"properties": {"a": {"type": "string"}}, "patternProperties": {"^z": {}}, "additionalProperties": {"type": "integer"}});
    for (name, backward) in [("a", false), ("z", false), ("b", true)] {
        let found = between(&named, &json!({"properties": {name: {"type": "integer"}}}));
        assert_eq!(found.class.is_backward(), backward, "{name} {found:?}");
    }
}

#[test]
fn what_is_always_there_is_there_beside_another() {
    let beside = json!({"dependentRequired": {"a": ["b"]}});
    assert_eq!(
        between(&json!({"required": ["a", "b"]}), &beside).class,
        Class::Backward
    );
    assert_eq!(between(&json!({"required": ["a"]}), &beside).class, Class::None);
}

#[test]
fn whole_numbers_are_told_from_others() {
    let of = |rule: Value| json!({"properties": {"a": rule}});
    for (value, class) in [(json!(5), Class::Backward), (json!(5.5), Class::None)] {
        let found = between(&of(json!({"const": value})), &of(json!({"type": "integer"})));
        assert_eq!(found.class, class, "{found:?}");
    }
}

#[test]
fn of_the_oldest_draft_nothing_is_claimed() {
    let least = |draft: &str, least: i64| {
        let schema = format!("http://json-schema.org/{draft}/schema#");
        json!({"$schema": schema, "properties": {"a": {"minimum": least}}})
    };
    for (draft, class) in [
        ("draft-04", Class::None),
        ("draft-06", Class::Backward),
        ("draft-07", Class::Backward),
    ] {
        assert_eq!(between(&least(draft, 1), &least(draft, 0)).class, class, "{draft}");
        assert_eq!(
            between(&least(draft, 1), &least(draft, 1)).class,
            Class::Full,
            "{draft}"
        );
    }
}

#[test]
fn references_are_followed_round_and_round() {
    let tree = |leaf: &str| {
        json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {"type": "object", "properties": {
                "value": {"type": leaf}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            }}},
        })
    };
    assert_eq!(between(&tree("integer"), &tree("number")).class, Class::Backward);
    let found = between(&tree("integer"), &tree("string"));
    assert_eq!(found.class, Class::None);
    assert_eq!(found.reasons[0].pointer, "/$defs/node/properties/value/type");
    // Round and round for one and the same value, too.
    let round = |kind: &str| {
        let either = json!({"anyOf": [{"$ref": "#/$defs/t"}, {"type": kind}]});
        json!({"$defs": {"t": either}, "properties": {"a": {"$ref": "#/$defs/t"}}})
    };
    assert_eq!(between(&round("null"), &round("null")).class, Class::Full);
    assert!(!between(&round("null"), &round("string")).class.is_backward());
    // In the older drafts nothing counts beside a reference.
    let old = "http://json-schema.org/draft-07/schema#";
    let beside = json!({"$schema": old, "$ref": "#/definitions/any", "required": ["a"], "definitions": {"any": true}});
    let plain = json!({"$schema": old, "definitions": {"any": true}});
    assert_eq!(between(&plain, &beside).class, Class::Full);
}

#[test]
fn reasons_name_the_place_and_the_rule() {
    let old = json!({"properties": {"path": {"type": "string"}, "a/b": {"maximum": 5}}});
    let new =
        json!({"properties": {"path": {"type": ["string", "null"]}, "a/b": {"maximum": 4}}, "required": ["path"]});
    let found = between(&old, &new);
    let told: Vec<_> = found
        .reasons
        .iter()
        .map(|it| (it.pointer.as_str(), it.breaks))
        .collect();
    assert_eq!(
        told,
        [
            ("/required", Direction::Backward),
            ("/properties/a~1b/maximum", Direction::Backward),
            ("/properties/path/type", Direction::Forward),
        ]
    );
    let Change { keyword, message, .. } = &found.reasons[1];
    assert_eq!(keyword, "maximum");
    assert_eq!(
        message,
        "the new schema asks that it is at most 4, which the old one does not ensure"
    );
    let chosen = |count: usize| json!({"enum": (0..count).collect::<Vec<_>>()});
    for (count, told) in [(2, "0 or 1"), (11, "one of 11")] {
        let found = between(&json!({}), &chosen(count));
        assert!(found.reasons[0].message.contains(told), "{found:?}");
    }
    // What cannot be decided is a reason, too.
    let recent = json!({"$schema": "http://json-schema.org/draft-07/schema#"});
    assert_eq!(between(&json!({}), &recent).class, Class::None);
    let unevaluated = |name: &str| json!({"allOf": [{"properties": {name: {}}}], "unevaluatedProperties": false});
    let found = between(&unevaluated("a"), &unevaluated("b"));
    assert_eq!(found.reasons[0].keyword, "unevaluatedProperties");
}

#[test]
fn what_multiplies_ends_in_time() {
    let wide: Vec<_> = (0..30).map(|n| json!({"properties": {"a": {"minimum": n}}})).collect();
    let deep = |last: Value| {
        (0..6).fold(
            last,
            |schema, _| json!({"properties": {"a": {"anyOf": [schema, {"type": "null"}]}}}),
        )
    };
    let found = between(
        &json!({"anyOf": wide}),
        &deep(json!({"anyOf": wide, "required": ["z"]})),
    );
    assert!(!found.class.is_backward());
    assert!(found.reasons.len() <= 100);
}

#[test]
fn schemas_that_go_round_and_round_are_not_followed_for_ever() {
    // Cycles of two lengths meet again after as many levels as their product.
    let cycle = |length: usize| {
        let definition = |at: usize| {
            let next = format!("#/$defs/d{}", (at + 1) % length);
            (format!("d{at}"), json!({"properties": {"a": {"$ref": next}}}))
        };
        let definitions: serde_json::Map<_, _> = (0..length).map(definition).collect();
        Schema::compile(&json!({"$defs": definitions, "$ref": "#/$defs/d0"})).unwrap()
    };
    let (old, new) = (cycle(99), cycle(101));
    let told = std::thread::Builder::new().stack_size(2 << 20);
    let told = told
        .spawn(move || Compatibility::between(&old, &new))
        .unwrap()
        .join()
        .unwrap();
    assert!(!told.reasons.is_empty());
}

#[test]
fn reasons_about_elements_name_their_rule() {
    let of = |draft: &str, rule: Value| {
        let mut schema = json!({"properties": {"a": rule}});
        if !draft.is_empty() {
            schema["$schema"] = format!("http://json-schema.org/{draft}/schema#").into();
        }
        schema
    };
    let text = json!({"type": "string"});
    for (draft, new, told) in [
        ("", json!({"items": text}), "/items/type"),
        ("", json!({"prefixItems": [text]}), "/prefixItems/0/type"),
        ("", json!({"prefixItems": [{}, text]}), "/prefixItems/1/type"),
        ("", json!({"prefixItems": [{}], "items": text}), "/items/type"),
        ("draft-07", json!({"items": text}), "/items/type"),
        ("draft-07", json!({"items": [{}, text]}), "/items/1/type"),
        (
            "draft-07",
            json!({"items": [{}], "additionalItems": text}),
            "/additionalItems/type",
        ),
    ] {
        let found = between(&of(draft, json!({})), &of(draft, new.clone()));
        let pointers: Vec<&str> = found.reasons.iter().map(|it| it.pointer.as_str()).collect();
        assert_eq!(pointers, [format!("/properties/a{told}")], "{new}");
    }
}
