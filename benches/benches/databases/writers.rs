//! Several writers on one server, beside one.

use event_benches::backend::Backend;
use event_benches::orders::Orders;
use event_benches::rounds::{Contender, measure as compare};
use event_store::EventStore;
use tokio::runtime::Runtime;

use crate::append::{Rounds, check, rounds, sales};
use event_benches::table::Table;

const WRITERS: usize = 4;
/// Transactions of a round, and events in each.
const BATCHES: usize = 20;
const SIZE: usize = 1_000;

pub(crate) fn measure(runtime: &Runtime, backend: &Backend, count: usize, show: &mut dyn FnMut(Table)) {
    if let Backend::Sqlite(_) = backend {
        // There is one writer to a file.
        return;
    }
    for metric in [false, true] {
        runtime.block_on(backend.clean());
        // The same tables for all of them.
        let open = |prefix: &'static str, writers: usize| -> Vec<EventStore> {
            runtime.block_on(async {
                let mut stores = Vec::new();
                for _ in 0..writers {
                    stores.push(backend.store(prefix).await);
                }
                if metric {
                    stores[0].declare(sales()).await.unwrap();
                }
                stores
            })
        };
        let (one, four) = (open("bench_one_", 1), open("bench_four_", WRITERS));
        let events = || rounds(&mut Orders::new(5_000, 1_000), count, BATCHES, SIZE);
        let contender = |name, stores: &[EventStore]| {
            let (stores, mut rounds): (Vec<EventStore>, Rounds) = (stores.to_vec(), events());
            Contender {
                name,
                work: Box::new(move || runtime.block_on(together(&stores, rounds.pop_front().unwrap()))),
            }
        };
        let measured = compare(
            count,
            vec![contender("one writer", &one), contender("four writers", &four)],
        );
        let with = if metric { ", with a metric" } else { "" };
        show(Table::rates(
            format!(
                "{}, four writers beside one, {SIZE} a transaction{with}",
                backend.name()
            ),
            &measured,
        ));
        for store in one.iter().chain(&four) {
            runtime.block_on(store.close()).unwrap();
        }
    }
}

/// Every store appends its share of the batches, all of them at once.
async fn together(stores: &[EventStore], round: Vec<Vec<event_core::ValidEvent>>) -> usize {
    let events = round.iter().map(Vec::len).sum();
    let mut shares = vec![Vec::new(); stores.len()];
    for (number, batch) in round.into_iter().enumerate() {
        shares[number % stores.len()].push(batch);
    }
    let tasks: Vec<_> = stores
        .iter()
        .cloned()
        .zip(shares)
        .map(|(store, share)| {
            tokio::spawn(async move {
                for batch in share {
                    check(&store.append(batch).await.unwrap());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    events
}
