//! Work on the quarantine and the erasure of a subject, over HTTP and by the program, over each database.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::collector::{Collector, Place};

on_each_database! {
    an_entry_is_shown_mended_and_replayed,
    a_replay_that_is_killed_ends_exactly_once,
    a_subject_is_erased_with_a_receipt,
}

const ORDER: &str = "/v1/types/order/created/1";
const STRICT: &str = r#"{"schema": {"required": ["total"], "properties": {"total": {"type": "number"}}}}"#;

fn event(id: &str, subject: &str, data: &str) -> String {
    format!(r#"{{"id":"{id}","category":"order","name":"created","subject":"{subject}","data":{data}}}"#)
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn patch(collector: &Collector, path: &str, body: &str) -> (u16, Value) {
    let media = [("content-type", "application/json-patch+json")];
    let response = collector.request("PATCH", path, &media, body);
    (response.status, response.json())
}

fn an_entry_is_shown_mended_and_replayed(place: &Place) {
    let collector = Collector::start_on(place, &[]);
    assert_eq!(collector.put(ORDER, STRICT).status, 201);
    let batch = [
        event("a", "ann", r#"{"total":"7,5"}"#),
        event("b", "bob", "{}"),
        event("c", "bob", "{}"),
        "not JSON".to_owned(),
    ];
    for one in &batch[..3] {
        collector.post("/v1/events", one);
    }
    let shown = collector.get("/v1/quarantine/1").json();
    let mark = &shown["marks"][0];
    assert_eq!(
        (&mark["pointer"], &mark["value"]),
        (&json!("/data/total"), &json!("7,5")),
        "{shown}"
    );
    assert_eq!((&shown["state"], &shown["history"]), (&json!("open"), &json!([])));
    assert_eq!(
        collector.get("/v1/quarantine/99").problem().as_deref(),
        Some("entry_not_found")
    );
    assert_eq!(
        collector.get("/v1/quarantine/x").problem().as_deref(),
        Some("invalid_path")
    );

    let mend = r#"[{"op":"replace","path":"/data/total","value":7.5}]"#;
    let (status, dry) = patch(&collector, "/v1/quarantine/1?dry_run=true", mend);
    assert_eq!(
        (status, &dry["run"], &dry["verdict"]["status"]),
        (200, &json!("dry"), &json!("stored"))
    );
    assert_eq!(collector.get("/v1/quarantine/1").json(), shown);
    assert_eq!(patch(&collector, "/v1/quarantine/1", mend).0, 200);
    for (path, body, status, code) in [
        ("/v1/quarantine/99", mend, 404, "entry_not_found"),
        ("/v1/quarantine/1", "{}", 422, "invalid_patch"),
        (
            "/v1/quarantine/1",
            r#"[{"op":"remove","path":"/nothing"}]"#,
            422,
            "invalid_patch",
        ),
        ("/v1/quarantine/1?dry_run=perhaps", mend, 400, "invalid_parameter"),
    ] {
        let (told, problem) = patch(&collector, path, body);
        let kind = problem["type"]
            .as_str()
            .unwrap_or_default()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        assert_eq!((told, kind), (status, code), "{path} {body}");
    }
    let dry = collector
        .post("/v1/quarantine/replay", r#"{"filter": {}, "dry_run": true}"#)
        .json();
    assert_eq!((&dry["entries"], &dry["run"]), (&json!(3), &json!("dry")), "{dry}");
    let replayed = collector.post("/v1/quarantine/replay", r#"{"ids": [1, 1, 77]}"#).json();
    assert_eq!(
        (&replayed["entries"], &replayed["skipped"]),
        (&json!(1), &json!(1)),
        "{replayed}"
    );
    assert_eq!(replayed["outcomes"][0]["samples"][0]["id"], "a", "{replayed}");
    assert_eq!(collector.get("/v1/events/a").json()["data"], json!({"total": 7.5}));
    assert_eq!(patch(&collector, "/v1/quarantine/1", mend).0, 409);
    for body in [
        "{}",
        r#"{"filter": {}, "ids": [1]}"#,
        r#"{"ids": []}"#,
        r#"{"filter": {"colour": 1}}"#,
        r#"{"filter": {"name": "x"}}"#,
        r#"{"filter": {}, "limit": 100000}"#,
        r#"{"filter": {}, "note": "x"}"#,
    ] {
        let response = collector.post("/v1/quarantine/replay", body);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (422, Some("invalid_work")),
            "{body}"
        );
    }

    // The same by the program.
    let dry = out(&place.run(&["quarantine", "replay", "--all", "--dry-run"]));
    assert_eq!(
        dry,
        "status       code              entries  the first\n\
         quarantined  schema_violation  2        2 3\n\
         2 entries would be judged again; nothing was written, 0 skipped\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mend.json");
    std::fs::write(&file, r#"[{"op":"add","path":"/data/total","value":1}]"#).unwrap();
    let file = file.to_str().unwrap();
    let edited = out(&place.run(&["quarantine", "edit", "2", "--patch", file]));
    assert!(edited.ends_with("would be stored\n"), "{edited}");
    assert!(out(&place.run(&["quarantine", "show", "2"])).contains("add /data/total; a replay would say stored"));
    let said = out(&place.run(&["quarantine", "discard", "3", "--note", "a test"]));
    assert_eq!(said, "1 entries are discarded, 0 skipped\n");
    let said = out(&place.run(&["quarantine", "replay", "--code", "schema_violation", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["entries"], 1);
    let listed = out(&place.run(&["quarantine", "list"]));
    let states: Vec<&str> = listed
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(6))
        .collect();
    assert_eq!(states, ["replayed", "replayed", "discarded"], "{listed}");
    let open = collector.get("/v1/quarantine?state=open").json();
    assert_eq!(open["entries"], json!([]));
    assert_eq!(
        place.run(&["quarantine", "replay"]).status.code(),
        Some(1),
        "it has to be said which"
    );
    assert_eq!(place.run(&["quarantine", "show", "99"]).status.code(), Some(1));
}

fn a_replay_that_is_killed_ends_exactly_once(place: &Place) {
    const EVENTS: usize = 3_000;
    let collector = Collector::start_on(place, &[]);
    assert_eq!(collector.put(ORDER, STRICT).status, 201);
    let metric = r#"{"category": "order", "name": "created", "by": ["subject"]}"#;
    assert_eq!(collector.put("/v1/metrics/n", metric).status, 201);
    let all: Vec<String> = (0..EVENTS)
        .map(|n| event(&format!("e-{n}"), &format!("s-{}", n % 7), "{}"))
        .collect();
    for batch in all.chunks(500) {
        assert_eq!(
            collector.post("/v1/events", format!("[{}]", batch.join(","))).status,
            200
        );
    }
    assert_eq!(collector.put(ORDER, r#"{"schema": true}"#).status, 200);
    let open = || {
        let listed = out(&place.run(&["quarantine", "list", "--state", "open", "--limit", "10000", "--json"]));
        listed.lines().count()
    };
    let stored = || {
        let counted = collector.get("/v1/query?measure=count").json();
        let count = counted["rows"][0]["value"].as_str().map(str::parse::<usize>);
        count.unwrap().unwrap()
    };
    let mut cut_off = 0;
    for round in 0..5 {
        let before = stored();
        let mut program = Collector::program();
        program.args(["quarantine", "replay", "--all"]).args(place.flags());
        let mut replay = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // In the middle, and each time somewhere else.
        while stored() == before && replay.try_wait().unwrap().is_none() {}
        std::thread::sleep(Duration::from_millis(round * 7));
        let _ = replay.kill();
        replay.wait().unwrap();
        // What a server was told before, it may still do.
        std::thread::sleep(Duration::from_millis(300));
        let (stored, left) = (stored(), open());
        assert_eq!(stored + left, EVENTS, "each event is here or there");
        cut_off += usize::from(left > 0);
        if left == 0 {
            break;
        }
    }
    assert!(cut_off > 0, "no replay was killed half-way");
    out(&place.run(&["quarantine", "replay", "--all"]));
    assert_eq!(open(), 0);
    let count = |path: &str| collector.get(path).json()["rows"][0]["value"].clone();
    assert_eq!(count("/v1/query?measure=count"), EVENTS.to_string());
    assert_eq!(out(&place.run(&["verify"])).matches("  0").count(), 2);
}

fn a_subject_is_erased_with_a_receipt(place: &Place) {
    let collector = Collector::start_on(place, &[]);
    let metric = r#"{"category": "order", "name": "created", "value": "/total", "by": ["subject"]}"#;
    assert_eq!(collector.put("/v1/metrics/sales", metric).status, 201);
    let all: Vec<String> = (0..40)
        .map(|n| {
            event(
                &format!("e-{n}"),
                ["ann smith", "bob"][n % 2],
                &format!(r#"{{"total":{n}}}"#),
            )
        })
        .collect();
    collector.post("/v1/events", format!("[{}]", all.join(",")));
    collector.post("/v1/events", event("bad id", "ann smith", "{}"));
    let delete = |path: &str| collector.request("DELETE", path, &[], "");
    let dry = delete("/v1/subjects/ann%20smith?dry_run=true").json();
    assert_eq!(
        (&dry["touched"]["events"], &dry["touched"]["quarantine"]),
        (&json!(20), &json!(1)),
        "{dry}"
    );
    assert_eq!(
        delete("/v1/subjects/nobody").problem().as_deref(),
        Some("subject_not_found")
    );
    let receipt = delete("/v1/subjects/ann%20smith").json();
    let touched = &receipt["touched"];
    assert_eq!(
        (&touched["events"], &touched["trails"]),
        (&json!(20), &json!(1)),
        "{receipt}"
    );
    assert_eq!(
        (&touched["first_position"], &touched["groups"]),
        (&json!(1), &json!(1)),
        "{receipt}"
    );
    assert_eq!(collector.get("/v1/erasures").json()["erasures"], json!([receipt]));
    assert_eq!(delete("/v1/subjects/ann%20smith").status, 404);
    for path in [
        "/v1/events?limit=100",
        "/v1/quarantine",
        "/v1/query?measure=sum:/total&by=subject",
    ] {
        assert!(!collector.get(path).text().contains("ann smith"), "{path}");
    }
    assert_eq!(out(&place.run(&["verify"])).matches("  0").count(), 2);

    let dry = out(&place.run(&["erase", "--subject", "bob", "--dry-run"]));
    let line = |name: &str, count: &str| format!("\n{name:<33}  {count}\n");
    assert!(dry.contains(&line("events", "20")), "{dry}");
    let erased = out(&place.run(&["erase", "--subject", "bob"]));
    assert!(
        erased.contains(&format!("{}receipt 2, of the subject ", line("last position", "40"))),
        "{erased}"
    );
    assert_eq!(place.run(&["erase", "--subject", "bob"]).status.code(), Some(1));
    assert_eq!(collector.get("/v1/events").json()["events"], json!([]));
    // A running collector does not stumble over what is gone.
    collector.post("/v1/events", event("e-1", "bob", r#"{"total":1}"#));
    assert_eq!(collector.get("/v1/events/e-1").json()["subject"], "bob");
}

#[test]
fn a_key_works_on_its_own_source_only() {
    let place = Place::sqlite();
    let collector = Collector::start_on(&place, &[]);
    assert_eq!(collector.put(ORDER, STRICT).status, 201);
    for source in ["shop", "till"] {
        let event = format!(r#"{{"id":"1","category":"order","name":"created","source":"{source}","data":{{}}}}"#);
        collector.post("/v1/events", event);
    }
    let rights = ["--source", "shop", "--access", "write,read,admin"];
    let made = out(&place.run(&[&["key", "create"][..], &rights].concat()));
    let bearer = format!("Bearer {}", made.trim_end());
    std::thread::sleep(Duration::from_secs(6));
    let ask = |method: &str, path: &str, media: &str, body: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", media)];
        let response = collector.request(method, path, &headers, body);
        (response.status, response.json())
    };
    let mend = r#"[{"op":"add","path":"/data/total","value":1}]"#;
    let media = "application/json-patch+json";
    assert_eq!(ask("PATCH", "/v1/quarantine/2", media, mend).0, 403);
    assert_eq!(ask("PATCH", "/v1/quarantine/1", media, mend).0, 200);
    let (_, replayed) = ask(
        "POST",
        "/v1/quarantine/replay",
        "application/json",
        r#"{"ids": [1, 2]}"#,
    );
    assert_eq!(
        (&replayed["entries"], &replayed["skipped"]),
        (&json!(1), &json!(1)),
        "{replayed}"
    );
    let (_, replayed) = ask(
        "POST",
        "/v1/quarantine/discard",
        "application/json",
        r#"{"filter": {}}"#,
    );
    assert_eq!(replayed["entries"], 0, "{replayed}");
    let (_, shown) = ask("GET", "/v1/quarantine/1", "application/json", "");
    let by: Vec<bool> = (0..2)
        .map(|n| made.contains(shown["history"][n]["actor"].as_str().unwrap()))
        .collect();
    assert_eq!(by, [true, true], "{shown}");
    // What goes with a subject may be of other sources.
    let (status, problem) = ask("DELETE", "/v1/subjects/ann", "application/json", "");
    assert_eq!(status, 403, "{problem}");
    assert!(
        problem["type"].as_str().unwrap().ends_with("not_permitted"),
        "{problem}"
    );
}
