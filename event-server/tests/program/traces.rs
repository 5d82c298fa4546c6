//! Traces, as whoever collects them receives them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message as _;

use crate::collector::Collector;

/// Whoever collects traces: takes every request, and hands on what was in it.
struct Receiver {
    address: SocketAddr,
    requests: mpsc::Receiver<(String, Vec<ResourceSpans>)>,
}

impl Receiver {
    fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in socket.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || receive(stream, &sender));
            }
        });
        Receiver { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans until there are as many of requests and of commits.
    fn spans(&self, requests: usize, commits: usize) -> Vec<(ResourceSpans, Span)> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut spans = Vec::new();
        let has = |spans: &[(ResourceSpans, Span)]| {
            let of = |commit: bool| {
                spans
                    .iter()
                    .filter(|(_, span)| (span.name == "commit") == commit)
                    .count()
            };
            of(false) >= requests && of(true) >= commits
        };
        while !has(&spans) {
            let left = deadline.saturating_duration_since(Instant::now());
            let (head, received) = self.requests.recv_timeout(left).expect("spans come within 20 seconds");
            assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
            assert!(
                head.to_ascii_lowercase()
                    .contains("content-type: application/x-protobuf"),
                "{head}"
            );
            for of_resource in received {
                let all = of_resource.scope_spans.iter().flat_map(|scope| scope.spans.clone());
                spans.extend(all.map(|span| (of_resource.clone(), span)).collect::<Vec<_>>());
            }
        }
        spans
    }
}

fn receive(mut stream: TcpStream, sender: &mpsc::Sender<(String, Vec<ResourceSpans>)>) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            match stream.read(&mut buffer) {
                Ok(read @ 1..) => bytes.extend_from_slice(&buffer[..read]),
                _ => return,
            }
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = length.unwrap();
        while bytes.len() < end + 4 + length {
            let read = stream.read(&mut buffer).unwrap();
            bytes.extend_from_slice(&buffer[..read]);
        }
        let request = ExportTraceServiceRequest::decode(&bytes[end + 4..end + 4 + length]).unwrap();
        bytes.drain(..end + 4 + length);
        let _ = sender.send((head, request.resource_spans));
        let answer = ExportTraceServiceResponse::default().encode_to_vec();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length";
        let _ = stream.write_all(format!("{head}: {}\r\n\r\n", answer.len()).as_bytes());
        let _ = stream.write_all(&answer);
    }
}

/// An attribute as text.
fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{key}: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[test]
fn requests_and_commits_become_spans() {
    let receiver = Receiver::start();
    let mut collector = Collector::start_with(&["--otlp-endpoint", &receiver.url(), "--otlp-service", "shop-events"]);
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let event = r#"{"id": "e-1", "category": "order", "name": "secret-name", "subject": "ann@example.com"}"#;
    let headers = [
        JSON,
        ("traceparent", parent.as_str()),
        ("x-request-id", "r-1"),
        ("authorization", "Bearer secret"),
    ];
    assert_eq!(collector.request("POST", "/v1/events", &headers, event).status, 200);
    assert_eq!(collector.get("/v1/sessions/secret-session").status, 404);
    let spans = receiver.spans(2, 1);
    let named = |name: &str| {
        let found = spans.iter().find(|(_, span)| span.name == name);
        found.unwrap_or_else(|| panic!("no {name} among {spans:?}"))
    };

    let (of, span) = named("POST /v1/events");
    let service = of.resource.clone().unwrap().attributes;
    let text = |text: &str| Some(Value::StringValue(text.to_owned()));
    assert!(service.iter().any(|pair| {
        pair.key == "service.name" && pair.value.clone().and_then(|value| value.value) == text("shop-events")
    }));
    assert_eq!(
        (hex(&span.trace_id), hex(&span.parent_span_id)),
        (TRACE.to_owned(), CALLER.to_owned())
    );
    assert_eq!(span.kind, SpanKind::Server as i32);
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/v1/events"),
        ("http.response.status_code", "200"),
        ("event.request_id", "r-1"),
    ] {
        assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}");
    }

    // One who names no caller begins a trace; what is the caller's own fault is no error.
    let (_, unknown) = named("GET /v1/sessions/{id}");
    assert!(unknown.parent_span_id.is_empty() && hex(&unknown.trace_id) != TRACE);
    assert_eq!(attribute(unknown, "error.type").as_deref(), Some("session_not_found"));
    assert!(
        unknown
            .status
            .as_ref()
            .is_none_or(|status| status.code() == StatusCode::Unset)
    );

    // A commit is of many callers: it is linked to them.
    let (_, commit) = named("commit");
    assert_eq!(attribute(commit, "event.callers").as_deref(), Some("1"));
    assert_eq!(attribute(commit, "event.events").as_deref(), Some("1"));
    assert_eq!(commit.links.len(), 1);
    assert_eq!(
        (&commit.links[0].trace_id, &commit.links[0].span_id),
        (&span.trace_id, &span.span_id)
    );

    let all = format!("{spans:?}");
    for secret in ["secret", "ann@example", "e-1"] {
        assert!(!all.contains(secret), "{secret}");
    }
    assert!(!collector.log().contains("otel"), "{}", collector.log());
    let numbers = collector.get("/metrics");
    let numbers = numbers.text();
    assert!(
        numbers.contains(r#"event_trace_spans_total{outcome="sent"} 3"#),
        "{numbers}"
    );

    // What is left goes out before the program ends.
    assert!(collector.stop().success());
    let (_, last) = &receiver.spans(1, 0)[0];
    assert_eq!(last.name, "GET /metrics");
}

#[test]
fn who_is_sampled_by_nobody_sends_nothing() {
    let receiver = Receiver::start();
    let mut collector = Collector::start_with(&["--otlp-endpoint", &receiver.url()]);
    let parent = format!("00-{TRACE}-{CALLER}-00");
    let unwanted = collector.request("GET", "/v1/types", &[("traceparent", &parent)], "");
    assert_eq!(unwanted.status, 200);
    assert!(collector.stop().success());
    assert!(receiver.requests.recv_timeout(Duration::from_millis(100)).is_err());
}

#[test]
fn nobody_waits_for_a_receiver_that_does_not_answer() {
    // Takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut collector = Collector::start_with(&["--otlp-endpoint", &url]);
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(collector.get("/v1/types").status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    let stopped = Instant::now();
    assert!(collector.stop().success());
    assert!(stopped.elapsed() < Duration::from_secs(8), "{:?}", stopped.elapsed());
    assert!(
        collector.log().contains("spans that were not sent"),
        "{}",
        collector.log()
    );
}

#[test]
fn spans_that_nobody_takes_are_counted() {
    // Nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let collector = Collector::start_with(&["--otlp-endpoint", &format!("http://{gone}")]);
    assert_eq!(collector.get("/v1/types").status, 200);
    let failed = |numbers: &str| {
        let line = numbers
            .lines()
            .find_map(|line| line.strip_prefix(r#"event_trace_spans_total{outcome="failed"} "#));
        line.unwrap().parse::<u64>().unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while failed(collector.get("/metrics").text()) == 0 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(collector.log().contains("spans were not taken"), "{}", collector.log());
}

#[test]
fn an_address_of_no_use_is_told_before_anything_is_done() {
    let output = Collector::program()
        .args(["--otlp-endpoint", "otel:4317"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("--otlp-endpoint") && !complaint.contains("otel:4317"),
        "{complaint}"
    );
}
