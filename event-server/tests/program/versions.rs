use serde_json::{Value, json};

use crate::collector::{Collector, Place};

const TYPE: &str = "/v1/types/order/paid";

fn send(collector: &Collector, data: &[Value]) {
    let events: Vec<_> = data
        .iter()
        .map(|data| json!({"category": "order", "name": "paid", "data": data}))
        .collect();
    assert_eq!(
        collector.post("/v1/events", Value::from(events).to_string()).status,
        200
    );
}

fn schema(total: &str, required: &[&str]) -> String {
    json!({"schema": {"properties": {"total": {"type": total}}, "required": required}}).to_string()
}

#[test]
fn a_registration_tells_what_it_is_to_the_active_version() {
    let collector = Collector::start();
    let first = collector.put(&format!("{TYPE}/1"), schema("integer", &[]));
    assert_eq!((first.status, first.json().get("compatibility")), (201, None));
    let second = collector.put(&format!("{TYPE}/2"), schema("number", &[])).json();
    assert_eq!(second["compatibility"]["with"], "1");
    assert_eq!(second["compatibility"]["class"], "backward");
    let third = collector.put(&format!("{TYPE}/3"), schema("number", &["total"])).json();
    assert_eq!(third["compatibility"]["class"], "forward");
    assert_eq!(third["compatibility"]["reasons"][0]["pointer"], "/required");
    assert_eq!(third["compatibility"]["reasons"][0]["breaks"], "backward");

    for (path, with, class) in [
        ("3/compatibility?with=1", "1", "none"),
        ("1/compatibility?with=2", "2", "forward"),
        ("1/compatibility", "3", "none"),
        ("3/compatibility", "3", "full"),
    ] {
        let compared = collector.get(&format!("{TYPE}/{path}")).json();
        assert_eq!(
            (&compared["with"], &compared["class"]),
            (&with.into(), &class.into()),
            "{path}"
        );
    }
    for (path, status, code) in [
        ("9/compatibility", 404, "type_not_found"),
        ("1/compatibility?with=9", 404, "type_not_found"),
        ("1/compatibility?with=%01", 400, "invalid_parameter"),
        ("1/compatibility?x=1", 400, "unknown_parameter"),
    ] {
        let refused = collector.get(&format!("{TYPE}/{path}"));
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (status, Some(code)),
            "{path}"
        );
    }
    // Versions are named as anybody likes.
    assert_eq!(collector.put(&format!("{TYPE}/schema"), "{}").status, 201);
    assert_eq!(collector.get(&format!("{TYPE}/schema")).status, 200);
    assert_eq!(
        collector.get(&format!("{TYPE}/schema/compatibility?with=1")).json()["class"],
        "backward"
    );
}

#[test]
fn a_candidate_is_tried_before_it_is_registered() {
    let collector = Collector::start();
    collector.put(&format!("{TYPE}/1"), schema("number", &[]));
    send(
        &collector,
        &[
            json!({"total": 1}),
            json!({"total": 1.5}),
            json!({}),
            json!({"total": "secret"}),
        ],
    );
    let candidate = schema("integer", &["total"]);
    let tried = collector.post(&format!("{TYPE}/schema/trial"), &candidate).json();
    assert_eq!(
        (&tried["judged"], &tried["would_fail"], &tried["all"]),
        (&3.into(), &2.into(), &true.into())
    );
    assert_eq!(tried["compatibility"]["class"], "forward");
    assert_eq!(tried["samples"].as_array().unwrap().len(), 2);
    assert_eq!(tried.get("refused"), None);
    let path = format!("{TYPE}/schema/trial?last=1&refused=tried");
    let wider = collector.post(&path, schema("string", &[])).json();
    assert_eq!(wider["judged"], 1);
    assert_eq!(wider["refused"], json!({"judged": 1, "would_pass": 1, "unreadable": 0}));
    assert!(!wider.to_string().contains("secret"));
    assert_eq!(collector.get(&format!("{TYPE}/2")).status, 404);

    for (parameters, body, status, code) in [
        ("", "{", 400, "malformed_json"),
        ("", "{}", 422, "invalid_definition"),
        ("", r#"{"schema": {"type": "strin"}}"#, 422, "schema_invalid"),
        ("?last=0", &candidate, 400, "invalid_parameter"),
        ("?last=1000001", &candidate, 400, "invalid_parameter"),
        ("?refused=yes", &candidate, 400, "invalid_parameter"),
        ("?x=1", &candidate, 400, "unknown_parameter"),
    ] {
        let refused = collector.post(&format!("{TYPE}/schema/trial{parameters}"), body);
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (status, Some(code)),
            "{parameters} {body}"
        );
    }
}

#[test]
fn a_first_schema_can_be_registered_as_it_is() {
    let collector = Collector::start();
    send(
        &collector,
        &[
            json!({"total": 1, "items": [{"sku": "a"}]}),
            json!({"total": 2.5, "items": []}),
        ],
    );
    let inferred = collector.get(&format!("{TYPE}/schema/inferred?last=100")).json();
    assert_eq!(inferred["observed"], 2);
    assert_eq!(inferred["schema"]["required"], json!(["items", "total"]));
    let definition = json!({"schema": inferred["schema"]}).to_string();
    assert_eq!(
        collector.post(&format!("{TYPE}/schema/trial"), &definition).json()["would_fail"],
        0
    );
    assert_eq!(collector.put(&format!("{TYPE}/1"), definition).status, 201);
    let bad = collector.get(&format!("{TYPE}/schema/inferred?last=all"));
    assert_eq!((bad.status, bad.problem().as_deref()), (400, Some("invalid_parameter")));
}

#[test]
fn the_commands_say_the_same() {
    let place = Place::sqlite();
    let said = |command: &[&str], code: i32| {
        let output = place.run(command);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}: {errors}");
        (String::from_utf8(output.stdout).unwrap(), errors)
    };
    assert_eq!(said(&["types", "list"], 0).0, "no types are registered\n");
    let collector = Collector::start_on(&place, &[]);
    collector.put(&format!("{TYPE}/1"), schema("number", &[]));
    collector.put(&format!("{TYPE}/2"), schema("number", &["total"]));
    collector.put(&format!("{TYPE}/3"), schema("number", &[]));
    send(&collector, &[json!({"total": 1}), json!({"total": 1.5}), json!({})]);

    let list = said(&["types", "list"], 0).0;
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..4], ["category", "name", "version", "state"]);
    assert_eq!(lines[3][..5], ["order", "paid", "3", "active", "quarantine"]);
    let json: Value = serde_json::from_str(&said(&["types", "list", "--json"], 0).0).unwrap();
    assert_eq!(json, collector.get("/v1/types").json()["types"]);
    let shown: Value = serde_json::from_str(&said(&["types", "show", "order", "paid"], 0).0).unwrap();
    assert_eq!(shown["version"], "3");
    assert!(
        said(&["types", "show", "order", "paid", "9"], 1)
            .1
            .contains("no such version")
    );

    assert_eq!(
        said(&["types", "compare", "order", "paid", "1", "2"], 1).0,
        "1 to 2: forward\n\n\
         breaks    at         why\n\
         backward  /required  the new schema asks that \"total\" is present, which the old one does not ensure\n"
    );
    assert_eq!(
        said(&["types", "compare", "order", "paid", "1", "3"], 0).0,
        "1 to 3: full\n"
    );

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, r#"{"properties": {"total": {"type": "integer"}}}"#).unwrap();
    let path = file.path().to_str().unwrap();
    let tried = said(&["types", "try", "order", "paid", path, "--refused"], 1).0;
    assert!(
        tried.starts_with("1 of all 3 stored events would fail\n0 of 0 refused events would pass"),
        "{tried}"
    );
    assert!(tried.contains("type     /total  1\n"), "{tried}");
    let json: Value = serde_json::from_str(&said(&["types", "try", "order", "paid", path, "--json"], 1).0).unwrap();
    assert_eq!(json["would_fail"], 1);
    assert!(
        said(&["types", "try", "order", "paid", "/nowhere.json"], 1)
            .1
            .contains("/nowhere.json")
    );

    let inferred: Value = serde_json::from_str(&said(&["types", "infer", "order", "paid"], 0).0).unwrap();
    assert_eq!(inferred["properties"]["total"]["type"], "number");
    assert_eq!(
        said(&["types", "infer", "order", "paid", "--fields"], 0).0,
        "field   types   present  of\n/total  number  2        3\n"
    );
}

#[test]
fn a_shadow_is_counted_until_it_becomes_active() {
    let collector = Collector::start();
    collector.put(&format!("{TYPE}/1"), schema("number", &[]));
    let shadow = json!({"schema": {"required": ["total"]}, "state": "shadow"}).to_string();
    let made = collector.put(&format!("{TYPE}/2"), shadow);
    assert_eq!((made.status, &made.json()["active"]), (201, &false.into()));
    assert_eq!(made.json()["compatibility"]["with"], "1");
    send(&collector, &[json!({"total": 1}), json!({})]);
    let shown = collector.get("/v1/types").json()["types"][1]["shadow"].clone();
    assert_eq!((&shown["judged"], &shown["would_fail"]), (&2.into(), &1.into()));
    assert_eq!(shown["by_keyword"], json!({"required": 1}));
    assert_eq!(shown["samples"].as_array().unwrap().len(), 1);
    let active = collector.put(&format!("{TYPE}/2"), r#"{"state": "active"}"#);
    assert_eq!((active.status, &active.json()["active"]), (200, &true.into()));
    assert_eq!(active.json().get("shadow"), None);
    let refused = collector.put(&format!("{TYPE}/2"), r#"{"state": "asleep"}"#);
    assert_eq!(
        (refused.status, refused.problem().as_deref()),
        (422, Some("invalid_definition"))
    );
}
