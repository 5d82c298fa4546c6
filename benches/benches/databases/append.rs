//! `EventStore::append` beside the ceiling.

use std::collections::VecDeque;

use event_benches::backend::Backend;
use event_benches::events::valid;
use event_benches::orders::Orders;
use event_benches::rounds::{Contender, measure as compare};
use event_core::metric::Metric;
use event_core::verdict::Status;
use event_core::{Source, ValidEvent, Verdict};
use event_store::{EventStore, Offer, Origin};
use sea_orm::ConnectionTrait as _;
use tokio::runtime::Runtime;

use crate::peer::Peer;
use crate::rows::{Batch, Finisher};
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

/// The work of a peer: round after round of finished batches, which hold so many events.
fn finished_by_hand<'a>(
    runtime: &'a Runtime,
    peer: &'a mut Peer,
    mut finished: VecDeque<Vec<Batch>>,
    events: usize,
) -> Box<dyn FnMut() -> usize + 'a> {
    Box::new(move || {
        for batch in finished.pop_front().unwrap() {
            runtime.block_on(peer.append(&batch));
        }
        events
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
    fn compare(&mut self, backend: &Backend, count: usize, batches: usize, size: usize) -> Table {
        let [by_hand, with_cells, plain, counted, offered] = &mut self.events;
        let made = |events| rounds(events, count, batches, size);
        let [by_hand, with_cells, plain, counted] = [by_hand, with_cells, plain, counted].map(made);
        let offer = |text: Vec<u8>| Offer::Json(text);
        let offers = |_| {
            (0..batches)
                .map(|_| offered.texts(size).into_iter().map(offer).collect())
                .collect()
        };
        let mut offers: VecDeque<Vec<Vec<Offer>>> = (0..=count).map(offers).collect();
        let origin = Origin::new(Source::new("bench").unwrap());
        let finish = |finisher: &mut Finisher, rounds: Rounds| -> VecDeque<Vec<Batch>> {
            let batches = |round: Vec<Vec<ValidEvent>>| round.iter().map(|events| finisher.batch(events)).collect();
            rounds.into_iter().map(batches).collect()
        };
        let [rows, cells] = &mut self.finishers;
        let [finished, with_cells] = [finish(rows, by_hand), finish(cells, with_cells)];
        let (runtime, ingesting) = (self.runtime, self.offered.clone());
        let append = |store: EventStore, mut rounds: Rounds| {
            move || {
                for batch in rounds.pop_front().unwrap() {
                    check(&runtime.block_on(store.append(batch)).unwrap());
                }
                batches * size
            }
        };
        let measured = compare(
            count,
            vec![
                Contender {
                    name: "ceiling: finished rows",
                    work: finished_by_hand(runtime, &mut self.peer, finished, batches * size),
                },
                Contender {
                    name: "the same with finished cells",
                    work: finished_by_hand(runtime, &mut self.counting, with_cells, batches * size),
                },
                Contender {
                    name: "append",
                    work: Box::new(append(self.plain.clone(), plain)),
                },
                Contender {
                    name: "append, with a metric",
                    work: Box::new(append(self.counted.clone(), counted)),
                },
                Contender {
                    name: "ingest, JSON bytes",
                    work: Box::new(move || {
                        for batch in offers.pop_front().unwrap() {
                            check(&runtime.block_on(ingesting.ingest(batch, &origin)).unwrap());
                        }
                        batches * size
                    }),
                },
            ],
        );
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
