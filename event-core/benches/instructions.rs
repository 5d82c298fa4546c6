//! How many instructions an event costs where nothing but the processor is asked: `cargo xtask instructions` runs each
//! scenario under callgrind, which counts what is done within [`measured`] and nothing else.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;

use event_core::event::Reception;
use event_core::json::Document;
use event_core::minutes::{Counter, Cut, PlainColumn, PlainLines, PlainRows};
use event_core::registry::Definition;
use event_core::{
    Event, EventId, EventType, Label, Limits, Payload, Query, Registry, Schema, Source, Timestamp, answer,
};
use serde_json::{Value, json};

const ORDER: &[u8] = include_bytes!("../../fixtures/order_created.json");
/// Microseconds since 1970, a Monday's midnight.
const FIRST: i64 = 1_759_708_800_000_000;
/// So many events are made, and each is used once.
const EVENTS: usize = 2_000;

/// What callgrind counts. It takes what it runs by reference, so that it is one function with a name.
#[inline(never)]
fn measured(work: &mut dyn FnMut() -> usize) -> usize {
    black_box(work())
}

/// Says how many events they were, for who divides by it.
fn report(work: &mut dyn FnMut() -> usize) {
    let events = measured(work);
    assert!(events > 0, "nothing was done");
    println!("events: {events}");
}

fn page_schema() -> Value {
    json!({
        "type": "object",
        "required": ["host", "path"],
        "properties": {
            "host": {"type": "string", "maxLength": 255}, "path": {"type": "string", "pattern": "^/"},
            "element": {"type": "string"}, "referrer": {"type": "string"}, "duration": {"type": "number", "minimum": 0},
        },
    })
}

fn order_schema() -> Value {
    let address = json!({
        "type": "object", "required": ["city", "province", "country"],
        "properties": {"city": {"type": "string"}, "province": {"type": "string"}, "country": {"type": "string"}},
    });
    json!({
        "type": "object",
        "required": ["event_id", "order_value", "currency", "billing_address", "shipping_address", "line_items"],
        "properties": {
            "order_value": {"type": "number", "minimum": 0}, "currency": {"enum": ["USD", "EUR"]},
            "email": {"format": "email"}, "billing_address": address, "shipping_address": address,
            "line_items": {"type": "array", "items": {"required": ["id", "quantity"]}},
        },
    })
}

/// The data of a page view, as a website sends it.
fn page(number: usize) -> String {
    format!(
        "{{\"host\": \"www.example.com\", \"path\": \"/products/{}\", \"element\": \"chat bubble\", \
         \"referrer\": \"https://search.example/?q={}\", \"duration\": {}.25}}",
        number % 1_000,
        number % 777,
        number % 60,
    )
}

fn pages() -> Vec<Vec<u8>> {
    (0..EVENTS).map(|number| page(number).into_bytes()).collect()
}

/// The same as whole events, ten to a session.
fn lines() -> Vec<Vec<u8>> {
    let line = |number: usize| {
        let at = Timestamp::from_micros(FIRST + i64::try_from(number).unwrap() * 7_000_000).unwrap();
        format!(
            "{{\"id\": \"0199b2f0-0000-7000-8000-{number:012x}\", \"session_id\": \"{:032x}\", \"category\": \"page interaction\", \
             \"name\": \"{}\", \"occurred_at\": \"{at}\", \"data\": {}}}",
            number / 10,
            ["pageview", "cta click", "submit", "scroll", "leave"][number % 5],
            page(number),
        )
    };
    (0..EVENTS).map(|number| line(number).into_bytes()).collect()
}

fn with_reception(work: impl FnOnce(&Reception<'_>)) {
    let source = Source::new("bench").unwrap();
    work(&Reception {
        received_at: Timestamp::MAX,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| EventId::new("never").unwrap(),
    });
}

/// Bytes to a verdict and a canonical payload.
fn payloads(schema: &Value, texts: &[Vec<u8>]) {
    let (schema, limits) = (Schema::compile(schema).unwrap(), Limits::default());
    report(&mut || {
        let valid = |text: &&Vec<u8>| schema.validate(&Payload::parse(text, &limits).unwrap()).is_ok();
        texts.iter().filter(valid).count()
    });
}

/// Bytes to a verdict, and nothing kept.
fn verdicts(schema: &Value, texts: &[Vec<u8>]) {
    let (schema, limits) = (Schema::compile(schema).unwrap(), Limits::default());
    report(&mut || {
        let valid = |text: &&Vec<u8>| {
            let document = Document::parse(text, &limits).unwrap();
            schema.allows(document.root())
        };
        texts.iter().filter(valid).count()
    });
}

/// A line of NDJSON to an event that may be stored.
fn whole() {
    let texts = lines();
    let mut registry = Registry::default();
    let definition = Definition {
        schema: Some(Schema::compile(&page_schema()).unwrap()),
        ..Definition::default()
    };
    let pageview = EventType::new("page interaction", "pageview").unwrap();
    registry.insert(pageview, Label::new("1").unwrap(), definition);
    with_reception(|reception| {
        report(&mut || {
            let valid = |text: &&Vec<u8>| {
                let event = Event::from_slice(text, reception).unwrap();
                registry.validate(event, Timestamp::MAX).is_ok()
            };
            texts.iter().filter(valid).count()
        });
    });
}

/// Events to rows of buckets.
fn fold(question: &str) {
    let query = Query::from_json(question.as_bytes()).unwrap();
    let texts = lines();
    with_reception(|reception| {
        let read = |text: &Vec<u8>| Event::from_slice(text, reception).unwrap();
        let events: Vec<Event> = texts.iter().map(read).collect();
        report(&mut || {
            let answer = answer(&query, &events).unwrap();
            assert!(!answer.rows.is_empty());
            events.len()
        });
    });
}

/// Rows of a file of CSV to counts of minutes.
fn rows() {
    let columns = [PlainColumn::Subject, PlainColumn::Time];
    let rows = PlainRows::new(b',', &columns, chrono_tz::Tz::UTC, Timestamp::MAX).unwrap();
    let row = |number: usize| {
        let at = Timestamp::from_micros(FIRST + i64::try_from(number).unwrap() * 1_000_000).unwrap();
        format!("customer-{},{at}\n", number % 97)
    };
    let text: String = (0..10 * EVENTS).map(row).collect();
    report(&mut || {
        let (mut lines, mut counter) = (PlainLines::new(&rows, text.as_bytes(), 0), Counter::new(1_000_000));
        let counted = lines.count(text.len(), &Cut::NONE, &mut counter);
        assert_eq!(counter.take().subjects(), 97);
        usize::try_from(counted).unwrap()
    });
}

fn main() {
    let orders = || vec![ORDER.to_vec(); EVENTS / 10];
    match std::env::args().nth(1).as_deref() {
        Some("page") => payloads(&page_schema(), &pages()),
        Some("page-verdict") => verdicts(&page_schema(), &pages()),
        Some("order") => payloads(&order_schema(), &orders()),
        Some("order-verdict") => verdicts(&order_schema(), &orders()),
        Some("event") => whole(),
        Some("fold-names") => fold(r#"{"by": "name", "bucket": "hour"}"#),
        Some("fold-sum") => fold(r#"{"by": "/host", "bucket": "day", "measure": "sum:/duration"}"#),
        Some("csv") => rows(),
        _ => println!("scenarios: page page-verdict order order-verdict event fold-names fold-sum csv"),
    }
}
