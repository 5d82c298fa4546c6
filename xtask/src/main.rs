//! `cargo xtask`: what a fresh machine needs to test and check the workspace with one command.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal: what it prints is its product"
)]

mod tally;
mod json;
mod command;
mod silence;
mod program;
mod install;
mod architecture;
mod licence;
mod package;
mod container;
mod surface;
mod lint;
mod database;
mod requirement;
mod browser;
mod redis;
mod server;
mod backends;
mod databases;
mod python;
mod schema_suite;
mod test;
mod bench;
mod instructions;
mod fuzz;
mod prove;
mod mutants;

use std::path::Path;
use std::process::ExitCode;

use command::Outcome;
use test::Suite;

const USAGE: &str = "\
usage: cargo xtask <command>

  test           every test of the workspace, with its own database servers; the last line is `N passed, N failed`;
                 [rust|python]: only those
  databases      those servers until you press Enter; `databases -- <command>`: for as long as the command runs
  bench          all benches beside their peers, one after another, into benches/RESULTS.md; [--rounds N]
                 [--remark TEXT]; or one of them, --only NAME:
                   append       into every database, as shares of what an expert writes by hand; [--database NAME]
                   queries      over them, beside that expert's SQL; [--rows N] [--database NAME]
                   validation   from bytes to a verdict, beside serde_json and jsonschema
                   python       the same from Python, beside the validators that people use there
                   memory       questions over events in memory, beside DuckDB and Polars; [--rows N]
                   track        what a call costs the application; [--calls N] [--python yes|no]
                   files        counts from files of 5 and 20 million rows, beside DuckDB and Polars; [--rows N]
                                [--keep yes]
                   http         the collector, beside axum and a Django service, and under five times its peak;
                                [--seconds N] [--part contest|django|overload] [--flags A,B]
                                [--processors apart|shared]
                   follow       followers and projections; [--rows N] [--events N] [--part latency|rebuild]
                                [--database NAME]
  prove          what must hold whatever fails: kills, errors and losses at every write of the disk, restarts, cuts, clients
                 that are gone, and builds broken on purpose that must be caught, each with its N; in their long form, for
                 hours, or [--quick] as in every run of the tests; [WORD …]: those proofs whose name or test has it
  mutants        how many small changes of a crate's sources its tests would see, and those that they would not:
                 <package> [--sample K/N] [--seed S], part K of N, drawn by the seed; [--missed]: only those that the last
                 run has missed; [--alone]: also those that cannot be built with the others, a minute or more each;
                 [--skip TEST]; [FILE …]: only in files with such a word in their name
  instructions   what an event costs on the pure paths, counted by callgrind and held to benches/INSTRUCTIONS.md;
                 [--write]: keeps what is counted there
  fuzz           every parser, with bytes that cargo-fuzz finds; [--seconds N] [TARGET …]
  lint           formatting, architecture, licences, packages, clippy, documentation, public surface, dependencies
  surface        writes what each crate promises its users into its surface.txt, and shows what has changed
  architecture   the arrows between crates, the order of modules, the rules for files";

fn main() -> ExitCode {
    if let Some(code) = surface::as_rustdoc() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["databases"] => return exit(databases::run(&[])),
        ["databases", "--", ref command @ ..] => return exit(databases::run(command)),
        ["test"] => test::run(root(), &Suite::ALL),
        ["test", "rust"] => test::run(root(), &[Suite::Rust]),
        ["test", "python"] => test::run(root(), &[Suite::Python]),
        ["bench", ref arguments @ ..] => bench::run(root(), arguments),
        ["instructions", ref arguments @ ..] => instructions::run(root(), arguments),
        ["fuzz", ref arguments @ ..] => fuzz::run(root(), arguments),
        ["mutants", ref arguments @ ..] => mutants::run(root(), arguments),
        ["prove", ref arguments @ ..] => prove::run(root(), arguments),
        ["lint"] => lint::run(root()),
        ["surface"] => surface::write(root()),
        ["architecture"] => architecture::run(root()),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    exit(outcome.map(|passed| if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

fn exit(outcome: Outcome<ExitCode>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where the workspace lies: the folder above this crate.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
