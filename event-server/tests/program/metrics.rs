use serde_json::json;

use crate::collector::{Collector, Response};

const SALES: &str = "/v1/metrics/sales";
const DEFINITION: &str =
    r#"{"category": "order", "name": "created", "value": "/total", "scale": 2, "by": ["subject", "/province"]}"#;

fn delete(collector: &Collector, path: &str) -> Response {
    collector.request("DELETE", path, &[], "")
}

#[test]
fn a_metric_is_declared_shown_listed_and_dropped() {
    let collector = Collector::start();
    assert_eq!(collector.get("/v1/metrics").json(), json!({"metrics": []}));
    assert_eq!(collector.get(SALES).problem().as_deref(), Some("metric_not_found"));

    let created = collector.put(SALES, DEFINITION);
    assert_eq!(created.status, 201, "{}", created.text());
    let mut expected: serde_json::Value = serde_json::from_str(DEFINITION).unwrap();
    for (name, value) in [
        ("metric", json!("sales")),
        ("ready", json!(true)),
        ("built", json!(0)),
        ("since", json!(0)),
        ("declared_at", created.json()["declared_at"].clone()),
    ] {
        expected[name] = value;
    }
    assert_eq!(created.json(), expected);
    let again = collector.put(SALES, DEFINITION);
    assert_eq!((again.status, again.json()), (200, expected.clone()));
    assert_eq!(collector.get(SALES).json(), expected);
    assert_eq!(collector.get("/v1/metrics").json(), json!({"metrics": [expected]}));
    assert!(collector.get("/").text().contains("v1/metrics/sales"));

    // The same name for something else is taken; in the body it may stand once more.
    let other = r#"{"metric": "sales", "category": "order", "name": "created"}"#;
    let taken = collector.put(SALES, other);
    assert_eq!((taken.status, taken.problem().as_deref()), (409, Some("metric_taken")));

    let gone = delete(&collector, SALES);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    let again = delete(&collector, SALES);
    assert_eq!(
        (again.status, again.problem().as_deref()),
        (404, Some("metric_not_found"))
    );
    assert_eq!(collector.put(SALES, other).status, 201);
}

#[test]
fn what_is_no_metric_is_refused_with_its_place() {
    let collector = Collector::start();
    let of = |rest: &str| format!(r#"{{"category": "order", "name": "created", {rest}}}"#);
    for (body, status, code, pointer) in [
        ("{", 400, "malformed_json", None),
        (r#"{"name": "a", "name": "b"}"#, 400, "duplicate_key", Some("/name")),
        ("[]", 422, "invalid_definition", None),
        (r#"{"name": "created"}"#, 422, "invalid_definition", Some("/category")),
        (r#"{"category": "order"}"#, 422, "invalid_definition", Some("/name")),
        (
            r#"{"category": " order", "name": "created"}"#,
            422,
            "invalid_definition",
            Some("/category"),
        ),
        (&of(r#""colour/x": 1"#), 422, "invalid_definition", Some("/colour~1x")),
        (&of(r#""metric": "other""#), 422, "invalid_definition", Some("/metric")),
        (&of(r#""value": "total""#), 422, "invalid_definition", Some("/value")),
        (&of(r#""scale": 2"#), 422, "invalid_definition", Some("/scale")),
        (
            &of(r#""value": "/total", "scale": 13"#),
            422,
            "invalid_definition",
            Some("/scale"),
        ),
        (
            &of(r#""value": "/total", "scale": -1"#),
            422,
            "invalid_definition",
            Some("/scale"),
        ),
        (&of(r#""by": "subject""#), 422, "invalid_definition", Some("/by")),
        (
            &of(r#""by": ["subject", "colour"]"#),
            422,
            "invalid_definition",
            Some("/by/1"),
        ),
        (&of(r#""by": ["/a", "/a"]"#), 422, "invalid_definition", Some("/by")),
        (&of(r#""by": ["category"]"#), 422, "invalid_definition", Some("/by")),
    ] {
        let response = collector.put(SALES, body);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (status, Some(code)),
            "{body}"
        );
        if let Some(pointer) = pointer {
            assert_eq!(response.json()["pointer"], pointer, "{body}");
        }
    }
    for path in ["/v1/metrics/%20a", "/v1/metrics/%00", "/v1/metrics/%ff"] {
        assert_eq!(
            collector.put(path, DEFINITION).problem().as_deref(),
            Some("invalid_path"),
            "{path}"
        );
    }
    assert_eq!(
        collector.get("/v1/metrics?x=1").problem().as_deref(),
        Some("unknown_parameter")
    );
    let allowed = collector.post(SALES, DEFINITION);
    assert_eq!(allowed.status, 405);
    assert_eq!(collector.get("/v1/metrics").json(), json!({"metrics": []}));
}

#[test]
fn of_a_type_only_counts_may_be_kept() {
    let collector = Collector::start();
    let path = "/v1/types/order/created/1";
    let created = collector.put(path, r#"{"policy": {"storage": "counts_only"}}"#);
    assert_eq!(created.status, 201, "{}", created.text());
    assert_eq!(created.json()["policy"]["storage"], "counts_only");
    assert_eq!(collector.get(path).json()["policy"], created.json()["policy"]);
    let refused = collector.put(path, r#"{"policy": {"storage": "nothing"}}"#);
    assert_eq!((refused.status, &refused.json()["pointer"]), (422, &json!("/policy")));

    assert_eq!(collector.put(SALES, DEFINITION).status, 201);
    let event = r#"{"id": "o-1", "category": "order", "name": "created", "timestamp": "2026-01-01T09:15:00Z",
                    "data": {"total": 9.99, "province": "Idaho"}}"#;
    let verdict = collector.post("/v1/events", event).json()["results"][0].clone();
    assert_eq!(verdict["status"], "stored");
    assert_eq!(
        collector.post("/v1/events", event).json()["results"][0]["status"],
        "duplicate"
    );
    let receipt = collector.get("/v1/events/o-1");
    assert_eq!(
        receipt.json(),
        json!({"id": "o-1", "counted": true, "position": verdict["position"]})
    );
    let of_type = "category=order&name=created";
    let answer = collector.get(&format!("/v1/query?measure=sum:/total&by=/province&{of_type}"));
    assert_eq!(answer.json()["source"], "cells", "{}", answer.text());
    assert_eq!(answer.json()["rows"][0]["value"], "9.99");
    let unanswered = collector.get(&format!("/v1/query?measure=count&by=/host&{of_type}"));
    assert_eq!(
        (unanswered.status, unanswered.problem().as_deref()),
        (422, Some("counts_only"))
    );
    assert!(unanswered.text().contains("order/created"), "{}", unanswered.text());
}
