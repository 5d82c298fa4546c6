//! A frame answers what the events that it was made of answer.

#![allow(clippy::unwrap_used)]

use event_core::filter::{Field, Found};
use event_core::frame::{Frame, FrameError};
use event_core::json::Number;
use event_core::query::QueryError;
use event_core::{Event, Query, Timestamp, answer, arbitrary};
use proptest::prelude::*;

fn query(question: &str) -> Query {
    Query::from_json(question.as_bytes()).unwrap()
}

fn frame<'a>(query: &Query, events: impl IntoIterator<Item = &'a Event>) -> Frame {
    let mut frame = Frame::of(query);
    events.into_iter().for_each(|event| frame.add(event));
    frame
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn its_answer_is_that_of_the_events(query in arbitrary::query(), events in arbitrary::events(30)) {
        let frame = frame(&query, &events);
        prop_assert_eq!(frame.len(), events.len());
        prop_assert_eq!(frame.answer(&query).unwrap(), answer(&query, &events).unwrap());
    }

    #[test]
    fn parts_become_the_whole(query in arbitrary::query(), events in arbitrary::events(30), at in any::<prop::sample::Index>()) {
        let (some, others) = events.split_at(at.index(events.len() + 1));
        let mut whole = frame(&query, some);
        let others = frame(&query, others);
        let mut tally = whole.tally(&query).unwrap();
        tally.merge(others.tally(&query).unwrap());
        whole.append(others).unwrap();
        let mut parts = whole.tally_part(&query, 0..some.len()).unwrap();
        parts.merge(whole.tally_part(&query, some.len()..events.len()).unwrap());
        prop_assert_eq!(tally.answer().unwrap(), answer(&query, &events).unwrap());
        prop_assert_eq!(parts.answer().unwrap(), answer(&query, &events).unwrap());
        prop_assert_eq!(whole.answer(&query).unwrap(), answer(&query, &events).unwrap());
    }
}

/// Orders of two days, one a minute: customer, province and total, some of which are not there, or no numbers.
fn orders(count: u32) -> (Vec<Timestamp>, Vec<[Option<Found<'static>>; 3]>) {
    let first: Timestamp = "2026-03-28T12:00:00Z".parse().unwrap();
    let at = |number: u32| first.saturating_add_micros(i64::from(number * 37 % 2880) * 60_000_000);
    let row = |number: u32| {
        let mantissa = i64::from(number * 7919 % 100_003) - 50_000;
        let exponent = if number.is_multiple_of(3) { -1 } else { -2 };
        [
            Number::from_parts(i64::from(number * 31 % 1009), 0).map(Found::Number),
            (!number.is_multiple_of(11)).then(|| Found::Text(["Bern", "Ohio", "Zürich"][number as usize % 3])),
            (!number.is_multiple_of(13))
                .then(|| Number::from_parts(mantissa, exponent).map(Found::Number))
                .flatten(),
        ]
    };
    ((0..count).map(at).collect(), (0..count).map(row).collect())
}

const FIELDS: [&str; 3] = ["/customer", "/province", "/total"];

fn fields() -> [Field; 3] {
    FIELDS.map(|field| field.parse().unwrap())
}

/// Both answers to each question over the same rows.
fn compare(at: &[Timestamp], rows: &[[Option<Found<'_>>; 3]]) {
    let mut frame = Frame::new(fields());
    for (at, row) in at.iter().zip(rows) {
        frame.add_found(*at, |place, _| row[place]);
    }
    for question in QUESTIONS {
        let query = query(question);
        let mut tally = event_core::aggregate::Tally::new(&query).unwrap();
        for (at, row) in at.iter().zip(rows) {
            tally.add_found(*at, |_, field| {
                row[fields().iter().position(|known| known == field).unwrap()]
            });
        }
        assert_eq!(
            frame.answer(&query),
            tally.answer().map_err(FrameError::Query),
            "{question}"
        );
    }
}

const QUESTIONS: [&str; 17] = [
    r#"{"filter": {"all": [{"field": "/total", "in": [-499.98, -500, 9.5, null]}]}, "by": "/total"}"#,
    r#"{"measure": "p50:/customer", "filter": {"all": [{"field": "/customer", "equals": 31}]}, "by": "/customer"}"#,
    r#"{"measure": "unique:/total", "by": ["/customer", "/total"], "top": 7}"#,
    r#"{"bucket": "hour"}"#,
    r#"{"bucket": "minute", "by": ["/customer", "/province"], "top": 20}"#,
    r#"{"measure": "sum:/total", "bucket": "day", "zone": "Europe/Berlin"}"#,
    r#"{"measure": "sum:/total", "by": "/customer", "top": 5}"#,
    r#"{"measure": "average:/total", "by": "/province", "bucket": "week"}"#,
    r#"{"measure": "minimum:/total", "by": "/province", "bucket": "month"}"#,
    r#"{"measure": "maximum:/total", "bucket": "hour", "zone": "Australia/Lord_Howe"}"#,
    r#"{"measure": "unique:/customer", "by": "/province", "bucket": "hour"}"#,
    r#"{"measure": "about_unique:/customer", "bucket": "day"}"#,
    r#"{"measure": "p90:/total", "by": "/province"}"#,
    r#"{"measure": "sum:/province", "by": "/total", "top": 3}"#,
    r#"{"from": "2026-03-29", "to": "2026-03-29T01:02:03Z", "bucket": "hour", "by": "/province"}"#,
    r#"{"measure": "sum:/total", "filter": {"all": [{"field": "/total", "from": -12.34, "to": 99.9}, {"field": "/province", "in": ["Bern", null]}]}}"#,
    r#"{"bucket": "day", "filter": {"all": [{"field": "/customer", "equals": 7}, {"field": "/province", "contains": "ü"}, {"field": "/total", "from": "a"}]}}"#,
];

#[test]
fn many_rows_have_the_same_answer() {
    let (at, rows) = orders(10_000);
    compare(&at, &rows);
}

#[test]
fn a_text_among_numbers_changes_no_answer() {
    let (mut at, mut rows) = orders(5_000);
    at.push(at[0]);
    rows.push([
        Some(Found::Bool(true)),
        Some(Found::Number(Number::Int(5))),
        Some(Found::Text("none")),
    ]);
    // Beyond what 64 bits hold at the scale of the others.
    at.push(at[1]);
    rows.push([None, None, Number::from_f64(1e300).map(Found::Number)]);
    compare(&at, &rows);
}

#[test]
fn a_field_that_it_has_not_is_named() {
    let frame = Frame::new([Field::Subject, Field::Subject]);
    assert_eq!(frame.fields(), [Field::Subject]);
    for question in [
        r#"{"by": "/province"}"#,
        r#"{"measure": "sum:/province"}"#,
        r#"{"filter": {"all": [{"field": "/province", "equals": 1}]}}"#,
    ] {
        let error = frame.answer(&query(question)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the frame has no column for /province: name it when the frame is made"
        );
    }
    let wrong = query("{}").top(0);
    assert_eq!(frame.answer(&wrong), Err(FrameError::Query(QueryError::InvalidLimit)));
}

#[test]
fn only_frames_of_the_same_fields_become_one() {
    let mut frame = Frame::new([Field::Subject, Field::Name]);
    for others in [vec![], vec![Field::Subject], vec![Field::Name, Field::Subject]] {
        let mut other = Frame::new(others);
        other.add_found(Timestamp::MIN, |_, _| None);
        assert_eq!(frame.append(other), Err(FrameError::OtherFields));
        assert!(frame.is_empty());
    }
}

#[test]
fn an_answer_that_is_too_large_is_not_given() {
    let mut frame = Frame::new([]);
    frame.add_found("1970-01-01".parse().unwrap(), |_, _| None);
    frame.add_found("2026-01-01".parse().unwrap(), |_, _| None);
    let (at, rows) = orders(40_000);
    let mut many = Frame::new(fields());
    for number in 0..30 {
        for (at, row) in at.iter().zip(&rows) {
            let number = Number::from_parts(i64::from(number), 0).map(Found::Number);
            many.add_found(*at, |place, _| if place == 1 { number } else { row[place] });
        }
    }
    let groups = query(r#"{"by": ["/customer", "/province", "/total"]}"#);
    assert_eq!(many.answer(&groups), Err(FrameError::Query(QueryError::RangeTooLarge)));
    let minutes = query(r#"{"bucket": "minute"}"#);
    assert_eq!(
        frame.answer(&minutes),
        Err(FrameError::Query(QueryError::RangeTooLarge))
    );
    // What is not asked for does not count.
    let some = query(r#"{"bucket": "minute", "from": "2025-12-31"}"#);
    assert_eq!(frame.answer(&some).unwrap().rows.len(), 1441);
}
