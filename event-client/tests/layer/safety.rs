//! The layer never makes events of the client's own doing, and never stands in anybody's way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use event_client::layer::{EventLayer, Rule};
use event_client::{Client, Loss, test};
use event_core::Event;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::with;

/// In a process of its own, as the client's thread sees only what is there for all threads.
const ALONE: &str = "EVENT_TEST_LAYER_ALONE";

#[test]
fn the_client_does_not_feed_itself() {
    if std::env::var_os(ALONE).is_none() {
        let test = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "safety::the_client_does_not_feed_itself", "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stderr));
        return;
    }
    // Every span and every event of every crate, on every thread, while nothing works.
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let client = Client::builder("http://127.0.0.1:9").source("test");
    let client = client
        .linger(Duration::ZERO)
        .backoff(Duration::from_millis(1), Duration::from_millis(2));
    let client = client
        .on_pause(|_| tracing::error!("the application's own words"))
        .build()
        .unwrap();
    let layer = EventLayer::new(client.clone())
        .rule(Rule::events("log"))
        .rule(Rule::spans("log"));
    let seen = tracing_subscriber::filter::filter_fn(|_| {
        SEEN.fetch_add(1, Ordering::Relaxed);
        true
    });
    let watching = tracing_subscriber::fmt::layer()
        .with_writer(std::io::sink)
        .with_filter(seen);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer).with(watching)).unwrap();
    client.track(Event::builder("order", "created")).unwrap();
    let _ = client.flush_blocking(Duration::from_millis(200));
    let stats = client.stats();
    assert!(stats.retries > 3 && SEEN.load(Ordering::Relaxed) > 0, "{stats:?}");
    assert_eq!(stats.offered, 1, "{stats:?}");
    tracing::info!("of the application");
    assert_eq!(client.stats().offered, 2);
    let _ = client.shutdown_blocking(Duration::from_millis(20));
    tracing::info!("too late, and no reason to fail");
    assert_eq!(client.stats().dropped.of(Loss::Closed), 1);
}

#[test]
fn a_callback_that_logs_is_the_clients_own_doing() {
    let settings = test::builder().on_unstored(|_| tracing::error!(event.name = "unstored"));
    with(settings, |client, collected| {
        use event_core::{Code, verdict::Status};
        collected.refuse(Status::Rejected, Code::UnknownType, |_| true);
        tracing::info!(event.name = "created");
        client.flush_blocking(Duration::from_secs(10)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!((client.stats().offered, client.stats().rejected), (1, 1));
    });
}

#[test]
fn what_cannot_be_tracked_is_counted() {
    with(test::builder().queue_events(3).batch_events(1), |client, collected| {
        collected.go_down();
        let began = Instant::now();
        for _ in 0..1_000 {
            tracing::info!(event.category = "order", event.name = "created");
        }
        tracing::info!(event.category = "", event.name = "created");
        assert!(began.elapsed() < Duration::from_secs(10));
        let stats = client.stats();
        assert_eq!(
            (stats.offered, stats.accounted(), stats.dropped.of(Loss::Invalid)),
            (1_001, 1_001, 1)
        );
        assert!(stats.dropped.of(Loss::QueueFull) >= 996);
    });
}

/// Nobody wants them: they are not made.
#[test]
fn what_does_not_ask_is_not_even_made() {
    with(test::builder(), |_, collected| {
        assert!(tracing::error_span!("of no interest", value = 1).is_disabled());
        assert!(!tracing::enabled!(tracing::Level::ERROR));
        let mut evaluated = false;
        tracing::error!(
            value = {
                evaluated = true;
                1
            },
            "of no interest"
        );
        assert!(!evaluated);
        assert!(!tracing::error_span!("of interest", event.subject = "customer-7").is_disabled());
        assert_eq!(collected.events(), []);
    });
}

/// Another layer goes on seeing all that it wants.
#[test]
fn other_layers_are_not_held_back() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    struct Counts;
    impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Counts {
        fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            SEEN.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (client, collected) = test::client();
    let layer = EventLayer::new(client).rule(Rule::events("log").levels(LevelFilter::ERROR));
    let subscriber = tracing_subscriber::registry().with(layer.filtered()).with(Counts);
    tracing::subscriber::with_default(subscriber, || {
        tracing::trace!("seen by the other one");
        tracing::error!("seen by both");
        tracing::info!(event.name = "created");
    });
    assert_eq!((SEEN.load(Ordering::Relaxed), collected.events().len()), (3, 2));
}
