//! What is written into every event when it is tracked.

use std::collections::HashSet;
use std::time::SystemTime;

use event_client::test;
use event_core::{Event, EventId};

use crate::watch::{LONG, numbered, numbers, watch, watched};

fn sequences(events: &[Event], session: &str) -> Vec<i64> {
    let envelopes = events.iter().map(Event::envelope);
    let inside = envelopes.filter(|envelope| envelope.session_id.as_ref().is_some_and(|id| id.as_str() == session));
    inside.map(|envelope| envelope.sequence.unwrap()).collect()
}

#[test]
fn every_session_is_numbered_from_nought() {
    let it = watched();
    for (number, session) in ["a", "b", "a", "a", "b"].into_iter().enumerate() {
        it.client.track(numbered(number).session_id(session)).unwrap();
    }
    it.client.track(numbered(5).session_id("a").sequence(70)).unwrap();
    it.client.track(numbered(6)).unwrap();
    let events = it.collected.events();
    assert_eq!(sequences(&events, "a"), [0, 1, 2, 70]);
    assert_eq!(sequences(&events, "b"), [0, 1]);
    assert_eq!(events[6].envelope().sequence, None);
}

#[test]
fn a_gap_tells_of_what_was_dropped() {
    let it = watch(test::builder().queue_events(2).linger(LONG * 10));
    for number in 0..5 {
        let _ = it.client.track(numbered(number).session_id("a"));
    }
    it.client.flush_blocking(LONG).unwrap();
    it.client.track(numbered(5).session_id("a")).unwrap();
    let events = it.collected.events();
    assert_eq!(numbers(&events), [0, 1, 5]);
    assert_eq!(sequences(&events, "a"), [0, 1, 5]);
}

#[test]
fn ids_and_times_are_those_of_the_tracking() {
    let it = watch(test::builder().linger(LONG * 10));
    let micros = || {
        i64::try_from(
            SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_micros(),
        )
        .unwrap()
    };
    let before = micros();
    let ids: Vec<EventId> = (0..100)
        .map(|number| it.client.track(numbered(number)).unwrap())
        .collect();
    let after = micros();
    let events = it.collected.events();
    let sent: Vec<EventId> = events.iter().map(|event| event.envelope().id.clone()).collect();
    assert_eq!(sent, ids);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 100);
    for (id, event) in ids.iter().zip(&events) {
        let uuid: uuid::Uuid = id.as_str().parse().unwrap();
        assert_eq!(uuid.get_version(), Some(uuid::Version::SortRand));
        assert!((before..=after).contains(&event.envelope().occurred_at.as_micros()));
    }
}

#[test]
fn what_an_event_says_itself_is_kept() {
    let it = watched();
    let at: event_core::Timestamp = "2021-01-01T09:15:28Z".parse().unwrap();
    it.client
        .track(
            numbered(0)
                .id("o-1")
                .occurred_at(at)
                .source("till")
                .subject("customer-7"),
        )
        .unwrap();
    let envelope = it.collected.assert_one("order", "created").envelope().clone();
    assert_eq!(
        (envelope.id.as_str(), envelope.occurred_at, envelope.source.as_str()),
        ("o-1", at, "till")
    );
    assert_eq!(envelope.subject.unwrap().as_str(), "customer-7");
}
