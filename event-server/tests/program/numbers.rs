use std::collections::BTreeMap;

use crate::collector::{Collector, Response};
use crate::lock::Lock;

/// Each line's value, by its name and labels.
fn numbers(response: &Response) -> BTreeMap<String, f64> {
    assert_eq!(response.status, 200);
    let content_type = response.header("content-type").unwrap();
    assert!(
        content_type.starts_with("application/openmetrics-text; version=1.0.0"),
        "{content_type}"
    );
    let text = response.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
    };
    lines.map(read).collect()
}

const EVENTS: &str = r#"[{"id": "1", "category": "order", "name": "created"},
                        {"id": "1", "category": "order", "name": "created"},
                        {"id": "2", "category": "order", "name": "created"},
                        {"id": "1", "category": "order", "name": "created", "data": {"other": 1}},
                        {"id": "3", "name": "created"}]"#;

#[test]
fn what_happens_is_counted() {
    let collector = Collector::start();
    assert_eq!(collector.post("/v1/events", EVENTS).status, 200);
    assert_eq!(collector.post("/v1/events", "[").status, 400);
    assert_eq!(collector.get("/v1/sessions/nobody").status, 404);
    assert_eq!(collector.request("BREW", "/v1/events", &[], "").status, 405);
    let report = r#"{"id": "r", "source": "shop", "losses": [{"hour": "2021-01-01T14:00:00Z", "reason": "full", "events": 37}]}"#;
    for _ in 0..2 {
        assert_eq!(collector.post("/v1/losses", report).status, 200);
    }
    let mut kept = collector.connect();
    let numbers = numbers(&kept.request("GET", "/metrics", &[], ""));
    let of = |name: &str| {
        *numbers
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not in {numbers:#?}"))
    };
    assert_eq!(of(r#"event_verdicts_total{status="stored",code=""}"#), 2.0);
    assert_eq!(of(r#"event_verdicts_total{status="duplicate",code=""}"#), 1.0);
    assert_eq!(of(r#"event_verdicts_total{status="conflict",code="id_conflict"}"#), 1.0);
    assert_eq!(
        of(r#"event_verdicts_total{status="quarantined",code="invalid_type"}"#),
        1.0
    );
    assert_eq!(
        of(r#"event_http_requests_total{method="POST",route="/v1/events",status="200"}"#),
        1.0
    );
    assert_eq!(
        of(r#"event_http_requests_total{method="POST",route="/v1/events",status="400"}"#),
        1.0
    );
    assert_eq!(
        of(r#"event_http_requests_total{method="GET",route="/v1/sessions/{id}",status="404"}"#),
        1.0
    );
    assert_eq!(
        of(r#"event_http_requests_total{method="other",route="/v1/events",status="405"}"#),
        1.0
    );
    assert_eq!(
        of(r#"event_http_request_duration_seconds_count{method="POST",route="/v1/events"}"#),
        2.0
    );
    assert_eq!(of(r#"event_http_problems_total{code="malformed_json"}"#), 1.0);
    assert_eq!(of(r#"event_http_problems_total{code="session_not_found"}"#), 1.0);
    assert_eq!(
        of("event_http_received_bytes_total"),
        (EVENTS.len() + 1 + 2 * report.len()) as f64
    );
    assert_eq!(of("event_lost_events_total"), 37.0);
    // The conflict and what cannot be read.
    assert_eq!(of("event_quarantine_entries"), 2.0);
    assert!(of("event_log_position") >= 2.0);
    assert_eq!(of("event_commit_events_sum"), 5.0);
    assert!(of("event_commit_duration_seconds_count") >= 1.0);
    assert_eq!(
        (of("event_writer_up"), of("event_database_up"), of("event_queue_events")),
        (1.0, 1.0, 0.0)
    );
    assert!(of("event_writer_heartbeat_age_seconds") < 2.0);
    assert!(of("event_http_connections") >= 1.0);
}

#[test]
fn nothing_that_a_request_says_becomes_a_label() {
    let collector = Collector::start();
    for number in 0..20 {
        let event = format!(
            r#"{{"category": "secret{number}", "name": "secret", "source": "secret{number}", "subject": "secret"}}"#
        );
        assert_eq!(collector.post("/v1/events", event).status, 200);
        collector.get(&format!("/secret{number}"));
        collector.get(&format!("/v1/events/secret{number}?source=secret{number}"));
        collector.request("SECRET", "/v1/events", &[("x-request-id", "secret")], "");
    }
    let response = collector.get("/metrics");
    assert!(
        !response.text().to_ascii_lowercase().contains("secret"),
        "{}",
        response.text()
    );
    assert!(response.text().lines().count() < 250);
}

#[test]
fn a_database_that_is_held_up_is_seen_from_outside() {
    let collector = Collector::start_with(&["--database-timeout", "200ms"]);
    assert_eq!(collector.get("/health/ready").status, 200);
    let lock = Lock::hold(&collector.database());
    // Something to write, which does not get done.
    let event = r#"{"category": "order", "name": "created"}"#;
    assert_eq!(collector.post("/v1/events", event).status, 503);
    let frozen = || collector.get("/health/ready");
    let started = std::time::Instant::now();
    while frozen().status == 200 {
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "still ready");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let refused = frozen();
    assert_eq!(refused.problem().as_deref(), Some("storage_unavailable"));
    // Alive all the same, and it says so in numbers.
    assert_eq!(collector.get("/health/live").status, 200);
    let numbers = numbers(&collector.get("/metrics"));
    let age = numbers["event_writer_heartbeat_age_seconds"];
    assert!(age >= 1.5 || numbers["event_database_up"] == 0.0, "{age}");
    lock.release();
    while frozen().status != 200 {
        assert!(
            started.elapsed() < std::time::Duration::from_secs(30),
            "never ready again"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn a_request_has_an_id_in_its_answer_in_the_log_and_in_its_problem() {
    let collector = Collector::start_with(&["--log-format", "json"]);
    let given = collector.request("GET", "/v1/sessions/nobody", &[("x-request-id", "r-42.a")], "");
    assert_eq!(given.header("x-request-id"), Some("r-42.a"));
    assert_eq!(given.json()["instance"], "r-42.a");
    assert!(
        collector
            .log()
            .lines()
            .any(|line| line.contains("\"r-42.a\"") && line.contains("\"status\":404")),
        "{}",
        collector.log()
    );
    let made = collector.request("GET", "/nothing", &[("x-request-id", "a b\"c")], "");
    let id = made.header("x-request-id").unwrap();
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(made.json()["instance"], id);
    let good = collector.get("/health/live");
    assert_ne!(good.header("x-request-id"), Some(id));
}
