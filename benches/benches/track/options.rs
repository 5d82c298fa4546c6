//! What the command line asks for.

use std::path::PathBuf;

use event_benches::arguments::arguments;

/// How much to measure.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    /// Calls of a contender in a round, by all threads together.
    pub(crate) calls: usize,
    /// Whether the clients in Python are measured, too.
    pub(crate) python: bool,
    /// The file to write what was measured to.
    pub(crate) results: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments; `--bench` comes from cargo, `--only track` has been read already.
    pub(crate) fn read() -> Self {
        let mut options = Options {
            rounds: 7,
            calls: 20_000,
            python: true,
            results: None,
        };
        for argument in arguments() {
            let (name, value) = argument.unwrap_or_else(|missing| panic!("{missing}"));
            let number = || value.parse().unwrap_or_else(|_| panic!("{name} is a number"));
            match name.as_str() {
                "--rounds" => options.rounds = number(),
                "--calls" => options.calls = number(),
                "--python" => options.python = value == "yes",
                "--results" => options.results = Some(value.into()),
                "--only" => assert_eq!(value, "track", "this bench is the one of track"),
                _ => panic!("{name} is unknown: --rounds, --calls, --python yes|no, --results"),
            }
        }
        assert!(options.rounds >= 3, "fewer than three rounds say nothing here");
        assert!(
            options.calls >= 4_000,
            "one call in a thousand is asked for, of each of four threads"
        );
        options
    }

    /// The line to type for the same.
    pub(crate) fn command(&self) -> String {
        let mut line = format!(
            "cargo xtask bench --only track --rounds {} --calls {}",
            self.rounds, self.calls
        );
        if !self.python {
            line.push_str(" --python no");
        }
        line
    }
}
