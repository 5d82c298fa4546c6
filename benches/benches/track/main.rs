//! What one call of `Client::track` costs the application's thread, beside what others do there.
//! Run it by `cargo xtask bench --only track`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod options;
mod event;
mod sender;
mod collector;
mod track;
mod by_hand;
mod telemetry;
mod latency;
mod python;

use clap::Parser as _;
use collector::Collector;
use event::Size;
use event_benches::results::Results;
use latency::Contender;
use options::Options;
use sender::{Nothing, Situation};

/// Threads that call at once.
const THREADS: [usize; 2] = [1, 4];

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let collector = Collector::start(&runtime);
    let mut results = Results::new(&options.run);
    results.version("opentelemetry_sdk 0.33".to_owned());
    results.version(format!("{} calls a round and contender", options.calls));
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
                results.show("Track", latency::compare(title, &options, threads, contenders));
            }
        }
    }
    collector.stop(&runtime);
    if options.python {
        let python = python::Python::prepare();
        results.version(python.versions());
        for threads in THREADS {
            let title = format!(
                "Python processes, collector down, event of 300 bytes, {}",
                said(threads)
            );
            results.show("Track", python.compare(title, &options, threads));
        }
    }
}

fn said(threads: usize) -> String {
    match threads {
        1 => "one thread".to_owned(),
        threads => format!("{threads} threads"),
    }
}
