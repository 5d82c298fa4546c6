//! How much may wait, and when it goes.

use std::time::{Duration, Instant};

use event_client::{Loss, TrackError, test};
use event_core::Event;

use crate::watch::{LONG, numbered, numbers, until, watch};

#[test]
fn a_queue_full_of_events_answers_at_once() {
    let it = watch(test::builder().queue_events(5).batch_events(2));
    it.collected.go_down();
    let began = Instant::now();
    let results: Vec<_> = (0..500).map(|number| it.client.track(numbered(number))).collect();
    assert!(began.elapsed() < LONG / 2);
    let refused = results
        .iter()
        .filter(|result| **result == Err(TrackError::QueueFull))
        .count();
    // Five wait, and two more may be in hand.
    assert!((493..=495).contains(&refused), "{refused}");
    let stats = it.client.stats();
    assert_eq!(
        (stats.offered, stats.dropped.of(Loss::QueueFull)),
        (500, refused as u64)
    );
    it.collected.come_up();
    let taken: Vec<usize> = (0..500).filter(|number| results[*number].is_ok()).collect();
    assert_eq!(numbers(&it.collected.events()), taken);
}

#[test]
fn a_queue_full_of_bytes_answers_at_once() {
    let it = watch(test::builder().queue_bytes(10_000).linger(LONG));
    let large = || Event::builder("order", "created").field("text", "x".repeat(3_000));
    let results: Vec<bool> = (0..5).map(|_| it.client.track(large()).is_ok()).collect();
    assert_eq!(results, [true, true, true, false, false]);
    assert_eq!(it.client.stats().dropped.of(Loss::QueueFull), 2);
    it.client.track(numbered(0)).unwrap();
    assert_eq!(it.collected.events().len(), 4);
}

#[test]
fn a_batch_goes_when_it_has_its_events() {
    let it = watch(test::builder().batch_events(10).linger(LONG * 10));
    for number in 0..25 {
        it.client.track(numbered(number)).unwrap();
    }
    until("two batches", || it.client.stats().stored == 20);
    assert_eq!(it.collected.requests(), [10, 10]);
    assert_eq!((it.client.stats().queued, it.client.stats().in_flight), (5, 0));
    it.client.flush_blocking(LONG).unwrap();
    assert_eq!(it.collected.requests(), [10, 10, 5]);
}

#[test]
fn a_batch_goes_when_it_has_its_bytes() {
    let it = watch(test::builder().batch_bytes(4_000).linger(LONG * 10));
    let large = |number| numbered(number).field("text", "x".repeat(1_500));
    for number in 0..3 {
        it.client.track(large(number)).unwrap();
    }
    until("a batch", || it.client.stats().stored == 2);
    assert_eq!(it.collected.requests(), [2]);
    // One that is larger than a batch goes alone.
    it.client.track(numbered(3).field("text", "x".repeat(9_000))).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0, 1, 2, 3]);
    assert_eq!(it.collected.requests(), [2, 1, 1]);
}

#[test]
fn a_batch_goes_when_it_has_lingered() {
    let it = watch(test::builder().linger(Duration::from_millis(20)));
    for number in 0..3 {
        it.client.track(numbered(number)).unwrap();
    }
    // Nobody asks for it.
    until("delivered", || it.client.stats().stored == 3);
}

#[test]
fn a_send_overtakes_what_lingers() {
    let it = watch(test::builder().linger(LONG * 10));
    it.client.track(numbered(0)).unwrap();
    it.client.send_blocking([numbered(1)]).unwrap();
    assert_eq!(it.collected.requests(), [1]);
    assert_eq!(numbers(&it.collected.events()), [1, 0]);
}
