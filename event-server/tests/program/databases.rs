//! The program over each database: what goes in, and the same bytes that come out.

use std::time::Duration;

use crate::collector::{Collector, Place, Response};
use crate::soon;

on_each_database! {
    the_same_requests_get_the_same_bytes,
    a_metric_answers_from_its_cells,
    the_commands_say_what_they_did,
    two_collectors_are_one,
    a_store_moves_here_with_all_it_answers,
    what_it_prints_names_the_database_without_password,
}

const ORDER: &str = "/v1/types/order/created/1";
const SALES: &str = r#"{"category": "order", "name": "created", "value": "/total", "scale": 2, "by": ["/province"], "unique": "session_id"}"#;

const LOSSES: &str = r#"{"id": "r-1", "source": "shop-web", "losses": [
    {"hour": "2026-03-05T14:30:00Z", "reason": "b", "events": 9007199254740992},
    {"hour": "2026-03-05T14:00:00Z", "reason": "É", "events": 1},
    {"hour": "2026-03-05T14:00:00Z", "reason": "B", "events": 2}]}"#;

fn orders() -> String {
    let order = |number: u32| {
        let province = ["Idaho", "Québec", "idaho", ""][number as usize % 4];
        format!(
            r#"{{"id":"o-{number}","category":"order","name":"created","session_id":"s-{}","sequence":{number},
                "timestamp":"2026-03-{:02}T{:02}:15:00.5Z","data":{{"total":{}.{:02},"province":"{province}"}}}}"#,
            number % 3,
            number % 28 + 1,
            number % 24,
            number * 7,
            number % 100,
        )
    };
    format!("[{}]", (1..=60).map(order).collect::<Vec<_>>().join(","))
}

/// The bytes of a body, but for what the clock says.
fn without_clock(body: &str) -> String {
    let mut parts = body.split("_at\":\"");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    let mut name = shown.clone();
    for part in parts {
        let (time, rest) = part.split_once('"').unwrap();
        let kept = if name.ends_with("\"occurred") { time } else { "$CLOCK" };
        shown.push_str(&format!("_at\":\"{kept}\"{rest}"));
        name = rest.to_owned();
    }
    shown
}

/// A script of requests, and what it is answered.
fn play(collector: &Collector) -> Vec<(u16, String)> {
    let sent = [
        collector.put(
            ORDER,
            r#"{"schema": {"required": ["total"], "properties": {"total": {"minimum": 0}}}}"#,
        ),
        collector.put("/v1/metrics/sales", SALES),
        collector.post("/v1/events", orders()),
        collector.post("/v1/events", orders()),
        collector.post(
            "/v1/events",
            r#"[{"id":"bad-1","category":"order","name":"created","data":{"total":-1}},
                {"id":"bad-2","category":"order","name":"created","data":{"total":0.001}},
                {"id":"o-1","category":"order","name":"created","data":{"total":1}},
                {"id":"e-1","category":"x","name":"\u0000"}, 7]"#,
        ),
        collector.post("/v1/losses", LOSSES),
        collector.post("/v1/losses", LOSSES),
    ];
    let asked = [
        "/v1/types",
        "/v1/metrics",
        "/v1/events/o-7",
        "/v1/events/nobody",
        "/v1/sessions/s-1",
        "/v1/quarantine",
        "/v1/quarantine?limit=2",
        "/v1/events?limit=5",
        "/v1/events?limit=5&order=desc&/province=Idaho",
        "/v1/events?from=2026-03-05&to=2026-03-06",
        "/v1/query?measure=count&by=/province&bucket=day&zone=America/Boise&from=2026-03-07&to=2026-03-10&category=order&name=created",
        "/v1/query?measure=sum:/total&by=/province&category=order&name=created",
        "/v1/query?measure=avg:/total&by=session&top=2",
        "/v1/query?measure=max:/total&from=2026-03-01T10:15:01Z",
        "/v1/query?measure=count&by=name&top=0",
        "/v1/query?measure=p90:/total&by=/province",
        "/v1/query?measure=unique:session_id&bucket=week",
        "/v1/query?measure=about_unique:session_id&by=/province&bucket=day&category=order&name=created",
        "/v1/query?measure=approx_unique:source",
        "/v1/sessions?limit=3&order=desc",
        "/v1/funnel?step=created&step=created&window=1d",
        "/v1/retention?by=session_id&bucket=day&periods=3",
        "/v1/active?open=created&close=cancelled&key=session_id&by=/province&bucket=day",
        "/v1/losses",
    ];
    // A problem repeats the id of its request: the same one, wherever it is asked.
    let id = [("x-request-id", "r-1")];
    let asked = asked.iter().map(|path| collector.request("GET", path, &id, ""));
    let shown = |response: Response| (response.status, without_clock(response.text()));
    sent.into_iter().chain(asked).map(shown).collect()
}

/// What a collector holds, as it tells it.
const HELD: [&str; 7] = [
    "/v1/export?format=ndjson",
    "/v1/events/o-7",
    "/v1/quarantine",
    "/v1/types",
    "/v1/metrics",
    "/v1/losses",
    "/v1/query?measure=sum:/total&by=/province&category=order&name=created",
];

fn a_store_moves_here_with_all_it_answers(place: &Place) {
    let first = place.beside();
    let mut old = Collector::start_on(&first, &[]);
    play(&old);
    let held = |collector: &Collector| HELD.map(|path| collector.get(path).text().to_owned());
    let expected = held(&old);
    assert!(old.stop().success());

    let moved = first.run(&["migrate", "--to", place.url()]);
    let (said, errors) = (
        String::from_utf8_lossy(&moved.stdout),
        String::from_utf8_lossy(&moved.stderr),
    );
    assert!(moved.status.success(), "{errors}");
    assert!(said.contains("rows of") && !said.contains("password"), "{said}");
    let new = Collector::start_on(place, &[]);
    assert_eq!(held(&new), expected);
    // It goes on where it was.
    let statuses = |response: Response| response.text().matches("\"duplicate\"").count();
    assert_eq!(statuses(new.post("/v1/events", orders())), 60);
    let next = new.post("/v1/events", r#"[{"id":"next","category":"a","name":"b"}]"#);
    assert_eq!(next.json()["results"][0]["status"], "stored", "{}", next.text());

    let again = first.run(&["migrate", "--to", place.url()]);
    let errors = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("holds something") && !errors.contains("password"),
        "{errors}"
    );
}

#[test]
fn where_a_store_moves_is_told_by_the_environment_and_its_tables_have_other_names() {
    let place = Place::sqlite();
    let mut old = Collector::start_on(&place, &[]);
    play(&old);
    let held = |collector: &Collector| HELD.map(|path| collector.get(path).text().to_owned());
    let expected = held(&old);
    assert!(old.stop().success());
    let migrate = |flags: &[&str], variables: &[(&str, &str)]| {
        let mut program = Collector::program();
        program.arg("migrate").args(flags).args(place.flags());
        program.envs(variables.iter().copied()).output().unwrap()
    };
    // Into the same file, beside the tables that are copied.
    let variable = [("EVENT_SERVER_MIGRATE_TO", place.url())];
    let moved = migrate(&["--to-prefix", "moved_"], &variable);
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    let new = Collector::start_on(&place.with_prefix("moved_"), &[]);
    assert_eq!(held(&new), expected);

    let missing = migrate(&[], &[]);
    let errors = String::from_utf8_lossy(&missing.stderr);
    assert!(
        missing.status.code() == Some(2) && errors.contains("EVENT_SERVER_MIGRATE_TO"),
        "{errors}"
    );
    let same = migrate(&[], &variable);
    assert_eq!(same.status.code(), Some(1));
}

#[test]
fn a_backup_of_a_running_collector_is_a_store() {
    let place = Place::sqlite();
    let collector = Collector::start_on(&place, &[]);
    play(&collector);
    let held = |collector: &Collector| HELD.map(|path| collector.get(path).text().to_owned());
    let (folder, expected) = (tempfile::tempdir().unwrap(), held(&collector));
    let file = folder.path().join("backup.db");
    let path = file.to_str().unwrap();
    let backup = place.run(&["backup", path]);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    collector.post("/v1/events", r#"[{"id":"later","category":"a","name":"b"}]"#);
    // What is in them may be personal.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let database = place
            .url()
            .strip_prefix("sqlite://")
            .unwrap()
            .split('?')
            .next()
            .unwrap();
        for file in [database, &format!("{database}-wal"), path] {
            let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{file}");
        }
    }
    let restored = Collector::start_on(&Place::file(path), &[]);
    assert_eq!(held(&restored), expected);
    let again = place.run(&["backup", path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
}

fn the_same_requests_get_the_same_bytes(place: &Place) {
    let collector = Collector::start_on(place, &[]);
    let here = play(&collector);
    let there = play(&Collector::start());
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here, there);
    }
    let sixty = |status: &str| {
        here[2..4]
            .iter()
            .filter(|(_, body)| body.matches(status).count() == 60)
            .count()
    };
    assert_eq!((sixty("\"stored\""), sixty("\"duplicate\"")), (1, 1), "{here:?}");
}

fn a_metric_answers_from_its_cells(place: &Place) {
    let mut collector = Collector::start_on(place, &[]);
    // Half of the events are there before, half come after.
    assert_eq!(collector.post("/v1/events", orders()).status, 200);
    assert_eq!(collector.put("/v1/metrics/sales", SALES).status, 201);
    let late = orders().replace("\"o-", "\"late-");
    assert_eq!(collector.post("/v1/events", late).status, 200);
    soon("ready", Duration::from_secs(10), || {
        collector.get("/v1/metrics/sales").json()["ready"] == true
    });

    let question = "/v1/query?measure=sum:/total&by=/province&bucket=hour&category=order&name=created&\
                    from=2026-03-01&to=2026-03-03";
    let from_cells = collector.get(question).json();
    assert_eq!(from_cells["source"], "cells", "{from_cells}");
    collector.restart();
    assert_eq!(collector.get(question).json(), from_cells);
    // Without the metric the rows say the same.
    assert_eq!(collector.request("DELETE", "/v1/metrics/sales", &[], "").status, 204);
    let from_rows = collector.get(question).json();
    assert_eq!(from_rows["source"], "rows");
    assert_eq!(from_rows["rows"], from_cells["rows"]);
    assert!(
        from_rows["rows"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["value"] != "0")
    );

    // H23: what the metric cannot hold is refused, and kept.
    assert_eq!(collector.put("/v1/metrics/sales", SALES).status, 201);
    let event = r#"{"id":"o-big","category":"order","name":"created","data":{"total":1e300}}"#;
    let verdict = collector.post("/v1/events", event).json()["results"][0].clone();
    assert_eq!(
        (&verdict["status"], &verdict["code"]),
        (&"quarantined".into(), &"measure_out_of_range".into())
    );
    assert_eq!(collector.get("/v1/quarantine").json()["entries"][0]["raw"], event);
}

fn the_commands_say_what_they_did(place: &Place) {
    let said = |command: &[&str], code: i32| {
        let output = place.run(command);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{command:?}: {errors}");
        assert!(!errors.contains('\r'), "no terminal is there");
        (String::from_utf8(output.stdout).unwrap(), errors)
    };
    assert!(said(&["metrics"], 0).0.starts_with("there are no metrics in "));
    assert!(said(&["verify"], 0).0.starts_with("there are no metrics in "));

    let collector = Collector::start_on(place, &[]);
    assert_eq!(collector.put("/v1/metrics/sales", SALES).status, 201);
    assert_eq!(
        collector
            .put("/v1/metrics/n", r#"{"category": "order", "name": "created"}"#)
            .status,
        201
    );
    assert_eq!(collector.post("/v1/events", orders()).status, 200);
    assert_eq!(
        said(&["metrics"], 0).0,
        "metric  type           value   scale  by         unique      ready\n\
         sales   order/created  /total  2      /province  session_id  yes\n\
         n       order/created  -       -      -          -           yes\n"
    );
    let about = [
        "query",
        "--measure",
        "about_unique:session_id",
        "--category",
        "order",
        "--name",
        "created",
    ];
    let exact = &collector
        .get("/v1/query?measure=unique:session_id&category=order&name=created")
        .json()["rows"];
    let exact = exact[0]["value"].as_str().unwrap();
    assert_eq!(
        said(&about, 0).0.split_whitespace().collect::<Vec<_>>().join(" "),
        format!(
            "about_unique:session_id {exact} estimates, of a standard error of 0.01625; up to 384 values are exact"
        )
    );
    let json: serde_json::Value = serde_json::from_str(&said(&[&about[..], &["--json"]].concat(), 0).0).unwrap();
    assert_eq!(
        (&json["source"], &json["standard_error"]),
        (&"cells".into(), &"0.01625".into())
    );
    assert_eq!(said(&[&about[..], &["--csv"]].concat(), 0).0.lines().count(), 2);
    let verified = said(&["verify"], 0).0;
    let rows: Vec<Vec<&str>> = verified.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 3, "{verified}");
    for (row, name) in rows[1..].iter().zip(["sales", "n"]) {
        assert_eq!((row[0], &row[2..]), (name, &["0", "0"][..]), "{verified}");
        assert!(row[1].parse::<u64>().unwrap() >= 60, "{verified}");
    }
    assert_eq!(said(&["verify", "--repair"], 0).0, verified);

    // Beside the running collector, old events go and what is counted of them stays.
    let total = "/v1/query?measure=sum:/total&by=/province&category=order&name=created";
    let before = collector.get(total).json();
    let prune = ["prune", "--category", "order", "--name", "created", "--before"];
    let of_day = |day: &'static str, more: &[&'static str]| said(&[&prune[..], &[day], more].concat(), 0).0;
    assert_eq!(
        of_day("2026-03-11T17:00:00Z", &[]),
        "24 events of order/created from before 2026-03-11T00:00:00Z are gone\n"
    );
    assert_eq!(collector.get(total).json()["rows"], before["rows"]);
    assert_eq!(
        collector.get("/v1/events?to=2026-03-11").json()["events"],
        serde_json::json!([])
    );
    assert_eq!(collector.get("/v1/events/o-1").json()["counted"], true);
    let verified = said(&["verify"], 0).0;
    assert!(
        verified.lines().nth(1).unwrap().ends_with("  0          10"),
        "{verified}"
    );
    assert_eq!(
        of_day("2026-03-21", &["--cells", "drop"]),
        "20 events of order/created from before 2026-03-21T00:00:00Z are gone\n"
    );
    assert_ne!(collector.get(total).json()["rows"], before["rows"]);

    for wrong in [
        &["prune", "--category", "order", "--name", "created"][..],
        &[
            "prune",
            "--category",
            "order",
            "--name",
            "created",
            "--before",
            "yesterday",
        ],
        &[
            "prune",
            "--category",
            " ",
            "--name",
            "created",
            "--before",
            "2026-01-01",
        ],
        &["verify", "--mend"],
    ] {
        assert!(said(wrong, 2).0.is_empty());
    }
}

fn two_collectors_are_one(place: &Place) {
    let [one, other] = [Collector::start_on(place, &[]), Collector::start_on(place, &[])];
    assert_eq!(one.put(ORDER, r#"{"schema": {"required": ["total"]}}"#).status, 201);
    std::thread::sleep(Duration::from_secs(1));
    let judged = |id: &str| {
        let event = format!(r#"{{"id":"{id}","category":"order","name":"created","data":{{}}}}"#);
        other.post("/v1/events", event).json()["results"][0].clone()
    };
    assert_eq!(judged("a")["code"], "schema_violation");
    // What is declared at one is counted by the other.
    assert_eq!(
        one.put("/v1/metrics/n", r#"{"category": "order", "name": "created"}"#)
            .status,
        201
    );
    assert_eq!(one.put(ORDER, r#"{"schema": true}"#).status, 200);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(judged("a")["status"], "stored");
    assert_eq!(one.get("/v1/events/a").status, 200);
    let verdict = one.post("/v1/events", orders()).json()["results"][0].clone();
    assert!(verdict["position"].as_i64() > Some(1), "{verdict}");
    let counted = other.get("/v1/query?measure=count&category=order&name=created").json();
    assert_eq!(
        (&counted["source"], &counted["rows"][0]["value"]),
        (&"cells".into(), &"61".into())
    );
}

/// The test servers' passwords are names, so the program gets another one, which is wrong.
fn what_it_prints_names_the_database_without_password(place: &Place) {
    let Some((scheme, rest)) = place.url().split_once("://").filter(|(scheme, _)| *scheme != "sqlite") else {
        let said = String::from_utf8(place.run(&["metrics"]).stdout).unwrap();
        assert!(said.ends_with("events.db\n"), "{said}");
        return;
    };
    let host = rest.rsplit('@').next().unwrap();
    let said = String::from_utf8(place.run(&["metrics"]).stdout).unwrap();
    assert_eq!(said, format!("there are no metrics in {scheme}://{host}\n"));
    for url in [
        format!("{scheme}://nobody:s3cr3t@{host}_no_such"),
        format!("{scheme}://nobody:s3cr3t@127.0.0.1:no_port/x"),
        format!("{scheme}://nobody:s3cr3t@127.0.0.1:1/x"),
        format!("{scheme}://nobody:s3cr3t@[::/x"),
        format!("nosql://nobody:s3cr3t@{host}"),
    ] {
        for command in ["serve", "metrics"] {
            let mut program = Collector::program();
            let output = program
                .args([command, "--database-url", &url, "--listen", "127.0.0.1:0"])
                .output()
                .unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{errors}");
            assert!(!errors.contains("s3cr3t") && !errors.is_empty(), "{errors}");
        }
        // Given where no URL is expected.
        let output = Collector::program().args([&url]).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(!errors.contains("s3cr3t") && !errors.is_empty(), "{errors}");
    }
}
