//! Questions over events in memory, beside DuckDB and Polars over the same columns.
//! Run it by `cargo xtask bench --only memory`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod rows;
mod question;
mod ours;
mod peer;

use std::time::Instant;

use clap::Parser;
use event_benches::arguments::Run;
use event_benches::python::{Environment, target};
use event_benches::results::Results;
use event_benches::rounds::{Contender, Measured, measure};
use event_benches::table::Table;
use event_core::Event;
use peer::Peer;
use question::{QUESTIONS, Question};
use rows::Rows;

/// Questions in memory.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    run: Run,
    /// Events.
    #[arg(long, default_value_t = 5_000_000)]
    rows: usize,
}

fn main() {
    let options = Options::parse();
    let python = Environment::prepare("bench-memory-python", &peer::file("requirements.txt"));
    let mut results = Results::new(&options.run);
    results.version(python.versions());
    let rows = Rows::new(options.rows);
    let file = target().join("bench-memory.csv");
    rows.write(&file).unwrap();
    let mut peers = ["Polars", "DuckDB"].map(|name| Peer::start(&python, name, &file));
    std::fs::remove_file(&file).unwrap();
    let events = rows.events();
    println!("{} events and as many rows are in memory", events.len());
    for question in &QUESTIONS {
        let measured = compare(question, &events, &rows, &mut peers, options.run.rounds);
        results.show(
            "In memory",
            Table::long(format!("{}, {} events", question.title, options.rows), &measured),
        );
    }
    results.show("In memory", zones(&rows, options.run.rounds));
}

/// All of them in turn; the answers must be the same.
fn compare(question: &Question, events: &[Event], rows: &Rows, peers: &mut [Peer], rounds: usize) -> Vec<Measured> {
    let query = question.query();
    let ours = [
        "event-core, parsed events",
        "event-core, columns",
        "event-core, parsed events, one thread",
    ];
    let names = ours.into_iter().chain(peers.iter().map(Peer::name));
    let mut rates: Vec<(String, Vec<f64>)> = names.map(|name| (name.to_owned(), Vec::new())).collect();
    let mut expected = None;
    // One round to warm up, which does not count.
    for round in 0..=rounds {
        let mut taken = Vec::new();
        for way in 0..ours.len() {
            let started = Instant::now();
            let answer = match way {
                0 => ours::over_events(&query, events),
                1 => ours::over_columns(&query, rows),
                _ => event_core::answer(&query, events).unwrap(),
            };
            taken.push((started.elapsed().as_secs_f64(), question::pairs(&answer)));
        }
        taken.extend(peers.iter_mut().map(|peer| peer.ask(question.name)));
        for ((name, rates), (seconds, answer)) in rates.iter_mut().zip(taken) {
            let expected = expected.get_or_insert_with(|| answer.clone());
            assert_eq!(*expected, answer, "{name} says something else");
            if round > 0 {
                rates.push(1.0 / seconds);
            }
        }
    }
    Measured::all(&rates)
}

/// What the calendar of a zone costs beside UTC, on one thread.
fn zones(rows: &Rows, rounds: usize) -> Table {
    let contender = |(name, zone): (&'static str, &str)| {
        let query = question::hours(zone);
        Contender {
            name,
            work: Box::new(move || {
                assert!(ours::part(&query, rows, 0..rows.len()).answer().unwrap().rows.len() > 800);
                1
            }),
        }
    };
    let zones = [("hours of UTC", "UTC"), ("hours of Berlin", "Europe/Berlin")];
    let measured = measure(rounds, zones.map(contender).into());
    let title = format!("Hours of a time zone, {} rows, one thread", rows.len());
    Table::long(title, &measured)
}
