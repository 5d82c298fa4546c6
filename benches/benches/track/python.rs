//! Clients in Python: processes of their own, with packages of their own.

use std::path::PathBuf;

use event_benches::python::{Environment, folder, run};
use event_benches::table::Table;
use serde_json::Value;

use crate::collector::closed;
use crate::latency::{COLUMNS, Reading, line};
use crate::options::Options;

/// The clients, by the names that the script knows.
const CLIENTS: [(&str, &str); 5] = [
    ("json", "Python: json.dumps + queue.put_nowait"),
    ("event", "Python: event-py"),
    ("opentelemetry", "Python: opentelemetry-sdk logs"),
    ("segment", "Python: segment-analytics-python"),
    ("posthog", "Python: posthog"),
];

/// An environment with the clients.
pub(crate) struct Python(Environment);

/// A file beside this one.
fn file(name: &str) -> PathBuf {
    folder().join("benches/track/python").join(name)
}

impl Python {
    /// Makes it, with ours as users install it.
    pub(crate) fn prepare() -> Self {
        let environment = Environment::prepare("bench-track-python", &file("requirements.txt"));
        environment.install_ours();
        Python(environment)
    }

    /// Runs every client in turn, round after round.
    pub(crate) fn compare(&self, title: String, options: &Options, threads: usize) -> Table {
        let mut readings = vec![Vec::new(); CLIENTS.len()];
        for _ in 0..options.run.rounds {
            for ((client, _), readings) in CLIENTS.iter().zip(&mut readings) {
                readings.push(self.read(client, threads, options.calls / threads));
            }
        }
        let lines = CLIENTS.iter().zip(&readings);
        Table {
            title,
            columns: COLUMNS,
            lines: lines
                .map(|((_, name), own)| ((*name).to_owned(), line(own, &readings[0])))
                .collect(),
        }
    }

    fn read(&self, client: &str, threads: usize, calls: usize) -> Reading {
        let url = format!("http://{}", closed());
        let arguments = [client, &threads.to_string(), &calls.to_string(), &url];
        let printed = run(self.0.python().arg(file("track.py")).args(arguments));
        let printed: Value = serde_json::from_str(&printed).unwrap();
        let number = |name: &str| printed[name].as_f64().unwrap();
        Reading {
            p50: number("p50"),
            p99: number("p99"),
            p999: number("p999"),
            max: number("max"),
            rate: number("rate"),
        }
    }

    pub(crate) fn versions(&self) -> String {
        self.0.versions()
    }
}
