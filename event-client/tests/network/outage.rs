//! An hour without a collector, in less time: the clock of the client runs faster, by its settings.

use std::time::Duration;

use event_client::{Client, Fsync, SpoolOptions};
use event_core::Event;
use event_server::test::Collector;

use crate::{log, scale};

const SESSIONS: u64 = 100;
/// What may be added to the process's memory, however long the outage: far less than all events have.
const MEMORY: u64 = 64 * 1024 * 1024;

#[test]
fn an_hour_of_events_waits_on_disk_and_arrives_in_order() {
    // An hour at a thousand events a second; the short form is 36 seconds of it.
    let each = scale(36_000, 3_600_000) / SESSIONS;
    let mut collector = Collector::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let spool = SpoolOptions::new(directory.path().join("spool"))
        .bytes(4 << 30)
        .fsync(Fsync::Every(Duration::from_secs(1)));
    let client = Client::builder(collector.url())
        .source("shop")
        .spool(spool)
        .queue_events(10_000)
        .linger(Duration::from_millis(5))
        .backoff(Duration::from_millis(5), Duration::from_millis(300))
        .build()
        .unwrap();
    collector.stop().unwrap();
    let before = resident();
    for number in 0..each {
        for session in 0..SESSIONS {
            let event = Event::builder("order", "created").session_id(format!("s-{session}"));
            client.track(event.field("number", number)).unwrap();
        }
    }
    let stats = client.stats();
    assert_eq!(stats.offered, stats.accounted());
    assert_eq!(stats.waiting(), SESSIONS * each);
    assert!(stats.queued == 0 && stats.retries > 0, "{stats:?}");
    let grown = resident().saturating_sub(before);
    println!("{} events wait, {} KiB of memory more", stats.waiting(), grown / 1024);
    assert!(grown < MEMORY, "{grown} bytes");

    collector.start_again().unwrap();
    client.flush_blocking(Duration::from_secs(1_800)).unwrap();
    assert_eq!(client.stats().delivered(), SESSIONS * each);
    log::holds_in_order(&log::all(&collector), SESSIONS, each);
    client.shutdown_blocking(Duration::from_secs(5)).unwrap();
}

#[test]
fn without_a_spool_memory_is_bounded_and_the_rest_is_counted() {
    let offered = scale(36_000, 3_600_000);
    let mut collector = Collector::start().unwrap();
    let client = Client::builder(collector.url()).source("shop").queue_events(10_000);
    let client = client
        .backoff(Duration::from_millis(5), Duration::from_millis(300))
        .build()
        .unwrap();
    collector.stop().unwrap();
    let taken = (0..offered).filter(|number| {
        let event = Event::builder("order", "created")
            .session_id("s-1")
            .field("number", *number);
        client.track(event).is_ok()
    });
    let taken = taken.count() as u64;
    let stats = client.stats();
    assert_eq!(stats.offered, stats.accounted());
    // One batch may be in flight, beside the queue.
    assert!((10_000..=11_000).contains(&taken), "{taken}");
    assert_eq!(stats.dropped.total(), offered - taken);
    collector.start_again().unwrap();
    client.flush_blocking(Duration::from_secs(300)).unwrap();
    let log = log::all(&collector);
    assert_eq!(log.len() as u64, taken);
    assert!(log.is_sorted_by_key(|stored| stored.event.envelope().sequence));
    client.shutdown_blocking(Duration::from_secs(5)).unwrap();
}

/// Bytes of memory that this process has, where the system tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}
