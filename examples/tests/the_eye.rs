//! The example as a process: websites that send at once, sessions, what is refused, keys.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/example.rs"]
mod example;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event_core::Timestamp;
use example::{Example, fixture};
use serde_json::{Value, json};

const EVENTS: &str = "/api/events/";
const SESSION: &str = "e2085be5-9137-4e4e-80b5-f1ffddc25423";

fn start() -> Example {
    Example::start("the_eye", &["serve"])
}

fn view(id: &str, session: &str, time: &str) -> Value {
    json!({
        "id": id, "session_id": session, "category": "page interaction", "name": "pageview",
        "data": {"host": "www.example.com", "path": "/"}, "timestamp": time,
    })
}

fn statuses(reply: &Value) -> Vec<&str> {
    let results = reply["results"].as_array().unwrap_or_else(|| panic!("{reply}"));
    results
        .iter()
        .map(|verdict| verdict["code"].as_str().or(verdict["status"].as_str()).unwrap())
        .collect()
}

fn ids(list: &Value) -> Vec<&str> {
    let events = list["events"].as_array().unwrap_or_else(|| panic!("{list}"));
    events.iter().map(|event| event["id"].as_str().unwrap()).collect()
}

#[test]
fn the_sample_is_taken_and_shown_by_session() {
    let eye = start();
    let (status, reply) = eye.post(EVENTS, fixture("page_events.json"));
    assert_eq!((status, statuses(&reply)), (200, vec!["stored"; 3]));
    let (_, session) = eye.get(&format!("{EVENTS}?session={SESSION}"));
    let names: Vec<&Value> = session["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["name"])
        .collect();
    assert_eq!(names, ["pageview", "cta click", "submit"]);
    assert_eq!((&session["gaps"], session.get("next")), (&json!([]), None));
    // A time without an offset is UTC.
    assert_eq!(session["events"][0]["occurred_at"], "2021-01-01T09:15:27.243860Z");
    let (_, forms) = eye.get(&format!("{EVENTS}?session={SESSION}&category=form+interaction"));
    assert_eq!(forms["events"].as_array().unwrap().len(), 1);
    for (range, expected) in [
        ("date-from=2021-01-01&date-to=2021-01-02", 3),
        ("date-from=2021-01-01T09:15:27.243860Z", 3),
        ("date-to=2021-01-01T09:15:27.243860Z", 0),
    ] {
        for session in ["", &format!("&session={SESSION}")] {
            let (_, list) = eye.get(&format!("{EVENTS}?{range}{session}"));
            assert_eq!(list["events"].as_array().unwrap().len(), expected, "{range}{session}");
        }
    }
    let (status, nobody) = eye.get(&format!("{EVENTS}?session=nobody"));
    assert_eq!((status, nobody), (200, json!({"events": [], "gaps": []})));
}

#[test]
fn a_session_is_in_order_and_knows_its_gaps() {
    let eye = start();
    let numbered = |id: &str, sequence: u64, time: &str| {
        let mut event = view(id, "s", time);
        event["sequence"] = sequence.into();
        event
    };
    let sent = json!([
        numbered("d", 7, "2021-01-01 00:00:02"),
        numbered("b", 2, "2021-01-01 00:00:01"),
        numbered("a", 1, "2021-01-01 00:00:01"),
        numbered("c", 3, "2021-01-01 00:00:01"),
    ]);
    assert_eq!(statuses(&eye.post(EVENTS, sent).1), ["stored"; 4]);
    let (_, session) = eye.get(&format!("{EVENTS}?session=s"));
    assert_eq!(ids(&session), ["a", "b", "c", "d"]);
    assert_eq!(session["gaps"], json!([{"after": 3, "before": 7}]));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..4 {
        let (_, page) = eye.get(&format!("{EVENTS}?session=s&limit=1{cursor}"));
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        cursor = format!("&cursor={}", page["next"].as_str().unwrap_or_default());
    }
    assert_eq!((seen.join(""), cursor.as_str()), ("abcd".to_owned(), "&cursor="));
}

#[test]
fn each_type_has_its_rules_and_what_breaks_them_is_kept() {
    let eye = start();
    let in_a_minute = SystemTime::now() + Duration::from_secs(60);
    let micros = i64::try_from(in_a_minute.duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
    let future = view("future", "s", &Timestamp::from_micros(micros).unwrap().to_string());
    let event = |name: &str, data: Value| json!({"category": "page interaction", "name": name, "data": data});
    let form = |data: Value| json!({"category": "form interaction", "name": "submit", "data": data});
    let page = json!({"host": "h", "path": "/"});
    let sent = json!([
        event("pageview", json!({"host": "h"})),
        event("pageview", json!({"host": "", "path": 7})),
        event("cta click", page.clone()),
        form(page.clone()),
        form(json!({"host": "h", "path": "/", "form": "John"})),
        event("scroll", page),
        future,
        7,
        view("good", "s", "2021-01-01"),
        view("bad", "s", "someday"),
    ]);
    let (status, reply) = eye.post(EVENTS, sent);
    let expected = [
        "schema_violation",
        "schema_violation",
        "schema_violation",
        "schema_violation",
        "schema_violation",
        "unknown_type",
        "timestamp_in_future",
        "invalid_envelope",
        "stored",
        "invalid_timestamp",
    ];
    assert_eq!((status, statuses(&reply)), (200, expected.to_vec()));

    let (_, errors) = eye.get("/api/errors/");
    assert_eq!(errors["errors"].as_array().unwrap().len(), 9);
    assert_eq!(errors["errors"][2]["violations"][0]["limit"], "element");
    let counts: Vec<String> = errors["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| format!("{} {} {}", count["code"], count["name"], count["entries"]).replace('"', ""))
        .collect();
    for count in [
        "schema_violation pageview 2",
        "schema_violation cta click 1",
        "schema_violation submit 2",
        "timestamp_in_future pageview 1",
        "invalid_envelope null 1",
    ] {
        assert!(counts.iter().any(|found| found == count), "{count}: {counts:?}");
    }
    let (_, late) = eye.get("/api/errors/?reason=timestamp_in_future");
    assert_eq!(
        (late["errors"].as_array().unwrap().len(), &late["errors"][0]["id"]),
        (1, &json!("future"))
    );
    let (_, first) = eye.get("/api/errors/?reason=schema_violation&limit=3");
    let next = first["next"].as_str().unwrap();
    let (_, second) = eye.get(&format!("/api/errors/?reason=schema_violation&limit=3&cursor={next}"));
    assert_eq!(
        (second["errors"].as_array().unwrap().len(), &second["next"]),
        (2, &Value::Null)
    );
}

#[test]
fn what_is_wrong_with_a_question_is_named() {
    let eye = start();
    for (path, parameter) in [
        ("/api/events/?session=", "session"),
        ("/api/events/?date-from=today", "date-from"),
        ("/api/events/?date-from=2021-01-02&date-to=2021-01-01", "date-to"),
        ("/api/events/?limit=0", "limit"),
        ("/api/events/?cursor=x", "cursor"),
        ("/api/events/?category=a&category=b", "category"),
        ("/api/events/?from=2021-01-01", "from"),
        ("/api/errors/?reason=bad_luck", "reason"),
        ("/api/errors/?limit=1001", "limit"),
        ("/api/errors/?cursor=x", "cursor"),
        ("/api/errors/?type=x", "type"),
    ] {
        let (status, problem) = eye.get(path);
        assert_eq!(
            (status, &problem["parameter"]),
            (400, &json!(parameter)),
            "{path}: {problem}"
        );
    }
    for body in ["", "{", "7", "[{}"] {
        assert_eq!(eye.post(EVENTS, body).0, 400, "{body}");
    }
    assert_eq!(eye.post(EVENTS, "[]"), (200, json!({"results": []})));
}

#[test]
fn an_application_speaks_for_itself_only() {
    let eye = start();
    assert_eq!(eye.post(EVENTS, view("1", "s", "2021-01-01")).0, 200);
    let (shop, blog) = (eye.says(&["key", "shop"]), eye.says(&["key", "blog"]));
    // What another process has made is known within five seconds.
    let known = (0..250).any(|_| {
        thread::sleep(Duration::from_millis(20));
        eye.get(EVENTS).0 == 401
    });
    assert!(known);
    for path in [EVENTS, "/api/errors/"] {
        assert_eq!(eye.get(path).0, 401);
        assert_eq!(eye.send("GET", path, &["Authorization: Bearer ev_1_2"], "").0, 401);
    }
    assert_eq!(eye.post(EVENTS, "[]").0, 401);
    let post = |key: &str, event: &Value| {
        let header = format!("Authorization: Bearer {key}");
        let (status, reply) = eye.send("POST", EVENTS, &[&header], &event.to_string());
        assert_eq!(status, 200, "{reply}");
        statuses(&reply).join("")
    };
    // The same id of two applications is two events.
    assert_eq!(post(&shop, &view("2", "s", "2021-01-01")), "stored");
    assert_eq!(post(&blog, &view("2", "s", "2021-01-01")), "stored");
    assert_eq!(post(&blog, &view("2", "s", "2021-01-01")), "duplicate");
    let mut pretended = view("3", "s", "2021-01-01");
    pretended["source"] = "shop".into();
    assert_eq!(post(&blog, &pretended), "not_permitted");
    let (_, session) = eye.send(
        "GET",
        &format!("{EVENTS}?session=s"),
        &[&format!("Authorization: Bearer {shop}")],
        "",
    );
    assert_eq!(ids(&session), ["1", "2", "2"]);
}

#[test]
fn two_applications_write_to_one_session_at_once() {
    let eye = start();
    // Each sends every event, and half of them twice: both know of all.
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for batch in 0..20 {
                    let event = |number: usize| view(&format!("{batch}-{number}"), "s", "2021-01-01");
                    let events: Vec<Value> = (0..10).map(event).collect();
                    assert_eq!(eye.post(EVENTS, json!(events)).0, 200);
                    assert_eq!(eye.post(EVENTS, json!(events[..5])).0, 200);
                }
            });
        }
    });
    let (_, session) = eye.get(&format!("{EVENTS}?session=s&limit=1000"));
    let ids = ids(&session);
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (200, 200));
}

#[test]
fn the_clients_of_rust_and_python_find_their_route() {
    let eye = start();
    let lines = format!("{}\n{}\n", view("1", "s", "2021-01-01"), view("2", "s", "2021-01-01"));
    let kind = "Content-Type: application/x-ndjson";
    let (_, reply) = eye.send("POST", "/v1/events", &[kind], &lines);
    assert_eq!(statuses(&reply), ["stored"; 2]);
    // Clients send plain bodies once they are told so.
    let (status, _) = eye.send("POST", "/v1/events", &[kind, "Content-Encoding: gzip"], &lines);
    assert_eq!(status, 415);
}

#[test]
fn the_routes_are_documented_and_can_be_tried() {
    let eye = start();
    let (status, document) = eye.get("/openapi.json");
    assert_eq!((status, document["openapi"].as_str()), (200, Some("3.1.0")));
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/api/errors/", "/api/events/"]);
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let (status, _) = eye.send(&method.to_uppercase(), path, &[], "[]");
            assert_eq!(status, 200, "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                let example = parameter["example"].as_str().unwrap();
                let (status, answer) = eye.get(&format!("{path}?{name}={example}"));
                let right = if name == "cursor" { [200, 400] } else { [200, 200] };
                assert!(right.contains(&status), "{name}: {answer}");
            }
        }
    }
    let (status, page) = eye.text("GET", "/docs", &[], "");
    assert_eq!(status, 200);
    assert!(
        page.contains("openapi.json") && !page.contains("https://"),
        "nothing comes from elsewhere"
    );
}
