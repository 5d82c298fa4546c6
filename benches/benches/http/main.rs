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

use event_benches::machine;
use event_benches::results::Results;
use options::Options;
use processors::Processors;

fn main() {
    if std::env::args().any(|argument| argument == server::PEER) {
        return server::throw_away();
    }
    let options = Options::read();
    let (mut sections, mut versions) = (Vec::new(), vec![options.remark()]);
    let mut tables = Vec::new();
    if options.wants("contest") {
        tables.extend(contest::contest(options.rounds, options.duration, &options.flags));
    }
    if options.wants("django") {
        match django::contest(options.rounds, options.duration, &options.flags, &mut versions) {
            Ok(more) => tables.extend(more),
            Err(missing) => println!("!! NOT MEASURED: the Django service, for want of {missing}"),
        }
    }
    for table in &tables {
        println!("{table}");
    }
    sections.push(("HTTP", tables));
    if options.wants("overload") {
        let processors = if options.shared { None } else { Processors::apart() };
        if processors.is_none() {
            println!(
                "!! The load shares the processors of the server: what it costs to make is taken from the server's time."
            );
        }
        let tables = overload::CASES.iter().map(|case| {
            let table = overload::overload(case, &options, processors.as_ref());
            println!("{table}");
            table
        });
        sections.push(("Overload", tables.collect()));
    }
    if let Some(file) = &options.results {
        let results = Results {
            machine: machine::lines(&versions),
            command: options.command(),
            sections,
        };
        results.write(file).unwrap();
    }
}

/// The number in the middle, the least and the greatest.
fn spread(numbers: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    (numbers[numbers.len() / 2], numbers[0], numbers[numbers.len() - 1])
}
