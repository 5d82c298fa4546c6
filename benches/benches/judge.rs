//! From JSON bytes to a verdict, on one core: the payload of a page view and of an order, by the
//! house's own tape and by the peer (`serde_json::Value` and the validator of `jsonschema`). Ours
//! checks depth, size, duplicate keys and numbers beside the schema, and leaves canonical text.

#![allow(clippy::unwrap_used, missing_docs)]

use event_benches::events::{texts, valid};
use event_benches::rounds::{Contender, compare};
use event_core::event::Reception;
use event_core::{Event, EventId, Limits, Payload, Registry, Schema, Source, Timestamp};
use serde_json::{Value, json};

const ORDER: &str = include_str!("../../fixtures/order_created.json");
const EVENTS: usize = 50_000;

fn main() {
    let page = json!({
        "type": "object",
        "required": ["host", "path"],
        "properties": {
            "host": {"type": "string", "maxLength": 255}, "path": {"type": "string", "pattern": "^/"},
            "element": {"type": "string"}, "referrer": {"type": "string"}, "duration": {"type": "number", "minimum": 0},
        },
    });
    let address = json!({
        "type": "object", "required": ["city", "province", "country"],
        "properties": {"city": {"type": "string"}, "province": {"type": "string"}, "country": {"type": "string"}, "zip": {"type": "string"}},
    });
    let order = json!({
        "type": "object",
        "required": ["event_id", "order_value", "currency", "billing_address", "shipping_address", "line_items"],
        "properties": {
            "order_value": {"type": "number", "minimum": 0}, "currency": {"enum": ["USD", "EUR"]},
            "email": {"format": "email"}, "billing_address": address, "shipping_address": address,
            "line_items": {"type": "array", "items": {"required": ["id", "quantity"], "properties": {"quantity": {"type": "string"}}}},
        },
    });
    let views: Vec<Vec<u8>> = valid(&texts(0, 1_000))
        .iter()
        .map(|event| event.event().payload().as_str().as_bytes().to_vec())
        .collect();
    payloads("a page view's data", &page, &views);
    payloads("an order", &order, &[ORDER.as_bytes().to_vec()]);
    events(&texts(0, 1_000));
}

fn payloads(title: &str, schema: &Value, texts: &[Vec<u8>]) {
    let ours = Schema::compile(schema).unwrap();
    let peer = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap();
    let limits = Limits::default();
    let all = || texts.iter().cycle().take(EVENTS);
    compare(
        &format!("{title} ({} bytes): bytes to verdict", texts[0].len()),
        7,
        vec![
            Contender {
                name: "serde_json + jsonschema",
                work: Box::new(|| {
                    all()
                        .filter(|text| peer.is_valid(&serde_json::from_slice(text).unwrap()))
                        .count()
                }),
            },
            Contender {
                name: "Payload::parse + Schema::validate",
                work: Box::new(|| {
                    all()
                        .filter(|text| ours.validate(&Payload::parse(text, &limits).unwrap()).is_ok())
                        .count()
                }),
            },
        ],
    );
}

fn events(texts: &[Vec<u8>]) {
    let source = Source::new("bench").unwrap();
    let reception = Reception {
        received_at: Timestamp::MAX,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| EventId::new("never").unwrap(),
    };
    let registry = Registry::default();
    let all = || texts.iter().cycle().take(EVENTS);
    compare(
        &format!("a whole event ({} bytes)", texts[0].len()),
        7,
        vec![
            Contender {
                name: "serde_json::Value, nothing judged",
                work: Box::new(|| {
                    all()
                        .filter(|text| serde_json::from_slice::<Value>(text).is_ok())
                        .count()
                }),
            },
            Contender {
                name: "Event::from_slice",
                work: Box::new(|| all().filter(|text| Event::from_slice(text, &reception).is_ok()).count()),
            },
            Contender {
                name: "Event::from_slice + Registry::validate",
                work: Box::new(|| {
                    let judge = |text: &&Vec<u8>| {
                        let event = Event::from_slice(text, &reception);
                        event.is_ok_and(|event| registry.validate(event, Timestamp::MAX).is_ok())
                    };
                    all().filter(judge).count()
                }),
            },
        ],
    );
}
