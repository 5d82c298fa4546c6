//! A database that does not answer, and a queue that is full.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::unlike;
use crate::collector::{Collector, Response};
use crate::lock::Lock;
use crate::table::{Case, Words, scenario};

pub(crate) const SCENARIOS: [&str; 7] = [
    "locked_database",
    "locked_database_and_many_clients",
    "locked_database_and_a_type",
    "locked_database_and_readers",
    "lost_table",
    "full_of_events",
    "full_of_bytes",
];

fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","category":"bad input","name":"outage","data":{{"id":"{id}"}}}}"#)
}

fn statuses(response: &Response) -> Vec<Value> {
    let results = response.json()["results"].clone();
    results
        .as_array()
        .unwrap_or_else(|| panic!("{}", response.text()))
        .iter()
        .map(|one| one["status"].clone())
        .collect()
}

/// Fails unless the response is the answer of the case, in its time.
fn assert_answer(case: &Case, started: Instant, response: &Response) {
    let took = started.elapsed();
    let found = unlike(case.field("answer"), response, &mut Words::new());
    assert!(found.is_empty(), "{}: {}", case.title(), found.join("; "));
    let most = case
        .number("within_ms")
        .map_or(Duration::from_secs(10), Duration::from_millis);
    assert!(took <= most, "{}: answered after {took:?}", case.title());
    if response.status == 503 {
        let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
}

#[test]
fn h67_locked_by_another_connection() {
    let case = scenario("locked_database");
    let collector = Collector::start();
    assert_eq!(statuses(&collector.post("/v1/events", event("before"))), ["stored"]);
    let lock = Lock::hold(&collector.database());
    for _ in 0..2 {
        let started = Instant::now();
        let response = collector.post("/v1/events", event("during"));
        assert_answer(&case, started, &response);
    }
    lock.release();
    assert_eq!(statuses(&collector.post("/v1/events", event("during"))), ["stored"]);
    assert_eq!(statuses(&collector.post("/v1/events", event("before"))), ["duplicate"]);
}

#[test]
fn h67_many_at_once() {
    const CLIENTS: usize = 20;
    let case = scenario("locked_database_and_many_clients");
    let collector = Collector::start();
    let lock = Lock::hold(&collector.database());
    let ready = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (collector, ready, case) = (&collector, &ready, &case);
            scope.spawn(move || {
                ready.wait();
                // Some come while others wait already.
                thread::sleep(Duration::from_millis(u64::try_from(client % 4).unwrap() * 300));
                let started = Instant::now();
                let response = collector.post("/v1/events", event(&format!("client-{client}")));
                assert_answer(case, started, &response);
            });
        }
    });
    lock.release();
    let events: Vec<String> = (0..CLIENTS).map(|client| event(&format!("client-{client}"))).collect();
    let again = statuses(&collector.post("/v1/events", format!("[{}]", events.join(","))));
    // Whoever was turned away was told the truth: nothing of theirs was stored, now or later.
    assert!(again.iter().all(|status| status == "stored"), "{again:?}");
    assert_eq!(
        collector.get("/v1/query?name=outage").json()["rows"][0]["value"],
        CLIENTS.to_string()
    );
}

#[test]
fn h67_a_type_is_registered() {
    let case = scenario("locked_database_and_a_type");
    let collector = Collector::start();
    let lock = Lock::hold(&collector.database());
    let started = Instant::now();
    let response = collector.put("/v1/types/bad%20input/outage/1", r#"{"schema": {"type": "object"}}"#);
    assert_answer(&case, started, &response);
    assert_eq!(collector.get("/v1/types/bad%20input/outage/1").status, 404);
    lock.release();
    assert_eq!(
        collector
            .put("/v1/types/bad%20input/outage/1", r#"{"schema": {"type": "object"}}"#)
            .status,
        201
    );
}

#[test]
fn h67_reading_goes_on() {
    assert_eq!(scenario("locked_database_and_readers").row, "H67");
    let collector = Collector::start();
    collector.post("/v1/events", event("before"));
    let lock = Lock::hold(&collector.database());
    for path in [
        "/v1/events/before",
        "/v1/events",
        "/v1/query?name=outage",
        "/v1/types",
        "/v1/quarantine",
        "/health/live",
    ] {
        let started = Instant::now();
        assert_eq!(collector.get(path).status, 200, "{path}");
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{path}: {:?}",
            started.elapsed()
        );
    }
    lock.release();
}

#[test]
fn h67_the_table_is_gone() {
    let case = scenario("lost_table");
    let collector = Collector::start();
    Lock::open(&collector.database()).execute("ALTER TABLE event_events RENAME TO elsewhere");
    let started = Instant::now();
    assert_answer(&case, started, &collector.post("/v1/events", event("lost")));
    // The program lives, and is well as soon as the database is.
    assert_eq!(collector.get("/health/live").status, 200);
    Lock::open(&collector.database()).execute("ALTER TABLE elsewhere RENAME TO event_events");
    assert_eq!(statuses(&collector.post("/v1/events", event("lost"))), ["stored"]);
}

/// Fills the queue with one request and sends another; nothing of that one is stored.
fn assert_full(name: &str, one: &[String], other: &[String]) {
    let case = scenario(name);
    let settings: Vec<String> = case
        .settings()
        .iter()
        .map(|(name, value)| format!("--{name}={value}"))
        .collect();
    let collector = Collector::start_with(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    let body = |events: &[String]| format!("[{}]", events.join(","));
    let lock = Lock::hold(&collector.database());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| collector.post("/v1/events", body(one)));
        thread::sleep(Duration::from_millis(200));
        let started = Instant::now();
        let response = collector.post("/v1/events", body(other));
        assert_answer(&case, started, &response);
        lock.release();
        assert!(
            statuses(&waiting.join().unwrap())
                .iter()
                .all(|status| status == "stored")
        );
    });
    for event in other {
        let id = serde_json::from_str::<Value>(event).unwrap()["id"].clone();
        assert_eq!(
            collector.get(&format!("/v1/events/{}", id.as_str().unwrap())).status,
            404,
            "{id}"
        );
    }
    assert!(
        statuses(&collector.post("/v1/events", body(other)))
            .iter()
            .all(|status| status == "stored")
    );
}

#[test]
fn h68_full_of_events() {
    let events: Vec<String> = (0..6).map(|number| event(&format!("full-{number}"))).collect();
    assert_full("full_of_events", &events[..3], &events[3..]);
}

#[test]
fn h68_full_of_bytes() {
    let large =
        |id: &str| json!({"id": id, "category": "bad input", "name": "outage", "data": {"pad": "x".repeat(2_000)}});
    assert_full(
        "full_of_bytes",
        &[large("one").to_string()],
        &[large("two").to_string(), event("small")],
    );
}
