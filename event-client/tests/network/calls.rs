//! What a client has its collector do besides taking events, and what it reads of it at length.

use std::time::{Duration, Instant};

use event_client::{Call, Client, QueryError};
use event_core::patch::Patch;
use event_core::{Event, EventType, Label, Source, Subject};
use event_server::test::Collector;
use event_store::api_key::NewKey;
use serde_json::{Value, json};

fn client(collector: &Collector) -> Client {
    Client::builder(collector.url()).source("shop").build().unwrap()
}

fn call(client: &Client, call: &Call) -> Value {
    client.call_blocking(call).unwrap()
}

fn refusal(client: &Client, call: &Call) -> (Option<u16>, String) {
    match client.call_blocking::<Value>(call) {
        Err(QueryError::Refused(refused)) => (refused.status, refused.code.unwrap_or_default()),
        answer => panic!("{answer:?}"),
    }
}

#[test]
fn every_call_reaches_its_route() {
    let collector = Collector::start().unwrap();
    let client = client(&collector);
    let (paid, one, two) = (
        EventType::new("order", "paid by card/é").unwrap(),
        Label::new("1").unwrap(),
        Label::new("2 ?").unwrap(),
    );
    let schema = |kind: &str| json!({"schema": {"properties": {"total": {"type": kind}}}});
    call(&client, &Call::register(&paid, &one, &schema("integer")));
    let registered = call(&client, &Call::register(&paid, &two, &schema("number")));
    assert_eq!(registered["compatibility"]["class"], "backward");
    assert_eq!(
        call(&client, &Call::compatibility(&paid, &one).with("with", "2 ?"))["class"],
        "forward"
    );
    assert_eq!(call(&client, &Call::types())["types"].as_array().unwrap().len(), 2);

    let event = |id: &str, total: Value| {
        let event = Event::builder(paid.category.as_str(), paid.name.as_str());
        event.id(id).subject("ann/é").field("total", total)
    };
    client
        .send_blocking([event("1", json!(1)), event("2", json!("much"))])
        .unwrap();
    assert_eq!(
        call(&client, &Call::trial(&paid, &schema("string")).with("last", "10"))["would_fail"],
        1
    );
    assert_eq!(call(&client, &Call::inferred(&paid))["observed"], 1);

    let listed = call(
        &client,
        &Call::quarantine()
            .with("name", paid.name.as_str())
            .with("category", "order"),
    );
    assert_eq!(listed["entries"][0]["number"], 1);
    let mend = json!([{"op": "replace", "path": "/data/total", "value": 2}]);
    assert!(Patch::from_slice(mend.to_string().as_bytes()).is_ok());
    let tried = call(&client, &Call::edit(1, &mend).with("dry_run", "true"));
    assert_eq!(
        (&tried["run"], &tried["verdict"]["status"]),
        (&json!("dry"), &json!("stored"))
    );
    call(&client, &Call::edit(1, &mend));
    assert_eq!(call(&client, &Call::replay(&json!({"ids": [1]})))["entries"], 1);
    assert_eq!(call(&client, &Call::entry(1))["state"], "replayed");
    assert_eq!(call(&client, &Call::discard(&json!({"filter": {}})))["entries"], 0);
    assert_eq!(
        refusal(&client, &Call::entry(9)),
        (Some(404), "entry_not_found".to_owned())
    );

    let ann = Subject::new("ann/é").unwrap();
    assert_eq!(call(&client, &Call::erase(&ann))["touched"]["events"], 2);
    assert_eq!(
        call(&client, &Call::erasures())["erasures"].as_array().unwrap().len(),
        1
    );
    assert_eq!(
        refusal(&client, &Call::erase(&ann)),
        (Some(404), "subject_not_found".to_owned())
    );
}

#[test]
fn what_is_refused_is_told_apart_from_what_is_not_there() {
    let mut collector = Collector::start().unwrap();
    let store = collector.store().clone();
    let new = NewKey::new(Source::new("shop").unwrap());
    let created = collector.block_on(async move { store.create_key(new).await }).unwrap();
    let keyless = client(&collector);
    assert_eq!(
        refusal(&keyless, &Call::types()),
        (Some(401), "unauthenticated".to_owned())
    );
    let builder = Client::builder(collector.url()).source("shop").key(created.expose());
    let client = builder.build().unwrap();
    let erase = Call::erase(&Subject::new("ann").unwrap());
    assert_eq!(refusal(&client, &erase), (Some(403), "not_permitted".to_owned()));
    collector.stop().unwrap();
    assert!(matches!(
        client.call_blocking::<Value>(&Call::types()),
        Err(QueryError::Unavailable(_))
    ));
    assert!(matches!(
        client.export_blocking(&Call::export()),
        Err(QueryError::Unavailable(_))
    ));
    client.shutdown_blocking(Duration::from_secs(1)).unwrap();
    assert!(matches!(
        client.call_blocking::<Value>(&Call::types()),
        Err(QueryError::Closed)
    ));
    assert!(matches!(
        client.export_blocking(&Call::export()),
        Err(QueryError::Closed)
    ));
}

#[test]
fn an_export_waits_for_its_reader_and_others_do_not() {
    let collector = Collector::start().unwrap();
    let client = client(&collector);
    let pad = "x".repeat(4_000);
    for _ in 0..4 {
        let events = (0..1_000).map(|_| Event::builder("order", "created").field("pad", pad.as_str()));
        client.send_blocking(events).unwrap();
    }
    let mut export = client.export_blocking(&Call::export()).unwrap();
    assert_eq!(export.position(), 4_000);
    // It is not read, and nothing else waits for it.
    let mut left = client.export_blocking(&Call::export()).unwrap();
    assert!(left.next_blocking().unwrap().is_some());
    assert_eq!(
        client
            .query_blocking(&event_core::Query::from_pairs([]).unwrap())
            .unwrap()
            .rows
            .len(),
        1
    );
    drop(left);
    let mut lines = 0;
    while let Some(bytes) = export.next_blocking().unwrap() {
        lines += bytes.iter().filter(|byte| **byte == b'\n').count();
    }
    assert_eq!(lines, 4_000);
    assert_eq!(export.next_blocking(), Ok(None));

    // One that is not read to its end does not hold up the end of the client longer than it may.
    let mut open = client.export_blocking(&Call::export()).unwrap();
    let started = Instant::now();
    client.shutdown_blocking(Duration::from_millis(200)).unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    let broken = loop {
        match open.next_blocking() {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert_eq!(broken, Err(QueryError::Closed));
}
