//! What other people's clients send, as they send it.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::collector::{Collector, Place};

/// As `segment-analytics-python` 2.4 sends it.
const SEGMENT: &str = r#"{"batch": [
  {"integrations": {}, "anonymousId": null, "properties": {"revenue": 19.95, "currency": "USD"},
   "timestamp": "2021-01-01T00:00:00.500+00:00", "userId": "66f6", "context": {"sessionId": "visit-1",
   "library": {"name": "analytics-python", "version": "2.4.0"}}, "type": "track", "event": "Order Completed",
   "messageId": "f1a4a2a2-7e0c-4a7b-9e59-0c5a0d6a6d54"},
  {"integrations": {}, "anonymousId": "anonymous-1", "properties": {"url": "https://example.com/"}, "name": null,
   "category": "Docs", "timestamp": "2021-01-01T00:00:01.000+00:00", "userId": null, "context": {}, "type": "page",
   "messageId": "0c16ad4e-4c35-4b3c-8b0e-5b8f3a1d3f0e"},
  {"integrations": {}, "anonymousId": null, "traits": {"plan": "free"}, "timestamp": "2021-01-01T00:00:02.000+00:00",
   "userId": "66f6", "context": {}, "type": "identify", "messageId": "a2a6a6d5-12d0-4f6e-8c55-3c4a3a2d9b11"}],
 "sentAt": "2021-01-01T00:00:10.000000+00:00", "writeKey": "WRITE_KEY"}"#;

/// As `posthog` 7.91 for Python sends it.
const POSTHOG: &str = r#"{"batch": [
  {"properties": {"plan": "free", "$session_id": "visit-2", "$lib": "posthog-python", "$lib_version": "7.91.1",
   "$geoip_disable": true}, "timestamp": "2021-01-01T00:00:00.250000+00:00", "distinct_id": "66f6",
   "event": "signed up", "uuid": "3f2c0f6e-59a3-4a57-8a4e-0d4a2f9a5c10"},
  {"properties": {"$current_url": "https://example.com"}, "timestamp": "2021-01-01T00:00:01+00:00",
   "distinct_id": "66f6", "event": "$pageview", "uuid": "7b1d1c52-7b1e-4a3c-9d62-2f5f6b9a0e11"}],
 "historical_migration": false, "sent_at": "2021-01-01T00:00:10+00:00", "api_key": "API_KEY"}"#;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn basic(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:")))
}

fn statuses(reply: &Value) -> Vec<&str> {
    let results = reply["results"].as_array().unwrap_or_else(|| panic!("{reply}"));
    results
        .iter()
        .map(|verdict| verdict["status"].as_str().unwrap())
        .collect()
}

fn key(place: &Place, source: &str) -> String {
    let made = place.run(&["key", "create", "--source", source, "--access", "write,read"]);
    assert!(made.status.success());
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_batch_of_segment_is_stored_once_and_set_right() {
    let collector = Collector::start();
    let json = ("content-type", "application/json");
    let answer = collector.post("/segment/v1/batch", SEGMENT);
    assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)));
    assert_eq!(statuses(&answer.json()), ["stored"; 3]);
    // Sent again a while later, compressed, as far as anybody knows for the first time.
    let again = gzip(&SEGMENT.replace("00:00:10.000000", "00:01:10.000000"));
    let answer = collector.request(
        "POST",
        "/segment/v1/batch",
        &[json, ("content-encoding", "gzip")],
        again,
    );
    assert_eq!(statuses(&answer.json()), ["duplicate"; 3]);

    let order = collector.get("/v1/events/f1a4a2a2-7e0c-4a7b-9e59-0c5a0d6a6d54").json();
    let fields = ["category", "name", "subject", "session_id"].map(|field| order[field].as_str().unwrap());
    assert_eq!(fields, ["track", "Order Completed", "66f6", "visit-1"]);
    assert_eq!(
        order["data"]["properties"],
        json!({"revenue": 19.95, "currency": "USD"})
    );
    assert!(order["data"].get("integrations").is_none(), "{order}");
    // It happened nine and a half seconds before it came in, whatever the sender's clock says.
    let micros = |field: &str| {
        order[field]
            .as_str()
            .unwrap()
            .parse::<event_core::Timestamp>()
            .unwrap()
            .as_micros()
    };
    assert_eq!(micros("received_at") - micros("occurred_at"), 9_500_000);
    let page = collector.get("/v1/events/0c16ad4e-4c35-4b3c-8b0e-5b8f3a1d3f0e").json();
    assert_eq!(
        (&page["name"], &page["subject"], &page["data"]["category"]),
        (&json!("page"), &json!("anonymous-1"), &json!("Docs"))
    );
    let value = collector
        .get("/v1/query?measure=sum:/properties/revenue&category=track")
        .json();
    assert_eq!(value["rows"][0]["value"], "19.95");
}

#[test]
fn every_call_of_segment_has_its_route() {
    let collector = Collector::start();
    for (call, name) in [
        ("track", "Signed Up"),
        ("identify", "identify"),
        ("page", "page"),
        ("screen", "screen"),
        ("group", "group"),
        ("alias", "alias"),
    ] {
        let body = json!({"userId": "u", "messageId": call, "event": "Signed Up"}).to_string();
        let answer = collector.post(&format!("/segment/v1/{call}"), body);
        assert_eq!(statuses(&answer.json()), ["stored"], "{call}");
        let stored = collector.get(&format!("/v1/events/{call}")).json();
        assert_eq!((&stored["category"], &stored["name"]), (&json!(call), &json!(name)));
    }
    assert_eq!(collector.post("/segment/v1/shout", "{}").status, 404);
    assert_eq!(
        collector.get("/segment/v1/batch").problem().as_deref(),
        Some("method_not_allowed")
    );
}

#[test]
fn a_batch_of_posthog_is_stored_once_and_set_right() {
    let collector = Collector::start();
    let answer = collector.post("/posthog/batch/", POSTHOG);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("Ok")));
    assert_eq!(statuses(&answer.json()), ["stored"; 2]);
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let again = collector.request("POST", "/posthog/batch", &headers, gzip(POSTHOG));
    assert_eq!(statuses(&again.json()), ["duplicate"; 2]);
    let event = collector.get("/v1/events/3f2c0f6e-59a3-4a57-8a4e-0d4a2f9a5c10").json();
    let fields = ["category", "name", "subject", "session_id"].map(|field| event[field].as_str().unwrap());
    assert_eq!(fields, ["capture", "signed up", "66f6", "visit-2"]);
    let micros = |field: &str| {
        event[field]
            .as_str()
            .unwrap()
            .parse::<event_core::Timestamp>()
            .unwrap()
            .as_micros()
    };
    assert_eq!(micros("received_at") - micros("occurred_at"), 9_750_000);
    for path in [
        "/posthog/capture/",
        "/posthog/capture",
        "/posthog/i/v0/e/",
        "/posthog/i/v0/e",
    ] {
        let body = json!({"event": "one", "distinct_id": "d", "uuid": path.replace('/', "-")});
        assert_eq!(
            statuses(&collector.post(path, body.to_string()).json()),
            ["stored"],
            "{path}"
        );
    }
}

#[test]
fn what_is_refused_is_kept_and_the_rest_is_stored() {
    let collector = Collector::start();
    let schema = r#"{"schema": {"properties": {"properties": {"required": ["revenue"]}}}}"#;
    assert_eq!(collector.put("/v1/types/track/Order%20Completed/1", schema).status, 201);
    let body = json!({"sentAt": "2021-01-01T00:00:10Z", "batch": [
        {"type": "track", "event": "Order Completed", "messageId": "1", "properties": {}, "timestamp": "2021-01-01"},
        {"type": "track", "messageId": "2"},
        {"type": "track", "event": "Other", "messageId": "3", "timestamp": "someday"},
        7,
        {"type": "track", "event": "Other", "messageId": "4"},
    ]});
    let answer = collector.post("/segment/v1/batch", body.to_string()).json();
    let codes: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| verdict["code"].clone())
        .collect();
    let expected = [
        "schema_violation",
        "invalid_type",
        "invalid_timestamp",
        "invalid_envelope",
    ];
    assert_eq!(codes[..4], expected.map(|code| json!(code)));
    assert_eq!(codes[4], Value::Null);
    let kept = collector.get("/v1/quarantine").json();
    assert_eq!(kept["entries"].as_array().unwrap().len(), 4);
    // It is mended and replayed like any other, at the time that was set right when it came.
    let raw: Value = serde_json::from_str(kept["entries"][0]["raw"].as_str().unwrap()).unwrap();
    assert_ne!(raw["occurred_at"], "2021-01-01T00:00:00Z");
    assert_eq!(
        collector
            .put("/v1/types/track/Order%20Completed/1", r#"{"schema": {}}"#)
            .status,
        200
    );
    let replayed = collector.post("/v1/quarantine/replay", r#"{"ids": [1]}"#);
    assert_eq!(replayed.status, 200, "{}", replayed.text());
    let stored = collector.get("/v1/events/1").json();
    assert_eq!(stored["occurred_at"], raw["occurred_at"]);
    let answer = collector.post(
        "/posthog/batch/",
        r#"{"batch": [{"event": "a", "event": "b"}, {"distinct_id": "d"}]}"#,
    );
    assert_eq!(statuses(&answer.json()), ["quarantined"; 2]);
}

#[test]
fn bodies_that_are_none_are_turned_away() {
    let collector = Collector::start_with(&["--batch-limit", "2"]);
    for path in ["/segment/v1/batch", "/segment/v1/track", "/posthog/batch/"] {
        for (body, code) in [
            ("", "malformed_json"),
            ("{", "malformed_json"),
            ("{} {}", "malformed_json"),
            ("[]", "invalid_envelope"),
            ("7", "invalid_envelope"),
        ] {
            let answer = collector.post(path, body);
            assert_eq!(
                (answer.status, answer.problem().as_deref()),
                (400, Some(code)),
                "{path} {body}"
            );
        }
        let plain = collector.request("POST", path, &[("content-type", "text/plain")], "{}");
        assert_eq!(plain.problem().as_deref(), Some("unsupported_media_type"));
        if path.contains("batch") {
            let three = collector.post(path, r#"{"batch": [{}, {}, {}]}"#);
            assert_eq!(three.problem().as_deref(), Some("batch_too_large"), "{path}");
        }
    }
    assert_eq!(
        collector.post("/segment/v1/batch", "{}").problem().as_deref(),
        Some("invalid_envelope")
    );
}

#[test]
fn a_key_comes_where_the_client_has_it() {
    let place = Place::sqlite();
    let shop = key(&place, "shop");
    let collector = Collector::start_on(&place, &[]);
    let json = ("content-type", "application/json");
    let send = |path: &str, authorization: Option<&str>, body: &str| {
        let mut headers = vec![json];
        headers.extend(authorization.map(|value| ("authorization", value)));
        collector.request("POST", path, &headers, body)
    };
    let wrong = shop.replace("ev_", "ev_0");
    for (path, body) in [("/segment/v1/batch", SEGMENT), ("/posthog/batch/", POSTHOG)] {
        for authorization in [None, Some(basic(&wrong)), Some(format!("Bearer {wrong}"))] {
            let answer = send(path, authorization.as_deref(), body);
            assert_eq!(
                (answer.status, answer.problem().as_deref()),
                (401, Some("unauthenticated")),
                "{path}"
            );
        }
    }
    // A key of the header is looked at before the body is.
    assert_eq!(send("/segment/v1/batch", Some(&basic(&wrong)), "nonsense").status, 401);
    assert_eq!(send("/segment/v1/batch", Some(&basic(&shop)), "nonsense").status, 400);

    assert_eq!(
        statuses(&send("/segment/v1/batch", Some(&basic(&shop)), SEGMENT).json()),
        ["stored"; 3]
    );
    let with_key = SEGMENT.replace("WRITE_KEY", &shop);
    assert_eq!(
        statuses(&send("/segment/v1/batch", None, &with_key).json()),
        ["duplicate"; 3]
    );
    let one = json!({"event": "x", "messageId": "m", "writeKey": shop}).to_string();
    assert_eq!(statuses(&send("/segment/v1/track", None, &one).json()), ["stored"]);
    let with_key = POSTHOG.replace("API_KEY", &shop);
    assert_eq!(
        statuses(&send("/posthog/batch/", None, &with_key).json()),
        ["stored"; 2]
    );
    let token = json!({"token": shop, "event": "x", "uuid": "u", "properties": {"token": shop}}).to_string();
    assert_eq!(statuses(&send("/posthog/capture/", None, &token).json()), ["stored"]);

    // Who has no key is told so however much he sends, and who has one how much is too much.
    let many = |key: &str| json!({"api_key": key, "writeKey": key, "batch": vec![json!({}); 1_001]}).to_string();
    for path in ["/segment/v1/batch", "/posthog/batch"] {
        assert_eq!(send(path, None, &many(&wrong)).status, 401, "{path}");
        assert_eq!(
            send(path, None, &many(&shop)).problem().as_deref(),
            Some("batch_too_large"),
            "{path}"
        );
    }

    let bearer = format!("Bearer {shop}");
    let events = collector.request("GET", "/v1/events?source=shop", &[("authorization", &bearer)], "");
    let events = events.json()["events"].as_array().unwrap().clone();
    assert_eq!(events.len(), 7);
    assert!(events.iter().all(|event| event["source"] == "shop"));
    assert!(!json!(events).to_string().contains(&shop), "no key is anybody's data");
}
