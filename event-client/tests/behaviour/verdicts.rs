//! One verdict an event: counted, told, and never doubled.

use std::sync::{Arc, Mutex};

use event_client::test;
use event_core::verdict::Status;
use event_core::{Code, Event};

use crate::watch::{LONG, number, numbered, numbers, watch, watched};

#[test]
fn every_kind_of_verdict_is_counted() {
    let it = watched();
    it.collected
        .refuse(Status::Quarantined, Code::SchemaViolation, |event| number(event) == 1);
    it.collected
        .refuse(Status::Rejected, Code::UnknownType, |event| number(event) == 2);
    it.client.track(numbered(0).id("a")).unwrap();
    it.client.track(numbered(1)).unwrap();
    it.client.track(numbered(2)).unwrap();
    it.client.track(numbered(3).id("a")).unwrap();
    it.client.flush_blocking(LONG).unwrap();
    it.client.flush_blocking(LONG).unwrap();
    let stats = it.client.stats();
    assert_eq!((stats.stored, stats.duplicate, stats.conflict), (1, 0, 1));
    assert_eq!((stats.quarantined, stats.rejected, stats.dropped.total()), (1, 1, 0));
    assert_eq!(numbers(&it.collected.events()), [0]);
}

#[test]
fn the_same_event_sent_twice_is_stored_once() {
    let it = watched();
    let event = || numbered(0).id("a").occurred_at(event_core::Timestamp::MIN);
    let verdicts = it.client.send_blocking([event(), event()]).unwrap();
    assert_eq!(
        verdicts.iter().map(|verdict| verdict.status).collect::<Vec<_>>(),
        [Status::Stored, Status::Duplicate]
    );
    assert_eq!((it.client.stats().stored, it.client.stats().duplicate), (1, 1));
}

#[test]
fn the_application_is_told_of_what_is_not_stored() {
    type Told = Vec<(String, Status, Option<Code>)>;
    let told: Arc<Mutex<Told>> = Arc::default();
    let theirs = Arc::clone(&told);
    let it = watch(test::builder().on_unstored(move |unstored| {
        let verdict = unstored.verdict;
        theirs
            .lock()
            .unwrap()
            .push((unstored.event.to_owned(), verdict.status, verdict.code));
    }));
    it.collected
        .refuse(Status::Quarantined, Code::SchemaViolation, |event| number(event) == 1);
    for number in 0..3 {
        it.client.track(numbered(number)).unwrap();
    }
    it.client.flush_blocking(LONG).unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1);
    let (event, status, code) = &told[0];
    assert!(
        event.contains(r#""data":{"number":1}"#) && !event.ends_with('\n'),
        "{event}"
    );
    assert_eq!((*status, *code), (Status::Quarantined, Some(Code::SchemaViolation)));
}

#[test]
fn a_callback_that_panics_harms_nobody() {
    let it = watch(
        test::builder()
            .batch_events(2)
            .on_unstored(|_| panic!("the application's own")),
    );
    it.collected.refuse(Status::Rejected, Code::UnknownType, |event| {
        number(event).is_multiple_of(2)
    });
    for number in 0..10 {
        it.client.track(numbered(number)).unwrap();
    }
    assert_eq!(numbers(&it.collected.events()), [1, 3, 5, 7, 9]);
    let stats = it.client.stats();
    assert_eq!((stats.rejected, stats.stored, stats.waiting()), (5, 5, 0));
}

#[test]
fn verdicts_of_a_send_come_in_order_with_those_of_this_process() {
    let it = watch(test::builder().batch_events(2));
    it.collected
        .refuse(Status::Quarantined, Code::SchemaViolation, |event| number(event) == 3);
    let invalid = || Event::builder("", "created");
    let events = [
        numbered(0),
        invalid(),
        numbered(1),
        numbered(2),
        numbered(3),
        invalid(),
        numbered(4),
    ];
    let verdicts = it.client.send_blocking(events).unwrap();
    let statuses: Vec<Status> = verdicts.iter().map(|verdict| verdict.status).collect();
    let (stored, quarantined, rejected) = (Status::Stored, Status::Quarantined, Status::Rejected);
    assert_eq!(
        statuses,
        [stored, rejected, stored, stored, quarantined, rejected, stored]
    );
    assert_eq!(it.client.stats().dropped.of(event_client::Loss::Invalid), 2);
}

#[test]
fn an_answer_with_too_few_verdicts_is_no_answer() {
    let it = watch(test::builder().linger(LONG));
    it.collected.cut_next_answer();
    for number in 0..3 {
        it.client.track(numbered(number)).unwrap();
    }
    assert_eq!(numbers(&it.collected.events()), [0, 1, 2]);
    let stats = it.client.stats();
    assert_eq!((stats.stored, stats.duplicate, stats.retries), (0, 3, 1));
    assert_eq!(it.collected.requests(), [3, 3]);
}

#[test]
fn an_answer_that_is_lost_doubles_nothing() {
    let it = watched();
    it.collected.lose_next_answer();
    it.client.track(numbered(0)).unwrap();
    assert_eq!(numbers(&it.collected.events()), [0]);
    assert_eq!((it.client.stats().stored, it.client.stats().duplicate), (0, 1));
    it.collected.lose_next_answer();
    let verdicts = it.client.send_blocking([numbered(1)]).unwrap();
    assert_eq!(verdicts[0].status, Status::Duplicate);
    assert_eq!(numbers(&it.collected.events()), [0, 1]);
}
