//! Much in little: bodies that become far larger than they are sent.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::answer::unlike;
use crate::collector::Collector;
use crate::table::{Case, Words, scenario};

pub(crate) const SCENARIOS: [&str; 3] = ["gzip_bomb", "gzip_bomb_within_the_limits", "zstd_bomb"];

static SPACES: [u8; 1 << 20] = [b' '; 1 << 20];

/// 24 MiB of spaces, more than any body may become, and again until so many bytes are there.
fn repeated(part: &[u8], case: &Case) -> Vec<u8> {
    let wire = usize::try_from(case.number("wire_bytes").unwrap()).unwrap();
    part.repeat(wire / part.len())
}

fn gzip(case: &Case) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..24).for_each(|_| encoder.write_all(&SPACES).unwrap());
    repeated(&encoder.finish().unwrap(), case)
}

/// With as large a window as there may be, which a reader must have memory for.
fn zstd(case: &Case) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(23).unwrap();
    (0..24).for_each(|_| encoder.write_all(&SPACES).unwrap());
    repeated(&encoder.finish().unwrap(), case)
}

fn play(name: &str, encoding: &str, bomb: fn(&Case) -> Vec<u8>) {
    let case = scenario(name);
    let flags: Vec<String> = case
        .settings()
        .iter()
        .map(|(name, value)| format!("--{name}={value}"))
        .collect();
    let collector = Collector::start_with(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(collector.post("/v1/events", "[]").status, 200);
    let before = collector.most_memory();
    let body = bomb(&case);
    let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
    let mut connection = collector.connect();
    for path in ["/v1/events", "/v1/query", "/v1/events"] {
        let started = Instant::now();
        let response = connection.request("POST", path, &headers, &body);
        let took = started.elapsed();

        let found = unlike(case.field("answer"), &response, &mut Words::new());
        assert!(found.is_empty(), "{}: {}", case.title(), found.join("; "));
        let most = Duration::from_millis(case.number("within_ms").unwrap());
        assert!(took <= most, "{}: answered after {took:?}", case.title());
    }
    if let (Some(before), Some(after)) = (before, collector.most_memory()) {
        let most = case.number("most_memory_bytes").unwrap();
        let grown = after - before;

        assert!(grown <= most, "{}: {grown} bytes more than before", case.title());
    }
    assert_eq!(
        connection.request("POST", "/v1/events", &headers[..1], "[]").status,
        200
    );
}

#[test]
fn h29_gzip() {
    play("gzip_bomb", "gzip", gzip);
}

#[test]
fn h29_gzip_within_the_limits() {
    play("gzip_bomb_within_the_limits", "gzip", gzip);
}

#[test]
fn h29_zstd() {
    play("zstd_bomb", "zstd", zstd);
}
