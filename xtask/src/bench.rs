//! `cargo xtask bench`: what `benches/RESULTS.md` says, measured anew.

use std::path::Path;

use crate::backends::Backends;
use crate::command::{Outcome, announce, cargo, succeeds};
use crate::redis;

/// What cargo is told before the bench's name and its own arguments.
const BENCH: [&str; 4] = ["bench", "--package", "event-benches", "--bench"];

/// The program that one of the benches runs.
const PROGRAM: [&str; 8] = [
    "build",
    "--release",
    // Beside the benches, so that both are built from the same crates.
    "--package",
    "event-benches",
    "--package",
    "event-server",
    "--bin",
    "event-server",
];

/// Measures, and writes the results. `--only track` and `--only files` need no servers; `--only follow` takes those that
/// are there; `--only http` has one of its peers store in PostgreSQL and queue in Redis, and does without it where one of
/// them is not to be had.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Outcome<bool> {
    let says = |flag: &str, value: &str| arguments.windows(2).any(|pair| pair == [flag, value]);
    let only = |name: &str| says("--only", name);
    let queues = only("http") && !says("--part", "contest") && !says("--part", "overload");
    let alone = only("track") || only("files");
    let (bench, title) = if only("track") {
        ("track", "What a call of track costs the application")
    } else if only("files") {
        ("files", "Counts straight from a file, beside DuckDB and Polars")
    } else if only("follow") {
        (
            "follow",
            "How soon followers see what is stored, and how fast tables are made of the log",
        )
    } else if only("http") {
        (
            "http",
            "The collector over HTTP, beside servers that do less and the same, and under too much load",
        )
    } else {
        ("databases", "Ratios to what an expert would write by hand")
    };
    if only("files") || only("http") {
        announce("The program", &format!("cargo {}", PROGRAM.join(" ")));
        if !succeeds(&mut cargo(root, &PROGRAM))? {
            return Ok(false);
        }
    }
    let results = root.join("benches").join("RESULTS.md");
    let results = results.to_string_lossy();
    let arguments = [&BENCH, [bench, "--"].as_slice(), arguments, &["--results", &results]].concat();
    let command = format!("cargo {}", arguments.join(" "));
    if alone {
        announce(title, &command);
        return succeeds(&mut cargo(root, &arguments));
    }
    // A server that is absent is no failure unless it must be there.
    println!("\n==> Databases");
    let backends = Backends::start()?;
    for line in backends.present_lines().into_iter().chain(backends.absent_lines()) {
        println!("    {line}");
    }
    if backends.missing() > 0 {
        return Ok(false);
    }
    let mut bench = cargo(root, &arguments);
    bench.envs(backends.environment());
    // A part that has no use for it does without.
    if queues {
        match redis::find() {
            Ok(program) => {
                println!("    Redis: {}", program.display());
                bench.env(redis::VARIABLE, program);
            }
            Err(reason) => redis::absent_lines(&reason.to_string())
                .iter()
                .for_each(|line| println!("    {line}")),
        }
    }
    announce(title, &command);
    succeeds(&mut bench)
}
