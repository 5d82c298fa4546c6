use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::CLICKS;
use crate::collector::Collector;

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn what_was_answered_is_there_after_a_stop_and_after_a_kill() {
    let mut collector = Collector::start();
    collector.post("/v1/events", CLICKS);
    assert_eq!(collector.stop().code(), Some(0));
    collector.restart();
    assert_eq!(
        collector.get("/v1/sessions/e2085be5").json()["events"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    collector.post("/v1/events", r#"{"id": "last", "category": "c", "name": "n"}"#);
    collector.kill();
    collector.restart();
    assert_eq!(collector.get("/v1/events/last").status, 200);
}

#[test]
fn an_idle_collector_stops_at_once() {
    let mut collector = Collector::start();
    let started = Instant::now();
    assert_eq!(collector.stop().code(), Some(0));
    assert!(
        started.elapsed() < Duration::from_millis(900),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_request_that_does_not_finish_is_cut_at_the_deadline() {
    let mut collector = Collector::start_with(&["--shutdown-timeout", "1500ms"]);
    let mut running = collector.connect();
    running.send_request("POST", "/v1/events", &[JSON, ("content-length", "29")], "[");
    std::thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    assert_eq!(collector.stop().code(), Some(0));
    assert!((1..5).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert!(running.try_response().is_none());
    assert!(collector.log().contains("connections were cut"));
}

#[test]
fn a_running_request_is_finished_and_later_ones_are_turned_away() {
    let mut collector = Collector::start();
    let mut running = collector.connect();
    running.send_request(
        "POST",
        "/v1/events",
        &[JSON, ("content-length", "36")],
        r#"{"category":"c","#,
    );
    let mut kept = collector.connect();
    assert_eq!(kept.request("GET", "/health/live", &[], "").status, 200);
    let mut half = collector.connect();
    half.send("GET / HTTP/1.1\r\nhos");
    std::thread::sleep(Duration::from_millis(50));

    let started = Instant::now();
    collector.terminate();
    let deadline = Instant::now() + Duration::from_secs(5);
    // A connection that is refused just now may not even be refused, but left without an answer.
    while TcpStream::connect_timeout(&collector.address(), Duration::from_millis(100)).is_ok() {
        assert!(Instant::now() < deadline, "new connections are still accepted");
        std::thread::sleep(Duration::from_millis(5));
    }
    let late = kept.request("POST", "/v1/events", &[JSON], "[]");
    assert_eq!((late.status, late.problem().as_deref()), (503, Some("shutting_down")));
    assert_eq!(late.header("connection"), Some("close"));
    assert!(late.header("retry-after").is_some());
    assert!(kept.try_response().is_none());

    running.send(r#""name":"n","id":"x"}"#);
    let response = running.response();
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("connection"), Some("close"));
    assert_eq!(collector.wait().code(), Some(0));
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "half a request was waited for"
    );
    collector.restart();
    assert_eq!(collector.get("/v1/events/x").status, 200);
}
