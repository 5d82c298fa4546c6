//! From JSON bytes to a verdict, on one core: a page view and an order, of which one in fifty is bad, by the house's own
//! reader and by the peer (`serde_json::Value` and the validator of `jsonschema`). Ours checks depth, size, duplicate keys
//! and numbers beside the schema; with a payload or an event to keep both make canonical text of it, too, and a hash of an event. Run it by `cargo xtask bench --only validation`.

#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use clap::Parser;
use event_benches::arguments::Run;
use event_benches::events;
use event_benches::results::Results;
use event_benches::rounds::{Contender, Measured, measure};
use event_benches::table::Table;
use event_core::registry::Definition;
use event_core::{Event, EventType, Label, Limits, Payload, Registry, Schema, Timestamp};
use serde_json::{Value, json};

const ORDER: &str = include_str!("../../fixtures/order_created.json");
/// Texts of a kind, and how many are judged in a round.
const TEXTS: usize = 1_000;
const JUDGED: usize = 50_000;
/// One text in so many breaks a rule.
const BAD: usize = 50;

/// Validation, beside a peer.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    run: Run,
}

/// A kind of event: its data, and the rules for them.
struct Kind {
    article: &'static str,
    name: &'static str,
    schema: Value,
    data: Vec<String>,
}

fn main() {
    let options = Options::parse();
    let mut results = Results::new(&options.run);
    for kind in [pageview(), order()] {
        results.show("Validation", data(&kind, options.run.rounds));
        results.show("Validation", whole(&kind, options.run.rounds));
    }
}

fn pageview() -> Kind {
    let data = |(number, event): (usize, event_core::ValidEvent)| {
        let text = event.event().payload().as_str();
        if number.is_multiple_of(BAD) {
            text.replace("\"path\":\"", "\"path\":7,\"was\":\"")
        } else {
            text.to_owned()
        }
    };
    Kind {
        article: "a",
        name: "page view",
        schema: json!({
            "type": "object",
            "required": ["host", "path"],
            "properties": {
                "host": {"type": "string", "maxLength": 255}, "path": {"type": "string", "pattern": "^/"},
                "element": {"type": "string"}, "referrer": {"type": "string"}, "duration": {"type": "number", "minimum": 0},
            },
        }),
        data: events::valid(&events::texts(0, TEXTS))
            .into_iter()
            .enumerate()
            .map(data)
            .collect(),
    }
}

fn order() -> Kind {
    let address = json!({
        "type": "object", "required": ["city", "province", "country"],
        "properties": {"city": {"type": "string"}, "province": {"type": "string"}, "country": {"type": "string"}, "zip": {"type": "string"}},
    });
    let data = |number: usize| {
        if number.is_multiple_of(BAD) {
            ORDER.replace("\"USD\"", "\"usd\"")
        } else {
            ORDER.to_owned()
        }
    };
    Kind {
        article: "an",
        name: "order",
        schema: json!({
            "type": "object",
            "required": ["event_id", "order_value", "currency", "billing_address", "shipping_address", "line_items"],
            "properties": {
                "order_value": {"type": "number", "minimum": 0}, "currency": {"enum": ["USD", "EUR"]},
                "email": {"format": "email"}, "billing_address": address, "shipping_address": address,
                "line_items": {"type": "array", "items": {"required": ["id", "quantity"], "properties": {"quantity": {"type": "string"}}}},
            },
        }),
        data: (0..TEXTS).map(data).collect(),
    }
}

/// The peer's validator.
fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

/// What tells two contents apart, as the peer would have it: names, times, and data as text whose keys are sorted.
fn hash(value: &Value) -> [u8; 32] {
    let text = black_box(value["data"].to_string());
    let mut hasher = blake3::Hasher::new();
    for name in ["category", "name", "session_id", "occurred_at"] {
        hasher.update(value[name].as_str().unwrap_or_default().as_bytes());
    }
    *hasher.update(text.as_bytes()).finalize().as_bytes()
}

/// Whether a text is good.
type Judge<'a> = Box<dyn Fn(&[u8]) -> bool + 'a>;

/// Everybody judges the same texts, and must find the same ones good.
fn compare<'a>(texts: &'a [String], rounds: usize, judges: Vec<(&'static str, Judge<'a>)>) -> Vec<Measured> {
    for (name, is_valid) in &judges {
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(is_valid(text.as_bytes()), !number.is_multiple_of(BAD), "{name}: {text}");
        }
    }
    let contender = |(name, is_valid): (&'static str, Judge<'a>)| Contender {
        name,
        work: Box::new(move || {
            let judged = texts.iter().cycle().take(JUDGED);
            let good = judged.filter(|text| is_valid(text.as_bytes())).count();
            assert_eq!(good, JUDGED - JUDGED / BAD);
            JUDGED
        }),
    };
    measure(rounds, judges.into_iter().map(contender).collect())
}

fn data(kind: &Kind, rounds: usize) -> Table {
    let ours = Schema::compile(&kind.schema).unwrap();
    let peer = validator(&kind.schema);
    let limits = Limits::default();
    let measured = compare(
        &kind.data,
        rounds,
        vec![
            (
                "serde_json and jsonschema",
                Box::new(|text| peer.is_valid(&serde_json::from_slice(text).unwrap())),
            ),
            ("event-core", Box::new(|text| ours.check(text, &limits).is_ok())),
            (
                "serde_json and jsonschema, with a payload to keep",
                Box::new(|text| {
                    let value = serde_json::from_slice(text).unwrap();
                    let text = black_box(Value::to_string(&value));
                    peer.is_valid(&value) && !text.is_empty()
                }),
            ),
            (
                "event-core, with a payload to keep",
                Box::new(|text| ours.validate(&Payload::parse(text, &limits).unwrap()).is_ok()),
            ),
        ],
    );
    let bytes = kind.data[1].len();
    Table::short(
        format!("Data of {} {}, {bytes} bytes, to a verdict", kind.article, kind.name),
        &measured,
    )
}

fn whole(kind: &Kind, rounds: usize) -> Table {
    let texts: Vec<String> = kind
        .data
        .iter()
        .enumerate()
        .map(|(number, data)| {
            format!(
                "{{\"id\": \"0199b6a0-7c3e-7000-8000-{number:012x}\", \"session_id\": \"{:032x}\", \"category\": \"shop\", \
                 \"name\": \"{}\", \"occurred_at\": \"2026-01-01T10:20:30.5Z\", \"data\": {data}}}",
                number / 10,
                kind.name,
            )
        })
        .collect();
    let label = json!({"type": "string", "minLength": 1, "maxLength": 100});
    let peer = validator(&json!({
        "type": "object",
        "required": ["category", "name", "data"],
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": 128}, "session_id": label, "category": label, "name": label,
            "occurred_at": {"type": "string", "format": "date-time"}, "data": kind.schema,
        },
    }));
    let mut registry = Registry::default();
    let definition = Definition {
        schema: Some(Schema::compile(&kind.schema).unwrap()),
        ..Default::default()
    };
    let event_type = EventType::new("shop", kind.name).unwrap();
    registry.insert(event_type, Label::new("1").unwrap(), definition);
    let source = events::source();
    let reception = events::reception(&source);
    let read = |text: &[u8]| Event::from_slice(text, &reception);
    let measured = compare(
        &texts,
        rounds,
        vec![
            (
                "serde_json and jsonschema",
                Box::new(|text| peer.is_valid(&serde_json::from_slice(text).unwrap())),
            ),
            ("event-core", Box::new(|text| registry.check(text, &reception).is_ok())),
            (
                "serde_json and jsonschema, with an event to keep",
                Box::new(|text| {
                    let value = serde_json::from_slice(text).unwrap();
                    let hash = black_box(hash(&value));
                    peer.is_valid(&value) && hash != [0; 32]
                }),
            ),
            (
                "event-core, with an event to keep",
                Box::new(|text| read(text).is_ok_and(|event| registry.validate(event, Timestamp::MAX).is_ok())),
            ),
        ],
    );
    let bytes = texts[1].len();
    Table::short(format!("A whole {}, {bytes} bytes, to a verdict", kind.name), &measured)
}
