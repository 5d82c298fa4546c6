//! All of them in turn, each as a process, round after round.

use std::path::{Path, PathBuf};

use event_benches::python::{self, Environment, run};
use event_benches::rounds::spread;
use event_benches::table::Table;
use serde_json::Value;

use crate::rows::CUSTOMER;

const COLUMNS: &[&str] = &[
    "wall s",
    "min",
    "CPU s",
    "peak MB",
    "times as long",
    "min",
    "max",
    "times the memory",
    "min",
    "max",
];

/// What one process took.
#[derive(Clone, Copy)]
struct Taken {
    wall: f64,
    cpu: f64,
    peak: f64,
}

/// A file beside the peers.
pub(crate) fn script(name: &str) -> PathBuf {
    python::folder().join("benches/files/python").join(name)
}

/// Runs every contender once a round; the answers must be the same.
fn measure(contenders: &[(&str, Vec<String>)], python: &Environment, rounds: usize) -> Vec<Vec<Taken>> {
    let mut taken = vec![Vec::new(); contenders.len()];
    let mut expected: Option<String> = None;
    // One round to warm up, which does not count.
    for round in 0..=rounds {
        for ((name, words), taken) in contenders.iter().zip(&mut taken) {
            let printed = run(python.python().arg(script("measure.py")).args(words));
            let (head, answer) = printed.split_once('\n').unwrap();
            let answer = hours(answer);
            assert_eq!(
                expected.get_or_insert_with(|| answer.clone()),
                &answer,
                "{name} says something else"
            );
            if round > 0 {
                let head: Value = serde_json::from_str(head).unwrap();
                let number = |member: &str| head[member].as_f64().unwrap();
                taken.push(Taken {
                    wall: number("wall"),
                    cpu: number("cpu"),
                    peak: number("peak"),
                });
            }
        }
    }
    taken
}

/// Hours and counts, however they are written; hours without events are nothing.
fn hours(answer: &str) -> String {
    let lines = answer
        .lines()
        .filter(|line| line.starts_with("2021") && !line.ends_with(",0"));
    let lines: Vec<&str> = lines.collect();
    assert!(lines.len() > 24, "there is no answer: {answer}");
    lines.join("\n")
}

pub(crate) fn contest(python: &Environment, file: &Path, rows: usize, rounds: usize) -> Table {
    let path = file.to_string_lossy().into_owned();
    // Beside this bench's own folder, `deps`.
    let here = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().parent().unwrap().join("event-server");
    let ours = format!(
        "{} count --file {path} --no-header --columns subject,name,data.transaction_id,timestamp --subject {CUSTOMER} \
         --bucket hour --csv",
        program.display()
    );
    let peer = |name: &str| -> Vec<String> {
        let program = [python.program("python"), script(name)].map(|path| path.to_string_lossy().into_owned());
        [&program[..], &[path.clone(), CUSTOMER.to_owned()]].concat()
    };
    let contenders = [
        ("event-server count", ours.split(' ').map(str::to_owned).collect()),
        ("DuckDB", peer("duckdb_peer.py")),
        ("Polars, streaming", peer("polars_peer.py")),
    ];
    let taken = measure(&contenders, python, rounds);
    let lines = contenders.iter().zip(&taken).map(|((name, _), own)| {
        let ratios = |of: fn(&Taken) -> f64| spread(own.iter().zip(&taken[0]).map(|(own, first)| of(own) / of(first)));
        let (wall, least, _) = spread(own.iter().map(|it| it.wall));
        let (cpu, ..) = spread(own.iter().map(|it| it.cpu));
        let (peak, ..) = spread(own.iter().map(|it| it.peak));
        let (long, memory) = (ratios(|it| it.wall), ratios(|it| it.peak));
        let numbers = [wall, least, cpu].map(|number| format!("{number:.2}")).into_iter();
        let peak = format!("{peak:.0}");
        let ratios = [long.0, long.1, long.2, memory.0, memory.1, memory.2].map(|ratio| format!("{ratio:.2}"));
        ((*name).to_owned(), numbers.chain([peak]).chain(ratios).collect())
    });
    Table {
        title: format!("{rows} rows, {rounds} rounds"),
        columns: COLUMNS,
        lines: lines.collect(),
    }
}
