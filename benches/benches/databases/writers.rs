//! Several writers on one server, beside one.

use std::cell::RefCell;

use event_benches::backend::Backend;
use event_benches::machine;
use event_benches::orders::Orders;
use event_benches::rounds::{Contender, measure as compare, spread};
use event_store::EventStore;
use tokio::runtime::Runtime;

use crate::append::{Rounds, check, rounds, sales};
use event_benches::table::{RATES_AND_LOAD, Table};

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
        let shares = [(); 2].map(|()| RefCell::new(Vec::new()));
        let writers = [
            ("one writer", &one[..], &shares[0]),
            ("four writers", &four[..], &shares[1]),
        ];
        let measured = compare(count, writers.map(|it| contender(runtime, it, events())).into());
        let with = if metric { ", with a metric" } else { "" };
        let title = format!(
            "{}, four writers beside one, {SIZE} a transaction{with}",
            backend.name()
        );
        let mut table = Table::rates(title, &measured);
        table.columns = RATES_AND_LOAD;
        for ((_, numbers), shares) in table.lines.iter_mut().zip(&shares) {
            // The first round was to warm up.
            let (busy, ..) = spread(shares.borrow().iter().skip(1).copied());
            let is_told = busy.is_finite();
            numbers.push(if is_told {
                format!("{:.0}", busy * 100.0)
            } else {
                "-".to_owned()
            });
        }
        show(table);
        for store in one.iter().chain(&four) {
            runtime.block_on(store.close()).unwrap();
        }
    }
}

/// Some writers: their name, their stores, and how busy the processors were in each round.
type Writers<'a> = (&'static str, &'a [EventStore], &'a RefCell<Vec<f64>>);

/// Appends a round, and notes how busy the processors were meanwhile.
fn contender<'a>(runtime: &'a Runtime, (name, stores, shares): Writers<'a>, mut rounds: Rounds) -> Contender<'a> {
    let work = move || {
        let round = rounds.pop_front().unwrap();
        let (events, share) = machine::busy(|| runtime.block_on(together(stores, round)));
        shares.borrow_mut().extend(share);
        events
    };
    Contender {
        name,
        work: Box::new(work),
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
