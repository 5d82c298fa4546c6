//! What is lost is told to the collector, once.

use std::collections::HashSet;
use std::time::Duration;

use event_client::test;
use event_client::test::Collected;
use event_core::Event;

use crate::watch::{LONG, numbered, until, watch, watched};

fn told(collected: &Collected) -> Vec<(String, u64)> {
    let reports = collected.losses();
    let lines = reports.iter().flat_map(|report| &report.losses);
    lines
        .map(|loss| (loss.reason.as_str().to_owned(), loss.events))
        .collect()
}

#[test]
fn losses_are_told_by_their_reason() {
    let it = watch(
        test::builder()
            .report_every(Duration::from_millis(5))
            .linger(LONG * 10)
            .queue_events(2),
    );
    assert!(it.client.track(Event::builder("", "created")).is_err());
    for number in 0..5 {
        let _ = it.client.track(numbered(number));
    }
    until("told", || {
        it.collected
            .losses()
            .iter()
            .flat_map(|report| &report.losses)
            .map(|loss| loss.events)
            .sum::<u64>()
            == 4
    });
    std::thread::sleep(Duration::from_millis(30));
    let mut lines = told(&it.collected);
    lines.sort();
    assert_eq!(
        lines
            .iter()
            .filter(|(reason, _)| reason == "invalid")
            .map(|(_, events)| events)
            .sum::<u64>(),
        1
    );
    assert_eq!(
        lines
            .iter()
            .filter(|(reason, _)| reason == "queue_full")
            .map(|(_, events)| events)
            .sum::<u64>(),
        3
    );
    let reports = it.collected.losses();
    assert_eq!(it.collected.loss_reports(), reports.len());
    assert!(reports.iter().all(|report| report.source.as_str() == "test"));
}

#[test]
fn a_report_whose_answer_is_lost_is_sent_again_under_its_id() {
    let it = watch(test::builder().report_every(Duration::from_millis(5)));
    it.collected.lose_next_report();
    it.collected.lose_next_report();
    assert!(it.client.track(Event::builder("", "created")).is_err());
    it.client.track(numbered(0)).unwrap();
    until("sent again", || it.collected.loss_reports() == 3);
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(it.collected.loss_reports(), 3);
    assert_eq!(told(&it.collected), [("invalid".to_owned(), 1)]);
}

#[test]
fn the_last_losses_are_told_at_the_end_with_those_before() {
    let it = watch(
        test::builder()
            .report_every(Duration::from_millis(5))
            .linger(LONG * 10)
            .queue_events(1),
    );
    it.collected.lose_next_report();
    assert!(it.client.track(Event::builder("", "created")).is_err());
    it.client.track(numbered(0)).unwrap();
    until("a report", || it.collected.loss_reports() > 0);
    assert!(it.client.track(numbered(1)).is_err());
    it.client.shutdown_blocking(LONG).unwrap();
    let reports = it.collected.losses();
    let ids: HashSet<&str> = reports.iter().map(|report| report.id.as_str()).collect();
    assert_eq!(ids.len(), reports.len());
    assert_eq!(
        told(&it.collected),
        [("invalid".to_owned(), 1), ("queue_full".to_owned(), 1)]
    );
}

#[test]
fn a_report_that_waits_does_not_keep_the_last_losses_back() {
    let it = watched();
    // The report goes out at the end only; its first answer is lost, and there is no second try.
    it.collected.answer_next(500);
    assert!(it.client.track(Event::builder("", "created")).is_err());
    it.client.track(numbered(0)).unwrap();
    it.client.shutdown_blocking(LONG).unwrap();
    assert_eq!(told(&it.collected), [("invalid".to_owned(), 1)]);
}

#[test]
fn an_outage_is_told_of_when_it_is_over() {
    let it = watch(
        test::builder()
            .report_every(Duration::from_millis(5))
            .queue_events(3)
            .batch_events(1),
    );
    it.collected.go_down();
    for number in 0..20 {
        let _ = it.client.track(numbered(number));
    }
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(it.collected.losses(), []);
    it.collected.come_up();
    let lost = it.client.stats().dropped.total();
    assert!(lost >= 16, "{lost}");
    until("told", || {
        told(&it.collected).iter().map(|(_, events)| events).sum::<u64>() == lost
    });
}
