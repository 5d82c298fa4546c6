//! The law with metrics: the answer from cells is the answer of the fold in memory, on any events,
//! any metrics and any question; and cells are what a recount says, on every database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

#[allow(dead_code)] // The tests of the store use more of it.
#[path = "store/disk.rs"]
mod disk;

use std::sync::atomic::{AtomicU32, Ordering};

use disk::Disk;
use event_core::aggregate::Origin;
use event_core::event::Reception;
use event_core::metric::Metric;
use event_core::verdict::Status;
use event_core::{Answer, Event, Label, Limits, Query, Registry, Timestamp, ValidEvent, arbitrary};
use event_store::{Error, EventStore, PrunedCells, Repair};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Cases in one run; each makes and fills tables of its own, which takes a server a while.
const CASES: u32 = 24;

/// Events, how many of them come before the metrics, the metrics, and questions.
#[derive(Clone, Debug)]
struct Case {
    events: Vec<Event>,
    before: usize,
    metrics: Vec<Metric>,
    queries: Vec<Query>,
}

fn named(metric: &Metric, number: usize) -> Metric {
    let label = Label::new(format!("metric {number}")).unwrap();
    let (value, by) = (metric.value().cloned(), metric.by().to_vec());
    let named = Metric::new(label, metric.event_type().clone(), value, metric.scale(), by).unwrap();
    match metric.unique() {
        Some(field) => named.with_unique(field.clone()).unwrap(),
        None => named,
    }
}

/// The event as one of the metric's type, so that there is something to count.
fn of_type(event: &Event, metric: &Metric) -> Event {
    let mut envelope = event.envelope().clone();
    envelope.event_type = metric.event_type().clone();
    let mut json = serde_json::to_value(event).unwrap();
    json["category"] = envelope.event_type.category.as_str().into();
    json["name"] = envelope.event_type.name.as_str().into();
    let reception = Reception {
        received_at: Timestamp::MAX,
        source: &envelope.source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| unreachable!("the event has an id"),
    };
    Event::from_slice(json.to_string().as_bytes(), &reception).unwrap()
}

fn case() -> impl Strategy<Value = Case> {
    proptest::collection::vec(arbitrary::metric(), 1..3).prop_flat_map(|metrics| {
        let metrics: Vec<Metric> = metrics
            .iter()
            .enumerate()
            .map(|(number, metric)| named(metric, number))
            .collect();
        let covered: Vec<_> = metrics
            .iter()
            .map(|metric| proptest::collection::vec(arbitrary::covered_query(metric), 4))
            .collect();
        let event = (arbitrary::event(), 0..metrics.len() * 2);
        let of = metrics.clone();
        let event = event.prop_map(move |(event, which)| match of.get(which) {
            Some(metric) => of_type(&event, metric),
            None => event,
        });
        (
            proptest::collection::vec(event, 0..50),
            0..50_usize,
            Just(metrics),
            covered,
            proptest::collection::vec(arbitrary::query(), 2),
        )
            .prop_map(|(events, before, metrics, covered, mut queries)| {
                queries.extend(covered.into_iter().flatten());
                Case {
                    before: before.min(events.len()),
                    events,
                    metrics,
                    queries,
                }
            })
    })
}

/// Stores events, and answers those whose ids were free.
async fn store(store: &EventStore, events: &[Event]) -> Vec<Event> {
    let valid = |event: &Event| -> ValidEvent { Registry::default().validate(event.clone(), Timestamp::MAX).unwrap() };
    let verdicts = store.append(events.iter().map(valid).collect()).await.unwrap();
    let stored = events.iter().zip(verdicts);
    stored
        .filter(|(_, verdict)| verdict.status == Status::Stored)
        .map(|(event, _)| event.clone())
        .collect()
}

/// Answers are those of the fold; where they came from.
async fn compare(store: &EventStore, case: &Case, kept: &[Event]) -> Result<Counts, TestCaseError> {
    let mut counts = Counts::default();
    for query in &case.queries {
        let expected = event_core::answer(query, kept).map(|answer| answer.rows);
        let found = match store.answer(query).await {
            Ok(Answer { rows, source, .. }) => {
                let sketched = case.metrics.iter().any(|metric| metric.sketches(query));
                counts.from_cells += u32::from(source == Origin::Cells);
                counts.from_sketches += u32::from(source == Origin::Cells && sketched);
                Ok(rows)
            }
            Err(Error::Query(error)) => Err(error),
            Err(other) => panic!("{other:?} for {query:?}"),
        };
        prop_assert_eq!(found, expected, "{}", serde_json::to_string(query).unwrap());
    }
    Ok(counts)
}

/// How many answers came from cells, and of these from sketches beside them.
#[derive(Clone, Copy, Default)]
struct Counts {
    from_cells: u32,
    from_sketches: u32,
}

async fn verified(store: &EventStore) -> Result<(), TestCaseError> {
    for verified in store.verify(Repair::Nothing, |_| {}).await.unwrap() {
        prop_assert_eq!(verified.differing, 0, "{:?}", verified.differences);
    }
    Ok(())
}

async fn holds(disk: &Disk, case: &Case) -> Result<Counts, TestCaseError> {
    let events = disk.open().await;
    let mut kept = store(&events, &case.events[..case.before]).await;
    for metric in &case.metrics {
        events.declare(metric.clone()).await.unwrap();
    }
    // While older events are still being counted, and from another store.
    let other = disk.open().await;
    kept.extend(store(&other, &case.events[case.before..]).await);
    for metric in &case.metrics {
        events.backfill(metric.label(), |_| {}).await.unwrap();
    }
    let counts = compare(&events, case, &kept).await?;
    verified(&events).await?;
    // Half of time goes, and its cells with it.
    let mut times: Vec<Timestamp> = kept.iter().map(|event| event.envelope().occurred_at).collect();
    times.sort_unstable();
    if let (Some(middle), Some(metric)) = (times.get(times.len() / 2), case.metrics.first()) {
        let event_type = metric.event_type();
        let pruned = events
            .prune(event_type, *middle, PrunedCells::Drop, |_| {})
            .await
            .unwrap();
        kept.retain(|event| {
            event.envelope().event_type != *event_type || event.envelope().occurred_at >= pruned.before
        });
        compare(&other, case, &kept).await?;
        verified(&other).await?;
    }
    events.close().await.unwrap();
    other.close().await.unwrap();
    Ok(counts)
}

fn law(disk: fn() -> Disk) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (from_cells, from_sketches) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    });
    let result = runner.run(&case(), |case| {
        let found = runtime.block_on(holds(&disk(), &case))?;
        from_cells.fetch_add(found.from_cells, Ordering::Relaxed);
        from_sketches.fetch_add(found.from_sketches, Ordering::Relaxed);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let (from_cells, from_sketches) = (from_cells.into_inner(), from_sketches.into_inner());
    println!("{CASES} cases, {from_cells} answers from cells, {from_sketches} of them from sketches");
    assert!(from_cells > CASES, "hardly anything came from cells");
    assert!(from_sketches > 0, "nothing came from sketches");
}

mod sqlite {
    #[test]
    fn cells_answer_what_the_fold_answers() {
        super::law(super::Disk::sqlite);
    }
}

mod postgres {
    #[test]
    fn cells_answer_what_the_fold_answers() {
        super::law(super::Disk::postgres);
    }
}

mod mysql {
    #[test]
    fn cells_answer_what_the_fold_answers() {
        super::law(super::Disk::mysql);
    }
}
