//! What one call of `Client::track` costs the application's thread, beside what others do there.
//! Run it by `cargo xtask bench --only track`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod options;
mod event;
mod sender;
mod collector;
mod track;
mod by_hand;
mod telemetry;
mod latency;
mod python;

use collector::Collector;
use event::Size;
use event_benches::machine;
use event_benches::results::{Results, Table};
use latency::Contender;
use options::Options;
use sender::{Nothing, Situation};

/// Threads that call at once.
const THREADS: [usize; 2] = [1, 4];

fn main() {
    let options = Options::read();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let collector = Collector::start(&runtime);
    let mut tables = Vec::new();
    let mut show = |table: Table| {
        println!("{table}");
        tables.push(table);
    };
    for situation in [Situation::Down, Situation::Up, Situation::Full] {
        for size in [Size::Small, Size::Large] {
            if situation == Situation::Full && size == Size::Large {
                continue;
            }
            for threads in THREADS {
                let url = collector.url(situation);
                let title = format!("{}, {}, {}", situation.said(), size.said(), said(threads));
                let contenders: Vec<Contender<'_>> = vec![
                    ("by hand", Box::new(|| Box::new(by_hand::ByHand::new(size, situation)))),
                    (
                        "event-client",
                        Box::new(|| Box::new(track::Track::new(&url, size, situation))),
                    ),
                    (
                        "opentelemetry",
                        Box::new(|| Box::new(telemetry::Telemetry::new(size, situation))),
                    ),
                    ("the clock alone", Box::new(|| Box::new(Nothing))),
                ];
                show(latency::compare(title, &options, threads, contenders));
            }
        }
    }
    collector.stop(&runtime);
    let mut versions = vec![
        "opentelemetry_sdk 0.33".to_owned(),
        format!("{} calls a round and contender", options.calls),
    ];
    if options.python {
        let python = python::Python::prepare();
        for threads in THREADS {
            let title = format!(
                "Python processes, collector down, event of 300 bytes, {}",
                said(threads)
            );
            show(python.compare(title, &options, threads));
        }
        versions.push(python.versions());
    }
    if let Some(file) = &options.results {
        let results = Results {
            machine: machine::lines(&versions),
            command: options.command(),
            sections: vec![("Track", tables)],
        };
        results.write(file).unwrap();
    }
}

fn said(threads: usize) -> String {
    match threads {
        1 => "one thread".to_owned(),
        threads => format!("{threads} threads"),
    }
}
