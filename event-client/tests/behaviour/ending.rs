//! Flush, shutdown and drop, while the collector is there and while it is not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_client::{Loss, TrackError, test};

use crate::log::Log;
use crate::watch::{LONG, numbered, numbers, until, watch, watched};

#[test]
fn a_flush_ends_in_time_and_says_what_waits() {
    let it = watched();
    it.collected.go_down();
    for number in 0..3 {
        it.client.track(numbered(number)).unwrap();
    }
    let began = Instant::now();
    let unsent = it.client.flush_blocking(Duration::from_millis(30)).unwrap_err();
    assert!(began.elapsed() < LONG / 2);
    assert_eq!((unsent.waiting, unsent.spooled), (3, 0));
    it.collected.come_up();
    it.client.flush_blocking(LONG).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0, 1, 2]);
}

#[test]
fn a_flush_of_nothing_starts_nothing() {
    let it = watched();
    it.client.flush_blocking(Duration::ZERO).unwrap();
    it.client.shutdown_blocking(Duration::ZERO).unwrap();
    assert_eq!(it.collected.requests(), [0; 0]);
}

#[test]
fn a_shutdown_delivers_what_waits() {
    let it = watch(test::builder().linger(LONG * 10).batch_events(4));
    for number in 0..10 {
        it.client.track(numbered(number)).unwrap();
    }
    it.client.shutdown_blocking(LONG).unwrap();
    assert_eq!(numbers(&it.collected.events()), (0..10).collect::<Vec<_>>());
    it.client.shutdown_blocking(LONG).unwrap();
}

#[test]
fn a_shutdown_without_collector_drops_and_counts() {
    let it = watched();
    it.collected.go_down();
    for number in 0..10 {
        it.client.track(numbered(number)).unwrap();
    }
    let unsent = it.client.shutdown_blocking(Duration::from_millis(30)).unwrap_err();
    assert_eq!(unsent.waiting, 10);
    let stats = it.client.stats();
    assert_eq!((stats.dropped.of(Loss::Shutdown), stats.waiting()), (10, 0));
    assert_eq!(it.client.shutdown_blocking(LONG), Err(unsent));
}

#[test]
fn nothing_is_taken_after_shutdown() {
    let it = watched();
    it.client.track(numbered(0)).unwrap();
    it.client.shutdown_blocking(LONG).unwrap();
    assert_eq!(it.client.track(numbered(1)), Err(TrackError::Closed));
    assert!(it.client.send_blocking([numbered(2)]).is_err());
    it.client.flush_blocking(LONG).unwrap();
    let stats = it.client.stats();
    assert_eq!((stats.stored, stats.dropped.of(Loss::Closed)), (1, 2));
    assert_eq!(numbers(&it.collected.events()), [0]);
}

/// What the thread holds is given back when it ends, the callbacks too.
#[test]
fn the_thread_ends() {
    for down in [false, true] {
        let held = Arc::new(());
        let theirs = Arc::clone(&held);
        let builder = test::builder().on_pause(move |_| drop(Arc::clone(&theirs)));
        let (client, collected) = builder.collecting().unwrap();
        if down {
            collected.go_down();
        }
        client.track(numbered(0)).unwrap();
        assert_eq!(
            client
                .shutdown_blocking(Duration::from_millis(if down { 20 } else { 10_000 }))
                .is_err(),
            down
        );
        drop(client);
        until("the thread ends", || Arc::strong_count(&held) == 1);
    }
}

#[test]
fn a_client_that_is_dropped_delivers_and_says_so() {
    let (client, collected) = test::builder().linger(LONG * 10).collecting().unwrap();
    client.track(numbered(0)).unwrap();
    let ((), log) = Log::during(|| drop(client));
    assert!(
        log.contains("dropped without shutdown while events wait waiting=1"),
        "{log}"
    );
    until("delivered", || numbers(&collected.events()) == [0]);
}

#[test]
fn a_client_that_is_dropped_ends_when_its_grace_does() {
    let held = Arc::new(());
    let theirs = Arc::clone(&held);
    let builder = test::builder().drop_timeout(Duration::from_millis(20));
    let (client, collected) = builder
        .on_pause(move |_| drop(Arc::clone(&theirs)))
        .collecting()
        .unwrap();
    collected.go_down();
    client.track(numbered(0)).unwrap();
    let copy = client.clone();
    drop(client);
    copy.track(numbered(1)).unwrap();
    drop(copy);
    until("the thread ends", || Arc::strong_count(&held) == 1);
}

#[test]
fn a_client_without_waiting_events_is_dropped_in_silence() {
    let (client, collected) = test::client();
    client.track(numbered(0)).unwrap();
    assert_eq!(collected.events().len(), 1);
    let ((), log) = Log::during(|| drop(client));
    assert_eq!(log, "");
    let (untouched, _) = test::client();
    let ((), log) = Log::during(|| drop(untouched));
    assert_eq!(log, "");
}
