//! `kill -9`, over and over: what `track` has taken in is stored once, whatever happens after it returned.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use event_client::{Client, SpoolOptions};
use event_core::Event;
use event_server::test::Collector;

use crate::{log, scale};

/// How the child process is told what to do.
const URL: &str = "EVENT_TEST_KILL_URL";
const SPOOL: &str = "EVENT_TEST_KILL_SPOOL";
const FIRST: &str = "EVENT_TEST_KILL_FIRST";

fn client(url: &str, spool: &Path) -> Client {
    // Small segments, so that many of them begin and end.
    let spool = SpoolOptions::new(spool).segment_bytes(16 * 1024).bytes(1 << 30);
    let client = Client::builder(url).source("shop").spool(spool).batch_events(50);
    let client = client
        .linger(Duration::from_millis(2))
        .request_timeout(Duration::from_secs(2));
    client
        .backoff(Duration::from_millis(1), Duration::from_millis(20))
        .build()
        .unwrap()
}

/// Tracks until it is killed, and says each number that was taken in.
#[test]
#[ignore = "a process that another test starts, and kills"]
fn victim() {
    let (Ok(url), Some(spool), Ok(first)) = (std::env::var(URL), std::env::var_os(SPOOL), std::env::var(FIRST)) else {
        return;
    };
    let client = client(&url, Path::new(&spool));
    let mut said = std::io::stderr();
    for number in first.parse::<u64>().unwrap().. {
        client
            .track(
                Event::builder("order", "created")
                    .session_id("s-1")
                    .field("number", number),
            )
            .unwrap();
        said.write_all(&number.to_le_bytes()).unwrap();
        if number % 16 == 0 {
            std::thread::sleep(Duration::from_micros(300));
        }
    }
}

fn start(url: &str, spool: &Path, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "kill::victim",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(URL, url)
        .env(SPOOL, spool)
        .env(FIRST, first.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn nothing_that_was_taken_in_is_lost_and_nothing_doubled() {
    let kills = scale(40, 3_000);
    let collector = Collector::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let spool = directory.path().join("spool");
    let mut taken = Vec::new();
    for round in 0..kills {
        // In one round of three there is no collector, so that what waits grows.
        let url = if fastrand::u8(..3) == 0 {
            "http://127.0.0.1:9"
        } else {
            collector.url()
        };
        let mut child = start(url, &spool, round << 32);
        // Once it has begun, at any moment.
        let mut said = child.stderr.take().unwrap();
        let mut first = [0; 8];
        said.read_exact(&mut first).expect("it was killed before it began");
        std::thread::sleep(Duration::from_micros(fastrand::u64(..60_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = Vec::new();
        said.read_to_end(&mut rest).unwrap();
        taken.push(u64::from_le_bytes(first));
        taken.extend(
            rest.chunks_exact(8)
                .map(|number| u64::from_le_bytes(number.try_into().unwrap())),
        );
    }
    // The last process sends what all the others have left, in its own time as long as there is less and less of it.
    let client = client(collector.url(), &spool);
    let mut waiting = u64::MAX;
    while let Err(error) = client.flush_blocking(Duration::from_secs(60)) {
        assert!(error.waiting < waiting, "nothing goes on: {error}");
        waiting = error.waiting;
    }
    let stats = client.stats();
    assert_eq!(stats.offered, stats.accounted());
    assert_eq!(stats.dropped.total(), 0, "{stats:?}");
    client.shutdown_blocking(Duration::from_secs(5)).unwrap();

    let mut stored: HashMap<u64, u64> = HashMap::new();
    for event in log::all(&collector) {
        let data: serde_json::Value = serde_json::from_str(event.event.payload().as_str()).unwrap();
        *stored.entry(data["number"].as_u64().unwrap()).or_default() += 1;
    }
    let lost = taken.iter().filter(|number| !stored.contains_key(number)).count();
    let doubled = stored.values().filter(|times| **times > 1).count();
    println!(
        "{kills} kills: {} events taken in, {} stored, {lost} lost, {doubled} doubled",
        taken.len(),
        stored.len()
    );
    assert_eq!((lost, doubled), (0, 0));
    assert!(stored.len() >= taken.len());
}
