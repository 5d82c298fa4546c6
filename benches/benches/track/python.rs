//! Clients in Python: processes of their own, with packages of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use event_benches::results::Table;
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

/// A virtual environment with the clients.
pub(crate) struct Python {
    interpreter: PathBuf,
    script: PathBuf,
    requirements: PathBuf,
}

impl Python {
    /// Makes the environment under `target`, if it is not there.
    pub(crate) fn prepare() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/track/python");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
            PathBuf::from,
        );
        let environment = target.join("bench-track-python");
        let python = Python {
            interpreter: environment.join("bin/python"),
            script: here.join("track.py"),
            requirements: here.join("requirements.txt"),
        };
        if !python.interpreter.exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        }
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        run(Command::new(&python.interpreter)
            .args(install)
            .arg(&python.requirements));
        // As users install it: a release build, by the maturin that was installed just now.
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../event-py");
        let mut path = vec![environment.join("bin")];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        run(Command::new(&python.interpreter)
            .env("PATH", std::env::join_paths(path).unwrap())
            .args(&install[..install.len() - 1])
            .args(["--no-build-isolation", "--force-reinstall", "--no-deps"])
            .arg(ours));
        python
    }

    /// Runs every client in turn, round after round.
    pub(crate) fn compare(&self, title: String, options: &Options, threads: usize) -> Table {
        let mut readings = vec![Vec::new(); CLIENTS.len()];
        for _ in 0..options.rounds {
            for ((client, _), readings) in CLIENTS.iter().zip(&mut readings) {
                readings.push(self.read(client, threads, options.calls / threads));
            }
        }
        let lines = CLIENTS.iter().zip(&readings);
        Table {
            title,
            columns: COLUMNS,
            lines: lines
                .map(|((_, name), own)| ((*name).to_owned(), line(own, Some(&readings[0]))))
                .collect(),
        }
    }

    fn read(&self, client: &str, threads: usize, calls: usize) -> Reading {
        let url = format!("http://{}", closed());
        let arguments = [client, &threads.to_string(), &calls.to_string(), &url];
        let printed = run(Command::new(&self.interpreter).arg(&self.script).args(arguments));
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
        let python = run(Command::new(&self.interpreter).arg("--version"));
        let requirements = std::fs::read_to_string(&self.requirements).unwrap();
        let packages: Vec<&str> = requirements.lines().filter(|line| !line.starts_with('#')).collect();
        format!("{} with {}", python.trim(), packages.join(", "))
    }
}

/// What a program prints; what it says of errors is shown only where it fails.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
