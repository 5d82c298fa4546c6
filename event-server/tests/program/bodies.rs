use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::collector::Collector;

const JSON: (&str, &str) = ("content-type", "application/json");
const LIMIT: usize = 5 * 1024 * 1024;

#[test]
fn too_large_a_body_is_answered_and_the_connection_goes_on() {
    let collector = Collector::start();
    let body = vec![b' '; LIMIT + 1];
    let mut connection = collector.connect();
    for path in ["/v1/events", "/v1/query", "/v1/types/a/b/1", "/nothing", "/health/live"] {
        let method = if path.contains("types") { "PUT" } else { "POST" };
        let response = connection.request(method, path, &[JSON], &body);
        assert_eq!(
            (response.status, response.problem().as_deref()),
            (413, Some("body_too_large")),
            "{path}"
        );
    }
    assert_eq!(connection.request("POST", "/v1/events", &[JSON], "[]").status, 200);
    let mut whole = vec![b' '; LIMIT];
    whole[0] = b'[';
    whole[LIMIT - 1] = b']';
    assert_eq!(connection.request("POST", "/v1/events", &[JSON], whole).status, 200);
}

#[test]
fn an_announced_flood_is_refused_before_it_comes() {
    let collector = Collector::start();
    let mut connection = collector.connect();
    connection.send_request("POST", "/v1/events", &[JSON, ("content-length", "99999999999")], "");
    let response = connection.response();
    assert_eq!((response.status, response.header("connection")), (413, Some("close")));

    // A client that asks first is not told to go on.
    let mut connection = collector.connect();
    let headers = [JSON, ("content-length", "99999999999"), ("expect", "100-continue")];
    connection.send_request("POST", "/v1/events", &headers, "");
    assert_eq!(connection.response().status, 413);
    let mut connection = collector.connect();
    connection.send_request(
        "POST",
        "/v1/events",
        &[JSON, ("content-length", "2"), ("expect", "100-continue")],
        "",
    );
    assert_eq!(connection.response().status, 100);
    connection.send("[]");
    assert_eq!(connection.response().status, 200);
}

#[test]
fn a_flood_in_chunks_is_cut_and_still_answered() {
    let collector = Collector::start();
    let mut connection = collector.connect();
    connection.send_request("POST", "/v1/events", &[JSON, ("transfer-encoding", "chunked")], "");
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..(2 * LIMIT / 0x10000 - 1) {
        assert!(connection.send(&chunk));
    }
    let response = connection.response();
    assert_eq!(
        (response.status, response.problem().as_deref()),
        (413, Some("body_too_large"))
    );

    let mut connection = collector.connect();
    connection.send_request(
        "POST",
        "/v1/events",
        &[JSON, ("transfer-encoding", "chunked")],
        "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
    );
    assert_eq!(connection.response().status, 200);
}

#[test]
fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let collector = Collector::start();
    let body = vec![b' '; LIMIT - 1];
    let mut connection = collector.connect();
    for (path, status) in [
        ("/nothing", 404),
        ("/v1/events?a=1", 400),
        ("/v1/types/a/b/1/events", 404),
        ("/", 405),
    ] {
        let response = connection.request("POST", path, &[JSON], &body);
        assert_eq!(response.status, status, "{path}");
    }
    assert_eq!(
        connection
            .request("POST", "/v1/events", &[("content-type", "text/plain")], &body)
            .status,
        415
    );
    assert_eq!(connection.request("GET", "/health/live", &[], "").status, 200);
}

#[test]
fn slow_senders_are_not_waited_for() {
    let collector = Collector::start_with(&["--body-timeout", "500ms", "--header-timeout", "700ms"]);
    let started = Instant::now();
    let mut body = collector.connect();
    body.send_request("POST", "/v1/events", &[JSON, ("content-length", "10")], "[");
    let mut silent = collector.connect();
    let mut head = collector.connect();
    head.send("POST /v1/events HTTP/1.1\r\nhos");
    let response = body.response();
    assert_eq!(
        (response.status, response.problem().as_deref()),
        (408, Some("request_timeout"))
    );
    assert_eq!(response.header("connection"), Some("close"));
    assert!(silent.try_response().is_none());
    assert!(head.try_response().is_none_or(|response| response.status == 408));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn connections_beyond_the_limit_are_told_to_come_again() {
    let collector = Collector::start_with(&["--connection-limit", "1"]);
    let mut first = collector.connect();
    assert_eq!(first.request("GET", "/v1/types", &[], "").status, 200);
    for (method, path) in [("GET", "/v1/types"), ("POST", "/v1/events")] {
        let mut second = collector.connect();
        let told = second.request(method, path, &[JSON], r#"{"category": "c", "name": "n"}"#);
        assert_eq!((told.status, told.problem().as_deref()), (503, Some("overloaded")));
        assert!(told.header("retry-after").is_some());
        assert_eq!(told.header("connection"), Some("close"));
    }
    // Whoever only asks how it does is answered, and the one that was there first notices nothing.
    assert_eq!(collector.get("/health/live").status, 200);
    assert_eq!(collector.get("/health/ready").status, 200);
    assert_eq!(
        first.request("GET", "/v1/query?measure=count", &[], "").json()["rows"][0]["value"],
        "0"
    );
    let numbers = first.request("GET", "/metrics", &[], "");
    assert!(
        numbers.text().contains("\nevent_http_connections_shed_total 2\n"),
        "{}",
        numbers.text()
    );
    drop(first);
    let deadline = Instant::now() + Duration::from_secs(20);
    while collector.get("/v1/types").status != 200 {
        assert!(Instant::now() < deadline, "its place is not given back");
    }
}

#[test]
fn headers_have_limits() {
    let collector = Collector::start();
    let many = "x: y\r\n".repeat(100);
    assert_eq!(
        collector.raw(format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n")).status,
        431
    );
    let long = "y".repeat(70_000);
    assert_eq!(
        collector
            .raw(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"))
            .status,
        431
    );
}

#[test]
fn a_body_that_breaks_off_stores_nothing() {
    let collector = Collector::start();
    let mut connection = collector.connect();
    connection.send_request(
        "POST",
        "/v1/events",
        &[JSON, ("content-length", "100")],
        r#"[{"category":"c","name":"n"}"#,
    );
    drop(connection);
    assert_eq!(collector.get("/v1/events").json()["events"], serde_json::json!([]));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_bodies_are_read_on_every_route_that_reads_one() {
    let collector = Collector::start();
    let mut connection = collector.connect();
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 3).unwrap();
    let foreign = "/v1/types/a/foreign/1/events";
    for (method, path, body, status) in [
        ("PUT", "/v1/types/a/foreign/1", r#"{"mapping": {"id": "/n"}}"#, 201),
        ("PUT", "/v1/metrics/all", r#"{"category": "a", "name": "b"}"#, 201),
        ("POST", "/v1/events", r#"{"category": "a", "name": "b"}"#, 200),
        ("POST", foreign, r#"[{"n": "1"}, {"n": "2"}]"#, 200),
        ("POST", "/v1/query", r#"{"measure": "count"}"#, 200),
    ] {
        for (encoding, wire) in [("gzip", gzip(body.as_bytes())), ("zstd", zstd(body.as_bytes()))] {
            let headers = [JSON, ("content-encoding", encoding)];
            let response = connection.request(method, path, &headers, &wire);
            let again = method == "PUT" && encoding == "zstd";
            assert_eq!(
                response.status,
                if again { 200 } else { status },
                "{path}: {}",
                response.text()
            );
            let cut = connection.request(method, path, &headers, &wire[..wire.len() - 1]);
            assert_eq!(
                (cut.status, cut.problem().as_deref()),
                (400, Some("bad_content_encoding")),
                "{path}"
            );
        }
    }
    let counted = connection.request("GET", "/v1/query", &[], "").json();
    assert_eq!(counted["rows"][0]["value"], "4");
}

#[test]
fn a_large_compressed_body_is_read_whole() {
    let collector = Collector::start();
    let text = "é".repeat(10_000);
    let event = |number: usize| format!(r#"{{"id":"{number}","category":"a","name":"b","data":{{"text":"{text}"}}}}"#);
    let events: Vec<String> = (0..500).map(event).collect();
    let batch = format!("[{}]", events.join(","));
    assert!(batch.len() > LIMIT);
    let headers = [JSON, ("content-encoding", "gzip")];
    let mut connection = collector.connect();
    let response = connection.request("POST", "/v1/events", &headers, gzip(batch.as_bytes()));
    assert_eq!(response.status, 200, "{}", response.text());
    let results = response.json()["results"].as_array().unwrap().clone();
    assert!(results.len() == 500 && results.iter().all(|verdict| verdict["status"] == "stored"));
    assert_eq!(collector.get("/v1/events/499").json()["data"]["text"], text);
}

#[test]
fn many_that_are_far_too_large_leave_the_others_alone() {
    let collector = Collector::start_with(&["--decoded-limit", "1MiB"]);
    let bomb = gzip(&vec![b' '; 2 << 20]).repeat(500);
    let headers = [JSON, ("content-encoding", "gzip")];
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let response = collector.request("POST", "/v1/events", &headers, &bomb);
                assert_eq!(
                    (response.status, response.problem().as_deref()),
                    (413, Some("decoded_too_large"))
                );
            });
        }
        assert_eq!(collector.post("/v1/events", "[]").status, 200);
        assert_eq!(collector.get("/health/live").status, 200);
    });
}
