//! The corpus of `fixtures/validation`, which event-py runs too: both have to say the same of every case, to the
//! last letter.
//!
//! `cargo test -p event-core --test corpus -- --ignored bless` writes what is expected anew; read what it changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use chrono_tz::Tz;
use event_core::event::Reception;
use event_core::json::Text;
use event_core::policy::Policy;
use event_core::registry::Definition;
use event_core::{Event, EventId, EventType, Label, Limits, Refusal, Registry, Schema, Source, Timestamp};
use serde_json::{Value, json};

const FILES: [&str; 7] = [
    "keywords",
    "formats",
    "references",
    "drafts",
    "envelope",
    "limits",
    "json",
];

fn path(file: &str) -> PathBuf {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/validation");
    fixtures.join(file).with_extension("json")
}

fn groups(file: &str) -> Vec<Value> {
    serde_json::from_str(&fs::read_to_string(path(file)).unwrap()).unwrap()
}

/// The rules of a group, for the type that all its events have.
fn registry(group: &Value) -> Registry {
    let mut registry = Registry::default();
    if let Some(unknown) = group.get("unknown_types") {
        registry.unknown_types = serde_json::from_value(unknown.clone()).unwrap();
    }
    let mut policy = Policy::default();
    if let Some(action) = group.get("on_violation") {
        policy.on_violation = serde_json::from_value(action.clone()).unwrap();
    }
    let definition = Definition {
        schema: Some(Schema::compile(&group["schema"]).unwrap()),
        policy,
        ..Definition::default()
    };
    let event_type = EventType::new("corpus", "case").unwrap();
    registry.insert(event_type, Label::new("1").unwrap(), definition);
    registry
}

/// An event with this data.
fn around(data: &Value) -> Value {
    json!({
        "category": "corpus", "name": "case", "id": "e-1", "source": "corpus",
        "occurred_at": "2026-01-01T00:00:00Z", "data": data,
    })
}

fn made(kind: &str, size: usize) -> Value {
    match kind {
        "depth" => (1..size).fold(json!({}), |inner, _| json!({"a": inner})),
        "nodes" => json!({"a": vec![1; size - 2]}),
        "key" => json!({"k".repeat(size): 1}),
        "string" => json!({"s": "x".repeat(size)}),
        _ => panic!("nothing is made of {kind}"),
    }
}

/// The event of a case, where it is more than text.
fn event(case: &Value) -> Option<Value> {
    if let Some(data) = case.get("data") {
        return Some(around(data));
    }
    if let Some(made_of) = case.get("made") {
        let size = usize::try_from(made_of[1].as_u64().unwrap()).unwrap();
        return Some(around(&made(made_of[0].as_str().unwrap(), size)));
    }
    case.get("event").cloned()
}

fn judge(registry: &Registry, text: &str) -> Value {
    let source = Source::new("rust").unwrap();
    let received_at: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    let reception = Reception {
        received_at,
        source: &source,
        zone: Tz::UTC,
        limits: Limits::DEFAULT,
        new_id: &|| EventId::new("new").unwrap(),
    };
    let valid = Event::from_slice(text.as_bytes(), &reception).and_then(|event| {
        let judged = registry.validate(event, received_at);
        judged.map_err(|refused| refused.refusal)
    });
    let verdict = valid.as_ref().map(drop).map_err(Clone::clone);
    assert_eq!(registry.check(text.as_bytes(), &reception), verdict, "{text}");
    match valid {
        Ok(valid) if valid.violations().is_empty() => Value::Null,
        Ok(valid) => json!({"warns": valid.violations()}),
        Err(refusal) => told(&refusal),
    }
}

fn told(refusal: &Refusal) -> Value {
    json!({"code": refusal.code, "violations": refusal.violations})
}

/// What is said of a case: of its text, and of the value itself, of which text has to be written first.
fn answers(registry: &Registry, case: &Value) -> (Value, Option<Value>) {
    let Some(event) = event(case) else {
        return (judge(registry, case["text"].as_str().unwrap()), None);
    };
    let of_value = match Text::of(&event, &Limits::DEFAULT.of_document()) {
        Ok(text) => judge(registry, text.as_str()),
        Err(error) => told(&Refusal::from(error)),
    };
    (judge(registry, &event.to_string()), Some(of_value))
}

#[test]
fn every_case_is_judged_as_it_was() {
    let mut cases = 0;
    for file in FILES {
        for group in groups(file) {
            let registry = registry(&group);
            for (at, case) in group["cases"].as_array().unwrap().iter().enumerate() {
                let (of_text, of_value) = answers(&registry, case);
                let title = format!("{file}: {}, case {at}", group["what"]);
                assert_eq!(of_text, case["expected"], "{title}");
                if let Some(of_value) = of_value {
                    let expected = case.get("expected_of_value").unwrap_or(&case["expected"]);
                    assert_eq!(&of_value, expected, "{title}, as a value");
                }
                cases += 1;
            }
        }
    }
    assert!(cases >= 150, "{cases}");
}

#[test]
#[ignore = "writes the corpus"]
fn bless() {
    for file in FILES {
        let mut out = String::from("[");
        for (at, mut group) in groups(file).into_iter().enumerate() {
            let registry = registry(&group);
            let cases = group.as_object_mut().unwrap().remove("cases").unwrap();
            let head = group.to_string();
            let comma = if at == 0 { "" } else { "," };
            write!(out, "{comma}\n{}, \"cases\": [", head.strip_suffix('}').unwrap()).unwrap();
            for (at, case) in cases.as_array().unwrap().iter().enumerate() {
                let (of_text, of_value) = answers(&registry, case);
                let mut case = case.clone();
                let members = case.as_object_mut().unwrap();
                members.remove("expected_of_value");
                if let Some(of_value) = of_value.filter(|of_value| *of_value != of_text) {
                    members.insert("expected_of_value".to_owned(), of_value);
                }
                members.insert("expected".to_owned(), of_text);
                let comma = if at == 0 { "" } else { "," };
                write!(out, "{comma}\n  {case}").unwrap();
            }
            out.push_str("\n]}");
        }
        out.push_str("\n]\n");
        fs::write(path(file), out).unwrap();
    }
}
