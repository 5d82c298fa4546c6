//! Tables made of the log from zero.

use std::cell::RefCell;

use event_benches::backend::Backend;
use event_benches::events::valid;
use event_benches::orders::Orders;
use event_benches::rounds::{Contender, measure as compare};
use event_benches::table::Table;
use event_store::EventStore;
use event_store::project::ProjectOptions;
use tokio::runtime::Runtime;

use crate::by_hand::ByHand;
use crate::totals::{Totals, clean};

const PREFIX: &str = "bench_rebuild_";
const PEER: &str = "bench_totals";
/// Events of a transaction while the log is filled.
const BATCH: usize = 1_000;

async fn fill(store: &EventStore, rows: usize) -> i64 {
    let mut orders = Orders::new(5_000, 1_000);
    for first in (0..rows).step_by(BATCH) {
        let texts = orders.texts(BATCH.min(rows - first));
        store.append(valid(&texts)).await.unwrap();
    }
    store.head().await.unwrap()
}

pub(crate) fn measure(runtime: &Runtime, backend: &Backend, rows: usize, rounds: usize) -> Table {
    let store = runtime.block_on(backend.store(PREFIX));
    let head = runtime.block_on(fill(&store, rows));
    runtime.block_on(backend.analyze(PREFIX));
    let by_hand = runtime.block_on(ByHand::open(backend, PREFIX));
    let (views, sums) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let events = runtime.block_on(by_hand.count());
    let project = |shards: u16| {
        let (store, by_hand, views, sums) = (&store, &by_hand, &views, &sums);
        move || {
            let totals = Totals::new(&format!("rebuild_{}", views.borrow().len()));
            let view = totals.view();
            runtime.block_on(async {
                let options = ProjectOptions::new().shards(shards);
                let projector = store.project(totals, options).await.unwrap();
                projector.reach(head).await.unwrap();
                projector.stop().await;
            });
            views.borrow_mut().push(view);
            sums.borrow_mut().push(runtime.block_on(by_hand.sums(view)));
            events
        }
    };
    let measured = compare(
        rounds,
        vec![
            Contender {
                name: "a loop by hand",
                work: Box::new(|| {
                    runtime.block_on(by_hand.rebuild(PEER, head));
                    sums.borrow_mut().push(runtime.block_on(by_hand.sums(PEER)));
                    runtime.block_on(by_hand.drop(PEER));
                    events
                }),
            },
            Contender {
                name: "a projection",
                work: Box::new(project(1)),
            },
            Contender {
                name: "a projection in four shards",
                work: Box::new(project(4)),
            },
        ],
    );
    let sums = sums.into_inner();
    assert!(sums.iter().all(|sum| *sum == sums[0]), "not the same tables: {sums:?}");
    assert_eq!(usize::try_from(sums[0].1).ok(), Some(events));
    runtime.block_on(by_hand.close());
    runtime.block_on(clean(backend, &store, &views.into_inner()));
    Table::rates(
        format!("{}, tables of {events} events from zero", backend.name()),
        &measured,
    )
}
