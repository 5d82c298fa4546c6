//! The cases that requests alone can play.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::unlike;
use crate::collector::Response;
use crate::peer::{Peer, encoded};
use crate::table::{self, Case, Words, differences};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

/// How long any answer may take, where the table does not say.
const PATIENCE: Duration = Duration::from_secs(10);

/// What went wrong with a case, all of it.
struct Report<'a> {
    case: &'a Case,
    found: Vec<String>,
}

impl Report<'_> {
    fn add(&mut self, way: &str, found: impl IntoIterator<Item = String>) {
        let title = self.case.title();
        self.found.extend(
            found
                .into_iter()
                .map(|difference| format!("{title} / {way}: {difference}")),
        );
    }

    /// A request of the case, and its answer in time and without secrets.
    fn request(
        &mut self,
        peer: &mut Peer,
        way: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let started = Instant::now();
        let response = peer.request(method, path, headers, body);
        let patience = self.case.number("within_ms").map_or(PATIENCE, Duration::from_millis);
        if started.elapsed() > patience {
            self.add(way, [format!("answered after {:?}", started.elapsed())]);
        }
        // What is asked for may well be told; what is sent may not.
        let secret = self.case.field("hides").as_str().filter(|_| method != "GET");
        if secret.is_some_and(|secret| {
            response
                .body
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
        }) {
            self.add(way, [format!("the answer repeats what was sent: {}", response.text())]);
        }
        response
    }
}

/// The requests of a case, one after the other.
fn play_steps(peer: &mut Peer, case: &Case, report: &mut Report<'_>) {
    let mut words = Words::new();
    for (number, step) in case.field("steps").as_array().into_iter().flatten().enumerate() {
        let way = format!("request {}", number + 1);
        let method = step["method"].as_str().unwrap_or("POST");
        let path = step.get("path").map(|path| table::bytes(path, &words));
        let path = path.map_or("/v1/events".to_owned(), |path| String::from_utf8(path).unwrap());
        let body = step
            .get("body")
            .map(|body| table::bytes(body, &words))
            .unwrap_or_default();
        let mut headers: Vec<(&str, &str)> = Vec::new();
        for (name, value) in step["headers"].as_object().into_iter().flatten() {
            headers.push((name, value.as_str().unwrap()));
        }
        if step.get("body").is_some() && headers.is_empty() {
            headers.push(("content-type", JSON));
        }
        let response = report.request(peer, &way, method, &path, &headers, &body);
        report.add(&way, unlike(&step["answer"], &response, &mut words));
        if let Some(expected) = step.get("kept") {
            let raw = String::from_utf8(body).unwrap();
            match peer.kept(expected["code"].as_str().unwrap(), None, |entry| entry["raw"] == raw) {
                Some(entry) => report.add(&way, differences(expected, &entry, &mut words)),
                None => report.add(&way, ["it is not in the quarantine".to_owned()]),
            }
        }
        for (word, pointer) in step["remember"].as_object().into_iter().flatten() {
            let value = response
                .json()
                .pointer(pointer.as_str().unwrap())
                .cloned()
                .unwrap_or_default();
            words.set(word, value);
        }
    }
}

/// The ways in which an event is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Alone,
    InAnArray,
    OnALine,
}

/// The event of a case, in every way.
fn play_event(peer: &mut Peer, case: &Case, report: &mut Report<'_>) {
    for way in [Way::Alone, Way::InAnArray, Way::OnALine] {
        let mut words = Words::new();
        let event = case.event(&words).unwrap();
        let label = format!("{way:?}");
        let neighbour = |which: &str| {
            format!(
                "{{\"id\":\"{}-{which}\",\"category\":\"bad input\",\"name\":\"neighbour\"}}",
                words.id()
            )
            .into_bytes()
        };
        let (first, last) = (neighbour("first"), neighbour("last"));
        let (media, body) = match way {
            Way::Alone => (JSON, event.clone()),
            Way::InAnArray => (JSON, [b"[", &first[..], b",", &event, b",", &last, b"]"].concat()),
            Way::OnALine => (NDJSON, [&first[..], b"\n", &event, b"\r\n", &last].concat()),
        };
        let response = report.request(peer, &label, "POST", "/v1/events", &[("content-type", media)], &body);
        if let Some(answer) = answer_to_the_body(case, way) {
            report.add(&label, unlike(&answer, &response, &mut words));
            report.add(&label, not_stored(peer, &words));
            continue;
        }
        let verdict = case.verdict();
        let good = json!({"status": "stored"});
        let expected = if way == Way::Alone {
            json!([verdict])
        } else {
            json!([good, verdict, good])
        };
        let found = unlike(&json!({"body": {"results": expected}}), &response, &mut words);
        if !found.is_empty() {
            report.add(&label, found);
            continue;
        }
        let results = response.json()["results"].clone();
        let result = &results[usize::from(way != Way::Alone)];
        report.add(&label, too_much(case, result));
        match result["status"].as_str() {
            Some("stored") => report.add(&label, read_back(peer, case, result, &mut words)),
            Some("quarantined" | "conflict") => {
                report.add(&label, in_quarantine(peer, case, result, &event, &mut words));
            }
            _ => {
                let raw = String::from_utf8_lossy(&event).into_owned();
                if peer
                    .kept(result["code"].as_str().unwrap(), kind(case), |entry| {
                        entry["raw"] == raw
                    })
                    .is_some()
                {
                    report.add(&label, ["it was rejected, and is kept all the same".to_owned()]);
                }
            }
        }
    }
}

/// The answer to a body that holds the event, where the event is more than its own affair.
fn answer_to_the_body(case: &Case, way: Way) -> Option<Value> {
    let answer = |name: &str| Some(case.field(name)).filter(|answer| !answer.is_null());
    let broken = |code| json!({"status": 400, "problem": code, "body": {"offset": "$any"}});
    match way {
        Way::Alone => answer("alone")
            .or(answer("request"))
            .cloned()
            .or(answer("breaks").map(broken)),
        Way::InAnArray => answer("request").cloned().or(answer("breaks").map(broken)),
        Way::OnALine => None,
    }
}

/// The type of a case, as its quarantined events claim it.
fn kind(case: &Case) -> Option<(&str, &str)> {
    let known = case.field("type");
    Some((known["category"].as_str()?, known["name"].as_str()?))
}

/// That a request which failed has stored nothing.
fn not_stored(peer: &mut Peer, words: &Words) -> Vec<String> {
    let ids = [
        words.id().to_owned(),
        format!("{}-first", words.id()),
        format!("{}-last", words.id()),
    ];
    let stored = ids
        .iter()
        .filter(|id| peer.get(&format!("/v1/events/{id}")).status != 404);
    stored.map(|id| format!("{id} is stored all the same")).collect()
}

/// That little is said of much that is wrong.
fn too_much(case: &Case, verdict: &Value) -> Option<String> {
    let violations = verdict["violations"].as_array().map_or(0, Vec::len) as u64;
    let bytes = verdict["violations"].to_string().len() as u64;
    let many = case
        .number("most_violations")
        .is_some_and(|most| violations > most || violations == 0);
    let long = case.number("most_violation_bytes").is_some_and(|most| bytes > most);
    (many || long).then(|| format!("{violations} violations of {bytes} bytes"))
}

/// What a stored event is, beside what it must be.
fn read_back(peer: &mut Peer, case: &Case, verdict: &Value, words: &mut Words) -> Vec<String> {
    let response = peer.get(&format!("/v1/events/{}", encoded(verdict["id"].as_str().unwrap())));
    if response.status != 200 {
        return vec![format!("it cannot be read back: {}", response.text())];
    }
    let stored = response.json();
    let mut found = differences(
        &json!({"position": verdict["position"], "id": verdict["id"]}),
        &stored,
        words,
    );
    if !case.field("stored").is_null() {
        found.extend(differences(case.field("stored"), &stored, words));
    }
    found
}

/// What is kept of a refused event, beside what must be.
fn in_quarantine(peer: &mut Peer, case: &Case, verdict: &Value, event: &[u8], words: &mut Words) -> Vec<String> {
    let most = case
        .number("kept_bytes")
        .map_or(event.len(), |most| usize::try_from(most).unwrap());
    let raw = &event[..most.min(event.len())];
    let (text, digits) = match std::str::from_utf8(raw) {
        Ok(text) => (json!(text), Value::Null),
        Err(_) => (
            Value::Null,
            json!(raw.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        ),
    };
    let same = |entry: &Value| entry["raw"] == text && entry["raw_hex"] == digits && entry["raw_bytes"] == event.len();
    let Some(entry) = peer.kept(verdict["code"].as_str().unwrap(), kind(case), same) else {
        return vec!["it is not in the quarantine as it was sent".to_owned()];
    };
    let expected = json!({
        "violations": verdict["violations"],
        "sha256": if most < event.len() { "$any" } else { "$absent" },
        "occurrences": "$any",
        "received_at": "$any",
        "source": "unknown",
    });
    let mut found = differences(&expected, &entry, words);
    if !case.field("kept").is_null() {
        found.extend(differences(case.field("kept"), &entry, words));
    }
    found
}

#[test]
fn every_row_gets_what_the_table_says() {
    let mut peers: BTreeMap<BTreeMap<String, String>, Peer> = BTreeMap::new();
    let mut failures = Vec::new();
    let (mut run, mut failed) = (0, 0);
    for case in table::cases().iter().filter(|case| case.scenario().is_none()) {
        run += 1;
        let settings = case.settings();
        let peer = peers.entry(settings).or_insert_with_key(Peer::start);
        let mut report = Report {
            case,
            found: Vec::new(),
        };
        if let Some(known) = case.field("type").as_object() {
            let name = |name: &str| encoded(known[name].as_str().unwrap());
            let path = format!("/v1/types/{}/{}/{}", name("category"), name("name"), name("version"));
            let mut definition = known.clone();
            definition.retain(|name, _| ["schema", "policy"].contains(&name.as_str()));
            let headers = [("content-type", JSON)];
            let response = peer.request("PUT", &path, &headers, json!(definition).to_string().as_bytes());
            if ![200, 201].contains(&response.status) {
                report.add("type", [format!("{}: {}", response.status, response.text())]);
            }
        }
        if case.field("steps").is_array() {
            play_steps(peer, case, &mut report);
        } else {
            play_event(peer, case, &mut report);
        }
        failed += usize::from(!report.found.is_empty());
        failures.append(&mut report.found);
    }
    assert!(run > 450, "only {run} cases were run");
    assert!(failures.is_empty(), "{failed} of {run} cases:\n{}", failures.join("\n"));
    for peer in peers.values_mut() {
        assert_eq!(peer.collector.stop().code(), Some(0));
        assert!(!peer.collector.log().contains("panicked"), "a handler panicked");
    }
}
