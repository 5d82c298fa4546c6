//! Whatever was folded into a first schema is valid under it, and the schema is one that is taken.

#![allow(clippy::unwrap_used)]

use event_core::infer::Inference;
use event_core::{Limits, Payload, Schema, arbitrary};
use proptest::prelude::*;
use serde_json::{Value, json};

fn payload(value: &Value) -> Payload {
    Payload::from_value(value, &Limits::default()).unwrap()
}

fn of(values: &[Value]) -> Inference {
    let mut inference = Inference::default();
    values.iter().for_each(|value| inference.add(&payload(value)));
    inference
}

/// All of these are valid under the schema; answers it.
fn check(inference: &Inference, values: &[Value]) -> Value {
    let source = inference.schema();
    let schema = Schema::compile(&source).unwrap();
    assert_eq!(inference.observed(), values.len() as u64);
    for value in values {
        let judged = schema.validate(&payload(value));
        assert!(judged.is_ok(), "{judged:?}\n{value}\n{source}");
    }
    source
}

fn data() -> impl Strategy<Value = Vec<Value>> {
    let one = prop_oneof![
        3 => arbitrary::json_object().prop_filter("within the limits", |value| {
            Payload::from_value(value, &Limits::default()).is_ok()
        }),
        1 => arbitrary::small_object(),
    ];
    proptest::collection::vec(one, 0..12)
}

proptest! {
    #[test]
    fn what_was_folded_is_valid(one in data(), other in data()) {
        let all = [one.clone(), other.clone()].concat();
        let whole = of(&all);
        let source = check(&whole, &all);
        let mut merged = of(&one);
        merged.merge(of(&other));
        prop_assert_eq!(check(&merged, &all), source);
    }
}

#[test]
fn it_says_what_all_have_in_common() {
    let click = |n: u32| {
        json!({
            "id": format!("0190a5b4-7c1e-7d3a-9f2b-{n:012}"),
            "at": "2021-01-01T09:15:27Z",
            "kind": if n.is_multiple_of(2) { "click" } else { "view" },
            "mail": "ann@example.com",
            "items": [{"sku": format!("s{n}"), "price": 1.5}, {"sku": "x", "price": 2}],
            "note": if n.is_multiple_of(3) { Value::Null } else { json!(format!("note {n}")) },
        })
    };
    let mut values: Vec<_> = (0..200).map(click).collect();
    values[7]["extra"] = json!(true);
    let inference = of(&values);
    let source = check(&inference, &values);
    let properties = &source["properties"];
    assert_eq!(properties["id"], json!({"type": "string", "format": "uuid"}));
    assert_eq!(properties["at"], json!({"type": "string", "format": "date-time"}));
    assert_eq!(properties["mail"], json!({"type": "string", "format": "email"}));
    assert_eq!(properties["kind"], json!({"type": "string", "enum": ["click", "view"]}));
    assert_eq!(properties["note"], json!({"type": ["null", "string"]}));
    assert_eq!(
        properties["items"]["items"]["properties"]["price"],
        json!({"type": "number"})
    );
    assert_eq!(properties["items"]["items"]["required"], json!(["price", "sku"]));
    assert_eq!(source["required"], json!(["at", "id", "items", "kind", "mail", "note"]));
    let fields = inference.fields();
    let extra = fields
        .iter()
        .find(|field| field.pointer.to_string() == "/extra")
        .unwrap();
    assert_eq!((extra.present, extra.of), (1, 200));
    let sku = fields
        .iter()
        .find(|field| field.pointer.to_string() == "/items/*/sku")
        .unwrap();
    assert_eq!(
        (sku.present, sku.of, sku.types.as_slice()),
        (400, 400, ["string"].as_slice())
    );
    // Few values are no list before they were seen often.
    assert!(of(&values[..99]).schema()["properties"]["kind"].get("enum").is_none());
}

#[test]
fn however_much_there_is_the_schema_is_taken() {
    let wide = |from: usize, to: usize| Value::Object((from..to).map(|n| (format!("k{n}"), json!(n))).collect());
    let long = |n: usize| json!({format!("{}{n}", "\u{1}".repeat(100)): {"a": [n]}});
    let deep = (0..18).fold(json!("x"), |value, _| json!({"a": value, "b": [null]}));
    let mut values = vec![
        wide(0, 150),
        wide(100, 350),
        deep,
        json!({"k349": "text", "k1": {"z": {}}}),
    ];
    values.extend((0..500).map(long));
    let source = check(&of(&values), &values);
    assert!(source.get("additionalProperties").is_some());
    // Merged one by one, it grows no further; and what one has not described is not claimed by another.
    let mut merged = Inference::default();
    for value in &values {
        merged.merge(of(std::slice::from_ref(value)));
    }
    check(&merged, &values);
    let mut late = of(&[wide(0, 250)]);
    late.merge(of(&[json!({"k240": "text"}), json!({"k249": {}})]));
    late.merge(of(&[wide(200, 450)]));
    let mut back = of(&[json!({"k240": "text", "k10": true})]);
    back.merge(of(&[wide(0, 250)]));
    check(&back, &[json!({"k240": "text", "k10": true}), wide(0, 250)]);
    check(
        &late,
        &[
            wide(0, 250),
            json!({"k240": "text"}),
            json!({"k249": {}}),
            wide(200, 450),
        ],
    );
    assert_eq!(of(&[]).schema()["type"], "object");
}

#[test]
fn elements_are_counted_whatever_they_are() {
    let inference = of(&[json!({"list": [null, true, 1, 2.5, "a", "b", [], [], {}, {}, {}]})]);
    let fields = inference.fields();
    let elements = fields
        .iter()
        .find(|field| field.pointer.to_string() == "/list/*")
        .unwrap();
    assert_eq!((elements.present, elements.of), (11, 11));
}

#[test]
fn what_lies_very_deep_is_anything() {
    let lists = (0..15).fold(json!(1), |inner, _| json!([inner]));
    let objects = (0..15).fold(json!(1), |inner, _| json!({"a": inner}));
    for (deep, keyword, levels) in [(lists, "items", 11), (objects, "properties", 12)] {
        let deep = [json!({"a": deep})];
        let schema = check(&of(&deep), &deep).to_string();
        assert_eq!(schema.matches(&format!("\"{keyword}\"")).count(), levels, "{schema}");
    }
}

#[test]
fn so_many_properties_are_described_alone() {
    // Two hundred, or what there is room for: of each its name, twice, and a little more.
    for (length, described) in [(4, 200), (100, 40_000 / (160 + 2 * 102))] {
        let name = |at: usize| format!("{at:0length$}");
        for count in [described - 1, described, described + 1, 300] {
            let members = (0..count).map(|at| (name(at), json!(at))).collect();
            let schema = of(&[Value::Object(members)]).schema();
            let alone = schema["properties"].as_object().unwrap().len();
            assert_eq!(alone, count.min(described), "{length}");
            assert_eq!(schema.get("additionalProperties").is_some(), count > described);
        }
    }
}

#[test]
fn what_is_described_together_is_any_property_of_the_other_one() {
    // Texts alone, and behind them booleans together.
    let text = |at: usize| (format!("k{at:03}"), json!("text"));
    let boolean = |at: usize| (format!("z{at:03}"), json!(true));
    let many = Value::Object((0..200).map(text).chain((0..9).map(boolean)).collect());
    let mut merged = of(&[json!({"k000": 1, "other": 1})]);
    merged.merge(of(&[many]));
    let schema = merged.schema();
    assert_eq!(schema["properties"]["k000"]["type"], json!(["integer", "string"]));
    assert_eq!(schema["properties"]["other"]["type"], json!(["boolean", "integer"]));
}

#[test]
fn only_short_texts_make_a_list() {
    for (bytes, is_listed) in [(64, true), (65, false), (66, false)] {
        let long = "x".repeat(bytes);
        let values: Vec<Value> = (0..200)
            .map(|n| json!({"kind": if n % 2 == 0 { "view" } else { long.as_str() }}))
            .collect();
        let source = check(&of(&values), &values);
        assert_eq!(source["properties"]["kind"].get("enum").is_some(), is_listed, "{bytes}");
    }
}
