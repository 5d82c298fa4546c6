//! Those who have no key, and those who have one and say that they are somebody else.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::answer::unlike;
use crate::collector::{Collector, Place, Response};
use crate::table::{Case, Words, differences, now, scenario};

pub(crate) const SCENARIOS: [&str; 13] = [
    "no_key",
    "wrong_key",
    "malformed_key",
    "expired_key",
    "revoked_key",
    "no_key_and_a_body",
    "key_in_the_query",
    "two_keys",
    "another_source",
    "over_the_rate",
    "over_the_quota",
    "many_bad_keys",
    "another_origin",
];

const JSON: (&str, &str) = ("content-type", "application/json");
const EVENT: &str = r#"{"category":"bad input","name":"H34"}"#;

/// A collector that asks for keys, and the key of the source `shop`.
struct Guarded {
    place: Place,
    collector: Collector,
    key: String,
}

impl Guarded {
    fn start() -> Self {
        let place = Place::sqlite();
        let key = create(&place, &[]);
        let collector = Collector::start_on(&place, &["--log-level=debug", "--failure-limit=1000"]);
        Guarded { place, collector, key }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }

    /// Sends an event with these headers `Authorization`.
    fn send(&self, path: &str, values: &[&str]) -> Response {
        let mut headers = vec![JSON];
        headers.extend(values.iter().map(|value| ("authorization", *value)));
        self.collector.request("POST", path, &headers, EVENT)
    }

    /// That whoever has the key can still send, that nothing else was stored, and nothing told.
    fn assert_unharmed(&self) {
        let answer = self.send("/v1/events", &[&self.bearer()]);
        assert_eq!(answer.json()["results"][0]["status"], "stored", "{}", answer.text());
        let (_, secret) = self.key.rsplit_once('_').unwrap();
        let log = self.collector.log();
        assert!(!log.contains(secret) && !log.contains("panicked"), "{log}");
    }

    fn stored(&self) -> String {
        let headers = [("authorization", self.bearer())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = self.collector.request("GET", "/v1/query?measure=count", &headers, "");
        answer.json()["rows"][0]["value"].as_str().unwrap().to_owned()
    }
}

/// Has the program make a key, and reads it.
fn create(place: &Place, flags: &[&str]) -> String {
    let all = [
        "key",
        "create",
        "--source",
        "shop",
        "--access",
        "write,read,admin",
        "--read-all",
    ];
    let command = [&all[..], flags].concat();
    let output = place.run(&command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn assert_answer(case: &Case, response: &Response) {
    let found = unlike(case.field("answer"), response, &mut Words::new());
    assert!(found.is_empty(), "{}: {found:?}", case.title());
}

fn strings<'a>(case: &'a Case, field: &str) -> Vec<&'a str> {
    let values = case.field(field).as_array().unwrap();
    values.iter().map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn h34_every_way_to_have_no_key_gets_one_answer() {
    let guarded = Guarded::start();
    let other = create(&Place::sqlite(), &[]);
    let (prefix, _) = guarded.key.rsplit_once('_').unwrap();
    let (_, secret) = other.rsplit_once('_').unwrap();
    let mut ways: Vec<(&str, Vec<String>)> = vec![
        ("no_key", vec![]),
        ("wrong_key", vec![format!("Bearer {other}")]),
        ("wrong_key", vec![format!("Bearer {prefix}_{secret}")]),
    ];
    for value in strings(&scenario("malformed_key"), "values") {
        ways.push(("malformed_key", vec![value.replace("$KEY", &guarded.key)]));
    }

    let ends = now().saturating_add_micros(4_000_000).to_string();
    let (expires, revoked) = (
        create(&guarded.place, &["--expires", &ends]),
        create(&guarded.place, &[]),
    );
    let started = Instant::now();
    for key in [&expires, &revoked] {
        // Until the collector has heard of them.
        while guarded.send("/v1/events", &[&format!("Bearer {key}")]).status != 200 {
            assert!(started.elapsed() < Duration::from_secs(5), "a new key is not known");
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert!(guarded.place.run(&["key", "revoke", &revoked]).status.success());
    thread::sleep(Duration::from_secs(5));
    ways.push(("expired_key", vec![format!("Bearer {expires}")]));
    ways.push(("revoked_key", vec![format!("Bearer {revoked}")]));

    let before = guarded.stored();
    let mut bodies = Vec::new();
    for (name, values) in &ways {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let response = guarded.send("/v1/events", &values);
        assert_answer(&scenario(name), &response);
        let mut body = response.json();
        // Each request has an id of its own, which tells nothing of the key.
        assert!(body.as_object_mut().unwrap().remove("instance").is_some());
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the answer tells what is wrong with a key");
    assert_eq!(guarded.stored(), before);
    guarded.assert_unharmed();
}

#[test]
fn h34_a_body_is_not_read_and_the_answer_arrives() {
    let guarded = Guarded::start();
    let case = scenario("no_key_and_a_body");
    let mut connection = guarded.collector.connect();
    let large = vec![b'x'; 4 << 20];
    for _ in 0..3 {
        // All of it is sent; the answer comes, and the connection stays of use.
        let response = connection.request("POST", "/v1/events", &[JSON], &large);
        assert_answer(&case, &response);
    }
    // Nothing of the body has come yet, nor is it asked for.
    for head in [
        "content-length: 1000",
        "content-length: 1000\r\nexpect: 100-continue",
        "transfer-encoding: chunked",
    ] {
        let started = Instant::now();
        let response = guarded.collector.raw(format!(
            "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n\r\n"
        ));
        assert_answer(&case, &response);
        assert!(started.elapsed() < Duration::from_secs(2), "{head}");
    }
    guarded.assert_unharmed();
}

#[test]
fn h35_a_key_in_the_url_is_none() {
    let guarded = Guarded::start();
    let case = scenario("key_in_the_query");
    for name in strings(&case, "parameters") {
        for path in [
            format!("/v1/events?{name}={}", guarded.key),
            format!("/v1/query?measure=count&{name}=Bearer%20{}", guarded.key),
            format!("/?{name}={}", guarded.key),
            format!("/nowhere?{name}={}", guarded.key),
        ] {
            assert_answer(&case, &guarded.send(&path, &[]));
            assert_answer(&case, &guarded.collector.get(&path));
        }
        let log = guarded.collector.log();
        assert!(!log.contains(&format!("{name}=")) && !log.contains("ev_"), "{log}");
    }
    guarded.assert_unharmed();
}

#[test]
fn h36_two_headers_are_ambiguous() {
    let guarded = Guarded::start();
    let case = scenario("two_keys");
    let bearer = guarded.bearer();
    for other in strings(&case, "others") {
        let other = other.replace("$KEY", &guarded.key);
        for values in [[bearer.as_str(), &other], [&other, &bearer]] {
            let response = guarded.send("/v1/events", &values);
            assert_answer(&case, &response);
            assert!(!response.text().contains(&guarded.key));
        }
    }
    guarded.assert_unharmed();
}

#[test]
fn h37_an_event_of_another_source_is_kept_under_its_senders() {
    let guarded = Guarded::start();
    let case = scenario("another_source");
    let bearer = guarded.bearer();
    let send = |method: &str, path: &str, media: &str, body: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", media)];
        guarded.collector.request(method, path, &headers, body)
    };
    let mapping = r#"{"mapping": {"id": "/id", "source": "/from"}}"#;
    assert_eq!(send("PUT", "/v1/types/a/b/1", "application/json", mapping).status, 201);
    let event = r#"{"id":"e-1","category":"a","name":"b","source":"bank"}"#;
    let cloud = r#"{"specversion":"1.0","type":"a.b","source":"bank","id":"e-2","data":{}}"#;
    let ways = [
        ("/v1/events", "application/json", event),
        ("/v1/events", "application/x-ndjson", &event.replace("e-1", "e-3")),
        ("/v1/events", "application/cloudevents+json", cloud),
        (
            "/v1/types/a/b/1/events",
            "application/json",
            r#"{"id":"e-4","from":"bank"}"#,
        ),
    ];
    for (path, media, body) in ways {
        let response = send("POST", path, media, body);
        assert_answer(&case, &response);
        let list = send("GET", "/v1/quarantine?code=not_permitted", "", "").json();
        let entries = list["entries"].as_array().unwrap();
        let entry = entries
            .iter()
            .find(|entry| entry["raw"] == body)
            .expect("it is not kept");
        let found = differences(case.field("kept"), entry, &mut Words::new());
        assert!(found.is_empty(), "{}: {found:?}", case.title());
    }
    assert_eq!(
        send("GET", "/v1/quarantine?source=bank", "", "").json()["entries"],
        json!([])
    );
    // Its own events are, whether they say so or not, also by the ids that it could not have there.
    let own = r#"[{"id":"e-1","category":"a","name":"b"},{"id":"e-2","category":"a","name":"b","source":"shop"}]"#;
    let response = send("POST", "/v1/events", "application/json", own);
    let stored = json!({"body": {"results": [{"status": "stored"}, {"status": "stored"}]}});
    assert!(
        unlike(&stored, &response, &mut Words::new()).is_empty(),
        "{}",
        response.text()
    );
    assert_eq!(send("GET", "/v1/events/e-1", "", "").json()["source"], "shop");
    guarded.assert_unharmed();
}

#[test]
fn h71_what_is_too_much_is_not_stored() {
    for (name, flags) in [("over_the_rate", ["--rate", "2"]), ("over_the_quota", ["--quota", "2"])] {
        let guarded = Guarded::start();
        let bearer = format!("Bearer {}", create(&guarded.place, &flags));
        let started = Instant::now();
        while guarded.send("/v1/types/a/b/1/events", &[&bearer]).status == 401 {
            assert!(started.elapsed() < Duration::from_secs(5), "a new key is not known");
            thread::sleep(Duration::from_millis(50));
        }
        let send = || {
            let headers = [("authorization", bearer.as_str()), JSON];
            guarded
                .collector
                .request("POST", "/v1/events", &headers, format!("[{EVENT},{EVENT}]"))
        };
        assert_eq!(send().status, 200, "{name}");
        assert_answer(&scenario(name), &send());
        assert_eq!(guarded.stored(), "2");
        guarded.assert_unharmed();
    }
}

#[test]
fn h71_bad_keys_from_one_address_are_told_to_wait() {
    let place = Place::sqlite();
    let key = create(&place, &[]);
    let collector = Collector::start_on(&place, &[]);
    let guarded = Guarded { place, collector, key };
    for _ in 0..20 {
        assert_eq!(guarded.send("/v1/events", &["Bearer x"]).status, 401);
    }
    assert_answer(&scenario("many_bad_keys"), &guarded.send("/v1/events", &["Bearer x"]));
    guarded.assert_unharmed();
}

#[test]
fn h75_a_browser_hears_nothing_of_other_origins() {
    let collector = Collector::start();
    for origin in ["https://bank.example", "null", &collector.url()] {
        let headers = [("origin", origin), ("access-control-request-method", "POST"), JSON];
        let preflight = collector.request("OPTIONS", "/v1/events", &headers[..2], "");
        assert_answer(&scenario("another_origin"), &preflight);
        let sent = collector.request("POST", "/v1/events", &headers, EVENT);
        assert_eq!(sent.status, 200);
        for answer in [preflight, sent] {
            for name in ["origin", "methods", "headers", "credentials"] {
                assert_eq!(answer.header(&format!("access-control-allow-{name}")), None, "{origin}");
            }
        }
    }
}
