//! A collector that cannot, or will not: all that can be delivered is.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use event_client::{Loss, Pause, Unconfirmed, test};
use event_core::verdict::Status;

use crate::watch::{LONG, number, numbered, numbers, watch, watched};

#[test]
fn what_is_too_large_is_halved_until_it_is_a_single_event() {
    let it = watch(test::builder().linger(LONG));
    it.collected.answer_when(413, |event| number(event) == 5);
    for number in 0..8 {
        it.client.track(numbered(number)).unwrap();
    }
    assert_eq!(numbers(&it.collected.events()), [0, 1, 2, 3, 4, 6, 7]);
    assert_eq!(it.collected.requests(), [8, 4, 4, 2, 1, 1, 1, 1]);
    let stats = it.client.stats();
    assert_eq!(
        (stats.dropped.of(Loss::TooLarge), stats.dropped.total(), stats.stored),
        (1, 1, 7)
    );
}

#[test]
fn one_bad_event_is_found_and_the_others_are_delivered() {
    for status in [400, 422] {
        let it = watch(test::builder().linger(LONG));
        it.collected
            .answer_when(status, |event| [3, 90].contains(&number(event)));
        for number in 0..100 {
            it.client.track(numbered(number)).unwrap();
        }
        let expected: Vec<usize> = (0..100).filter(|number| ![3, 90].contains(number)).collect();
        assert_eq!(numbers(&it.collected.events()), expected);
        let stats = it.client.stats();
        assert_eq!((stats.dropped.of(Loss::Refused), stats.dropped.total()), (2, 2));
        assert!(it.collected.requests().len() < 35, "{:?}", it.collected.requests());
    }
}

#[test]
fn an_event_that_the_collector_fails_with_again_and_again_is_given_up() {
    let it = watch(test::builder().linger(LONG));
    it.collected.answer_when(500, |event| number(event) == 1);
    for number in 0..4 {
        it.client.track(numbered(number)).unwrap();
    }
    assert_eq!(numbers(&it.collected.events()), [0, 2, 3]);
    let stats = it.client.stats();
    assert_eq!(
        (stats.dropped.of(Loss::ServerError), stats.stored, stats.waiting()),
        (1, 3, 0)
    );
    assert!(stats.retries >= 10, "{stats:?}");
}

#[test]
fn a_collector_that_failed_and_is_well_again_gets_everything() {
    let it = watched();
    for status in [500, 503, 429, 408, 502, 500] {
        it.collected.answer_next(status);
    }
    for number in 0..50 {
        it.client.track(numbered(number)).unwrap();
    }
    assert_eq!(numbers(&it.collected.events()), (0..50).collect::<Vec<_>>());
    assert_eq!(it.client.stats().retries, 6);
}

#[test]
fn an_outage_loses_nothing_and_keeps_the_order() {
    let it = watch(test::builder().batch_events(3));
    for round in 0..5 {
        it.collected.go_down();
        for number in 0..7 {
            it.client.track(numbered(round * 7 + number)).unwrap();
        }
        it.collected.come_up();
    }
    assert_eq!(numbers(&it.collected.events()), (0..35).collect::<Vec<_>>());
    assert_eq!(it.client.stats().dropped.total(), 0);
}

#[test]
fn what_refuses_everything_is_no_collector_and_loses_nothing() {
    for status in [400, 413, 422, 500] {
        let it = watch(test::builder().linger(LONG).batch_events(10));
        it.collected.answer_when(status, |_| true);
        for number in 0..50 {
            it.client.track(numbered(number)).unwrap();
        }
        let error = it.client.flush_blocking(Duration::from_millis(300)).unwrap_err();
        assert_eq!((error.waiting, it.client.stats().dropped.total()), (50, 0), "{status}");
        if status != 500 {
            let expected = if status == 413 { 413 } else { 400 };
            assert_eq!(it.client.stats().paused, Some(Pause::NoCollector(expected)));
        }
        it.collected.behave();
        let mut arrived = numbers(&it.collected.events());
        arrived.sort_unstable();
        assert_eq!(arrived, (0..50).collect::<Vec<_>>(), "{status}");
        assert_eq!(it.client.stats().dropped.total(), 0);
    }
}

#[test]
fn a_send_has_a_verdict_on_all_but_the_bad_one_which_can_be_sent_again() {
    let it = watch(test::builder().batch_events(2));
    it.collected.answer_when(400, |event| number(event) == 3);
    let error = it.client.send_blocking((0..6).map(numbered)).unwrap_err();
    let known: Vec<bool> = error.verdicts.iter().map(Option::is_some).collect();
    assert_eq!(known, [true, true, true, false, true, true]);
    assert!(matches!(error.reason, Unconfirmed::Refused(_)));
    assert_eq!(it.client.stats().dropped.of(Loss::Refused), 1);
    it.collected.behave();
    let verdicts = it.client.send_blocking(error.unconfirmed).unwrap();
    assert_eq!(verdicts[0].status, Status::Stored);
}

#[test]
fn a_send_without_an_answer_is_known_when_it_is_repeated() {
    let it = watch(test::builder().send_timeout(Duration::from_millis(30)));
    it.collected.lose_next_answer();
    it.collected.answer_when(503, |_| false);
    let events = [numbered(0), numbered(1)];
    it.collected.go_down();
    let error = it.client.send_blocking(events).unwrap_err();
    assert!(error.verdicts.iter().all(Option::is_none) && matches!(error.reason, Unconfirmed::Deadline(_)));
    assert_eq!(it.client.stats().dropped.of(Loss::Unconfirmed), 2);
    it.collected.come_up();
    let again = it.client.send_blocking(error.unconfirmed.clone());
    let last = it.client.send_blocking(error.unconfirmed).unwrap();
    assert!(
        last.iter().all(|verdict| verdict.status == Status::Duplicate),
        "{again:?} {last:?}"
    );
    assert_eq!(numbers(&it.collected.events()), [0, 1]);
}

#[test]
fn sends_are_bounded_like_the_queue() {
    let it = watch(test::builder().queue_events(10).send_timeout(LONG));
    it.collected.go_down();
    let futures: Vec<_> = (0..20).map(|number| it.client.send([numbered(number)])).collect();
    let stats = it.client.stats();
    assert_eq!((stats.waiting(), stats.dropped.of(Loss::QueueFull)), (10, 10));
    it.collected.come_up();
    let ends = futures.into_iter().map(futures_executor::block_on);
    let full = ends.filter(|end| matches!(end, Err(error) if error.reason == Unconfirmed::QueueFull));
    assert_eq!(full.count(), 10);
}

#[test]
fn a_callback_that_waits_for_the_client_does_not_hang_it() {
    let slot: Arc<OnceLock<event_client::Client>> = Arc::default();
    let theirs = Arc::clone(&slot);
    let waits = move |_: &event_client::Unstored<'_>| {
        let client = theirs.get().unwrap();
        assert!(client.send_blocking([numbered(7)]).is_err());
        let _ = client.flush_blocking(LONG);
    };
    let it = watch(test::builder().on_unstored(waits));
    slot.set(it.client.clone()).unwrap();
    it.collected
        .refuse(Status::Rejected, event_core::Code::SchemaViolation, |event| {
            number(event) == 0
        });
    it.client.track(numbered(0)).unwrap();
    it.client.flush_blocking(LONG).unwrap();
    assert_eq!(it.client.stats().rejected, 1);
}

#[test]
fn times_that_never_end_are_no_reason_to_fail() {
    let ever = Duration::MAX;
    let builder = test::builder()
        .send_timeout(ever)
        .pause(ever)
        .report_every(ever)
        .linger(ever)
        .drop_timeout(ever);
    let it = watch(builder);
    it.client.send_blocking([numbered(0)]).unwrap();
    it.collected.require_key("new");
    it.client.track(numbered(1)).unwrap();
    assert!(it.client.flush_blocking(Duration::from_millis(50)).is_err());
    assert_eq!(it.client.stats().paused, Some(Pause::Unauthenticated));
    it.client.set_key("new").unwrap();
    it.client.flush_blocking(ever).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0, 1]);
    it.client.shutdown_blocking(ever).unwrap();
}
