//! The example of quotes is stopped, killed and cut off from its database: it goes on by itself, and its tables are what the
//! log says.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/example.rs"]
mod example;
mod fold;
mod relay;

use std::process::Command;
use std::time::{Duration, Instant};

use example::Example;
use fold::{event, fold, read};
use relay::Relay;
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::Value;
use tokio::runtime::Runtime;

fn is_long() -> bool {
    std::env::var("EVENT_TEST_LONG").is_ok_and(|value| value == "1")
}

fn soon<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = holds() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Up to 300 ms, never the same.
fn chance() -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Duration::from_micros(u64::from(now.unwrap().subsec_nanos()) % 300_000)
}

/// Sends ten events; whether they are known to be stored now.
fn send(quotes: &Example, batch: i64) -> bool {
    let events: Vec<Value> = (batch * 10..batch * 10 + 10).map(event).collect();
    let json = ["Content-Type: application/json"];
    let answer = quotes.try_text("POST", "/v1/events", &json, &Value::from(events).to_string());
    answer.is_ok_and(|(status, _)| status == 200)
}

/// How far the tables are.
fn generation(quotes: &Example) -> Option<Value> {
    let answer = quotes.try_text("GET", "/v1/projections/quotes", &[], "").ok()?;
    let mut all: Value = serde_json::from_str(&answer.1).ok()?;
    Some(all["generations"][0].take()).filter(|generation| generation["head"].is_i64())
}

fn position(quotes: &Example) -> i64 {
    generation(quotes).map_or(0, |generation| generation["position"].as_i64().unwrap())
}

/// All events of the log, in the order of their places.
fn log(quotes: &Example) -> Vec<Value> {
    let (mut events, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, mut page) = quotes.get(&format!("/v1/events?limit=1000{cursor}"));
        events.append(page["events"].as_array_mut().unwrap());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    events.sort_by_key(|event| event["position"].as_i64().unwrap());
    events
}

/// That nothing was skipped and nothing was applied twice, of so many batches.
fn check(quotes: &Example, database: &str, batches: i64) {
    // After many lives there is much to catch up with: it takes as long as it gets on.
    let mut before = -1;
    while position(quotes) > before && position(quotes) < batches * 10 {
        before = position(quotes);
        std::thread::sleep(Duration::from_secs(5));
    }
    let head = soon("it has caught up", || {
        generation(quotes).filter(|it| it["position"] == it["head"] && it["head"].as_i64() >= Some(batches * 10))
    });
    let events = log(quotes);
    assert_eq!(events.len(), usize::try_from(batches * 10).unwrap());
    let strange = events.iter().filter(|event| event["name"] == "quote_sold").count();
    let counts = |name: &str| usize::try_from(head[name].as_u64().unwrap()).unwrap();
    assert_eq!(
        (counts("applied"), counts("parked")),
        (events.len() - strange, strange),
        "{head}"
    );
    assert!(strange > 0);
    let tables = Runtime::new().unwrap().block_on(read(database));
    assert!(!tables.is_empty());
    assert_eq!(tables, fold(&events));
}

#[test]
fn a_restart_skips_and_doubles_nothing() {
    let mut quotes = Example::start("quotes", &[]);
    let rounds = if is_long() { 30 } else { 4 };
    for round in 0..rounds {
        for batch in round * 8..round * 8 + 8 {
            assert!(send(&quotes, batch));
        }
        std::thread::sleep(chance() / 3);
        assert!(quotes.terminate().success());
        quotes.again();
    }
    let database = quotes.database().to_owned();
    check(&quotes, &database, rounds * 8);
}

#[test]
fn kills_at_any_moment_skip_and_double_nothing() {
    let mut quotes = Example::start("quotes", &[]);
    let kills = if is_long() { 200 } else { 12 };
    let (mut batch, mut last, mut moved) = (0, 0, 0);
    for _ in 0..kills {
        // The shards are held until the leases of the life before have ended.
        soon("it goes on", || {
            batch += i64::from(send(&quotes, batch));
            (position(&quotes) > last).then_some(())
        });
        let (id, pause) = (quotes.id(), chance());
        let killer = std::thread::spawn(move || {
            std::thread::sleep(pause);
            Command::new("kill").args(["-KILL", &id]).status().unwrap()
        });
        while send(&quotes, batch) {
            batch += 1;
        }
        assert!(killer.join().unwrap().success());
        quotes.kill();
        quotes.again();
        let now = position(&quotes);
        moved += i64::from(now > last);
        last = now;
    }
    assert_eq!(moved, kills, "it came further in every life");
    // Whose answer was lost may be stored or not: under the same ids it is stored once.
    assert!(send(&quotes, batch));
    let database = quotes.database().to_owned();
    check(&quotes, &database, batch + 1);
}

/// A database of its own on a server, and the way to it that is cut.
fn lost_and_back(variable: &str) {
    let server = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no server: run `cargo xtask test`, which starts one"));
    let runtime = Runtime::new().unwrap();
    let name = format!("quotes_{}", std::process::id());
    let run = |sql: String| {
        runtime.block_on(async {
            let db = Database::connect(&server).await.unwrap();
            db.execute_unprepared(&sql).await.unwrap();
            db.close().await.unwrap();
        });
    };
    run(format!("CREATE DATABASE {name}"));
    let (login, place) = server.rsplit_once('@').unwrap();
    let address = place.split('/').next().unwrap();
    let relay = Relay::open(address);
    let (direct, cut) = (
        format!("{login}@{address}/{name}"),
        format!("{login}@{}/{name}", relay.address()),
    );
    // Nobody listens there.
    let quotes = Example::start_on("quotes", &cut, &["--kurrent", "kurrentdb://127.0.0.1:1?tls=false"]);
    let health = || quotes.get("/health/ready");
    let times = if is_long() { 50 } else { 3 };
    let mut batch = 0;
    for _ in 0..times {
        let goal = batch + 8;
        soon("all is stored", || {
            batch += i64::from(send(&quotes, batch));
            (batch >= goal).then_some(())
        });
        // The source is down, and is named; the database is not.
        let (status, told) = soon("it is ready", || Some(health()).filter(|(status, _)| *status == 200));
        assert_eq!(
            (status, &told["links"]["kurrentdb"]["up"]),
            (200, &Value::Bool(false)),
            "{told}"
        );
        assert!(told["links"]["kurrentdb"]["problem"].is_string(), "{told}");
        std::thread::sleep(chance());
        assert!(relay.cut() > 0);
        let (_, told) = soon("it says so", || Some(health()).filter(|(status, _)| *status == 503));
        assert!(told["detail"].as_str().unwrap().contains("database"), "{told}");
        assert!(!send(&quotes, batch));
        relay.mend();
    }
    soon("it is back", || send(&quotes, batch).then_some(()));
    check(&quotes, &direct, batch + 1);
    drop(quotes);
    run(format!("DROP DATABASE {name}"));
}

#[test]
fn postgres_is_lost_and_back() {
    lost_and_back("EVENT_TEST_POSTGRES");
}

#[test]
fn mysql_is_lost_and_back() {
    lost_and_back("EVENT_TEST_MYSQL");
}
