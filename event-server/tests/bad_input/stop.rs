//! A collector that stops, and one that comes back.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::answer::unlike;
use crate::collector::Collector;
use crate::lock::Lock;
use crate::table::{Words, scenario};

pub(crate) const SCENARIOS: [&str; 2] = ["restart", "shutting_down"];

const JSON: (&str, &str) = ("content-type", "application/json");

fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","category":"bad input","name":"stop"}}"#)
}

#[test]
fn h44_after_a_restart() {
    let case = scenario("restart");
    let mut collector = Collector::start();
    let mut words = Words::new();
    let stored = json!({"body": {"results": [{"status": "stored", "position": "$POSITION"}]}});
    assert!(unlike(&stored, &collector.post("/v1/events", event("first")), &mut words).is_empty());
    for _ in 0..2 {
        collector.stop();
        collector.restart();
        let again = collector.post("/v1/events", event("first"));
        let found = unlike(case.field("answer"), &again, &mut words);
        assert!(found.is_empty(), "{found:?}");
        let same_place = json!({"body": {"results": [{"position": "$POSITION"}]}});
        assert!(unlike(&same_place, &again, &mut words).is_empty(), "{}", again.text());
    }
}

#[test]
fn h70_on_a_kept_connection() {
    let case = scenario("shutting_down");
    let mut collector = Collector::start();
    let mut kept = collector.connect();
    assert_eq!(kept.request("GET", "/health/live", &[], "").status, 200);
    let lock = Lock::hold(&collector.database());
    let mut running = collector.connect();
    running.send_request("POST", "/v1/events", &[JSON], event("running"));
    thread::sleep(Duration::from_millis(100));

    collector.terminate();
    thread::sleep(Duration::from_millis(200));
    let late = kept.request("POST", "/v1/events", &[JSON], event("late"));
    let found = unlike(case.field("answer"), &late, &mut Words::new());
    assert!(found.is_empty(), "{}: {found:?}", case.title());
    assert!(kept.try_response().is_none(), "the connection is still open");

    lock.release();
    let finished = running.response();
    assert_eq!(finished.json()["results"][0]["status"], "stored", "{}", finished.text());
    assert_eq!(collector.wait().code(), Some(0));
    collector.restart();
    assert_eq!(collector.get("/v1/events/running").status, 200);
    assert_eq!(collector.get("/v1/events/late").status, 404);
}
