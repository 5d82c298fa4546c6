use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event_core::Timestamp;
use serde_json::json;

use crate::collector::{Collector, Place};

const REPORT: &str = r#"{"id": "r-1", "source": "shop-web", "losses": [
    {"hour": "2021-01-01T14:00:00Z", "reason": "queue_full", "events": 37},
    {"hour": "2021-01-01 16:30:00+02:00", "reason": "expired", "events": 1}]}"#;

fn report(lines: &str) -> String {
    format!(r#"{{"id": "bad", "source": "shop-web", "losses": [{lines}]}}"#)
}

/// The time of the machine, moved by so much.
fn from_now(seconds: i64) -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::MIN.saturating_add_micros(i64::try_from(now.as_micros()).unwrap() + seconds * 1_000_000)
}

#[test]
fn a_report_is_counted_once_and_listed() {
    let collector = Collector::start();
    assert_eq!(collector.get("/v1/losses").json(), json!({"losses": []}));
    let first = collector.post("/v1/losses", REPORT);
    assert_eq!((first.status, first.json()), (200, json!({"status": "stored"})));
    let again = collector.post("/v1/losses", REPORT);
    assert_eq!((again.status, again.json()), (200, json!({"status": "duplicate"})));
    let more = r#"{"id": "r-2", "source": "shop-app", "losses": [
        {"hour": "2021-01-01T15:00:00Z", "reason": "queue_full", "events": 9007199254740992}]}"#;
    assert_eq!(collector.post("/v1/losses", more).json()["status"], "stored");

    let expired = json!({"source": "shop-web", "hour": "2021-01-01T14:00:00Z", "reason": "expired", "events": 1});
    let full = json!({"source": "shop-web", "hour": "2021-01-01T14:00:00Z", "reason": "queue_full", "events": 37});
    let most = json!({"source": "shop-app", "hour": "2021-01-01T15:00:00Z", "reason": "queue_full",
                      "events": 9_007_199_254_740_992_u64});
    for (path, losses) in [
        ("/v1/losses", json!([expired, full, most])),
        ("/v1/losses?source=shop-web", json!([expired, full])),
        ("/v1/losses?from=2021-01-01T15:00:00Z", json!([most])),
        (
            "/v1/losses?from=2021-01-01T14:59:00Z&to=2021-01-01T15:00:00Z",
            json!([expired, full]),
        ),
        ("/v1/losses?to=2021-01-01", json!([])),
    ] {
        assert_eq!(collector.get(path).json(), json!({"losses": losses}), "{path}");
    }
}

#[test]
fn what_is_no_report_is_refused_with_its_place() {
    let collector = Collector::start();
    let line = r#"{"hour": "2021-01-01T14:00:00Z", "reason": "queue_full", "events": 1}"#;
    let events = |events: &str| report(&line.replace("\"events\": 1", &format!("\"events\": {events}")));
    let hour = |hour: &str| report(&line.replace("2021-01-01T14:00:00Z", hour));
    let of = |rest: &str| format!(r#"{{"id": "bad", "source": "shop-web", {rest}}}"#);
    let lines = |count: usize| report(&vec![line; count].join(","));
    let (soon, late) = (from_now(200), from_now(2 * 3_600));
    let invalid = "invalid_loss_report";
    let thousand_and_one = lines(1_001);
    let far_too_many = lines(5_000);
    let deep = of(&format!(r#""losses": {}{}"#, "[".repeat(200), "]".repeat(200)));
    for (body, status, code, pointer) in [
        ("", 400, "malformed_json", None),
        ("{", 400, "malformed_json", None),
        ("[]", 422, invalid, Some("")),
        ("7", 422, invalid, Some("")),
        ("{}", 422, invalid, Some("/id")),
        (r#"{"id": "a", "id": "b"}"#, 400, "duplicate_key", Some("/id")),
        (&of(r#""losses": null"#), 422, invalid, Some("/losses")),
        (&of(r#""losses": [7]"#), 422, invalid, Some("/losses/0")),
        (&of(r#""losses": [], "a/b": 1"#), 422, invalid, Some("/a~1b")),
        (&deep, 422, invalid, None),
        (
            r#"{"id": "two words", "source": "a", "losses": []}"#,
            422,
            invalid,
            Some("/id"),
        ),
        (r#"{"id": 7, "source": "a", "losses": []}"#, 422, invalid, Some("/id")),
        (
            r#"{"id": "a", "source": "é", "losses": []}"#,
            422,
            invalid,
            Some("/source"),
        ),
        (r#"{"id": "a", "losses": []}"#, 422, invalid, Some("/source")),
        (
            &report(&line.replace("reason", "why")),
            422,
            invalid,
            Some("/losses/0/why"),
        ),
        (
            &report(&format!(r#"{line}, {{"hour": "2021-01-01", "events": 1}}"#)),
            422,
            invalid,
            Some("/losses/1/reason"),
        ),
        (
            &report(&line.replace("queue_full", " a")),
            422,
            invalid,
            Some("/losses/0/reason"),
        ),
        (
            &report(&line.replace("queue_full", "a\\u0000")),
            400,
            "nul_character",
            None,
        ),
        (
            &report(&line.replace("queue_full", "a\\u001b[2J")),
            422,
            invalid,
            Some("/losses/0/reason"),
        ),
        (
            &report(&line.replace("queue_full", &"é".repeat(101))),
            422,
            invalid,
            Some("/losses/0/reason"),
        ),
        (&hour("yesterday"), 422, invalid, Some("/losses/0/hour")),
        (&hour("1969-12-31T23:00:00Z"), 422, invalid, Some("/losses/0/hour")),
        (&events("0"), 422, invalid, Some("/losses/0/events")),
        (&events("-1"), 422, invalid, Some("/losses/0/events")),
        (&events("1.5"), 422, invalid, Some("/losses/0/events")),
        (&events("\"1\""), 422, invalid, Some("/losses/0/events")),
        (&events("null"), 422, invalid, Some("/losses/0/events")),
        (&events("9007199254740993"), 422, invalid, Some("/losses/0/events")),
        (&events("9223372036854775808"), 422, invalid, Some("/losses/0/events")),
        (&events("18446744073709551615"), 422, invalid, Some("/losses/0/events")),
        (&thousand_and_one, 422, invalid, Some("/losses")),
        (&far_too_many, 422, invalid, None),
    ] {
        let response = collector.post("/v1/losses", body);
        let shown: String = body.chars().take(200).collect();
        let told = (response.status, response.problem());
        assert_eq!(told, (status, Some(code.to_owned())), "{shown}");
        if let Some(pointer) = pointer {
            assert_eq!(response.json()["pointer"], pointer, "{shown}");
        }
        assert!(response.body.len() < 1_000, "{shown}");
    }
    let text = collector.request("POST", "/v1/losses", &[("content-type", "text/plain")], REPORT);
    assert_eq!(
        (text.status, text.problem().as_deref()),
        (415, Some("unsupported_media_type"))
    );
    assert_eq!(
        collector.post("/v1/losses?x=1", REPORT).problem().as_deref(),
        Some("unknown_parameter")
    );
    assert_eq!(collector.put("/v1/losses", REPORT).status, 405);
    assert_eq!(collector.get("/v1/losses").json(), json!({"losses": []}));

    // A thousand lines are taken, and add up; so is an hour within the tolerance. The id was free.
    assert_eq!(collector.post("/v1/losses", lines(1_000)).json()["status"], "stored");
    assert_eq!(collector.get("/v1/losses").json()["losses"][0]["events"], 1_000);
    let now = hour(&soon.to_string()).replace("bad", "good");
    assert_eq!(collector.post("/v1/losses", now).json()["status"], "stored");
    // One whose clock goes ahead has lost them now.
    let ahead = hour(&late.to_string()).replace("bad", "ahead");
    assert_eq!(collector.post("/v1/losses", ahead).json()["status"], "stored");
    let losses = collector.get("/v1/losses").json()["losses"].clone();
    let last = losses.as_array().unwrap().last().unwrap()["hour"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(last <= soon.to_string(), "{losses}");
    // What would be inexact together is not taken.
    let beyond = events("9007199254740992").replace("bad", "beyond");
    let refused = collector.post("/v1/losses", beyond);
    assert_eq!((refused.status, refused.problem().as_deref()), (422, Some(invalid)));
    assert_eq!(refused.json()["pointer"], "/losses/0/events");
}

#[test]
fn what_is_no_parameter_is_refused() {
    let collector = Collector::start();
    for (question, code, parameter) in [
        ("x=1", "unknown_parameter", "x"),
        ("limit=1", "unknown_parameter", "limit"),
        ("source=a&source=a", "invalid_parameter", "source"),
        ("source=a%20b", "invalid_parameter", "source"),
        ("source=%ff", "invalid_parameter", "source"),
        ("source=", "invalid_parameter", "source"),
        ("from=yesterday", "invalid_timestamp", "from"),
        ("to=10000-01-01", "invalid_timestamp", "to"),
        ("from=1969-12-31", "timestamp_out_of_range", "from"),
        ("from=2021-01-02&to=2021-01-01", "invalid_range", "to"),
    ] {
        let response = collector.get(&format!("/v1/losses?{question}"));
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some(code)),
            "{question}"
        );
        assert_eq!(response.json()["parameter"], parameter, "{question}");
    }
}

#[test]
fn more_than_a_list_holds_is_said_so() {
    let collector = Collector::start();
    for number in 0..11 {
        let line = |reason: usize| {
            format!(r#"{{"hour": "2021-01-01T{number:02}:00:00Z", "reason": "{reason}", "events": 1}}"#)
        };
        let lines: Vec<String> = (0..1_000).map(line).collect();
        let body = report(&lines.join(",")).replace("bad", &number.to_string());
        assert_eq!(collector.post("/v1/losses", body).json()["status"], "stored");
    }
    let refused = collector.get("/v1/losses");
    assert_eq!(
        (refused.status, refused.problem().as_deref()),
        (400, Some("range_too_large"))
    );
    assert_eq!(refused.json()["parameter"], "to");
    let hour = collector.get("/v1/losses?from=2021-01-01T10:00:00Z");
    assert_eq!(hour.json()["losses"].as_array().unwrap().len(), 1_000);
}

#[test]
fn the_page_tells_what_was_lost_of_late() {
    let collector = Collector::start();
    assert!(
        collector
            .get("/")
            .text()
            .contains("No client reported losses of the last day.")
    );
    let now = from_now(0);
    let hour = |hours: i64| now.saturating_add_micros(-3_600_000_000 * hours).to_string();
    let line = |hours: i64, reason: &str, events: usize| {
        format!(
            r#"{{"hour": "{}", "reason": "{reason}", "events": {events}}}"#,
            hour(hours)
        )
    };
    let lines = [
        line(30, "long_ago", 9),
        line(5, "queue_full", 37),
        line(2, "<script>alert(1)</script>", 4),
    ];
    let sent = report(&lines.join(",")).replace("shop-web", "<b>");
    assert_eq!(collector.post("/v1/losses", sent).json()["status"], "stored");
    let page = collector.get("/").text().to_owned();
    let row = "<td>&lt;b&gt;</td><td><code>queue_full</code></td><td class=\"number\">37</td>";
    let script = page.find("<code>&lt;script&gt;alert(1)&lt;/script&gt;</code>").unwrap();
    assert!(script < page.find(row).unwrap(), "the newest comes first");
    assert!(!page.contains("long_ago") && !page.contains("<script>") && !page.contains("<b>"));
    assert!(!page.contains("These are the latest"));
    let all = collector.get("/losses").text().to_owned();
    assert!(all.contains(row) && all.contains("long_ago") && all.contains("50 events in all"));
    assert!(!all.contains("<script>") && !all.contains("<b>"));
    let of_another = collector.get("/losses?from=&to=&source=till").text().to_owned();
    assert!(of_another.contains("No client reported losses of that time."));

    let many: Vec<String> = (0..50).map(|reason| line(1, &format!("reason-{reason}"), 1)).collect();
    let sent = report(&many.join(",")).replace("bad", "many");
    assert_eq!(collector.post("/v1/losses", sent).json()["status"], "stored");
    let page = collector.get("/").text().to_owned();
    assert_eq!(page.matches("<code>reason-").count(), 6);
    assert!(page.contains("These are the latest. <a href=\"losses\">"));
    let all = collector.get(&format!("/v1/losses?from={}", hour(23)));
    assert_eq!(all.json()["losses"].as_array().unwrap().len(), 52);
}

#[test]
fn the_command_prints_a_table() {
    let place = Place::sqlite();
    let said = |command: &[&str], code: i32| {
        let output = place.run(command);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}: {errors}");
        (String::from_utf8(output.stdout).unwrap(), errors)
    };
    assert!(
        said(&["losses"], 0)
            .0
            .starts_with("no such losses were reported to sqlite:")
    );
    let collector = Collector::start_on(&place, &[]);
    assert_eq!(collector.post("/v1/losses", REPORT).status, 200);
    let other = REPORT.replace("shop-web", "app").replace("queue_full", "a\u{202e}é");
    assert_eq!(collector.post("/v1/losses", other).status, 200);
    assert_eq!(
        said(&["losses", "--source", "shop-web"], 0).0,
        "hour                  source    reason      events\n\
         2021-01-01T14:00:00Z  shop-web  expired     1\n\
         2021-01-01T14:00:00Z  shop-web  queue_full  37\n"
    );
    assert_eq!(said(&["losses"], 0).0.lines().count(), 5);
    let range = ["losses", "--from", "2021-01-01T15:00:00Z", "--to", "2021-01-02"];
    assert!(said(&range, 0).0.starts_with("no such losses"));
    assert!(said(&["losses", "--from", "soon"], 2).1.contains("no time"));
}

#[test]
fn a_report_outlives_a_kill() {
    let mut collector = Collector::start();
    assert_eq!(collector.post("/v1/losses", REPORT).json()["status"], "stored");
    collector.kill();
    collector.restart();
    assert_eq!(collector.post("/v1/losses", REPORT).json()["status"], "duplicate");
    // A sender that goes away with its answer on the way has reported all the same, or not at all.
    let mut leaving = collector.connect();
    let report = REPORT.replace("r-1", "r-2");
    leaving.send_request("POST", "/v1/losses", &[("content-type", "application/json")], &report);
    drop(leaving);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(collector.post("/v1/losses", &report).status, 200);
    assert_eq!(collector.get("/v1/losses").json()["losses"][1]["events"], 74);
}
