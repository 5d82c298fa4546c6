use std::io::{BufRead as _, BufReader};
use std::process::{Output, Stdio};
use std::time::Duration;

use crate::collector::{Collector, Place};
use crate::soon;

/// What a running collector has to hear of a key.
const SOON: Duration = Duration::from_secs(5);

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The flags of a key that can do everything, and sends events of the shop.
const SHOP: [&str; 5] = ["--source", "shop", "--access", "write,read,admin", "--read-all"];

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

const GUARDED: [&str; 12] = [
    "/",
    "/explore",
    "/refused",
    "/types",
    "/v1/events",
    "/v1/query?measure=count",
    "/v1/types",
    "/v1/metrics",
    "/v1/quarantine",
    "/v1/losses",
    "/v1/erasures",
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

    let made = place.run(&[&["key", "create", "--note", "the till"][..], &SHOP].concat());
    let (key, told) = (out(&made), err(&made));
    assert!(told.contains("the first one"), "{told}");
    let key = key.strip_suffix('\n').unwrap();
    let (prefix, secret) = key.strip_prefix("ev_").unwrap().split_once('_').unwrap();
    assert!(told.contains(prefix) && !told.contains(secret), "{told}");

    soon("a key is needed", SOON, || {
        status(&collector, "/v1/events", None) == 401
    });
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
    soon("the key is of no use", SOON, || {
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
    let key = create(&place, &SHOP);
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
    let key = format!("Bearer {}", create(&place, &SHOP));
    soon("a key is needed", SOON, || {
        status(&collector, "/v1/events", None) == 401
    });
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
        (&["--source", "shop", "--any-source"], 2),
        (&["--source", "shop", "--access", "all"], 2),
        (&["--source", "shop", "--type", "a/b/c"], 2),
        (&["--source", "shop", "--burst", "7"], 2),
        (&["--source", "shop", "--rate", "0"], 1),
        (&[], 2),
    ] {
        let refused = place.run(&[&["key", "create"], flags].concat());
        assert_eq!(refused.status.code(), Some(code), "{flags:?}: {}", err(&refused));
        assert!(refused.stdout.is_empty());
    }
    assert_eq!(out(&place.run(&["key", "list"])).lines().count(), 3);
}

/// What a file or an answer of JSON says.
fn read(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_commands_say_all_there_is_to_know_as_json() {
    let place = Place::sqlite();
    let flags = [
        "--source",
        "shop",
        "--source",
        "till",
        "--access",
        "read,write",
        "--type",
        "order",
        "--type",
        "a/b",
        "--rate",
        "100",
        "--burst",
        "500",
        "--quota",
        "1000000",
        "--json",
    ];
    let made = read(&create(&place, &flags));
    let prefix = made["prefix"].as_str().unwrap();
    assert!(made["key"].as_str().unwrap().starts_with(&format!("ev_{prefix}_")));
    let told = [
        &made["access"],
        &made["sources"],
        &made["types"],
        &made["rate"],
        &made["quota"],
        &made["reach"],
    ];
    let expected = serde_json::json!([
        ["write", "read"], ["shop", "till"], ["order", "a/b"], {"per_second": 100, "burst": 500}, 1_000_000, "bound"
    ]);
    assert_eq!(serde_json::to_value(told).unwrap(), expected);
    let list = read(&out(&place.run(&["key", "list", "--json"])));
    assert_eq!(list["keys"][0]["types"], expected[2]);
    assert!(list["keys"][0].get("key").is_none());

    let next = read(&out(&place.run(&["key", "rotate", prefix, "--grace", "7d", "--json"])));
    assert_eq!((&next["rate"], &next["sources"]), (&expected[3], &expected[1]));
    let list = out(&place.run(&["key", "list"]));
    assert!(
        list.lines().nth(1).unwrap().contains(next["prefix"].as_str().unwrap()),
        "{list}"
    );
    let again = place.run(&["key", "rotate", prefix]);
    assert!(
        again.status.code() == Some(1) && err(&again).contains("was replaced"),
        "{}",
        err(&again)
    );
    let unknown = place.run(&["key", "rotate", "000000000000"]);
    assert!(
        unknown.status.code() == Some(1) && err(&unknown).contains("no key"),
        "{}",
        err(&unknown)
    );
    let told = place.run(&["key", "rotate", next["key"].as_str().unwrap(), "--grace", "0s"]);
    assert!(
        err(&told).contains(next["prefix"].as_str().unwrap()) && !err(&told).contains(next["key"].as_str().unwrap())
    );
    assert_eq!(out(&told).lines().count(), 1);
}

#[test]
fn keys_are_made_rotated_and_revoked_over_http() {
    let place = Place::sqlite();
    let collector = Collector::start_on(&place, &[]);
    // On this machine, and without keys, the first one is made by whoever asks.
    let whole = r#"{"sources": "any", "access": ["write", "read", "admin"], "note": "the first"}"#;
    let first = collector.post("/v1/keys", whole);
    assert_eq!(first.status, 201);
    let admin = first.json()["key"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {admin}");
    let ask = |method: &str, path: &str, body: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        collector.request(method, path, &headers, body)
    };
    assert_eq!(collector.post("/v1/keys", whole).status, 401);
    let made = ask(
        "POST",
        "/v1/keys",
        r#"{"sources": ["shop"], "types": ["order"], "rate": 5, "quota": 7}"#,
    );
    assert_eq!(made.status, 201);
    let (old, prefix) = (
        made.json()["key"].clone(),
        made.json()["prefix"].as_str().unwrap().to_owned(),
    );
    let old = old.as_str().unwrap();
    assert_eq!(made.json()["rate"], serde_json::json!({"per_second": 5, "burst": 5}));
    for (body, pointer) in [
        (r#"{"access": ["write"]}"#, "/sources"),
        (r#"{"sources": ["two words"]}"#, "/sources"),
        (r#"{"sources": "any", "access": []}"#, ""),
        (r#"{"sources": "any", "quota": 0}"#, ""),
        (r#"{"sources": "any", "secret": "x"}"#, "/secret"),
        (r#"{"sources": "any", "expires_at": "2020-01-01T00:00:00Z"}"#, ""),
    ] {
        let refused = ask("POST", "/v1/keys", body);
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (422, Some("invalid_key")),
            "{body}"
        );
        assert_eq!(
            refused.json()["pointer"].as_str().unwrap_or_default(),
            pointer,
            "{body}"
        );
    }
    // A key that only sends does not make itself a better one.
    let lesser = format!("Bearer {old}");
    let headers = [("authorization", lesser.as_str()), ("content-type", "application/json")];
    assert_eq!(collector.request("POST", "/v1/keys", &headers, whole).status, 403);
    assert_eq!(collector.request("GET", "/v1/keys", &headers, "").status, 403);

    let rotated = ask("POST", &format!("/v1/keys/{prefix}/rotate?grace=1h"), "");
    assert_eq!(rotated.status, 201);
    let next = rotated.json()["key"].as_str().unwrap().to_owned();
    for key in [old, &next] {
        assert_eq!(status(&collector, "/v1/types", Some(key)), 200);
    }
    let again = ask("POST", &format!("/v1/keys/{prefix}/rotate"), "");
    assert_eq!((again.status, again.problem().as_deref()), (409, Some("key_ended")));
    assert_eq!(
        ask("POST", &format!("/v1/keys/{prefix}/rotate?grace=soon"), "").status,
        400
    );
    let revoked = ask("DELETE", &format!("/v1/keys/{prefix}"), "");
    assert!(revoked.status == 200 && revoked.json()["revoked_at"].is_string());
    assert_eq!(status(&collector, "/v1/types", Some(old)), 401);
    assert_eq!(
        ask("DELETE", "/v1/keys/nobody", "").problem().as_deref(),
        Some("key_not_found")
    );
    let list = ask("GET", "/v1/keys", "");
    assert_eq!(list.json()["keys"].as_array().unwrap().len(), 3);
    for key in [&admin, old, &next] {
        let (_, secret) = key.rsplit_once('_').unwrap();
        assert!(!list.text().contains(secret) && !collector.log().contains(secret));
    }
}

#[test]
fn what_is_sent_too_fast_is_told_when_to_come_back() {
    let place = Place::sqlite();
    let (rated, counted) = (
        create(&place, &["--source", "shop", "--rate", "10"]),
        create(&place, &["--source", "shop", "--quota", "5", "--access", "write,read"]),
    );
    let collector = Collector::start_on(&place, &[]);
    let send = |key: &str, events: usize| {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let events = vec![r#"{"category":"c","name":"n"}"#; events].join(",");
        collector.request("POST", "/v1/events", &headers, format!("[{events}]"))
    };
    let after = |response: &crate::collector::Response| response.header("retry-after").unwrap().parse::<u64>().unwrap();
    assert_eq!(send(&rated, 10).status, 200);
    let refused = send(&rated, 10);
    assert_eq!(
        (refused.status, refused.problem().as_deref()),
        (429, Some("rate_limited"))
    );
    assert!((1..=2).contains(&after(&refused)));
    soon("there is room again", SOON, || send(&rated, 1).status == 200);

    assert_eq!(send(&counted, 5).status, 200);
    let refused = send(&counted, 1);
    assert_eq!(
        (refused.status, refused.problem().as_deref()),
        (429, Some("quota_exceeded"))
    );
    assert!((1..=86_400).contains(&after(&refused)));
    // Whoever has sent enough may still look.
    assert_eq!(status(&collector, "/v1/events?source=shop", Some(&counted)), 200);
    assert_eq!(status(&collector, "/v1/events", Some(&counted)), 403);
    // What is read of a file shows when it is there, and counts for what comes next.
    let file = create(&place, &["--source", "shop", "--quota", "2"]);
    soon("the key is known", SOON, || {
        status(&collector, "/v1/types", Some(&file)) == 200
    });
    let import = || {
        let bearer = format!("Bearer {file}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "text/csv")];
        let path = "/v1/import?category=c&name=n&columns=subject&header=absent";
        collector.request("POST", path, &headers, "a\nb\nc\n").status
    };
    assert_eq!((import(), import()), (200, 429));
}

#[test]
fn a_peer_that_has_no_good_key_is_told_to_wait() {
    let place = Place::sqlite();
    let key = create(&place, &SHOP);
    let collector = Collector::start_on(&place, &["--failure-limit", "4"]);
    let statuses: Vec<u16> = (0..6).map(|_| status(&collector, "/v1/events", None)).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429]);
    let refused = collector.get("/v1/events");
    assert_eq!(refused.problem().as_deref(), Some("rate_limited"));
    assert!((30..=78).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()));
    assert_eq!(status(&collector, "/v1/events", Some(&key)), 200);
    assert_eq!(status(&collector, "/health/live", None), 200);
}

#[test]
fn a_container_begins_with_the_key_that_it_is_told() {
    let place = Place::sqlite();
    let key = out(&place.run(&["key", "new"]));
    let key = key.trim_end();
    assert!(
        !std::path::Path::new(
            place
                .url()
                .trim_start_matches("sqlite://")
                .trim_end_matches("?mode=rwc")
        )
        .exists()
    );
    for _ in 0..2 {
        let collector = Collector::start_on(&place, &["--first-key", key]);
        assert_eq!(status(&collector, "/v1/keys", Some(key)), 200);
        assert_eq!(status(&collector, "/v1/keys", None), 401);
        assert!(!collector.log().contains(key) && !collector.log().contains("no keys exist"));
    }
    let run = |flags: &[&str]| place.run(&[&["serve", "--listen", "0.0.0.0:0"], flags].concat());
    let refused = run(&["--first-key", &key[..50]]);
    assert_eq!(refused.status.code(), Some(2), "{}", err(&refused));
    assert!(err(&refused).contains("no whole key") && !err(&refused).contains(&key[..50]));
    // Another one is told later: the keys that are there stay as they are.
    let other = out(&place.run(&["key", "new"]));
    let collector = Collector::start_on(&place, &["--first-key", other.trim_end()]);
    assert_eq!(status(&collector, "/v1/keys", Some(other.trim_end())), 401);
    assert!(collector.log().contains("none of those in use"), "{}", collector.log());
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

#[test]
fn a_name_of_somebody_else_is_not_served_without_keys() {
    let collector = Collector::start_with(&["--hosts", "events.example"]);
    let status = |host: &str| {
        let response = collector.raw(format!(
            "GET /v1/keys HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        ));
        (response.status, response.problem())
    };
    for own in [
        "localhost:8000",
        "127.0.0.1",
        "[::1]:1",
        "collector",
        "events.example:80",
    ] {
        assert_eq!(status(own), (200, None), "{own}");
    }
    // A page of `evil.example`, whose name leads to 127.0.0.1 by now.
    for other in ["evil.example", "evil.example:8000", "events.example.evil.example"] {
        let refused = (403, Some("not_permitted".to_owned()));
        assert_eq!(status(other), refused, "{other}");
        // Nor do other people's clients ask by such a name.
        for path in ["/segment/v1/batch", "/posthog/batch"] {
            let response = collector.raw(format!(
                "POST {path} HTTP/1.1\r\nhost: {other}\r\ncontent-length: 0\r\n\r\n"
            ));
            assert_eq!((response.status, response.problem()), refused, "{path} {other}");
        }
    }
}
