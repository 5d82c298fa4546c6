//! Validation from Python, beside the validators that people use there.
//! Run it by `cargo xtask bench --only python`.

#![allow(clippy::unwrap_used, missing_docs)]

use clap::Parser;
use event_benches::arguments::Run;
use event_benches::python::{Environment, folder, run};
use event_benches::results::Results;
use event_benches::rounds::Measured;
use event_benches::table::Table;
use serde_json::Value;

/// Validation from Python.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    run: Run,
}

fn main() {
    let options = Options::parse();
    let here = folder().join("benches/python");
    let python = Environment::prepare("bench-validate-python", &here.join("requirements.txt"));
    python.install_ours();
    let mut results = Results::new(&options.run);
    results.version(python.versions());
    let rounds = options.run.rounds.to_string();
    let printed = run(python.python().arg(here.join("validate.py")).arg(rounds));
    let tables: Vec<Value> = serde_json::from_str(&printed).unwrap();
    for table in &tables {
        let measured = Measured::all(&rates(table));
        let title = table["title"].as_str().unwrap().to_owned();
        // Lines of NDJSON are beside those of one core, all the others beside the peers.
        let table = if title.starts_with("NDJSON") {
            Table::short(title, &measured)
        } else {
            Table::short_as_long(title, &measured)
        };
        results.show("Validation from Python", table);
    }
}

/// Who judges, and how many events in a second, round by round.
fn rates(table: &Value) -> Vec<(String, Vec<f64>)> {
    let line = |line: &Value| {
        let nanos = line[1].as_array().unwrap().iter();
        let rates = nanos.map(|nanos| 1e9 / nanos.as_f64().unwrap());
        (line[0].as_str().unwrap().to_owned(), rates.collect())
    };
    table["lines"].as_array().unwrap().iter().map(line).collect()
}
