//! Questions over many rows: from cells, from rows, and by an expert's hand.

use std::time::{Duration, Instant};

use event_benches::backend::Backend;
use event_benches::events::valid;
use event_benches::orders::Orders;
use event_benches::rounds::{Contender, measure as compare};
use event_core::aggregate::Origin;
use event_core::metric::Metric;
use event_core::{Answer, Query};
use event_store::EventStore;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement};
use tokio::runtime::Runtime;

use crate::append::{check, sales};
use crate::options::Options;
use crate::question::{Question, questions};
use crate::reading::Reader;
use event_benches::table::Table;

/// The events lie in so many microseconds: 36 days.
const SPAN: i64 = 36 * 86_400_000_000;
/// Events of one customer, about.
const EACH: usize = 500;
const BATCH: usize = 4_000;
/// So long each of them asks in a round, once at the least.
const ROUND: Duration = Duration::from_millis(100);

/// What is counted beside the orders' totals by customer: those of all together.
fn totals() -> Metric {
    let text = r#"{"metric":"totals","category":"order","name":"created","value":"/total","scale":2}"#;
    serde_json::from_str(text).unwrap()
}

pub(crate) fn measure(runtime: &Runtime, backend: &Backend, options: &Options, show: &mut dyn FnMut(Table)) {
    runtime.block_on(backend.clean());
    let (rows, counted) = ["bench_rows_", "bench_cells_"]
        .map(|prefix| runtime.block_on(backend.store(prefix)))
        .into();
    for metric in [sales(), totals()] {
        runtime.block_on(counted.declare(metric)).unwrap();
    }
    let step = SPAN / i64::try_from(options.rows).unwrap();
    let mut events = Orders::new((options.rows / EACH).max(10), step);
    let mut left = options.rows;
    while left > 0 {
        let batch = valid(&events.texts(BATCH.min(left)));
        left -= batch.len();
        // The same events in both, so that the answers are the same.
        for store in [&rows, &counted] {
            check(&runtime.block_on(store.append(batch.clone())).unwrap());
        }
    }
    for prefix in ["bench_rows_", "bench_cells_"] {
        runtime.block_on(backend.analyze(prefix));
    }
    let db = runtime.block_on(backend.connection("bench_rows_"));
    let forgetful = event_store::Options::new().remembered_bytes(0);
    let forgetful = runtime.block_on(backend.store_with("bench_cells_", forgetful));
    let reader = Reader {
        runtime,
        backend,
        store: &counted,
        db: &runtime.block_on(backend.connection("bench_cells_")),
        prefix: "bench_cells_",
        rows: options.rows,
        step,
    };
    show(reader.measure(options.run.rounds));
    for question in questions(backend, "bench_rows_") {
        let expert = backend.statement(&question.sql, question.values.clone());
        let nothing = backend.statement("SELECT 1", Vec::new());
        let numbers: Vec<i64> = runtime
            .block_on(ask(db.clone(), expert.clone()))
            .iter()
            .map(number)
            .collect();
        let answer = |store: &EventStore| runtime.block_on(store.answer(&question.query)).unwrap();
        equal(&numbers, &answer(&rows), &answer(&counted), &question);
        let by_hand = |statement: Statement| {
            let db = db.clone();
            move || {
                let (db, statement) = (db.clone(), statement.clone());
                often(runtime, move || ask(db.clone(), statement.clone()))
            }
        };
        let asked = |store: &EventStore| {
            let (store, query): (EventStore, Query) = (store.clone(), question.query.clone());
            move || {
                let (store, query) = (store.clone(), query.clone());
                often(runtime, move || {
                    let (store, query) = (store.clone(), query.clone());
                    async move { store.answer(&query).await.unwrap() }
                })
            }
        };
        let measured = compare(
            options.run.rounds,
            vec![
                Contender {
                    name: "expert",
                    work: Box::new(by_hand(expert)),
                },
                Contender {
                    name: "rows",
                    work: Box::new(asked(&rows)),
                },
                Contender {
                    name: "cells",
                    work: Box::new(asked(&counted)),
                },
                Contender {
                    name: "cells, none in memory",
                    work: Box::new(asked(&forgetful)),
                },
                Contender {
                    name: "a way there and back",
                    work: Box::new(by_hand(nothing)),
                },
            ],
        );
        let title = format!("{}, {} rows: {}", backend.name(), options.rows, question.title);
        show(Table::times(title, &measured));
    }
    for store in [rows, counted, forgetful] {
        runtime.block_on(store.close()).unwrap();
    }
}

/// Asks as often as fits into a round, and tells how often that was: in a task of the runtime, as the handlers of a
/// server ask. The main thread is none of the runtime's, and would be woken once more for each answer.
fn often<F>(runtime: &Runtime, ask: impl Fn() -> F + Send + 'static) -> usize
where
    F: Future<Output: Send> + Send,
{
    let asking = async move {
        let started = Instant::now();
        let mut times = 0;
        while times == 0 || started.elapsed() < ROUND {
            drop(ask().await);
            times += 1;
        }
        times
    };
    runtime.block_on(runtime.spawn(asking)).unwrap()
}

async fn ask(db: DatabaseConnection, statement: Statement) -> Vec<QueryResult> {
    db.query_all_raw(statement).await.unwrap()
}

/// The number beside a row's key.
fn number(row: &QueryResult) -> i64 {
    row.try_get_by_index(1).unwrap()
}

/// That all three say the same.
fn equal(expert: &[i64], rows: &Answer, cells: &Answer, question: &Question) {
    assert_eq!(
        (rows.source, cells.source),
        (Origin::Rows, Origin::Cells),
        "{}",
        question.title
    );
    assert_eq!(rows.rows, cells.rows, "{}", question.title);
    let digits = if question.sums { 2 } else { 0 };
    let values = rows.rows.iter().filter_map(|row| {
        let text = row.value.as_ref()?.to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        format!("{whole}{part:0<digits$}").parse::<i64>().ok()
    });
    // SQL has no rows for what is empty; the store has no more than five and the rest.
    let values: Vec<i64> = values.filter(|value| *value != 0).take(expert.len()).collect();
    assert!(!expert.is_empty(), "{} asks for nothing", question.title);
    assert_eq!(values, expert, "{}", question.title);
}
