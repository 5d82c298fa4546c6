use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::collector::Collector;

const JSON: (&str, &str) = ("content-type", "application/json");

fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","category":"c","name":"n","occurred_at":"2026-01-01T00:00:00Z","data":{{"id":"{id}"}}}}"#)
}

fn statuses(reply: &serde_json::Value) -> Vec<String> {
    let results = reply["results"].as_array().unwrap().iter();
    results
        .map(|verdict| verdict["status"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_hundred_senders_of_the_same_events_store_each_once() {
    const SENDERS: usize = 100;
    const EVENTS: usize = 1_000;
    let collector = Collector::start();
    let events: Vec<String> = (0..EVENTS).map(|number| event(&format!("e-{number}"))).collect();
    let stored = Mutex::new(0);
    let retried = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (collector, events, stored, retried) = (&collector, &events, &stored, &retried);
            scope.spawn(move || {
                // Each starts elsewhere, so that their batches overlap in every way.
                let from = sender * EVENTS / SENDERS;
                let order: Vec<&str> = events
                    .iter()
                    .cycle()
                    .skip(from)
                    .take(EVENTS)
                    .map(String::as_str)
                    .collect();
                let mut connection = collector.connect();
                connection.patience(Duration::from_secs(60));
                for batch in order.chunks(100) {
                    let body = format!("[{}]", batch.join(","));
                    loop {
                        let response = connection.request("POST", "/v1/events", &[JSON], &body);
                        if response.status == 503 {
                            // Too many at once: the same again is safe.
                            retried.store(true, Ordering::Relaxed);
                            std::thread::sleep(Duration::from_millis(50));
                            continue;
                        }
                        let statuses = statuses(&response.json());
                        assert!(
                            statuses
                                .iter()
                                .all(|status| status == "stored" || status == "duplicate")
                        );
                        *stored.lock().unwrap() += statuses.iter().filter(|status| *status == "stored").count();
                        break;
                    }
                }
            });
        }
    });
    let stored = stored.into_inner().unwrap();
    // A batch that a 503 left in doubt may be told as duplicates the second time.
    assert!(stored == EVENTS || stored < EVENTS && retried.into_inner(), "{stored}");
    let answer = collector.get("/v1/query?measure=count").json();
    assert_eq!(answer["rows"][0]["value"], EVENTS.to_string());
}

#[test]
fn a_kill_loses_nothing_that_was_answered() {
    let mut collector = Collector::start();
    let mut answered = BTreeSet::new();
    for round in 0..3 {
        let stop = Arc::new(AtomicBool::new(false));
        let address = collector.address();
        let senders: Vec<_> = (0..4)
            .map(|sender| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || send_until_cut(address, &format!("{round}-{sender}"), &stop))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(400));
        collector.kill();
        stop.store(true, Ordering::Relaxed);
        for sender in senders {
            answered.extend(sender.join().unwrap());
        }
        collector.restart();
    }
    assert!(
        answered.len() > 100,
        "{} answers are too few to prove anything",
        answered.len()
    );
    for id in &answered {
        assert_eq!(
            collector.get(&format!("/v1/events/{id}")).status,
            200,
            "{id} was answered and is gone"
        );
    }
    let body: Vec<String> = answered.iter().take(1_000).map(|id| event(id)).collect();
    let again = collector.post("/v1/events", format!("[{}]", body.join(",")));
    assert!(statuses(&again.json()).iter().all(|status| status == "duplicate"));
}

/// Sends batches of three until the line is cut; the ids that were answered as stored.
fn send_until_cut(address: std::net::SocketAddr, name: &str, stop: &AtomicBool) -> Vec<String> {
    let mut connection = crate::collector::Connection::open(address);
    let mut answered = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let ids: Vec<String> = (0..3).map(|part| format!("{name}-{number}-{part}")).collect();
        let events: Vec<String> = ids.iter().map(|id| event(id)).collect();
        connection.send_request("POST", "/v1/events", &[JSON], format!("[{}]", events.join(",")));
        match connection.try_response() {
            Some(response) if response.status == 200 => {
                assert!(statuses(&response.json()).iter().all(|status| status == "stored"));
                answered.extend(ids);
            }
            _ => break,
        }
    }
    answered
}
