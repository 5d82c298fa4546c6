//! A peer: a process that holds the columns and answers question by question, by its own clock.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use event_benches::python::{Environment, folder};
use serde_json::Value;

use crate::question::{Pairs, plain};

/// A file beside this one.
pub(crate) fn file(name: &str) -> PathBuf {
    folder().join("benches/memory/python").join(name)
}

/// Dropped, it ends.
pub(crate) struct Peer {
    name: &'static str,
    process: Child,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts it, and waits until it has read the file.
    pub(crate) fn start(python: &Environment, name: &'static str, rows: &Path) -> Self {
        let mut command = python.python();
        command.arg(file("peer.py")).arg(name).arg(rows);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (questions, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut peer = Peer {
            name,
            process,
            questions,
            answers: BufReader::new(answers).lines(),
        };
        assert_eq!(peer.line(), "ready");
        peer
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    fn line(&mut self) -> String {
        let line = self.answers.next();
        line.unwrap_or_else(|| panic!("{} has ended", self.name)).unwrap()
    }

    /// The seconds that it took, and the answer.
    pub(crate) fn ask(&mut self, question: &str) -> (f64, Pairs) {
        writeln!(self.questions, "{question}").unwrap();
        let answer: Value = serde_json::from_str(&self.line()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pairs = answer["rows"].as_array().unwrap().iter();
        let pairs = pairs.map(|pair| (text(&pair[0]), plain(&text(&pair[1]))));
        (answer["seconds"].as_f64().unwrap(), pairs.collect())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
