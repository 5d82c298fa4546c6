//! Upcasters over HTTP and by commands: declared, applied to what is read, to exports and to replays.

use serde_json::{Value, json};

use crate::collector::{Collector, Place};

const TYPE: &str = "/v1/types/order/paid";

fn upcast() -> Value {
    json!({"from": "1", "steps": [
        {"step": "move", "from": "/sum", "to": "/total"},
        {"step": "convert", "at": "/total", "to": "number"},
    ]})
}

fn event(id: &str, version: &str, data: &Value) -> Value {
    json!({"id": id, "category": "order", "name": "paid", "version": version, "session_id": "s",
        "occurred_at": "2026-01-01T00:00:00Z", "data": data})
}

/// Versions 1 and 2, and three events: one that can be lifted, one that cannot, and one that is of version 2.
fn filled(collector: &Collector) {
    assert_eq!(collector.put(&format!("{TYPE}/1"), "{}").status, 201);
    let second = json!({"schema": {"required": ["total"]}, "upcast": upcast()});
    assert_eq!(collector.put(&format!("{TYPE}/2"), second.to_string()).status, 201);
    let events = json!([
        event("a", "1", &json!({"sum": "7"})),
        event("b", "1", &json!({"sum": "secret"})),
        event("c", "2", &json!({"total": 1})),
    ]);
    assert_eq!(collector.post("/v1/events", events.to_string()).status, 200);
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_version_declares_one_upcaster() {
    let collector = Collector::start();
    filled(&collector);
    let shown = collector.get(&format!("{TYPE}/2")).json();
    assert_eq!(shown["upcast"], upcast());
    assert_eq!(collector.get("/v1/types").json()["types"][1], shown);
    assert_eq!(collector.get(&format!("{TYPE}/1")).json().get("upcast"), None);
    for (path, upcast, pointer) in [
        ("2", json!({"from": "2", "steps": []}), "/upcast/from"),
        ("1", json!({"from": "2", "steps": []}), "/upcast/from"),
        (
            "3",
            json!({"from": "2", "steps": [{"step": "remove", "at": ""}]}),
            "/upcast/steps/0/at",
        ),
        (
            "3",
            json!({"from": "2", "steps": [{"step": "guess", "at": ""}]}),
            "/upcast",
        ),
        ("3", json!({"steps": []}), "/upcast"),
    ] {
        let refused = collector.put(&format!("{TYPE}/{path}"), json!({"upcast": upcast}).to_string());
        let found = (refused.status, refused.problem(), refused.json()["pointer"].clone());
        assert_eq!(
            found,
            (422, Some("invalid_definition".to_owned()), pointer.into()),
            "{upcast}"
        );
    }
    assert_eq!(collector.get(&format!("{TYPE}/3")).status, 404);
    let removed = collector.put(&format!("{TYPE}/2"), r#"{"upcast": null}"#);
    assert_eq!((removed.status, removed.json().get("upcast")), (200, None));
}

#[test]
fn what_is_read_is_lifted_on_demand() {
    let collector = Collector::start();
    filled(&collector);
    let plain = collector.get("/v1/events");
    assert!(!plain.text().contains("upcast"));
    let page = collector.get("/v1/events?upcast=latest").json();
    let events = page["events"].as_array().unwrap();
    let lift = |from: &str| json!({"from": from, "to": "2"});
    assert_eq!(
        (&events[0]["data"], &events[0]["version"]),
        (&json!({"total": 7}), &"2".into())
    );
    assert_eq!(
        (&events[0]["id"], &events[0]["position"], &events[0]["upcast"]),
        (&"a".into(), &1.into(), &lift("1"))
    );
    assert_eq!(
        (&events[1]["data"], &events[1]["version"]),
        (&json!({"sum": "secret"}), &"1".into())
    );
    let error = json!({"code": "not_convertible", "message": "the value at /total is none of this type"});
    assert_eq!(events[1]["upcast"], json!({"from": "1", "to": "2", "error": error}));
    assert_eq!(
        (&events[2]["data"], &events[2]["upcast"]),
        (&json!({"total": 1}), &lift("2"))
    );
    let back = collector.get("/v1/events?upcast=1").json();
    assert_eq!(back["events"][2]["upcast"]["error"]["code"], "no_upcaster");

    // Pages go on where they were, lifted or not.
    let first = collector.get("/v1/events?upcast=2&limit=1").json();
    assert_eq!(first["events"][0], events[0]);
    let next = first["next"].as_str().unwrap();
    let second = collector
        .get(&format!("/v1/events?upcast=2&limit=1&cursor={next}"))
        .json();
    assert_eq!(second["events"][0], events[1]);
    assert_eq!(first["next"], collector.get("/v1/events?limit=1").json()["next"]);

    assert_eq!(&collector.get("/v1/events/a?upcast=latest").json(), &events[0]);
    assert_eq!(
        &collector.get("/v1/sessions/s?upcast=latest").json()["events"],
        &page["events"]
    );
    let exported = collector.get("/v1/export?upcast=latest");
    assert_eq!(&lines(exported.text()), events);
    assert_eq!(exported.header("event-position"), Some("3"));
    let csv = collector.get("/v1/export?upcast=latest&format=csv&column=/total");
    assert!(
        csv.text().contains(",flags,stored_version,upcast_error,/total\r\n"),
        "{}",
        csv.text()
    );
    assert!(csv.text().contains(",1,not_convertible,\r\n"), "{}", csv.text());

    for path in ["/v1/events", "/v1/events/a", "/v1/sessions/s", "/v1/export"] {
        for (value, code) in [
            ("upcast=%01", "invalid_parameter"),
            ("upcast=1&upcast=2", "invalid_parameter"),
        ] {
            let refused = collector.get(&format!("{path}?{value}"));
            assert_eq!(
                (refused.status, refused.problem().as_deref()),
                (400, Some(code)),
                "{path} {value}"
            );
        }
    }
    // Counts are of what is stored.
    for path in ["/v1/query", "/v1/sessions", "/v1/funnel", "/v1/quarantine"] {
        let refused = collector.get(&format!("{path}?upcast=latest"));
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (400, Some("unknown_parameter")),
            "{path}"
        );
    }
}

#[test]
fn a_replay_lifts_where_it_is_asked_to() {
    let collector = Collector::start();
    let strict = json!({"schema": {"properties": {"sum": {"type": "number"}}}});
    collector.put(&format!("{TYPE}/1"), strict.to_string());
    let second = json!({"schema": {"required": ["total"]}, "upcast": upcast()});
    collector.put(&format!("{TYPE}/2"), second.to_string());
    collector.post("/v1/events", event("a", "1", &json!({"sum": "7"})).to_string());
    let replay = |more: &str| {
        let body = format!(r#"{{"filter": {{}}{more}}}"#);
        collector.post("/v1/quarantine/replay", body).json()["outcomes"][0].clone()
    };
    let dry = replay(r#", "upcast": "latest", "dry_run": true"#);
    assert_eq!(
        (&dry["status"], &dry["samples"][0]["upcast"]),
        (&"stored".into(), &json!({"from": "1", "to": "2"}))
    );
    assert_eq!(collector.get("/v1/events").json()["events"], json!([]));
    let plain = replay("");
    assert_eq!(
        (&plain["code"], plain["samples"][0].get("upcast")),
        (&"schema_violation".into(), None)
    );
    assert_eq!(replay(r#", "upcast": "2""#)["status"], "stored");
    let stored = collector.get("/v1/events/a").json();
    assert_eq!(
        (&stored["version"], &stored["data"]),
        (&"2".into(), &json!({"total": 7}))
    );
    let entry = collector.get("/v1/quarantine/1").json();
    assert_eq!(entry["state"], "replayed");
    assert!(entry["raw"].as_str().unwrap().contains(r#""sum":"7""#));
    let last = entry["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["detail"], "stored at position 1, lifted from version 1 to 2");

    for (path, body) in [
        ("replay", r#"{"filter": {}, "upcast": 2}"#),
        ("replay", r#"{"filter": {}, "upcast": ""}"#),
        ("discard", r#"{"filter": {}, "upcast": "latest"}"#),
    ] {
        let refused = collector.post(&format!("/v1/quarantine/{path}"), body);
        let found = (refused.status, refused.problem(), refused.json()["pointer"].clone());
        assert_eq!(
            found,
            (422, Some("invalid_work".to_owned()), "/upcast".into()),
            "{body}"
        );
    }
}

#[test]
fn the_commands_do_the_same() {
    let place = Place::sqlite();
    let said = |command: &[&str], code: i32| {
        let output = place.run(command);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}: {errors}");
        (String::from_utf8(output.stdout).unwrap(), errors)
    };
    let file = |value: Value| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, value.to_string()).unwrap();
        file
    };
    let register = ["types", "register", "order", "paid"];
    let (schema, steps) = (file(json!({"required": ["total"]})), file(upcast()));
    let (schema, steps) = (schema.path().to_str().unwrap(), steps.path().to_str().unwrap());
    let second = [&register[..], &["2", "--schema", schema, "--upcast", steps]].concat();
    assert_eq!(
        said(&[&register[..], &["1"]].concat(), 0).0,
        "order/paid 1 is registered\n"
    );
    assert_eq!(said(&second, 0).0, "order/paid 2 is registered\n");
    assert_eq!(said(&second, 0).0, "order/paid 2 is as it was\n");
    let circle = file(json!({"from": "2", "steps": []}));
    let circle = [&register[..], &["1", "--upcast", circle.path().to_str().unwrap()]].concat();
    assert!(said(&circle, 1).1.contains("circle"));
    assert!(
        said(&[&register[..], &["1", "--upcast", "/nowhere.json"]].concat(), 1)
            .1
            .contains("/nowhere.json")
    );

    let collector = Collector::start_on(&place, &[]);
    filled_again(&collector);
    let exported = said(&["export", "--upcast"], 0).0;
    assert_eq!(
        lines(&exported),
        lines(collector.get("/v1/export?upcast=latest").text())
    );
    assert_eq!(
        lines(&said(&["export", "--upcast=1"], 0).0)[1]["upcast"]["error"]["code"],
        "no_upcaster"
    );
    assert!(!said(&["export"], 0).0.contains("upcast"));

    let replay = ["quarantine", "replay", "--all", "--json"];
    let plain: Value = serde_json::from_str(&said(&[&replay[..], &["--dry-run"]].concat(), 0).0).unwrap();
    assert_eq!(plain["outcomes"][0]["code"], "schema_violation");
    let done: Value = serde_json::from_str(&said(&[&replay[..], &["--upcast"]].concat(), 0).0).unwrap();
    assert_eq!(
        done["outcomes"][0]["samples"][0]["upcast"],
        json!({"from": "1", "to": "2"})
    );
    assert_eq!(collector.get("/v1/events/r").json()["data"], json!({"total": 9}));

    let json: Value =
        serde_json::from_str(&said(&[&register[..], &["2", "--no-upcast", "--json"]].concat(), 0).0).unwrap();
    assert_eq!((&json["version"], json.get("upcast")), (&"2".into(), None));
}

/// An event of each version, and one that version 1 refuses.
fn filled_again(collector: &Collector) {
    let strict = json!({"schema": {"properties": {"sum": {"maximum": 8}}}});
    collector.put(&format!("{TYPE}/1"), strict.to_string());
    let events = json!([
        event("a", "1", &json!({"sum": 7})),
        event("c", "2", &json!({"total": 1})),
        event("r", "1", &json!({"sum": 9})),
    ]);
    assert_eq!(collector.post("/v1/events", events.to_string()).status, 200);
}
