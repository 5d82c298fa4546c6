//! Cells that were counted before give the very answer that the events give, and no registry lets
//! a number through that a cell could not hold.

#![allow(clippy::unwrap_used)]

use std::cell::Cell as Counter;

use event_core::aggregate::{Cells, Observation, Part, Projection, Tally, stretches};
use event_core::metric::Metric;
use event_core::policy::{Action, Policy, Storage};
use event_core::registry::{Definition, Keep, Registry};
use event_core::{Answer, Code, Event, EventType, Label, Query, Schema, Timestamp, answer, arbitrary};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Events of which two in three are of the metric's type, and half are moved into the range of the
/// question, if it has two ends.
fn retyped(events: Vec<Event>, metric: &Metric, range: Option<(Timestamp, Timestamp)>) -> Vec<Event> {
    let retyped = events.into_iter().enumerate().map(|(at, event)| {
        let mut envelope = event.envelope().clone();
        if at % 3 != 2 {
            envelope.event_type = metric.event_type().clone();
        }
        if let Some((from, to)) = range.filter(|(from, to)| from < to && at % 2 == 0) {
            let length = to.as_micros() - from.as_micros();
            envelope.occurred_at = from.saturating_add_micros(envelope.occurred_at.as_micros() % length);
        }
        Event::from_parts(envelope, event.payload().clone(), event.flags(), event.content_hash())
    });
    retyped.collect()
}

fn is_of(metric: &Metric, event: &Event) -> bool {
    event.envelope().event_type == *metric.event_type()
}

/// The cells of a metric, made in two parts.
fn counted(metric: &Metric, events: &[Event]) -> Cells {
    let (mut cells, mut others) = (Cells::new(), Cells::new());
    for (at, event) in events.iter().enumerate().filter(|(_, event)| is_of(metric, event)) {
        let part = if at % 2 == 0 { &mut cells } else { &mut others };
        part.add(&Observation::of(metric, event.envelope(), event.payload()));
    }
    cells.merge(others);
    cells
}

/// Answers from cells where they can be used, and says how many there were of each level.
fn from_cells(projection: &Projection, query: &Query, metric: &Metric, events: &[Event]) -> (Answer, [u32; 3]) {
    let cells = counted(metric, events);
    let mut tally = Tally::new(query).unwrap();
    // Other types have no metric.
    events
        .iter()
        .filter(|event| !is_of(metric, event))
        .for_each(|event| tally.add(event));
    let granule = query.bucket.map(|bucket| bucket.granule(query.from, query.to));
    let mut used = [0; 3];
    for stretch in stretches(query.from, query.to, granule) {
        let inside = |at: Timestamp| stretch.from.is_none_or(|from| from <= at) && stretch.to.is_none_or(|to| at < to);
        match stretch.part {
            Part::Rows => events
                .iter()
                .filter(|event| is_of(metric, event) && inside(event.envelope().occurred_at))
                .for_each(|event| tally.add(event)),
            Part::Cells(level) if metric.sketches(query) => {
                for (key, sketch) in cells.sketches().filter(|(key, _)| key.level == level && inside(key.at)) {
                    if let Some(group) = projection.project(&key.group) {
                        tally.add_sketch(key.at, &group, sketch);
                        used[level as usize] += 1;
                    }
                }
            }
            Part::Cells(level) => {
                for (key, cell) in cells.iter().filter(|(key, _)| key.level == level && inside(key.at)) {
                    if let Some(group) = projection.project(&key.group) {
                        tally.add_cell(key.at, group, &cell.summary(key.exponent).unwrap());
                        used[level as usize] += 1;
                    }
                }
            }
        }
    }
    (tally.answer().unwrap(), used)
}

/// Runs the law on some cases; how often the metric covered the question, how often cells were
/// used, and how many of each level.
fn law(cases: u32, questions: impl Strategy<Value = (Metric, Query)>) -> (u32, u32, [u32; 3]) {
    let (covered, used, levels) = (Counter::new(0), Counter::new(0), Counter::new([0; 3]));
    let mut runner = TestRunner::new(Config {
        source_file: Some(file!()),
        ..Config::with_cases(cases)
    });
    let given = (questions, arbitrary::events(30));
    let result = runner.run(&given, |((metric, query), events)| {
        let events = retyped(events, &metric, query.from.zip(query.to));
        let Some(projection) = Projection::new(&metric, &query) else {
            return Ok(());
        };
        covered.set(covered.get() + 1);
        let (counted, cells) = from_cells(&projection, &query, &metric, &events);
        used.set(used.get() + u32::from(cells != [0; 3]));
        levels.set(std::array::from_fn(|level| levels.get()[level] + cells[level]));
        if counted == answer(&query, &events).unwrap() {
            Ok(())
        } else {
            Err(TestCaseError::fail(format!("{counted:?}")))
        }
    });
    result.unwrap();
    (covered.get(), used.get(), levels.get())
}

#[test]
fn cells_answer_as_their_events_do() {
    let covered = arbitrary::metric().prop_flat_map(|metric| {
        let query = arbitrary::covered_query(&metric);
        query.prop_map(move |query| (metric.clone(), query))
    });
    let (covered, used, levels) = law(512, covered);
    println!("covered: {covered} of 512 questions, answered from cells: {used}, by level: {levels:?}");
    assert_eq!(covered, 512);
    assert!(used > 512 / 4, "cells were used only {used} times");
    assert!(levels.iter().all(|cells| *cells > 20), "{levels:?}");
}

#[test]
fn cells_answer_any_question_that_happens_to_be_covered() {
    let (covered, used, levels) = law(512, (arbitrary::metric(), arbitrary::query()));
    println!("covered: {covered} of 512 questions, answered from cells: {used}, by level: {levels:?}");
    assert!(covered > 8 && used > 4, "{covered} covered, {used} used");
}

proptest! {
    #[test]
    fn cells_are_the_same_in_whatever_order_events_come(metric in arbitrary::metric(), events in arbitrary::events(30)) {
        let events = retyped(events, &metric, None);
        let reversed: Vec<Event> = events.iter().rev().cloned().collect();
        prop_assert_eq!(counted(&metric, &events), counted(&metric, &reversed));
    }
}

fn sales(rest: &str) -> Metric {
    let text = format!(r#"{{"metric":"sales","category":"order","name":"created"{rest}}}"#);
    serde_json::from_str(&text).unwrap()
}

fn order(value: &str) -> Event {
    let source = event_core::Source::new("shop").unwrap();
    let reception = event_core::event::Reception {
        received_at: Timestamp::MIN,
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: event_core::Limits::default(),
        new_id: &|| event_core::EventId::new("made-here").unwrap(),
    };
    let text = format!(r#"{{"category":"order","name":"created","data":{{"total":{value}}}}}"#);
    Event::from_slice(text.as_bytes(), &reception).unwrap()
}

fn registry(policy: Option<Action>) -> Registry {
    let mut registry = Registry::default();
    registry.set_metrics([sales(r#","value":"/total","scale":2"#)]);
    if let Some(on_violation) = policy {
        let schema = Schema::compile(&serde_json::json!({"properties": {"total": {"maximum": 10}}})).unwrap();
        let definition = Definition {
            schema: Some(schema),
            policy: Policy {
                on_violation,
                ..Policy::default()
            },
            ..Definition::default()
        };
        let event_type = EventType::new("order", "created").unwrap();
        registry.insert(event_type, Label::new("1").unwrap(), definition);
    }
    registry
}

#[test]
fn a_number_that_no_cell_holds_is_refused_whatever_the_policy() {
    for (policy, value, code, keep, keywords) in [
        (
            None,
            "0.001",
            Code::MeasureOutOfRange,
            Keep::Quarantine,
            vec!["measure_out_of_range"],
        ),
        (
            Some(Action::Warn),
            "0.001",
            Code::MeasureOutOfRange,
            Keep::Quarantine,
            vec!["measure_out_of_range"],
        ),
        (
            Some(Action::Quarantine),
            "1e16",
            Code::SchemaViolation,
            Keep::Quarantine,
            vec!["maximum", "measure_out_of_range"],
        ),
        (
            Some(Action::Warn),
            "1e16",
            Code::MeasureOutOfRange,
            Keep::Quarantine,
            vec!["maximum", "measure_out_of_range"],
        ),
        (
            Some(Action::Reject),
            "0.001",
            Code::MeasureOutOfRange,
            Keep::Nothing,
            vec!["measure_out_of_range"],
        ),
    ] {
        let refused = registry(policy).validate(order(value), Timestamp::MIN).unwrap_err();
        let broken: Vec<&str> = refused
            .refusal
            .violations
            .iter()
            .map(|broken| broken.keyword.as_str())
            .collect();
        assert_eq!(
            (refused.refusal.code, refused.keep, broken),
            (code, keep, keywords),
            "{policy:?} {value}"
        );
        assert!(
            refused
                .refusal
                .violations
                .iter()
                .all(|broken| broken.pointer == "/total")
        );
    }
    for policy in [None, Some(Action::Warn), Some(Action::Reject)] {
        for value in ["9.99", "null", "\"0.001\""] {
            assert!(
                registry(policy).validate(order(value), Timestamp::MIN).is_ok(),
                "{value}"
            );
        }
    }
    // A warning stays one where the cell holds the number.
    let warned = registry(Some(Action::Warn))
        .validate(order("11"), Timestamp::MIN)
        .unwrap();
    assert_eq!(warned.violations().len(), 1);
}

#[test]
fn a_registry_knows_the_metrics_of_a_type() {
    let mut registry = registry(None);
    let created = EventType::new("order", "created").unwrap();
    let labels = |registry: &Registry| -> Vec<String> {
        registry
            .metrics(&created)
            .iter()
            .map(|metric| metric.label().to_string())
            .collect()
    };
    assert_eq!(labels(&registry), ["sales"]);
    let other: Metric = serde_json::from_str(r#"{"metric":"count","category":"order","name":"created"}"#).unwrap();
    registry.set_metrics([sales(""), other, sales(r#","by":["subject"]"#)]);
    assert_eq!(labels(&registry), ["count", "sales"]);
    assert_eq!(registry.metrics(&created)[1].by().len(), 1);
    assert!(registry.metrics(&EventType::new("order", "paid").unwrap()).is_empty());
    registry.set_metrics([]);
    assert!(registry.metrics(&created).is_empty() && registry.validate(order("0.001"), Timestamp::MIN).is_ok());
}

#[test]
fn a_registry_knows_what_is_kept() {
    let mut registry = Registry::default();
    let created = EventType::new("order", "created").unwrap();
    assert_eq!(registry.storage(&created, None), Storage::Events);
    let policy = Policy {
        storage: Storage::CountsOnly,
        ..Policy::default()
    };
    registry.insert(created.clone(), Label::new("1").unwrap(), Definition::default());
    let counted = Definition {
        policy,
        ..Definition::default()
    };
    registry.insert(created.clone(), Label::new("2").unwrap(), counted);
    assert_eq!(registry.storage(&created, None), Storage::CountsOnly);
    assert_eq!(
        registry.storage(&created, Some(&Label::new("1").unwrap())),
        Storage::Events
    );
    assert_eq!(
        registry.storage(&created, Some(&Label::new("3").unwrap())),
        Storage::Events
    );
}
