//! The hours of one customer straight from a file of millions of rows, beside DuckDB and Polars.
//! Run it by `cargo xtask bench --only files`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod options;
mod rows;
mod python;
mod contest;

use event_benches::machine;
use event_benches::results::Results;
use options::Options;
use python::Python;

fn main() {
    let options = Options::read();
    let python = Python::prepare();
    let mut tables = Vec::new();
    for (rows, rounds) in options.sizes() {
        let file = python.folder().join(format!("customer_events-{rows}.csv"));
        println!("{}", rows::write(&file, rows));
        let table = contest::contest(&python, &file, rows, rounds);
        println!("{table}");
        tables.push(table);
        if !options.keep {
            std::fs::remove_file(&file).unwrap();
        }
    }
    if let Some(file) = &options.results {
        let results = Results {
            machine: machine::lines(&[python.versions(), options.remark()]),
            command: options.command(),
            sections: vec![("Files", tables)],
        };
        results.write(file).unwrap();
    }
}
