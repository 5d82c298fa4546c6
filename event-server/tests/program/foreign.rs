use crate::collector::Collector;

const ORDERS: &str = "/v1/types/order/created/1.0.0";

#[test]
fn foreign_documents_go_through_the_mapping_of_their_type() {
    let collector = Collector::start();
    let definition = r#"{"mapping": {"id": "/event_id", "occurred_at": "/at", "numbers": ["/line_items/*/quantity"]}}"#;
    assert_eq!(collector.put(ORDERS, definition).status, 201);
    let events = format!("{ORDERS}/events");
    let order = |id: &str| {
        format!(
            r#"{{"event_id": "{id}", "at": "2021-01-01", "order_value": 5.0, "province": "Maryland",
                 "line_items": [{{"quantity": "2"}}]}}"#
        )
    };
    assert_eq!(
        collector.post(&events, order("1")).json()["results"][0]["status"],
        "stored"
    );
    let array = collector.post(&events, format!("[{}, 7]", order("2"))).json();
    assert_eq!(array["results"][0]["status"], "stored");
    assert_eq!(array["results"][1]["code"], "invalid_envelope");
    let line = order("3").replace('\n', "");
    let lines = collector.request("POST", &events, &[("content-type", "application/x-ndjson")], line);
    assert_eq!(lines.json()["results"][0]["id"], "3");

    let stored = collector.get("/v1/events/1").json();
    assert_eq!(
        (&stored["category"], &stored["version"]),
        (&"order".into(), &"1.0.0".into())
    );
    assert_eq!(stored["data"]["line_items"][0]["quantity"], 2);
    let path = "/v1/query?measure=sum:/order_value&bucket=day&by=/province&from=2021-01-01&to=2021-01-02";
    let answer = collector.get(path).json();
    assert_eq!(answer["rows"][0]["value"], "15");
    assert_eq!(answer["rows"][0]["group"]["/province"], "Maryland");
    assert_eq!(answer["rows"][0]["bucket"]["start"], "2021-01-01T00:00:00Z");
}

#[test]
fn without_a_mapping_there_is_no_such_route() {
    let collector = Collector::start();
    let missing = collector.post(&format!("{ORDERS}/events"), "{}");
    assert_eq!(
        (missing.status, missing.problem().as_deref()),
        (404, Some("type_not_found"))
    );
    assert_eq!(collector.put(ORDERS, r#"{"schema": {}}"#).status, 201);
    let without = collector.post(&format!("{ORDERS}/events"), "{}");
    assert_eq!(without.problem().as_deref(), Some("type_not_found"));
}
