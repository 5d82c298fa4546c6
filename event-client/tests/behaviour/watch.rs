//! Looks at the counts all the time: they add up at every moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use event_client::test::Collected;
use event_client::{Client, ClientBuilder};
use event_core::Event;
use event_core::event::EventBuilder;

/// A client that is watched from another thread, until this is dropped.
pub(crate) struct Watched {
    pub(crate) client: Client,
    pub(crate) collected: Collected,
    done: Arc<AtomicBool>,
    watcher: Option<JoinHandle<u64>>,
}

pub(crate) fn watched() -> Watched {
    watch(event_client::test::builder())
}

pub(crate) fn watch(builder: ClientBuilder) -> Watched {
    let (client, collected) = builder.collecting().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (theirs, stop) = (client.clone(), Arc::clone(&done));
    let watcher = std::thread::spawn(move || {
        let mut looks = 0_u64;
        loop {
            let done = stop.load(Ordering::Relaxed);
            let stats = theirs.stats();
            assert_eq!(stats.offered, stats.accounted(), "{stats:?}");
            looks += 1;
            if done {
                return looks;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    });
    Watched {
        client,
        collected,
        done,
        watcher: Some(watcher),
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let looks = self.watcher.take().unwrap().join();
        if !std::thread::panicking() {
            assert!(looks.expect("the counts do not add up") > 0);
        }
    }
}

/// An event that is told from others by its number.
pub(crate) fn numbered(number: usize) -> EventBuilder {
    Event::builder("order", "created").field("number", number as u64)
}

/// The number of an event.
pub(crate) fn number(event: &Event) -> usize {
    let data: serde_json::Value = serde_json::from_str(event.payload().as_str()).unwrap();
    usize::try_from(data["number"].as_u64().unwrap()).unwrap()
}

/// The numbers of events, in their order.
pub(crate) fn numbers(events: &[Event]) -> Vec<usize> {
    events.iter().map(number).collect()
}

/// Waits until it holds; only a defect makes it wait for long.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Far more than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);
