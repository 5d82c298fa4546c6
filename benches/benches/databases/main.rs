//! Appends and questions on every database that is there, beside what an expert would write by
//! hand into and over the very same tables. Run it by `cargo xtask bench`, which starts the servers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod options;
mod backend;
mod rows;
mod peer;
mod append;
mod writers;
mod question;
mod reading;
mod queries;

use backend::Backend;
use event_benches::machine;
use event_benches::results::{Results, Table};
use options::Options;

fn main() {
    let options = Options::read();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Connections go back to their pools by tasks.
    let _inside = runtime.enter();
    let (mut versions, mut append, mut queries) = (Vec::new(), Vec::new(), Vec::new());
    for backend in runtime.block_on(Backend::all()) {
        if options.without(backend.name()) {
            continue;
        }
        versions.push(runtime.block_on(backend.version()));
        let show = |table: Table, to: &mut Vec<Table>| {
            println!("{table}");
            to.push(table);
        };
        if options.appends() {
            append::measure(&runtime, &backend, options.rounds, &mut |table| {
                show(table, &mut append);
            });
        }
        if options.queries() {
            queries::measure(&runtime, &backend, &options, &mut |table| show(table, &mut queries));
        }
        runtime.block_on(backend.clean());
    }
    if let Some(file) = &options.results {
        let results = Results {
            machine: machine::lines(&versions),
            command: options.command(),
            sections: vec![("Append", append), ("Queries", queries)],
        };
        results.write(file).unwrap();
    }
}
