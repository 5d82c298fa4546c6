//! Questions about whole stories, over HTTP and as commands.

use serde_json::{Value, json};

use crate::collector::{Collector, Place};

/// Two visits: one that goes all the way, one that does not.
const VISITS: &str = r#"[
  {"id": "1", "session_id": "a", "sequence": 1, "category": "page", "name": "pageview", "subject": "ann",
   "data": {"ms": 12.5, "country": "FR"}, "timestamp": "2026-01-01T09:15:00Z"},
  {"id": "2", "session_id": "a", "sequence": 3, "category": "page", "name": "submit", "subject": "ann",
   "data": {"ms": 20, "country": "FR"}, "timestamp": "2026-01-01T09:25:00Z"},
  {"id": "3", "session_id": "b", "category": "page", "name": "pageview", "subject": "bob",
   "data": {"ms": 7, "country": "=DE"}, "timestamp": "2026-01-01T11:15:00Z"}
]"#;

fn of_visits(place: &Place) -> Collector {
    let collector = Collector::start_on(place, &[]);
    let stored = collector.post("/v1/events", VISITS).json();
    assert_eq!(stored["results"][2]["status"], "stored", "{stored}");
    collector
}

#[test]
fn every_question_has_one_answer_in_both_forms() {
    let collector = of_visits(&Place::sqlite());
    for (route, parameters, body) in [
        (
            "sessions",
            "category=page&limit=1&order=descending",
            json!({"filter": {"all": [{"field": "category", "equals": "page"}]}, "limit": 1, "order": "descending"}),
        ),
        (
            "funnel",
            "step=pageview&step=submit&window=30m",
            json!({"steps": ["pageview", {"name": "submit"}], "window": "30m"}),
        ),
        (
            "retention",
            "first=pageview&bucket=week&periods=2",
            json!({"first": "pageview", "bucket": "week", "periods": 2}),
        ),
        (
            "active",
            "open=pageview&close=submit&key=session_id&at=2026-01-01T09:20:00Z",
            json!({"open": "pageview", "close": "submit", "key": ["session_id"], "at": "2026-01-01T09:20:00Z"}),
        ),
    ] {
        let by_parameters = collector.get(&format!("/v1/{route}?{parameters}"));
        let by_json = collector.post(&format!("/v1/{route}"), body.to_string());
        assert_eq!((by_parameters.status, by_json.status), (200, 200), "{}", by_json.text());
        assert_eq!(by_parameters.text(), by_json.text());
        assert_eq!(by_json.json()["position"], 3, "{route}");
    }
    let funnel = collector.get("/v1/funnel?step=pageview&step=submit&window=30m").json();
    assert_eq!(funnel["steps"][1]["reached"], 1);
    assert_eq!(
        (&funnel["steps"][1]["median"], &funnel["steps"][1]["of_first"]),
        (&json!("600"), &json!("0.5"))
    );
    let open = collector
        .get("/v1/active?open=pageview&close=submit&key=session_id&at=2026-01-01T09:20:00Z")
        .json();
    assert_eq!(open["rows"][0]["open"], 1);
}

#[test]
fn sessions_come_page_by_page() {
    let collector = of_visits(&Place::sqlite());
    let first = collector.get("/v1/sessions?limit=1").json();
    assert_eq!(
        (&first["total"], &first["sessions"][0]["missing"]),
        (&json!(2), &json!(1))
    );
    let next = first["next"].as_str().unwrap();
    let second = collector.get(&format!("/v1/sessions?limit=1&cursor={next}")).json();
    assert_eq!(
        (&second["sessions"][0]["session_id"], &second["next"]),
        (&json!("b"), &Value::Null)
    );
    // A cursor belongs to its list.
    let other = collector.get(&format!("/v1/sessions?name=submit&cursor={next}"));
    assert_eq!(
        (other.status, other.problem().as_deref()),
        (400, Some("invalid_cursor"))
    );
}

#[test]
fn what_is_no_question_is_named() {
    let collector = Collector::start();
    for (question, parameter, code) in [
        ("funnel", "steps", "invalid_parameter"),
        ("funnel?step=a&window=1y", "window", "invalid_parameter"),
        ("funnel?step=a&order=none", "order", "invalid_parameter"),
        ("funnel?step={", "step", "invalid_parameter"),
        ("retention?periods=0", "periods", "invalid_limit"),
        ("retention?bucket=year", "bucket", "invalid_parameter"),
        ("active?open=a", "close", "invalid_parameter"),
        (
            "active?open=a&close=b&at=2026-01-01&from=2026-01-01",
            "at",
            "invalid_parameter",
        ),
        ("sessions?limit=1001", "limit", "invalid_limit"),
        ("sessions?from=2026-01-02&to=2026-01-01", "to", "invalid_range"),
        ("sessions?colour=red", "colour", "unknown_parameter"),
    ] {
        let response = collector.get(&format!("/v1/{question}"));
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (400, Some(code)),
            "{question}"
        );
        assert_eq!(response.json()["parameter"], parameter, "{question}");
    }
}

fn printed(place: &Place, command: &[&str]) -> String {
    let output = place.run(command);
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_commands_print_tables_csv_json_and_bars() {
    let place = Place::sqlite();
    let collector = of_visits(&place);
    let hours = [
        "count",
        "--bucket",
        "hour",
        "--from",
        "2026-01-01T09:00:00Z",
        "--to",
        "2026-01-01T12:00:00Z",
    ];
    assert_eq!(
        printed(&place, &hours),
        "hour                  count\n\
         2026-01-01T09:00:00Z      2\n\
         2026-01-01T10:00:00Z      0\n\
         2026-01-01T11:00:00Z      1\n"
    );
    let plot = printed(&place, &[&hours[..], &["--plot"]].concat());
    let bars: Vec<usize> = plot.lines().skip(1).map(|line| line.matches('█').count()).collect();
    assert_eq!(bars, [50, 0, 25]);
    let cut = ["count", "--subject", "ann", "--bucket", "hour", "--csv"];
    let cut = [
        &cut[..],
        &["--from", "2026-01-01T09:20:00Z", "--to", "2026-01-01T11:00:00Z"],
    ]
    .concat();
    assert_eq!(
        printed(&place, &cut),
        "hour,partial,count\n2026-01-01T09:20:00Z,yes,1\n2026-01-01T10:00:00Z,no,0\n"
    );
    // What a spreadsheet would take for a formula is text.
    assert_eq!(
        printed(&place, &["top", "--by", "/country", "--csv"]),
        "/country,count\nFR,2\n'=DE,1\n"
    );
    let query = [
        "query",
        "--measure",
        "sum:/ms",
        "--by",
        "subject",
        "--where",
        "/country=FR",
    ];
    assert_eq!(printed(&place, &query), "subject  sum:/ms\nann         32.5\n");
    let json: Value = serde_json::from_str(&printed(&place, &[&query[..], &["--json"]].concat())).unwrap();
    assert_eq!(
        json,
        collector.get("/v1/query?measure=sum:/ms&by=subject&/country=FR").json()
    );
    let sessions = printed(&place, &["sessions"]);
    assert_eq!(sessions.lines().count(), 3, "{sessions}");
    assert!(
        sessions
            .lines()
            .nth(1)
            .unwrap()
            .ends_with("a              1          0       2      600"),
        "{sessions}"
    );
    let funnel = printed(
        &place,
        &[
            "funnel",
            "pageview",
            r#"{"name": "submit"}"#,
            "--window",
            "30m",
            "--json",
        ],
    );
    let funnel: Value = serde_json::from_str(&funnel).unwrap();
    assert_eq!(
        funnel,
        collector.get("/v1/funnel?step=pageview&step=submit&window=30m").json()
    );

    let wrong = place.run(&["count", "--bucket", "year"]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(said.contains("bucket: a bucket is a minute, hour"), "{said}");
}
