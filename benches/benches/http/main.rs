//! The collector over HTTP: what it takes, beside servers that do less and servers that do the same, and what is left
//! of that when too much is asked for. The load comes from this process, on the same processors.
//! Run it by `cargo xtask bench --only http`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod options;
mod processors;
mod server;
mod contest;
mod django;
mod overload;

use clap::Parser as _;
use event_benches::results::Results;
use options::{Options, Part};
use processors::Processors;

fn main() {
    if std::env::args().any(|argument| argument == server::PEER) {
        return server::throw_away();
    }
    let options = Options::parse();
    let mut results = Results::new(&options.run);
    if options.wants(Part::Contest) {
        for table in contest::contest(options.run.rounds, options.duration(), &options.flags) {
            results.show("HTTP", table);
        }
    }
    if options.wants(Part::Django) {
        match django::contest(&options, &mut results) {
            Ok(tables) => tables.into_iter().for_each(|table| results.show("Django", table)),
            Err(missing) => println!("!! NOT MEASURED: the Django service, for want of {missing}"),
        }
    }
    if options.wants(Part::Overload) {
        let processors = if options.shared() { None } else { Processors::apart() };
        if processors.is_none() {
            println!(
                "!! The load shares the processors of the server: what it costs to make is taken from the server's time."
            );
        }
        for case in &overload::CASES {
            results.show("Overload", overload::overload(case, &options, processors.as_ref()));
        }
    }
}
