//! `EventStore::append` beside the ceiling.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use event_benches::backend::Backend;
use event_benches::events::valid;
use event_benches::orders::Orders;
use event_benches::rounds::{Rate, in_turn};
use event_core::metric::Metric;
use event_core::verdict::Status;
use event_core::{Source, ValidEvent, Verdict};
use event_store::{EventStore, Offer, Origin};
use sea_orm::ConnectionTrait as _;
use tokio::runtime::Runtime;

use crate::peer::Peer;
use crate::rows::Finisher;
use crate::writers;
use event_benches::table::Table;

/// Customers, and microseconds between events.
pub(crate) const CUSTOMERS: usize = 5_000;
pub(crate) const STEP: i64 = 1_000;
/// Sizes of batches, and how many of them make a round.
const SIZES: [(usize, usize); 4] = [(1_000, 40), (100, 50), (10, 100), (1, 200)];

/// What is counted where something is counted: the orders' totals by customer.
pub(crate) fn sales() -> Metric {
    let text = r#"{"metric":"sales","category":"order","name":"created","value":"/total","scale":2,"by":["subject"]}"#;
    serde_json::from_str(text).unwrap()
}

/// Batches of events for every round, made ahead.
pub(crate) type Rounds = VecDeque<Vec<Vec<ValidEvent>>>;

/// Events for a warm-up and so many rounds.
pub(crate) fn rounds(events: &mut Orders, rounds: usize, batches: usize, size: usize) -> Rounds {
    let batch = |events: &mut Orders| valid(&events.texts(size));
    (0..=rounds)
        .map(|_| (0..batches).map(|_| batch(events)).collect())
        .collect()
}

/// Fails where a verdict is neither of the two that are meant to come.
pub(crate) fn check(verdicts: &[Verdict]) {
    for verdict in verdicts {
        assert!(
            matches!(verdict.status, Status::Stored | Status::Duplicate),
            "{verdict:?}"
        );
    }
}

pub(crate) fn measure(runtime: &Runtime, backend: &Backend, rounds: usize, show: &mut dyn FnMut(Table)) {
    runtime.block_on(backend.clean());
    let mut setup = Setup {
        runtime,
        peer: runtime.block_on(Peer::open(backend, "bench_peer_")),
        counting: runtime.block_on(Peer::open(backend, "bench_counting_")),
        finishers: [Finisher::default(), Finisher::counting(sales())],
        plain: runtime.block_on(backend.store("bench_plain_")),
        counted: runtime.block_on(backend.store("bench_counted_")),
        offered: runtime.block_on(backend.store("bench_offered_")),
        events: [0; 5].map(|_| Orders::new(CUSTOMERS, STEP)),
    };
    runtime.block_on(setup.counted.declare(sales())).unwrap();
    for (size, batches) in SIZES {
        show(setup.compare(backend, rounds, batches, size));
    }
    setup.same(backend);
    for store in [setup.plain, setup.counted, setup.offered] {
        runtime.block_on(store.close()).unwrap();
    }
    writers::measure(runtime, backend, rounds, show);
}

/// Makes a batch, as an application does right before it sends it, and answers how long it took to store it.
type Work<'a> = Box<dyn FnMut() -> Duration + 'a>;

/// The rate of so many batches of so many events each.
#[allow(clippy::cast_precision_loss)]
fn rate(mut work: Work<'_>, batches: usize, size: usize) -> Rate<'_> {
    Box::new(move || {
        let took: Duration = (0..batches).map(|_| work()).sum();
        (batches * size) as f64 / took.as_secs_f64()
    })
}

/// The work of a peer, which is given finished rows.
fn by_hand<'a>(
    runtime: &'a Runtime,
    peer: &'a mut Peer,
    finisher: &'a mut Finisher,
    events: &'a mut Orders,
    size: usize,
) -> Work<'a> {
    Box::new(move || {
        let batch = finisher.batch(&valid(&events.texts(size)));
        let begun = Instant::now();
        runtime.block_on(peer.append(&batch));
        begun.elapsed()
    })
}

/// The work of a store, which is given valid events.
fn append<'a>(runtime: &'a Runtime, store: &'a EventStore, events: &'a mut Orders, size: usize) -> Work<'a> {
    Box::new(move || {
        let batch = valid(&events.texts(size));
        let begun = Instant::now();
        let verdicts = runtime.block_on(store.append(batch)).unwrap();
        let took = begun.elapsed();
        check(&verdicts);
        took
    })
}

/// The work of a store, which is given what came in.
fn ingest<'a>(runtime: &'a Runtime, store: &'a EventStore, events: &'a mut Orders, size: usize) -> Work<'a> {
    let origin = Origin::new(Source::new("bench").unwrap());
    Box::new(move || {
        let offers = events.texts(size).into_iter().map(Offer::Json).collect();
        let begun = Instant::now();
        let verdicts = runtime.block_on(store.ingest(offers, &origin)).unwrap();
        let took = begun.elapsed();
        check(&verdicts);
        took
    })
}

/// Five that are given the same stream of events, each with ids of its own.
struct Setup<'a> {
    runtime: &'a Runtime,
    peer: Peer,
    counting: Peer,
    finishers: [Finisher; 2],
    plain: EventStore,
    counted: EventStore,
    offered: EventStore,
    events: [Orders; 5],
}

impl Setup<'_> {
    fn compare(&mut self, backend: &Backend, rounds: usize, batches: usize, size: usize) -> Table {
        let runtime = self.runtime;
        let [rows, cells] = &mut self.finishers;
        let [of_rows, of_cells, of_plain, of_counted, of_offered] = &mut self.events;
        let contenders: [(&str, Work<'_>); 5] = [
            (
                "ceiling: finished rows",
                by_hand(runtime, &mut self.peer, rows, of_rows, size),
            ),
            (
                "the same with finished cells",
                by_hand(runtime, &mut self.counting, cells, of_cells, size),
            ),
            ("append", append(runtime, &self.plain, of_plain, size)),
            (
                "append, with a metric",
                append(runtime, &self.counted, of_counted, size),
            ),
            ("ingest, JSON bytes", ingest(runtime, &self.offered, of_offered, size)),
        ];
        let contenders = contenders.map(|(name, work)| (name, rate(work, batches, size)));
        let measured = in_turn(rounds, contenders.into());
        Table::rates(
            format!("{}, {size} a transaction, one writer", backend.name()),
            &measured,
        )
    }

    /// That all four have stored the same rows.
    fn same(&self, backend: &Backend) {
        let count = |prefix: &str| -> (i64, i64) {
            self.runtime.block_on(async {
                let sql = format!("SELECT COUNT(*), COUNT(DISTINCT trail_id) FROM {prefix}events");
                let db = backend.connection(prefix).await;
                let row = db
                    .query_one_raw(backend.statement(&sql, Vec::new()))
                    .await
                    .unwrap()
                    .unwrap();
                (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
            })
        };
        let peer = count("bench_peer_");
        for prefix in ["bench_counting_", "bench_plain_", "bench_counted_", "bench_offered_"] {
            assert_eq!(count(prefix), peer, "rows and trails of {prefix}");
        }
        let cells = |prefix: &str| -> (i64, i64) {
            self.runtime.block_on(async {
                let sum = match backend {
                    Backend::Sqlite(_) => "SUM(low)",
                    Backend::Postgres(_) => "SUM(low)::bigint",
                    Backend::MariaDb(_) => "CAST(SUM(low) AS SIGNED)",
                };
                let sql = format!("SELECT COUNT(*), {sum} FROM {prefix}cells");
                let db = backend.connection(prefix).await;
                let row = db.query_one_raw(backend.statement(&sql, Vec::new())).await.unwrap();
                let row = row.unwrap();
                (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())
            })
        };
        assert_eq!(cells("bench_counted_"), cells("bench_counting_"), "cells");
    }
}
