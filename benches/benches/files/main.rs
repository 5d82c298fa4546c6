//! The hours of one customer straight from a file of millions of rows, beside DuckDB and Polars.
//! Run it by `cargo xtask bench --only files`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod options;
mod rows;
mod contest;

use clap::Parser as _;
use event_benches::python::{Environment, target};
use event_benches::results::Results;
use options::Options;

fn main() {
    let options = Options::parse();
    let python = Environment::prepare("bench-files-python", &contest::script("requirements.txt"));
    let mut results = Results::new(&options.run);
    results.version(python.versions());
    for rows in options.sizes() {
        let file = target().join(format!("customer_events-{rows}.csv"));
        println!("{}", rows::write(&file, rows));
        results.show("Files", contest::contest(&python, &file, rows, options.run.rounds));
        if !options.keep {
            std::fs::remove_file(&file).unwrap();
        }
    }
}
