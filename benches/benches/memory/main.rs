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
use event_core::frame::Frame;
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
    let mut peers =
        ["Polars", "Polars, categories", "DuckDB", "DuckDB, enums"].map(|name| Peer::start(&python, name, &file));
    std::fs::remove_file(&file).unwrap();
    let events = rows.events();
    let frame = ours::frame_together(&events);
    println!("{} events and as many rows are in memory", events.len());
    let memory = Memory {
        frame: &frame,
        events: &events,
        rows: &rows,
    };
    for question in &QUESTIONS {
        let measured = compare(question, &memory, &mut peers, options.run.rounds);
        results.show(
            "In memory",
            Table::long(format!("{}, {} events", question.title, options.rows), &measured),
        );
    }
    results.show("In memory", zones(&frame, options.run.rounds));
    results.show("In memory", frames(&events, options.run.rounds));
}

/// The same orders, however they are kept.
struct Memory<'a> {
    frame: &'a Frame,
    events: &'a [Event],
    rows: &'a Rows,
}

/// All of them in turn; the answers must be the same.
fn compare(question: &Question, memory: &Memory<'_>, peers: &mut [Peer], rounds: usize) -> Vec<Measured> {
    let query = question.query();
    let ours = [
        "event-core, a frame",
        "event-core, a frame, one thread",
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
                0 => ours::over_frame(&query, memory.frame),
                1 => memory.frame.answer(&query).unwrap(),
                2 => ours::over_events(&query, memory.events),
                3 => ours::over_columns(&query, memory.rows),
                _ => event_core::answer(&query, memory.events).unwrap(),
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

/// What the calendar of a zone costs beside UTC.
fn zones(frame: &Frame, rounds: usize) -> Table {
    let contender = |(name, zone): (&'static str, &str)| {
        let query = question::hours(zone);
        Contender {
            name,
            work: Box::new(move || {
                assert!(frame.answer(&query).unwrap().rows.len() > 800);
                1
            }),
        }
    };
    let zones = [("hours of UTC", "UTC"), ("hours of Berlin", "Europe/Berlin")];
    let measured = measure(rounds, zones.map(contender).into());
    let title = format!("Hours of a time zone, {} rows in a frame, one thread", frame.len());
    Table::long(title, &measured)
}

/// What it costs to make a frame of parsed events.
fn frames(events: &[Event], rounds: usize) -> Table {
    let contender = |name, make: fn(&[Event]) -> Frame| Contender {
        name,
        work: Box::new(move || {
            assert_eq!(make(events).len(), events.len());
            1
        }),
    };
    let ways = vec![
        contender("all processors", ours::frame_together),
        contender("one thread", ours::frame),
    ];
    Table::long(
        format!("A frame made of {} parsed events", events.len()),
        &measure(rounds, ways),
    )
}
