//! Appends and questions on every database that is there, beside what an expert would write by
//! hand into and over the very same tables. Run it by `cargo xtask bench --only append`, `--only growth` and `--only queries`,
//! which start the servers that they need.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod options;
mod rows;
mod peer;
mod append;
mod growth;
mod writers;
mod question;
mod reading;
mod queries;

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
        if options.wants(Part::Append) {
            append::measure(&runtime, &backend, options.run.rounds, &mut |table| {
                results.show("Append", table);
            });
        }
        if options.wants(Part::Growth) && matches!(backend, Backend::Sqlite(_)) {
            growth::measure(&runtime, &backend, options.millions, &mut |table| {
                results.show("Growth", table);
            });
        }
        if options.wants(Part::Queries) {
            queries::measure(&runtime, &backend, &options, &mut |table| {
                results.show("Queries", table);
            });
        }
        runtime.block_on(backend.clean());
    }
}
