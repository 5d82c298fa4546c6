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
const SIZES: [(usize, usize); 4] = [(1_000, 20), (100, 50), (10, 100), (1, 200)];

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
        finisher: Finisher::default(),
        plain: runtime.block_on(backend.store("bench_plain_")),
        counted: runtime.block_on(backend.store("bench_counted_")),
        offered: runtime.block_on(backend.store("bench_offered_")),
        events: [0; 4].map(|_| Orders::new(CUSTOMERS, STEP)),
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

/// Four that are given the same stream of events, each with ids of its own.
struct Setup<'a> {
    runtime: &'a Runtime,
    peer: Peer,
    finisher: Finisher,
    plain: EventStore,
    counted: EventStore,
    offered: EventStore,
    events: [Orders; 4],
}

impl Setup<'_> {
    fn compare(&mut self, backend: &Backend, count: usize, batches: usize, size: usize) -> Table {
        let [by_hand, plain, counted, offered] = &mut self.events;
        let [by_hand, plain, counted] = [by_hand, plain, counted].map(|events| rounds(events, count, batches, size));
        let offer = |text: Vec<u8>| Offer::Json(text);
        let offers = |_| {
            (0..batches)
                .map(|_| offered.texts(size).into_iter().map(offer).collect())
                .collect()
        };
        let mut offers: VecDeque<Vec<Vec<Offer>>> = (0..=count).map(offers).collect();
        let origin = Origin::new(Source::new("bench").unwrap());
        let finish = |round: Vec<Vec<ValidEvent>>| -> Vec<Batch> {
            round.iter().map(|events| self.finisher.batch(events)).collect()
        };
        let mut finished: VecDeque<Vec<Batch>> = by_hand.into_iter().map(finish).collect();
        let (runtime, peer, ingesting) = (self.runtime, &mut self.peer, self.offered.clone());
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
                    work: Box::new(move || {
                        for batch in finished.pop_front().unwrap() {
                            runtime.block_on(peer.append(&batch));
                        }
                        batches * size
                    }),
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
        for prefix in ["bench_plain_", "bench_counted_", "bench_offered_"] {
            assert_eq!(count(prefix), peer, "rows and trails of {prefix}");
        }
    }
}
