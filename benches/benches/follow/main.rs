//! How soon what is stored reaches those who follow the log, and how fast tables are made of it from zero, on every
//! database that is there. Run it by `cargo xtask bench --only follow`, which starts the servers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

#[allow(dead_code, reason = "appends and questions take more of it")]
#[path = "../databases/backend.rs"]
mod backend;
mod options;
mod totals;
mod by_hand;
mod latency;
mod rebuild;

use backend::Backend;
use event_benches::machine;
use event_benches::results::{Results, Table};
use options::Options;

fn main() {
    let options = Options::read();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Connections go back to their pools by tasks.
    let _inside = runtime.enter();
    let (mut versions, mut tables) = (Vec::new(), Vec::new());
    for backend in runtime.block_on(Backend::all()) {
        if options.without(backend.name()) {
            continue;
        }
        versions.push(runtime.block_on(backend.version()));
        let mut show = |table: Table| {
            println!("{table}");
            tables.push(table);
        };
        if options.wants("latency") {
            show(latency::measure(&runtime, &backend, options.events));
        }
        if options.wants("rebuild") {
            show(rebuild::measure(&runtime, &backend, options.rows, options.rounds));
        }
    }
    if let Some(file) = &options.results {
        let results = Results {
            machine: machine::lines(&versions),
            command: options.command(),
            sections: vec![("Follow", tables)],
        };
        results.write(file).unwrap();
    }
}
