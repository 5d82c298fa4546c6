use std::io::{BufRead as _, BufReader};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::collector::{Collector, Place};

/// What a running collector has to hear of a key.
const SOON: Duration = Duration::from_secs(5);

fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < SOON, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn create(place: &Place, flags: &[&str]) -> String {
    out(&place.run(&[&["key", "create"], flags].concat()))
        .trim_end()
        .to_owned()
}

fn status(collector: &Collector, path: &str, key: Option<&str>) -> u16 {
    let bearer = key.map(|key| format!("bearer {key}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    collector.request("GET", path, &headers, "").status
}

const GUARDED: [&str; 9] = [
    "/",
    "/page.css",
    "/v1/events",
    "/v1/query?measure=count",
    "/v1/types",
    "/v1/metrics",
    "/v1/quarantine",
    "/v1/losses",
    "/nowhere",
];

#[test]
fn the_first_key_closes_a_running_collector_to_all_others() {
    let place = Place::sqlite();
    let collector = Collector::start_on(&place, &["--log-level=debug"]);
    assert!(collector.log().contains("no keys exist"), "{}", collector.log());
    assert_eq!(status(&collector, "/v1/events", None), 200);
    // Nobody asks for a key, and so nobody looks at it.
    assert_eq!(status(&collector, "/v1/events", Some("whatever")), 200);

    let made = place.run(&["key", "create", "--source", "shop", "--note", "the till"]);
    let (key, told) = (out(&made), err(&made));
    assert!(told.contains("the first one"), "{told}");
    let key = key.strip_suffix('\n').unwrap();
    let (prefix, secret) = key.strip_prefix("ev_").unwrap().split_once('_').unwrap();
    assert!(told.contains(prefix) && !told.contains(secret), "{told}");

    soon("a key is needed", || status(&collector, "/v1/events", None) == 401);
    for path in GUARDED {
        assert_eq!(status(&collector, path, None), 401, "{path}");
        let expected = if path == "/nowhere" { 404 } else { 200 };
        assert_eq!(status(&collector, path, Some(key)), expected, "{path}");
    }
    assert_eq!(collector.request("DELETE", "/v1/events", &[], "").status, 401);
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(status(&collector, path, None), 200, "{path}");
        let other = collector.request("POST", path, &[], "");
        assert_eq!((other.status, other.header("allow")), (405, Some("GET,HEAD")), "{path}");
    }

    let revoked = place.run(&["key", "revoke", prefix]);
    assert!(out(&revoked).contains(prefix));
    soon("the key is of no use", || {
        status(&collector, "/v1/events", Some(key)) == 401
    });
    // That there is none left to use opens nothing.
    assert_eq!(status(&collector, "/v1/events", None), 401);
    let listed = out(&place.run(&["key", "list"]));
    for text in [&collector.log(), &listed, &out(&revoked), &err(&revoked)] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn events_are_of_the_source_of_their_key() {
    let place = Place::sqlite();
    let key = create(&place, &["--source", "shop"]);
    let collector = Collector::start_on(&place, &["--default-source", "anybody"]);
    assert!(!collector.log().contains("no keys exist"), "{}", collector.log());
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let events = r#"[{"id":"1","category":"c","name":"n"},{"id":"2","category":"c","name":"n","source":"shop"},
                     {"id":"3","category":"c","name":"n","source":"anybody"}]"#;
    let response = collector.request("POST", "/v1/events", &headers, events);
    let results = response.json()["results"].as_array().unwrap().clone();
    let ends: Vec<_> = results.iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(ends, ["stored", "stored", "quarantined"]);
    let page = collector.request("GET", "/v1/events", &headers, "").json();
    let events = page["events"].as_array().unwrap();
    assert!(
        events.len() == 2 && events.iter().all(|event| event["source"] == "shop"),
        "{page}"
    );
}

#[test]
fn losses_are_of_the_source_of_their_key() {
    let place = Place::sqlite();
    let collector = Collector::start_on(&place, &[]);
    let key = format!("Bearer {}", create(&place, &["--source", "shop"]));
    soon("a key is needed", || status(&collector, "/v1/events", None) == 401);
    let report = |source: &str| {
        let loss = r#"{"hour": "2021-01-01T14:00:00Z", "reason": "queue_full", "events": 37}"#;
        let body = format!(r#"{{"id": "r-{source}", "source": "{source}", "losses": [{loss}]}}"#);
        let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
        collector.request("POST", "/v1/losses", &headers, body)
    };
    let refused = report("till");
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["pointer"], "/source");
    assert_eq!(refused.problem().as_deref(), Some("not_permitted"));
    assert_eq!(report("shop").status, 200);
    let told = collector.request("GET", "/v1/losses", &[("authorization", &key)], "");
    assert_eq!(told.json()["losses"].as_array().unwrap().len(), 1);
}

#[test]
fn the_commands_say_what_they_did_and_keep_secrets() {
    let place = Place::sqlite();
    assert!(out(&place.run(&["key", "list"])).contains("there are no keys in sqlite:"));
    let one = create(
        &place,
        &[
            "--source",
            "shop",
            "--expires",
            "2999-12-31T00:00:00Z",
            "--note",
            "a long one",
        ],
    );
    let two = create(&place, &["--source", "/a/much/longer/source"]);
    let parts = |key: &str| {
        let (prefix, secret) = key.strip_prefix("ev_").unwrap().split_once('_').unwrap();
        (prefix.to_owned(), secret.to_owned())
    };
    let ((first, one_secret), (second, two_secret)) = (parts(&one), parts(&two));

    // A whole key is understood, too: but not another's.
    let unknown = place.run(&["key", "revoke", &format!("ev_000000000000_{one_secret}")]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(!err(&unknown).contains(&one_secret), "{}", err(&unknown));
    for given in [&one, &first, &format!("ev_{first}")] {
        let told = out(&place.run(&["key", "revoke", given]));
        assert!(told.contains(&first) && !told.contains(&one_secret), "{told}");
    }
    let list = out(&place.run(&["key", "list"]));
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    let columns = ["source", "created", "expires", "revoked", "note"].map(|name| lines[0].find(name).unwrap());
    assert!(lines[0].starts_with("prefix") && lines[1].starts_with(&first) && lines[2].starts_with(&second));
    assert!(lines[1][columns[2]..].starts_with("2999-12-31T00:00:00"), "{list}");
    assert!(lines[1][columns[3]..].starts_with("20") && lines[1][columns[4]..].starts_with("a long one"));
    assert!(lines[2][columns[0]..].starts_with("/a/much/longer/source "), "{list}");
    assert!(lines[2][columns[3]..].starts_with("- "), "{list}");
    assert!(!list.contains(&one_secret) && !list.contains(&two_secret));

    for (flags, code) in [
        (&["--source", "shop", "--expires", "2020-01-01T00:00:00Z"][..], 1),
        (&["--source", "two words"], 2),
        (&["--source", "shop", "--expires", "soon"], 2),
        (&[], 2),
    ] {
        let refused = place.run(&[&["key", "create"], flags].concat());
        assert_eq!(refused.status.code(), Some(code), "{flags:?}: {}", err(&refused));
        assert!(refused.stdout.is_empty());
    }
    assert_eq!(out(&place.run(&["key", "list"])).lines().count(), 3);
}

#[test]
fn with_keys_other_machines_may_be_served() {
    let place = Place::sqlite();
    create(&place, &["--source", "shop"]);
    let mut process = Collector::program()
        .args(place.flags())
        .args(["--listen", "0.0.0.0:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let line = BufReader::new(process.stdout.take().unwrap()).lines().next();
    let line = line.and_then(Result::ok).unwrap_or_default();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(line.starts_with("listening on http://0.0.0.0:"), "{line}");
}
