//! The example as a process: activities written and searched over HTTP.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/example.rs"]
mod example;

use std::collections::BTreeSet;

use example::{Example, fixture};
use serde_json::{Value, json};

const EVENTS: &str = "/api/events/";

fn start() -> Example {
    Example::start("activity_log", &[])
}

fn sample() -> Value {
    serde_json::from_str(&fixture("activity.json")).unwrap()
}

fn messages(list: &Value) -> Vec<&str> {
    let events = list["events"].as_array().unwrap_or_else(|| panic!("{list}"));
    events.iter().map(|event| event["message"].as_str().unwrap()).collect()
}

#[test]
fn an_activity_gets_an_id_and_a_time() {
    let log = start();
    assert_eq!(log.get("/api/health"), (200, json!({"status": "ok"})));
    let (status, first) = log.post(EVENTS, sample());
    assert_eq!(status, 201, "{first}");
    let (_, second) = log.post(EVENTS, sample());
    for (field, value) in sample().as_object().unwrap() {
        assert_eq!(first[field], *value, "{field}");
    }
    let (_, list) = log.get(EVENTS);
    assert_eq!(list["events"], json!([first, second]));

    // Of ids that follow one another at once, nothing but the time and the version is alike.
    let ids: Vec<String> = (0..50)
        .map(|_| log.post(EVENTS, sample()).1["id"].as_str().unwrap().to_owned())
        .collect();
    let tails: BTreeSet<&str> = ids.iter().map(|id| &id[15..18]).collect();
    assert!(tails.len() > 25, "{ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}

#[test]
fn all_filters_combine() {
    let log = start();
    for (component, email, environment, message) in [
        ("order", "ade@gmail.com", "production", "order failed: 50% off"),
        ("order", "ade@gmail.com", "staging", "order failed"),
        ("order", "bea@gmail.com", "production", "order shipped"),
        ("invoice", "ade@gmail.com", "production", "invoice Failed"),
    ] {
        let activity = json!({"component": component, "email": email, "environment": environment, "message": message});
        assert_eq!(log.post(EVENTS, activity).0, 201);
    }
    let found = |query: &str| {
        let (status, list) = log.get(&format!("{EVENTS}?{query}"));
        assert_eq!(status, 200, "{query}: {list}");
        messages(&list).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("email=bea@gmail.com"), ["order shipped"]);
    assert_eq!(found("message=failed"), ["order failed: 50% off", "order failed"]);
    assert_eq!(found("message=50%25"), ["order failed: 50% off"]);
    assert_eq!(found("message=_"), Vec::<String>::new());
    assert_eq!(
        found("component=order&environment=production&email=ade@gmail.com&message=failed&from_date=04-16-2021"),
        ["order failed: 50% off"]
    );
    assert_eq!(found("from_date=2021-04-16").len(), 4);
    assert_eq!(found("from_date=01-01-9999").len(), 0);
    assert_eq!(found("to_date=04-16-2021").len(), 0);
    assert_eq!(found("component=Order").len(), 0);

    let (_, first) = log.get(&format!("{EVENTS}?message=order&limit=2"));
    let next = first["next"].as_str().unwrap();
    let (_, second) = log.get(&format!("{EVENTS}?message=order&limit=2&cursor={next}"));
    assert_eq!(
        (messages(&second), &second["next"]),
        (vec!["order shipped"], &Value::Null)
    );
    let (status, problem) = log.get(&format!("{EVENTS}?message=other&cursor={next}"));
    assert_eq!((status, &problem["parameter"]), (400, &json!("cursor")));
}

#[test]
fn what_is_wrong_is_said() {
    let log = start();
    for (field, value) in [
        ("component", json!("")),
        ("component", json!(" \t")),
        ("environment", json!("")),
        ("message", json!("  ")),
        ("message", json!(7)),
        ("email", json!("ade")),
        ("email", json!("")),
        ("email", json!(null)),
        ("data", json!([1])),
    ] {
        let mut activity = sample();
        activity[field] = value;
        let (status, verdict) = log.post(EVENTS, &activity);
        let pointer = format!("/{field}");
        assert_eq!(
            (status, &verdict["violations"][0]["pointer"]),
            (422, &json!(pointer)),
            "{activity}: {verdict}"
        );
    }
    for field in ["component", "email", "environment", "message"] {
        let mut activity = sample();
        activity.as_object_mut().unwrap().remove(field);
        let (status, verdict) = log.post(EVENTS, &activity);
        assert_eq!(
            (status, &verdict["violations"][0]["limit"]),
            (422, &json!(field)),
            "{verdict}"
        );
    }
    for mine in ["id", "created_at"] {
        let mut activity = sample();
        activity[mine] = "mine".into();
        let (status, verdict) = log.post(EVENTS, &activity);
        let pointer = format!("/{mine}");
        assert_eq!(
            (status, &verdict["violations"][0]["pointer"]),
            (422, &json!(pointer)),
            "{verdict}"
        );
    }
    for text in ["", "{", "{\"message\": x}"] {
        let (status, verdict) = log.post(EVENTS, text);
        assert_eq!((status, &verdict["code"]), (400, &json!("malformed_json")), "{text}");
    }
    for (query, parameter) in [
        ("from_date=16-04-2021", "from_date"),
        ("from_date=04-31-2021", "from_date"),
        ("from_date=yesterday", "from_date"),
        ("from_date=", "from_date"),
        ("to_date=4-16-2021", "to_date"),
        ("from_date=04-17-2021&to_date=04-16-2021", "to_date"),
        ("limit=1001", "limit"),
        ("message=a&message=b", "message"),
        ("colour=red", "colour"),
    ] {
        let (status, problem) = log.get(&format!("{EVENTS}?{query}"));
        assert_eq!(
            (status, &problem["parameter"]),
            (400, &json!(parameter)),
            "{query}: {problem}"
        );
    }
    assert_eq!(log.get(EVENTS).1["events"], json!([]));
}
