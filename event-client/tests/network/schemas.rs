//! The collector's rules, known to the client.

use std::time::{Duration, Instant};

use event_client::{Client, Loss, TrackError};
use event_core::{Code, Event, EventType, Label};
use event_server::test::Collector;
use event_store::TypeChange;
use serde_json::{Value, json};

fn register(collector: &Collector, schema: Value) {
    let store = collector.store().clone();
    let change = TypeChange {
        schema: Some(schema),
        ..TypeChange::default()
    };
    let registered = collector.block_on(async move {
        let of = EventType::new("order", "created").unwrap();
        store.register(&of, &Label::new("1").unwrap(), change).await
    });
    registered.unwrap();
}

/// Waits until the client judges as it is expected to; what it takes in meanwhile is for the collector to judge.
fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn events_are_judged_by_the_collectors_schemas_which_may_change() {
    let collector = Collector::start().unwrap();
    register(&collector, json!({"required": ["value"]}));
    let client = Client::builder(collector.url())
        .source("shop")
        .fetch_schemas(Duration::from_millis(20))
        .build()
        .unwrap();
    let with = |field: &str| client.track(Event::builder("order", "created").field(field, 1));
    soon("the schemas are fetched", || with("other").is_err());
    let Err(TrackError::Invalid(refusal)) = with("other") else {
        panic!()
    };
    assert_eq!(refusal.code, Code::SchemaViolation);
    assert_eq!(refusal.violations[0].keyword, "required");
    with("value").unwrap();
    // What the collector does not know is not for the client to refuse.
    client.track(Event::builder("order", "unheard of")).unwrap();

    register(&collector, json!({"required": ["other"]}));
    soon("they are fetched again", || with("value").is_err());
    with("other").unwrap();
    client.flush_blocking(Duration::from_secs(20)).unwrap();
    let stats = client.stats();
    assert_eq!(stats.offered, stats.accounted());
    assert!(stats.dropped.of(Loss::Invalid) >= 3, "{stats:?}");
    client.shutdown_blocking(Duration::from_secs(5)).unwrap();
}
