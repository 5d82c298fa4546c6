//! Keys, from both ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use event_client::{Client, Compression, Pause};
use event_core::{Event, Query, Source};
use event_server::test::Collector;
use event_store::api_key::NewKey;

fn create(collector: &Collector) -> (String, String) {
    let store = collector.store().clone();
    let new = NewKey::new(Source::new("shop").unwrap());
    let created = collector.block_on(async move { store.create_key(new).await }).unwrap();
    (created.expose().to_owned(), created.record().prefix.clone())
}

#[test]
fn a_key_that_is_refused_pauses_and_another_goes_on() {
    let collector = Collector::start().unwrap();
    let (_, _) = create(&collector);
    let pauses = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&pauses);
    let client = Client::builder(collector.url())
        .source("shop")
        .key("ev_wrong")
        .linger(Duration::ZERO)
        .on_pause(move |pause| {
            assert_eq!(pause, Pause::Unauthenticated);
            counted.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap();
    client.track(Event::builder("order", "created")).unwrap();
    let started = Instant::now();
    while pauses.load(Ordering::Relaxed) == 0 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(client.stats().paused, Some(Pause::Unauthenticated));
    assert_eq!(client.stats().in_flight, 1);
    let (key, _) = create(&collector);
    client.set_key(key).unwrap();
    client.flush_blocking(Duration::from_secs(10)).unwrap();
    let stats = client.stats();
    assert_eq!(
        (stats.stored, stats.paused, pauses.load(Ordering::Relaxed)),
        (1, None, 1)
    );
}

#[test]
fn an_event_of_another_source_is_kept_under_the_source_of_the_key() {
    let collector = Collector::start().unwrap();
    let (key, _) = create(&collector);
    let client = Client::builder(collector.url())
        .source("shop")
        .key(key)
        .build()
        .unwrap();
    let events = ["shop", "till"].map(|source| Event::builder("order", "created").source(source));
    let verdicts = client.send_blocking(events).unwrap();
    let codes: Vec<_> = verdicts
        .iter()
        .map(|verdict| verdict.code.map(|code| code.as_str()))
        .collect();
    assert_eq!(codes, [None, Some("not_permitted")]);
    let stats = client.stats();
    assert_eq!((stats.stored, stats.quarantined, stats.offered), (1, 1, 2));
    assert_eq!(collector.quarantine().unwrap()[0].source.as_str(), "shop");
}

#[test]
fn a_question_gets_the_answer_that_the_collector_has() {
    let collector = Collector::start().unwrap();
    #[cfg(feature = "zstd")]
    let compression = Compression::Zstd;
    #[cfg(not(feature = "zstd"))]
    let compression = Compression::None;
    let client = Client::builder(collector.url())
        .source("shop")
        .compression(compression)
        .build()
        .unwrap();
    for _ in 0..70 {
        client
            .track(Event::builder("order", "created").field("value", 2))
            .unwrap();
    }
    client.flush_blocking(Duration::from_secs(10)).unwrap();
    let query = Query::from_json(br#"{"measure": "sum:/value"}"#).unwrap();
    let answer = client.query_blocking(&query).unwrap();
    assert!(serde_json::to_string(&answer).unwrap().contains("140"), "{answer:?}");
}
