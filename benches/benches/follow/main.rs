//! How soon what is stored reaches those who follow the log, and how fast tables are made of it from zero, on every
//! database that is there. Run it by `cargo xtask bench --only follow`, which starts the servers.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod options;
mod totals;
mod by_hand;
mod latency;
mod rebuild;

use clap::Parser as _;
use event_benches::backend::Backend;
use event_benches::results::Results;
use options::{Options, Part};

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Connections go back to their pools by tasks.
    let _inside = runtime.enter();
    let mut results = Results::new(&options.run);
    for backend in runtime.block_on(Backend::all(options.database)) {
        results.version(runtime.block_on(backend.version()));
        if options.wants(Part::Latency) {
            results.show("Follow", latency::measure(&runtime, &backend, options.events));
        }
        if options.wants(Part::Rebuild) {
            let table = rebuild::measure(&runtime, &backend, options.rows, options.run.rounds);
            results.show("Rebuild", table);
        }
    }
}
