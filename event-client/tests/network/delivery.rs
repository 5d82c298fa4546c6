//! Whatever the network does, every event is stored once, in the order of its session, and counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_client::{Client, Loss};
use event_core::Event;
use event_server::test::Collector;

use crate::proxy::Proxy;
use crate::{log, scale};

const SESSIONS: u64 = 8;

#[test]
fn over_a_network_that_fails_nothing_is_lost_and_nothing_doubled() {
    let each = scale(2_500, 12_500);
    let collector = Collector::start().unwrap();
    let proxy = Proxy::before(collector.address(), 20, Duration::from_millis(400));
    let client = Client::builder(&proxy.url)
        .source("shop")
        .batch_events(100)
        .linger(Duration::from_millis(5))
        .request_timeout(Duration::from_millis(300))
        .backoff(Duration::from_millis(1), Duration::from_millis(20))
        .build()
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let stats = client.stats();
                assert_eq!(stats.offered, stats.accounted(), "{stats:?}");
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        let senders: Vec<_> = (0..SESSIONS)
            .map(|session| {
                let client = &client;
                scope.spawn(move || {
                    for number in 0..each {
                        let event = Event::builder("order", "created").session_id(format!("s-{session}"));
                        client.track(event.field("number", number)).unwrap();
                        if number % 500 == 0 {
                            std::thread::sleep(Duration::from_millis(2));
                        }
                    }
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        client.flush_blocking(Duration::from_secs(300)).unwrap();
        done.store(true, Ordering::Relaxed);
    });
    let stats = client.stats();
    let deeds = &proxy.deeds;
    println!("{stats:?} {deeds:?}");
    assert_eq!(stats.offered, SESSIONS * each);
    assert_eq!(stats.delivered(), stats.offered);
    assert_eq!(stats.dropped.total(), 0);
    assert!(stats.duplicate > 0, "no answer was swallowed: {deeds:?}");
    for deed in [&deeds.cut, &deeds.stalled, &deeds.reset, &deeds.swallowed] {
        assert!(deed.load(Ordering::Relaxed) > 0, "{deeds:?}");
    }
    log::holds_in_order(&log::all(&collector), SESSIONS, each);
    client.shutdown_blocking(Duration::from_secs(5)).unwrap();
}

#[test]
fn what_was_lost_is_told_to_the_collector() {
    let collector = Collector::start().unwrap();
    let client = Client::builder(collector.url()).source("shop").queue_events(10);
    let client = client
        .batch_events(10_000)
        .linger(Duration::from_secs(60))
        .build()
        .unwrap();
    let answers: Vec<_> = (0..47)
        .map(|_| client.track(Event::builder("order", "created")))
        .collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 37);
    assert_eq!(client.stats().dropped.of(Loss::QueueFull), 37);
    client.shutdown_blocking(Duration::from_secs(30)).unwrap();
    let store = collector.store().clone();
    let losses = collector.block_on(async move { store.losses(&event_store::loss::LossFilter::default()).await });
    let losses = losses.unwrap();
    assert_eq!(losses.len(), 1);
    assert_eq!(
        (losses[0].source.as_str(), losses[0].reason.as_str(), losses[0].events),
        ("shop", "queue_full", 37)
    );
}
