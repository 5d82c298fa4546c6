//! An outline against the schema itself, which has the last word.

use jsonschema::json::SerdeJson;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::json::{Document, Payload};
use crate::limits::Limits;
use crate::schema::{Schema, build};

const KEYS: [&str; 6] = ["a", "b", "bb", "ab", "k\u{e9}y", "null"];

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(&KEYS[..]).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..4_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-8..8_i32).prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        prop::sample::select(vec![0.1, 1e3, 1e18, 1e19, -1e300, 9_007_199_254_740_993.0]).prop_map(Value::from),
        "[ab\u{e9}\u{10000}\"\n]{0,4}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

fn kind() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "null", "boolean", "integer", "number", "string", "array", "object",
    ]);
    let one = name.clone().prop_map(Value::from);
    prop_oneof![
        one,
        prop::collection::btree_set(name, 1..4).prop_map(|names| json!(names))
    ]
}

fn keyword(inner: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = (String, Value)> {
    let size = |name: &'static str| (0..4_u64).prop_map(move |size| (name.to_owned(), json!(size)));
    let bound = |name: &'static str| {
        let number = prop_oneof![
            (-3..4_i64).prop_map(Value::from),
            (-8..8_i32).prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
            Just(json!(1e18)),
        ];
        number.prop_map(move |bound| (name.to_owned(), bound))
    };
    let named = prop::collection::btree_map(key(), inner.clone(), 0..4);
    prop_oneof![
        4 => kind().prop_map(|kind| ("type".to_owned(), kind)),
        1 => prop::collection::vec(scalar(), 1..4).prop_filter_map("none twice", |values| {
            let twice = (1..values.len()).any(|at| values[..at].contains(&values[at]));
            (!twice).then(|| ("enum".to_owned(), json!(values)))
        }),
        1 => scalar().prop_map(|value| ("const".to_owned(), value)),
        2 => prop_oneof![size("minLength"), size("maxLength"), size("minItems"), size("maxItems")],
        1 => prop_oneof![size("minProperties"), size("maxProperties")],
        2 => prop_oneof![bound("minimum"), bound("maximum"), bound("exclusiveMinimum"), bound("exclusiveMaximum")],
        1 => Just(("pattern".to_owned(), json!("^[ab]"))),
        1 => Just(("format".to_owned(), json!("email"))),
        1 => Just(("description".to_owned(), json!("what it is"))),
        2 => inner.clone().prop_map(|each| ("items".to_owned(), each)),
        5 => named.prop_map(|named| ("properties".to_owned(), json!(named))),
        2 => prop::collection::btree_set(key(), 1..3).prop_map(|keys| ("required".to_owned(), json!(keys))),
        2 => inner.clone().prop_map(|others| ("additionalProperties".to_owned(), others)),
        1 => inner.clone().prop_map(|one| ("anyOf".to_owned(), json!([one, {"type": "null"}]))),
        1 => inner.clone().prop_map(|one| ("anyOf".to_owned(), json!([{"type": "null"}, one]))),
        1 => (inner.clone(), inner).prop_map(|(one, other)| ("anyOf".to_owned(), json!([one, other]))),
        1 => Just(("$ref".to_owned(), json!("#/$defs/a"))),
        // What no outline knows.
        1 => Just(("uniqueItems".to_owned(), json!(true))),
        1 => Just(("not".to_owned(), json!({"type": "string"}))),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), Just(json!({"type": "string"}))];
    let part = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::vec(keyword(inner.boxed()), 0..4)
            .prop_map(|keywords| Value::Object(keywords.into_iter().collect()))
    });
    let draft = prop::option::of(prop::sample::select(vec![
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ]));
    (part.clone(), part, draft).prop_map(|(mut whole, definition, draft)| {
        if let Value::Object(whole) = &mut whole {
            whole.insert("$defs".to_owned(), json!({"a": definition}));
            whole.extend(draft.map(|draft| ("$schema".to_owned(), json!(draft))));
        }
        whole
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_it_surely_allows_is_allowed(source in schema(), data in prop::collection::btree_map(key(), value(), 0..5)) {
        let Ok(schema) = Schema::compile(&source) else { return Ok(()) };
        let text = json!(data).to_string();
        let limits = Limits::default();
        let Ok(payload) = Payload::parse(text.as_bytes(), &limits) else { return Ok(()) };
        let document = Document::parse(text.as_bytes(), &limits).unwrap();
        let closely = schema.validator.is_valid(super::super::adapter::TapeNode(payload.root()));
        let peer = build::<SerdeJson>(&source).unwrap();
        let canonical: Value = serde_json::from_str(payload.as_str()).unwrap();
        prop_assert_eq!(closely, peer.is_valid(&canonical));
        prop_assert_eq!(schema.allows(payload.root()), closely);
        prop_assert_eq!(schema.allows(document.root()), closely);
        if schema.surely_allows(text.as_bytes(), &limits) {
            prop_assert!(closely, "{source} does not allow {text}");
        } else if let Some(outline) = schema.outline() {
            // It sees the same in a text as in a document.
            let allows = outline.is_none_or(|outline| outline.allows(document.root()));
            prop_assert!(!allows, "{source} is not seen to allow {text}");
        }
    }
}

#[test]
fn most_schemas_have_one() {
    let plain = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "an order",
        "required": ["id", "lines"],
        "properties": {
            "id": {"type": "string", "pattern": "^o-"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "lines": {"items": {"$ref": "#/$defs/line"}, "minItems": 1},
        },
        "$defs": {"line": {"properties": {"price": {"type": "number", "exclusiveMinimum": 0}}}},
    });
    let schema = Schema::compile(&plain).unwrap();
    let limits = Limits::default();
    let allows = |text: &str| schema.surely_allows(text.as_bytes(), &limits);
    assert!(allows(
        r#" {"id": "o-1", "lines": [{"price": 0.5}], "note": null, "more": {"a": [1]}} "#
    ));
    for bad in [
        r#"{"id": "o-1", "lines": [{"price": 0}]}"#,
        r#"{"id": "x", "lines": [{}]}"#,
        r#"{"id": "o-1", "lines": []}"#,
        r#"{"id": "o-1"}"#,
        r#"{"id": "o-1", "id": "o-1", "lines": [{}]}"#,
        r#"{"id": "o-1", "lines": [{}], "more": 1, "more": 2}"#,
        r#"{"id": "o-1", "lines": [{}], "more": "\u0000"}"#,
        r#"{"id": "o-1", "lines": [{}], "": 1}"#,
        r#"{"id": "o-1", "lines": [{}]}}"#,
        "[]",
        "",
    ] {
        assert!(!allows(bad), "{bad}");
    }
    for more in [
        json!({"allOf": [{}, {"type": "string"}]}),
        json!({"patternProperties": {"^a": {}}}),
        json!({"$ref": "#"}),
        json!({"additionalProperties": false, "required": ["a"]}),
        json!({"multipleOf": 0.01}),
    ] {
        assert!(Schema::compile(&more).unwrap().outline().is_none(), "{more}");
    }
}

#[test]
fn what_a_glance_tells() {
    let text = json!({"type": "string"});
    let of = |rule: Value| json!({"properties": {"a": rule}, "$defs": {"t": text}, "definitions": {"t": text}});
    let id = json!({"$id": "https://example.org/a", "properties": {"a": {"$ref": "#/$defs/t"}}, "$defs": {"t": text}});
    let values = ["null", "true", "1", "1.5", "\"x\"", "[]", "{}"];
    for (kind, told) in [
        ("null", &values[..1]),
        ("boolean", &values[1..2]),
        ("integer", &values[2..3]),
        ("number", &values[2..4]),
        ("string", &values[4..5]),
        ("array", &values[5..6]),
        ("object", &values[6..]),
    ] {
        for rule in [json!({"type": kind}), json!({"type": [kind]})] {
            let compiled = Schema::compile(&of(rule)).unwrap();
            for value in values {
                let surely = compiled.surely_allows(format!("{{\"a\": {value}}}").as_bytes(), &Limits::default());
                assert_eq!(surely, told.contains(&value), "{kind} {value}");
            }
        }
    }
    for (schema, told, untold) in [
        (
            of(json!({"anyOf": [text, {"type": "null"}]})),
            &["null", "\"x\""][..],
            &["1", "[]"][..],
        ),
        (
            of(json!({"anyOf": [{"type": "null"}, text]})),
            &["null", "\"x\""],
            &["1", "[]"],
        ),
        (
            of(json!({"anyOf": [text, {"type": "integer"}]})),
            &[],
            &["null", "true"],
        ),
        (of(json!({"$ref": "#/$defs/t"})), &["\"x\""], &["1", "null"]),
        (of(json!({"$ref": "#/definitions/t"})), &["\"x\""], &["1", "null"]),
        (of(json!({"$ref": "#/$defs/t", "maxLength": 0})), &[], &["\"x\"", "1"]),
        (id, &[], &["\"x\"", "1"]),
        (
            of(json!({"items": text, "minItems": 1, "maxItems": 2})),
            &["[\"x\"]", "[\"\", \"y\"]"],
            &["[]", "[1]", "[\"\", \"\", \"\"]"],
        ),
        (
            of(json!({"minProperties": 1, "maxProperties": 2})),
            &["{\"x\": 1}", "{\"x\": 1, \"y\": 2}"],
            &["{}", "{\"x\": 1, \"y\": 2, \"z\": 3}"],
        ),
        (
            of(json!({"minLength": 2, "maxLength": 3})),
            &["\"ab\"", "\"éßx\""],
            &["\"a\"", "\"é\"", "\"abcd\""],
        ),
        (
            of(json!({"enum": [1, "x", true, null]})),
            &["1", "\"x\"", "true", "null"],
            &["2", "\"y\"", "false", "1.5"],
        ),
        (
            of(json!({"minimum": -1, "exclusiveMaximum": 2})),
            &["-1", "1.5", "\"x\""],
            &["-2", "2", "2.5"],
        ),
    ] {
        let compiled = Schema::compile(&schema).unwrap();
        let surely =
            |value: &&str| compiled.surely_allows(format!("{{\"a\": {value}}}").as_bytes(), &Limits::default());
        assert!(told.iter().all(surely), "{schema}");
        assert!(!untold.iter().any(surely), "{schema}");
    }
}

#[test]
fn what_is_too_deep_is_not_told_at_a_glance() {
    let limits = Limits::default();
    for rule in [json!({}), json!({"properties": {"a": {"type": ["array", "object"]}}})] {
        let schema = Schema::compile(&rule).unwrap();
        for (open, close) in [("[", "]"), ("{\"b\":", "}")] {
            let nested = |depth: usize| format!("{{\"a\":{}1{}}}", open.repeat(depth - 1), close.repeat(depth - 1));
            for (depth, told) in [
                (2, true),
                (limits.depth, true),
                (limits.depth + 1, false),
                (limits.depth * 2, false),
            ] {
                assert_eq!(
                    schema.surely_allows(nested(depth).as_bytes(), &limits),
                    told,
                    "{open}{depth}"
                );
            }
        }
    }
}
