//! A collector that cannot, or will not: all that can be delivered is.

use event_client::{Loss, Unconfirmed, test};

use crate::watch::{LONG, number, numbered, numbers, watch, watched};

#[test]
fn what_is_too_large_is_halved_until_it_is_a_single_event() {
    let it = watch(test::builder().linger(LONG));
    it.collected.answer_when(413, |event| number(event) == 5);
    for number in 0..8 {
        it.client.track(numbered(number)).unwrap();
    }
    assert_eq!(numbers(&it.collected.events()), [0, 1, 2, 3, 4, 6, 7]);
    assert_eq!(it.collected.requests(), [8, 4, 4, 2, 1, 1, 2]);
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
fn a_send_says_how_far_it_came() {
    let it = watch(test::builder().batch_events(2));
    it.collected.answer_when(400, |event| number(event) == 3);
    let error = it.client.send_blocking((0..6).map(numbered)).unwrap_err();
    assert_eq!((error.verdicts.len(), error.events), (2, 6));
    assert!(matches!(error.reason, Unconfirmed::Refused(_)));
    assert_eq!(it.client.stats().dropped.of(Loss::Unconfirmed), 4);
}

#[test]
fn a_send_ends_when_its_patience_does() {
    let it = watch(test::builder().patience(std::time::Duration::from_millis(30)));
    it.collected.go_down();
    let error = it.client.send_blocking([numbered(0)]).unwrap_err();
    assert!(error.verdicts.is_empty() && matches!(error.reason, Unconfirmed::Deadline(_)));
    assert_eq!(it.client.stats().dropped.of(Loss::Unconfirmed), 1);
}

#[test]
fn times_that_never_end_are_no_reason_to_fail() {
    let ever = std::time::Duration::MAX;
    let builder = test::builder()
        .patience(ever)
        .pause(ever)
        .report_every(ever)
        .linger(ever)
        .grace(ever);
    let it = watch(builder);
    it.client.send_blocking([numbered(0)]).unwrap();
    it.collected.require_key("new");
    it.client.track(numbered(1)).unwrap();
    assert!(it.client.flush_blocking(std::time::Duration::from_millis(50)).is_err());
    assert_eq!(it.client.stats().paused, Some(event_client::Pause::Unauthenticated));
    assert!(it.client.set_key("new"));
    it.client.flush_blocking(ever).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0, 1]);
    it.client.shutdown_blocking(ever).unwrap();
}
