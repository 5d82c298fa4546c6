use crate::CLICKS;
use crate::collector::Collector;

#[test]
fn every_event_gets_its_verdict_in_order() {
    let collector = Collector::start();
    let response = collector.post(
        "/v1/events",
        r#"[{"id": "a", "category": "c", "name": "n", "occurred_at": "2026-01-01T00:00:00Z", "data": {"x": 1.0}},
            7,
            {"id": "a", "category": "c", "name": "n", "occurred_at": "2026-01-01T00:00:00Z", "data": {"x": 1}},
            {"id": "a", "category": "c", "name": "n", "occurred_at": "2026-01-01T00:00:00Z", "data": {"x": 2}},
            {"category": "c", "name": "n", "data": []}]"#,
    );
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some("application/json"))
    );
    let reply = response.json();
    let results = reply["results"].as_array().unwrap();
    let statuses: Vec<_> = results
        .iter()
        .map(|verdict| verdict["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["stored", "quarantined", "duplicate", "conflict", "quarantined"]
    );
    assert_eq!(results[0]["id"], "a");
    assert_eq!(results[0]["position"], results[2]["position"]);
    assert_eq!(results[0]["flags"], serde_json::json!(["unplanned"]));
    assert_eq!(results[1]["code"], "invalid_envelope");
    assert_eq!(results[3]["code"], "id_conflict");
    assert_eq!(results[4]["code"], "payload_not_object");
    assert_eq!(results[4]["violations"][0]["pointer"], "/data");
}

#[test]
fn one_object_an_array_and_lines_are_taken_alike() {
    let collector = Collector::start();
    let event = r#"{"category": "c", "name": "n", "data": {}}"#;
    assert_eq!(
        collector.post("/v1/events", event).json()["results"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        collector.post("/v1/events", CLICKS).json()["results"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let lines = format!("{event}\r\n\nnot json\n{event}");
    let response = collector.request("POST", "/v1/events", &[("content-type", "application/x-ndjson")], lines);
    let reply = response.json();
    assert_eq!(reply["results"].as_array().unwrap().len(), 3);
    assert_eq!(reply["results"][1]["code"], "malformed_json");
    for (kind, body) in [("application/json", "[]"), ("application/x-ndjson", "")] {
        let response = collector.request("POST", "/v1/events", &[("content-type", kind)], body);
        assert_eq!((response.status, response.text()), (200, r#"{"results":[]}"#));
    }
}

#[test]
fn cloud_events_come_one_by_one_or_in_a_batch() {
    let collector = Collector::start();
    let event = r#"{"specversion": "1.0", "type": "order.created", "source": "/shop", "id": "A1",
                    "time": "2026-01-01T00:00:00Z", "data": {"value": 5}}"#;
    let send = |kind: &str, body: &str| collector.request("POST", "/v1/events", &[("content-type", kind)], body);
    let one = send("application/cloudevents+json; charset=utf-8", event);
    assert_eq!(one.json()["results"][0]["status"], "stored");
    let batch = send("application/cloudevents-batch+json", &format!("[{event}]"));
    assert_eq!(batch.json()["results"][0]["status"], "duplicate");
    assert_eq!(collector.get("/v1/events/A1?source=/shop").json()["category"], "order");
    assert_eq!(
        send("application/cloudevents+json", "[]").problem().as_deref(),
        Some("invalid_envelope")
    );
}

#[test]
fn a_body_that_is_no_batch_stores_nothing() {
    let collector = Collector::start();
    for (body, code, offset) in [
        (b"".as_slice(), "malformed_json", Some(0)),
        (b"[{},", "malformed_json", Some(4)),
        (b"{} {}", "malformed_json", Some(3)),
        (b"[\"\xff\"]", "invalid_utf8", Some(2)),
        (b"null", "invalid_envelope", Some(0)),
    ] {
        let response = collector.post("/v1/events", body);
        assert_eq!((response.status, response.problem().as_deref()), (400, Some(code)));
        assert_eq!(response.json()["offset"].as_u64(), offset);
    }
    let many = vec![r#"{"category":"c","name":"n"}"#; 1_001];
    let response = collector.post("/v1/events", format!("[{}]", many.join(",")));
    assert_eq!(
        (response.status, response.problem().as_deref()),
        (413, Some("batch_too_large"))
    );
    assert_eq!(
        collector.get("/v1/events").json()["events"].as_array().unwrap().len(),
        0
    );
    let response = collector.post("/v1/events", format!("[{}]", many[1..].join(",")));
    assert_eq!(response.json()["results"].as_array().unwrap().len(), 1_000);
}
