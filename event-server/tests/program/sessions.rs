use crate::collector::Collector;

#[test]
fn a_session_is_read_in_order_and_tells_what_is_missing() {
    let collector = Collector::start();
    let event = |sequence: u32, second: u32| {
        format!(
            r#"{{"id": "{sequence}", "session_id": "s 1", "sequence": {sequence}, "category": "c", "name": "n",
                 "occurred_at": "2026-01-01T00:00:0{second}Z"}}"#
        )
        .replace("s 1", "s/1")
    };
    collector.post(
        "/v1/events",
        format!("[{},{},{}]", event(5, 3), event(1, 1), event(2, 2)),
    );
    let session = collector.get("/v1/sessions/s%2F1").json();
    let order: Vec<_> = session["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["sequence"].clone())
        .collect();
    assert_eq!(order, [1, 2, 5]);
    assert_eq!(session["gaps"], serde_json::json!([{"after": 2, "before": 5}]));
    assert_eq!(session["reordered"], 0);
    let missing = collector.get("/v1/sessions/nobody");
    assert_eq!(
        (missing.status, missing.problem().as_deref()),
        (404, Some("session_not_found"))
    );
}
