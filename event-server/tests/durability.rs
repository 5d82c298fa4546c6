//! What was answered is there: through kills and stops at any moment, under load.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "support/collector.rs"]
mod collector;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use collector::{Collector, Connection, Response};
use serde_json::Value;

const CLIENTS: usize = 4;
const JSON: (&str, &str) = ("content-type", "application/json");

/// What a client knows of one batch that it sent.
struct Sent {
    ids: Vec<String>,
    outcome: Outcome,
}

enum Outcome {
    /// A verdict each.
    Answered(Vec<Value>),
    /// 503: nothing of it is stored.
    TurnedAway(String),
    /// The line was cut.
    Unheard,
}

fn event(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","category":"c","name":"n","session_id":"s-{}","data":{{"of":"{id}"}}}}"#,
        id.len() % 5
    )
}

fn batch(ids: &[String]) -> String {
    let events: Vec<String> = ids.iter().map(|id| event(id)).collect();
    format!("[{}]", events.join(","))
}

fn outcome(response: Option<Response>) -> Outcome {
    match response {
        None => Outcome::Unheard,
        Some(response) if response.status == 200 => {
            Outcome::Answered(response.json()["results"].as_array().unwrap().clone())
        }
        Some(response) => Outcome::TurnedAway(response.problem().unwrap_or_else(|| response.text().to_owned())),
    }
}

/// Sends one batch after the other on one connection until one is not answered with verdicts. Some
/// of the events are sent by every client.
fn send(address: SocketAddr, round: usize, client: usize) -> Vec<Sent> {
    let mut connection = Connection::open(address);
    let mut sent = Vec::new();
    for number in 0.. {
        let size = 1 + (number * 7 + client * 3) % 20;
        let name = |event: usize| match event % 4 {
            0 => format!("all-{round}-{number}-{event}"),
            _ => format!("c{client}-{round}-{number}-{event}"),
        };
        let ids: Vec<String> = (0..size).map(name).collect();
        connection.send_request("POST", "/v1/events", &[JSON], batch(&ids));
        let response = connection.try_response();
        // A response may say that it is the last one on its connection.
        let last = response
            .as_ref()
            .is_some_and(|response| response.header("connection") == Some("close"));
        let outcome = outcome(response);
        let goes_on = matches!(outcome, Outcome::Answered(_)) && !last;
        sent.push(Sent { ids, outcome });
        if !goes_on {
            break;
        }
    }
    sent
}

/// Lets clients send while `interrupt` does its work on the collector.
fn under_load(collector: &mut Collector, round: usize, interrupt: impl FnOnce(&mut Collector)) -> Vec<Sent> {
    let address = collector.address();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| thread::spawn(move || send(address, round, client)))
        .collect();
    interrupt(collector);
    clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
}

/// Some milliseconds, others each time.
fn a_while(least: u64, most: u64) -> Duration {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    Duration::from_millis(least + u64::from(nanos) % (most - least))
}

/// Every event that is stored: its position and its data. Fails if one is there twice.
fn stored(collector: &Collector) -> BTreeMap<String, (i64, Value)> {
    let mut all = BTreeMap::new();
    let mut connection = collector.connect();
    let mut path = "/v1/events?limit=1000".to_owned();
    loop {
        let page = connection.request("GET", &path, &[], "").json();
        for event in page["events"].as_array().unwrap() {
            let id = event["id"].as_str().unwrap().to_owned();
            let place = (event["position"].as_i64().unwrap(), event["data"].clone());
            assert!(all.insert(id.clone(), place).is_none(), "{id} is stored twice");
        }
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/events?limit=1000&cursor={next}");
    }
    let places: BTreeSet<i64> = all.values().map(|(position, _)| *position).collect();
    assert_eq!(places.len(), all.len(), "two events have one position");
    assert_eq!(
        collector.get("/v1/query").json()["rows"][0]["value"],
        all.len().to_string()
    );
    all
}

/// That the store holds what the clients heard, and nothing by halves.
fn assert_as_heard(sent: &[Sent], stored: &BTreeMap<String, (i64, Value)>) {
    let mut own = BTreeMap::new();
    for one in sent {
        match &one.outcome {
            Outcome::Answered(verdicts) => {
                assert_eq!(verdicts.len(), one.ids.len());
                for (id, verdict) in one.ids.iter().zip(verdicts) {
                    let status = verdict["status"].as_str().unwrap();
                    assert!(["stored", "duplicate"].contains(&status), "{verdict}");
                    let Some((position, data)) = stored.get(id) else {
                        panic!("{id} was answered and is gone")
                    };
                    assert_eq!(verdict["position"], *position, "{id}");
                    assert_eq!(data["of"], **id);
                    if status == "stored" {
                        assert!(own.insert(id.clone(), ()).is_none(), "{id} was stored for two clients");
                    }
                }
            }
            other => {
                // Those that every client sends may be there for another's sake.
                let own = one.ids.iter().filter(|id| !id.starts_with("all-"));
                let there: Vec<bool> = own.map(|id| stored.contains_key(id)).collect();
                let whole = there.iter().all(|there| *there);
                let nothing = there.iter().all(|there| !there);
                assert!(whole || nothing, "a batch is stored by halves: {:?}", one.ids);
                if let Outcome::TurnedAway(code) = other {
                    assert!(
                        nothing || code == "outcome_unknown",
                        "turned away with {code}, and stored: {:?}",
                        one.ids
                    );
                }
            }
        }
    }
}

fn answered(sent: &[Sent]) -> usize {
    let heard = sent.iter().filter(|one| matches!(one.outcome, Outcome::Answered(_)));
    heard.map(|one| one.ids.len()).sum()
}

#[test]
fn a_kill_under_load_loses_nothing_that_was_answered() {
    const ROUNDS: usize = 6;
    let mut collector = Collector::start_with(&["--log-level=warn"]);
    let mut sent = Vec::new();
    for round in 0..ROUNDS {
        sent.extend(under_load(&mut collector, round, |collector| {
            thread::sleep(a_while(50, 500));
            collector.kill();
        }));
        collector.restart();
        assert_as_heard(&sent, &stored(&collector));
    }
    assert!(
        answered(&sent) > 200,
        "{} answers are too few to prove anything",
        answered(&sent)
    );
    let unheard: Vec<&Sent> = sent
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::Unheard))
        .collect();
    assert!(!unheard.is_empty(), "no request was cut: the kills prove nothing");

    // To send everything again adds exactly what was not heard of.
    let before = stored(&collector);
    let all: BTreeSet<&String> = sent.iter().flat_map(|one| &one.ids).collect();
    let mut connection = collector.connect();
    let mut added = 0;
    for ids in all.iter().map(|id| (*id).clone()).collect::<Vec<_>>().chunks(500) {
        let reply = connection.request("POST", "/v1/events", &[JSON], batch(ids)).json();
        for (id, verdict) in ids.iter().zip(reply["results"].as_array().unwrap()) {
            match before.get(id) {
                Some((position, _)) => assert_eq!(
                    (&verdict["status"], &verdict["position"]),
                    (&"duplicate".into(), &(*position).into())
                ),
                None => assert_eq!(verdict["status"], "stored", "{verdict}"),
            }
            added += usize::from(!before.contains_key(id));
        }
    }
    assert_eq!(stored(&collector).len(), before.len() + added);
    assert_eq!(before.len() + added, all.len());
}

#[test]
fn a_stop_under_load_answers_everything_and_keeps_what_it_answered() {
    const ROUNDS: usize = 4;
    let mut collector = Collector::start_with(&["--log-level=warn"]);
    let mut sent = Vec::new();
    for round in 0..ROUNDS {
        let of_round = under_load(&mut collector, round, |collector| {
            thread::sleep(a_while(50, 400));
            assert_eq!(collector.stop().code(), Some(0), "{}", collector.log());
        });
        let unheard = of_round
            .iter()
            .filter(|one| matches!(one.outcome, Outcome::Unheard))
            .count();
        assert_eq!(unheard, 0, "requests were left without an answer in round {round}");
        sent.extend(of_round);
        collector.restart();
        assert_as_heard(&sent, &stored(&collector));
    }
    assert!(
        answered(&sent) > 200,
        "{} answers are too few to prove anything",
        answered(&sent)
    );
}

#[test]
fn a_kill_while_a_batch_is_written_stores_all_of_it_or_nothing() {
    let mut collector = Collector::start_with(&["--log-level=warn"]);
    let ids: Vec<String> = (0..1_000).map(|number| format!("large-{number}")).collect();
    let mut whole = 0;
    for round in 0..6_u64 {
        let names: Vec<String> = ids.iter().map(|id| format!("{round}-{id}")).collect();
        let mut connection = collector.connect();
        connection.send_request("POST", "/v1/events", &[JSON], batch(&names));
        // From judging over writing to after the commit.
        thread::sleep(Duration::from_millis(round * 40));
        collector.kill();
        let heard = matches!(outcome(connection.try_response()), Outcome::Answered(_));
        collector.restart();
        let stored = stored(&collector);
        let there = names.iter().filter(|name| stored.contains_key(*name)).count();
        assert!(
            there == 0 || there == names.len(),
            "{there} of {} in round {round}",
            names.len()
        );
        assert!(there > 0 || !heard, "round {round} was answered and is gone");
        whole += usize::from(there > 0);
    }
    assert!(whole < 6, "every batch was written in time: the kills prove nothing");
}
