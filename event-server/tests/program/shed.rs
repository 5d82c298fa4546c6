//! More events than can be stored: refused early, told when to come again, and nothing of it is half done.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::collector::{Collector, Connection};
use crate::lock::Lock;

const JSON: (&str, &str) = ("content-type", "application/json");

fn event(id: &str) -> String {
    format!(r#"{{"id": "{id}", "category": "c", "name": "n", "data": {{"id": "{id}"}}}}"#)
}

fn number(collector: &Collector, name: &str) -> u64 {
    let numbers = collector.get("/metrics");
    let line = numbers
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_default()
}

fn wait_until(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends the head of a request and nothing of its body.
fn announce(collector: &Collector, path: &str) -> Connection {
    let mut connection = collector.connect();
    connection.patience(Duration::from_secs(5));
    connection.send_request("POST", path, &[JSON, ("content-length", "100")], "");
    connection
}

#[test]
fn a_full_queue_refuses_before_bodies_are_read_and_takes_more_once_it_is_empty() {
    const WAITING: usize = 3;
    let collector = Collector::start_with(&["--queue-events", "3", "--database-timeout", "60s"]);
    let reader = collector.connect();
    let lock = Lock::hold(&collector.database());
    let mut waiting: Vec<Connection> = (0..WAITING)
        .map(|number| {
            let mut connection = collector.connect();
            connection.patience(Duration::from_secs(30));
            connection.send_request("POST", "/v1/events", &[JSON], event(&format!("e-{number}")));
            connection
        })
        .collect();
    wait_until(|| number(&collector, "event_queue_events ") == WAITING as u64);

    // At the same time: each waits for its answer, and the writer has no more than a moment's patience with the lock.
    let mut refused = collector.connect();
    refused.send_request("POST", "/v1/events", &[JSON], event("refused"));
    let announced =
        ["/v1/events", "/segment/v1/batch", "/posthog/batch"].map(|path| (path, announce(&collector, path)));
    for (path, mut connection) in announced {
        let told = connection.response();
        assert_eq!(
            (told.status, told.problem().as_deref()),
            (503, Some("overloaded")),
            "{path}"
        );
        let seconds: u64 = told.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&seconds), "{path}: {seconds}");
    }
    assert_eq!(refused.response().status, 503);
    assert_eq!(number(&collector, r#"event_http_shed_total{body="unread"} "#), 4);

    // The connection of one who was refused is still of use, and reads and health are not concerned.
    assert_eq!(refused.request("GET", "/v1/events/refused", &[], "").status, 404);
    assert_eq!(collector.get("/health/live").status, 200);
    drop(reader);

    lock.release();
    for connection in &mut waiting {
        let told = connection.response();
        // The writer may have lost its patience with the lock, and says so; it never says `stored` and has not.
        assert!([200, 503].contains(&told.status), "{}", told.text());
        let ids: Vec<String> = (0..WAITING).map(|number| format!("e-{number}")).collect();
        assert!(told.status == 503 || ids.iter().any(|id| told.text().contains(id.as_str())));
    }
    wait_until(|| number(&collector, "event_queue_events ") == 0);
    let taken = refused.request("POST", "/v1/events", &[JSON], event("refused"));
    assert_eq!(taken.json()["results"][0]["status"], "stored", "{}", taken.text());
    for number in 0..WAITING {
        let again = collector.post("/v1/events", event(&format!("e-{number}"))).json();
        let status = again["results"][0]["status"].clone();
        assert!(status == "duplicate" || status == "stored", "{again}");
    }
    assert_eq!(collector.get("/v1/query?measure=count").json()["rows"][0]["value"], "4");
}

/// Whether somebody who asks after health is answered soon while many others are there, of whom each has done the same.
/// They wait for their turn, and are let go soon: a busy machine may have a moment in which nothing is soon.
fn health_is_told_among(others: impl Fn(&mut Connection), patience: Duration) -> bool {
    /// As many as are asked what they want at a time, and most of those that the system keeps waiting behind them.
    const OTHERS: usize = 128 + 100;
    let _alone = alone();
    let collector = Collector::start_with(&["--connection-limit", "1"]);
    let _served = collector.connect();
    (0..5).any(|_| {
        let mut all: Vec<Connection> = (0..OTHERS).map(|_| collector.connect()).collect();
        all.iter_mut().for_each(&others);
        let mut probe = collector.connect();
        probe.patience(patience);
        probe.send_request("GET", "/health/live", &[], "");
        probe.try_response().is_some_and(|told| told.status == 200)
    })
}

#[test]
fn who_says_nothing_keeps_nobody_from_asking_after_health() {
    assert!(health_is_told_among(|_| {}, Duration::from_millis(700)));
}

#[test]
fn who_is_slow_to_send_what_nobody_wants_keeps_nobody_from_asking_after_health() {
    for path in ["/v1/events", "/health/live"] {
        let slow = |connection: &mut Connection| {
            connection.send_request("POST", path, &[JSON, ("content-length", "1000")], "{");
        };
        assert!(health_is_told_among(slow, Duration::from_secs(3)), "{path}");
    }
}

/// Serves more than the tests have, and whoever says nothing for longer than they take.
#[cfg(target_os = "linux")]
const MANY: [&str; 4] = ["--connection-limit", "1000", "--header-timeout", "60s"];

/// Each of them has hundreds of connections, and all of them are in this process.
static CROWDS: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    CROWDS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(target_os = "linux")]
#[test]
fn more_connections_are_served_than_it_may_have_descriptors_at_first() {
    let _alone = alone();
    let collector = Collector::start_within("-Sn 100", &MANY);
    let mut connections: Vec<Connection> = (0..200).map(|_| collector.connect()).collect();
    for connection in &mut connections {
        let answer = connection.request("GET", "/v1/query?measure=count", &[], "");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_system_grants_few_descriptors_health_is_told_all_the_same() {
    let _alone = alone();
    let collector = Collector::start_within("-n 300", &MANY);
    // More than there are descriptors for, if all of them were served.
    let _silent: Vec<Connection> = (0..320).map(|_| collector.connect()).collect();
    let answer = collector.connect().request("GET", "/health/live", &[], "");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn the_log_says_now_and_then_that_load_is_shed() {
    let collector = Collector::start_with(&["--queue-events", "1", "--database-timeout", "60s"]);
    let lock = Lock::hold(&collector.database());
    let mut waiting = collector.connect();
    waiting.patience(Duration::from_secs(30));
    waiting.send_request("POST", "/v1/events", &[JSON], event("w"));
    wait_until(|| number(&collector, "event_queue_events ") == 1);
    // At the same time, for the same reason as above.
    let mut refused = [(); 3].map(|()| collector.connect());
    for connection in &mut refused {
        connection.send_request("POST", "/v1/events", &[JSON], event("x"));
    }
    for connection in &mut refused {
        assert_eq!(connection.response().status, 503);
    }
    assert_eq!(
        number(&collector, r#"event_http_problems_total{code="overloaded"} "#),
        3
    );
    let log = collector.log();
    assert_eq!(log.matches("load is shed").count(), 1, "{log}");
    assert_eq!(log.matches("status=503").count(), 0, "{log}");
    lock.release();
    assert!([200, 503].contains(&waiting.response().status));
}

#[test]
fn what_is_likely_to_wait_too_long_is_refused_and_what_was_let_in_is_not() {
    // So short that a single event that waits is one too many.
    let collector = Collector::start_with(&["--queue-time", "1ms", "--database-timeout", "60s"]);
    let batch: Vec<String> = (0..100).map(|number| event(&format!("b-{number}"))).collect();
    // Where nothing waits, a batch of any size is taken.
    let stored = collector.post("/v1/events", format!("[{}]", batch.join(",")));
    assert_eq!(stored.status, 200, "{}", stored.text());

    let lock = Lock::hold(&collector.database());
    let mut waiting = collector.connect();
    waiting.patience(Duration::from_secs(30));
    let batch = batch.join(",").replace("b-", "c-");
    waiting.send_request("POST", "/v1/events", &[JSON], format!("[{batch}]"));
    wait_until(|| number(&collector, "event_queue_events ") == 100);
    let told = announce(&collector, "/v1/events").response();
    assert_eq!((told.status, told.problem().as_deref()), (503, Some("overloaded")));
    lock.release();
    assert!([200, 503].contains(&waiting.response().status));
    wait_until(|| number(&collector, "event_queue_events ") == 0);
    assert_eq!(collector.post("/v1/events", event("after")).status, 200);
}
