//! What an append costs as its file grows.

use std::time::Instant;

use event_benches::backend::Backend;
use event_benches::events::valid;
use event_benches::orders::Orders;
use event_benches::rounds::spread;
use event_benches::table::Table;
use tokio::runtime::Runtime;

use crate::append::{CUSTOMERS, STEP, check};

const COLUMNS: &[&str] = &["events/s", "least", "most", "times as long"];

const BATCH: usize = 1_000;
/// So many batches are timed as one; and they are made before, which is not.
const BATCHES: usize = 100;
/// So many of these are a million events: the million that ends with the rows that a line tells of.
const MILLION: usize = 1_000_000 / BATCH / BATCHES;
/// The lines, in millions of rows.
const MARKS: [usize; 4] = [1, 5, 10, 20];

/// Fills a file with so many million events, and tells what the last million of them cost at each mark.
pub(crate) fn measure(runtime: &Runtime, backend: &Backend, millions: usize, show: &mut dyn FnMut(Table)) {
    runtime.block_on(backend.clean());
    let store = runtime.block_on(backend.store("bench_growth_"));
    let mut events = Orders::new(CUSTOMERS, STEP);
    let (mut rates, mut lines, mut first) = (Vec::new(), Vec::new(), None);
    for million in 1..=millions {
        rates.clear();
        for _ in 0..MILLION {
            let batches: Vec<_> = (0..BATCHES).map(|_| valid(&events.texts(BATCH))).collect();
            let started = Instant::now();
            for batch in batches {
                check(&runtime.block_on(store.append(batch)).unwrap());
            }
            #[allow(clippy::cast_precision_loss)]
            rates.push((BATCH * BATCHES) as f64 / started.elapsed().as_secs_f64());
        }
        let (rate, least, most) = spread(rates.iter().copied());
        println!("  {million} M rows: {rate:.0} events/s");
        if MARKS.contains(&million) {
            let first = *first.get_or_insert(rate);
            let rates = [rate, least, most].map(|rate| format!("{rate:.0}"));
            let numbers = rates.into_iter().chain([format!("{:.2}", first / rate)]);
            lines.push((format!("at {million} M rows"), numbers.collect()));
        }
    }
    runtime.block_on(store.close()).unwrap();
    show(Table {
        title: format!("{}, a file that grows, {BATCH} a transaction", backend.name()),
        columns: COLUMNS,
        lines,
    });
}
