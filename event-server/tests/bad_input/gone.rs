//! Clients that go away.

use std::io::Write as _;
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
