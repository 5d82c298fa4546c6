//! Clients that go away.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::collector::Collector;

pub(crate) const SCENARIOS: [&str; 2] = ["gone_before_the_answer", "gone_in_the_body"];

fn event(id: &str) -> String {
    format!(r#"{{"id":"{id}","category":"bad input","name":"H66","data":{{"id":"{id}"}}}}"#)
}

fn request(framing: &str, body: &str) -> String {
    format!("POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{framing}\r\n\r\n{body}")
}

fn whole(body: &str) -> String {
    request(&format!("content-length: {}", body.len()), body)
}

fn count(collector: &Collector) -> Value {
    collector.get("/v1/query?name=H66").json()["rows"][0]["value"].clone()
}

#[test]
fn h66_before_the_answer() {
    const ROUNDS: u64 = 60;
    let collector = Collector::start();
    let mut stored_before = 0;
    for round in 0..ROUNDS {
        let body = event(&format!("gone-{round}"));
        let mut stream = TcpStream::connect(collector.address()).unwrap();
        stream.write_all(whole(&body).as_bytes()).unwrap();
        // Before it is read, while it is judged, while it is committed.
        std::thread::sleep(Duration::from_micros(round * round * 10));
        if round % 2 == 0 {
            stream.shutdown(Shutdown::Both).unwrap();
        }
        drop(stream);
        let again = collector.post("/v1/events", &body).json()["results"][0]["status"].clone();
        assert!(again == "stored" || again == "duplicate", "{again}");
        stored_before += usize::from(again == "duplicate");
    }
    assert_eq!(count(&collector), ROUNDS.to_string());
    assert!(stored_before > 0, "no client was gone late enough to prove anything");
}

#[test]
fn h66_in_the_middle_of_the_body() {
    let collector = Collector::start();
    let batch = format!("[{},{}]", event("half-1"), event("half-2"));
    let first = event("half-1").len() + 1;
    for cut in [0, 1, first - 1, first, first + 1, batch.len() - 1] {
        let announced = request(&format!("content-length: {}", batch.len()), &batch[..cut]);
        let chunk = format!("{:x}\r\n{}\r\n", batch.len(), &batch[..cut]);
        let chunked = request("transfer-encoding: chunked", &chunk[..chunk.len() - 2]);
        for bytes in [announced, chunked] {
            let mut stream = TcpStream::connect(collector.address()).unwrap();
            stream.write_all(bytes.as_bytes()).unwrap();
            drop(stream);
        }
    }
    // NDJSON has whole lines in front of the cut.
    let lines = format!("{}\n{}", event("half-1"), event("half-2"));
    let framing = format!("content-type: application/x-ndjson\r\ncontent-length: {}", lines.len());
    let cut = format!(
        "POST /v1/events HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n{}",
        &lines[..first + 1]
    );
    TcpStream::connect(collector.address())
        .unwrap()
        .write_all(cut.as_bytes())
        .unwrap();

    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(count(&collector), "0");
    assert!(
        collector.get("/v1/quarantine").json()["entries"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let results = collector.post("/v1/events", &batch).json();
    assert_eq!(results["results"][0]["status"], "stored");
    assert_eq!(count(&collector), "2");
}

/// Sends bytes and goes away.
fn send(collector: &Collector, bytes: &[u8]) {
    TcpStream::connect(collector.address())
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

#[test]
fn h66_at_any_byte() {
    let collector = Collector::start();
    let batch = format!("[{},{}]", event("any-1"), event("any-2"));
    let chunks = format!("{:x}\r\n{batch}\r\n0\r\n\r\n", batch.len());
    let mut trials = 0;
    for request in [whole(&batch), request("transfer-encoding: chunked", &chunks)] {
        for cut in 0..request.len() {
            send(&collector, &request.as_bytes()[..cut]);
        }
        trials += request.len();
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(count(&collector), "0");
    assert_eq!(collector.get("/v1/quarantine").json()["entries"], serde_json::json!([]));
    let results = collector.post("/v1/events", &batch).json();
    assert_eq!(results["results"][1]["status"], "stored");

    // An answer that is taken in up to any byte: whoever asks again hears that it was stored.
    let mut stream = TcpStream::connect(collector.address()).unwrap();
    let close = |id: &str| {
        let body = event(id);
        request(&format!("connection: close\r\ncontent-length: {}", body.len()), &body)
    };
    stream.write_all(close("answer-x").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    for cut in 1..answer.len() {
        let id = format!("answer-{cut}");
        let mut stream = TcpStream::connect(collector.address()).unwrap();
        stream.write_all(close(&id).as_bytes()).unwrap();
        stream.read_exact(&mut answer[..cut]).unwrap();
        drop(stream);
        let again = collector.post("/v1/events", event(&id)).json();
        assert_eq!(again["results"][0]["status"], "duplicate", "{cut}");
    }
    trials += answer.len() - 1;
    assert_eq!(count(&collector), (2 + answer.len()).to_string());
    println!("proof: a client gone at any byte: {trials} trials, 0 violations");
}
