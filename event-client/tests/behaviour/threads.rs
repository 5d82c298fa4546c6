//! Many threads at once, and places where threads are in trouble.

use std::sync::{Arc, Mutex, PoisonError};

use event_client::{Client, test};
use event_core::Event;

use crate::watch::{numbered, numbers, until, watch};

#[test]
fn eight_threads_lose_nothing_and_each_keeps_its_order() {
    let it = watch(test::builder().batch_events(64));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let client = &it.client;
            scope.spawn(move || {
                for number in 0..1_000 {
                    let session = format!("thread-{thread}");
                    client.track(numbered(number).session_id(session)).unwrap();
                    if number % 250 == 0 {
                        let _ = client.flush_blocking(std::time::Duration::from_millis(1));
                    }
                }
            });
        }
        for status in [500, 503, 502, 429] {
            it.collected.answer_next(status);
            it.collected.lose_next_answer();
        }
    });
    let events = it.collected.events();
    assert_eq!(events.len(), 8_000);
    for thread in 0..8 {
        let session = format!("thread-{thread}");
        let own: Vec<Event> = events
            .iter()
            .filter(|event| event.envelope().session_id.as_ref().unwrap().as_str() == session)
            .cloned()
            .collect();
        assert_eq!(numbers(&own), (0..1_000).collect::<Vec<_>>());
        assert!(
            own.iter()
                .enumerate()
                .all(|(at, event)| event.envelope().sequence == i64::try_from(at).ok())
        );
    }
    assert_eq!(it.client.stats().delivered(), 8_000);
}

#[test]
fn clones_that_come_and_go_while_it_ends() {
    for _ in 0..50 {
        let (client, collected) = test::client();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let client: Client = client.clone();
                std::thread::spawn(move || {
                    (0..50)
                        .filter(|at| client.track(numbered(thread * 50 + at)).is_ok())
                        .count()
                })
            })
            .collect();
        let ended = client.shutdown_blocking(std::time::Duration::from_secs(10));
        let taken: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(ended, Ok(()));
        let stats = client.stats();
        assert_eq!(
            (stats.offered, stats.accounted(), stats.stored),
            (200, 200, taken as u64)
        );
        assert_eq!(collected.events().len(), taken);
    }
}

/// The hook is the process's: panics of other tests are counted too, and so they are looked for by name.
#[test]
fn a_panic_hook_may_track() {
    let it = watch(test::builder());
    let client = Arc::new(Mutex::new(Some(it.client.clone())));
    let before = Arc::new(std::panic::take_hook());
    let (theirs, old) = (Arc::clone(&client), Arc::clone(&before));
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some("unfortunate") {
            return old(panic);
        }
        let client = theirs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client {
            let text = panic.payload_as_str().unwrap_or_default();
            let _ = client.track(Event::builder("application", "panicked").field("message", text));
            let _ = client.flush_blocking(std::time::Duration::from_secs(10));
        }
    }));
    let unfortunate = std::thread::Builder::new().name("unfortunate".to_owned());
    let outcome = unfortunate.spawn(|| panic!("out of luck")).unwrap().join();
    std::panic::set_hook(Box::new(move |panic| before(panic)));
    assert!(outcome.is_err());
    client.lock().unwrap().take();
    let event = it.collected.assert_one("application", "panicked");
    assert_eq!(event.payload().as_str(), r#"{"message":"out of luck"}"#);
}

#[test]
fn a_destructor_of_a_thread_may_track() {
    struct Last(Client);
    impl Drop for Last {
        fn drop(&mut self) {
            let _ = self.0.track(Event::builder("thread", "ended"));
        }
    }
    thread_local!(static LAST: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) });
    let it = watch(test::builder());
    let client = it.client.clone();
    std::thread::spawn(move || LAST.set(Some(Last(client)))).join().unwrap();
    until("tracked", || it.client.stats().stored == 1);
}

#[test]
fn a_callback_may_track() {
    let place: Arc<Mutex<Option<Client>>> = Arc::default();
    let theirs = Arc::clone(&place);
    let it = watch(test::builder().on_unstored(move |unstored| {
        if let Some(client) = &*theirs.lock().unwrap() {
            let _ = client.track(Event::builder("event", "unstored").field("event", unstored.event));
        }
    }));
    *place.lock().unwrap() = Some(it.client.clone());
    it.collected.refuse(
        event_core::verdict::Status::Rejected,
        event_core::Code::UnknownType,
        |event| event.envelope().event_type.category.as_str() == "order",
    );
    it.client.track(numbered(0)).unwrap();
    until("both have left", || it.client.stats().stored == 1);
    it.collected.assert_one("event", "unstored");
    place.lock().unwrap().take();
}
