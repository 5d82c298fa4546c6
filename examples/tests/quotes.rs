//! The example as a process: updates in every order, what is active when, what is parked, and a kill.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/example.rs"]
mod example;

use std::time::{Duration, Instant};

use example::{Example, fixture};
use serde_json::{Value, json};

const QUOTE: &str = "e3ae688a-ecee-48a5-8219-250f222e358d";

fn event(name: &str, sequence: i64, at: &str, data: &Value) -> Value {
    json!({"category": "quote", "name": name, "session_id": "quote-1", "sequence": sequence, "timestamp": at, "data": data})
}

/// An update of the sample with these products, each a copy of the sample's one.
fn update(sequence: i64, at: &str, products: &[&str]) -> Value {
    let mut sample: Value = serde_json::from_str(&fixture("quote_products_updated.json")).unwrap();
    let product = sample["products"][0].take();
    let copy = |id: &&str| {
        let mut product = product.clone();
        product["id"] = json!(id);
        product
    };
    sample["products"] = products.iter().map(copy).collect();
    event("quote_products_updated", sequence, at, &sample)
}

fn send(quotes: &Example, event: &Value) -> i64 {
    let (status, reply) = quotes.post("/v1/events", event);
    assert_eq!(status, 200, "{reply}");
    reply["results"][0]["position"]
        .as_i64()
        .unwrap_or_else(|| panic!("{reply}"))
}

/// Waits until the tables are made of all that was sent, or has been parked.
fn caught_up(quotes: &Example) -> Value {
    let started = Instant::now();
    loop {
        let (_, health) = quotes.get("/health/ready");
        let projection = &health["projections"][0];
        if projection["behind"] == 0 {
            return projection.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{health}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn active(quotes: &Example, at: &str) -> i64 {
    let (status, answer) = quotes.get(&format!("/active?at={at}"));
    assert_eq!(status, 200, "{answer}");
    answer[0]["active"].as_i64().unwrap()
}

#[test]
fn products_are_active_from_their_update_to_the_one_without_them() {
    let quotes = Example::start("quotes", &[]);
    // The start comes last, and the first update after the second.
    send(&quotes, &update(2, "2020-03-23T14:00:00Z", &["a"]));
    send(&quotes, &update(1, "2020-03-23T13:00:00Z", &["a", "b", "c"]));
    let started: Value = serde_json::from_str(&fixture("quote_started.json")).unwrap();
    send(&quotes, &event("quote_started", 0, "2020-03-23T12:53:32Z", &started));
    assert_eq!(caught_up(&quotes)["parked"], 0);
    for (at, expected) in [("12:59", 0), ("13:00", 3), ("13:59", 3), ("14:00", 1), ("23:59", 1)] {
        assert_eq!(active(&quotes, &format!("2020-03-23T{at}:00Z")), expected, "{at}");
    }
    let asked = "from=2020-03-23T12:00:00Z&to=2020-03-23T15:00:00Z&minutes=60";
    let (_, series) = quotes.get(&format!("/active?{asked}&quote={QUOTE}"));
    let counts: Vec<_> = series
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["active"].as_i64().unwrap())
        .collect();
    assert_eq!(counts, [0, 3, 1, 1]);
    let (_, series) = quotes.get(&format!("/active?{asked}&quote=another"));
    assert!(
        series.as_array().unwrap().iter().all(|step| step["active"] == 0),
        "{series}"
    );
    let mut other = update(7, "2020-03-23T13:30:00Z", &["a", "b"]);
    other["data"]["quoteId"] = json!("another");
    send(&quotes, &other);
    caught_up(&quotes);
    assert_eq!(active(&quotes, "2020-03-23T15:00:00Z"), 3, "over all quotes");
}

#[test]
fn what_cannot_be_applied_is_parked_and_the_others_go_on() {
    let quotes = Example::start("quotes", &[]);
    let mut refused = update(1, "2020-03-23T13:00:00Z", &["a"]);
    refused["data"]["products"][0]["rates"][0]["total"] = json!("much");
    let refused = send(&quotes, &refused);
    let unknown = send(
        &quotes,
        &event("quote_sold", 2, "2020-03-23T13:00:00Z", &json!({"quoteId": "another"})),
    );
    let mut good = update(3, "2020-03-23T13:00:00Z", &["a", "b"]);
    good["data"]["quoteId"] = json!("a third");
    send(&quotes, &good);
    let (status, _) = quotes.post(
        "/v1/events",
        r#"{"category": "quote", "name": "quote_started", "data": "#,
    );
    assert_eq!(status, 400, "broken JSON as a whole is no batch");
    assert_eq!(caught_up(&quotes)["parked"], 2);
    assert_eq!(active(&quotes, "2020-03-24T00:00:00Z"), 2);
    let (_, parked) = quotes.get("/v1/projections/quotes/parked");
    let parked: Vec<(i64, &str)> = parked["parked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["position"].as_i64().unwrap(), event["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(parked.len(), 2, "{parked:?}");
    assert!(parked[0].0 == refused && parked[0].1.contains("much"), "{parked:?}");
    assert!(
        parked[1].0 == unknown && parked[1].1.contains("quote_sold"),
        "{parked:?}"
    );
    let (status, asked) = quotes.post(&format!("/v1/projections/quotes/parked/{unknown}/replay"), "");
    assert_eq!((status, &asked["asked"]), (202, &json!(1)));
}

#[test]
fn questions_that_are_none_are_told() {
    let quotes = Example::start("quotes", &[]);
    for asked in [
        "",
        "from=2020-03-23T12:00:00Z",
        "from=2020-03-23T12:00:00Z&to=2030-03-23T12:00:00Z&minutes=1",
    ] {
        assert_eq!(
            quotes.text("GET", &format!("/active?{asked}"), &[], "").0,
            400,
            "{asked}"
        );
    }
}
