//! What the command line asks for.

use std::path::PathBuf;

use event_benches::arguments::arguments;

/// How much to measure.
pub(crate) struct Options {
    /// Rows of one file, instead of both sizes.
    rows: Option<usize>,
    rounds: Option<usize>,
    /// Whether the files stay, for the next run.
    pub(crate) keep: bool,
    /// What is to be said of the machine, say that it was busy.
    remark: String,
    /// The file to write what was measured to.
    pub(crate) results: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments; `--bench` comes from cargo, `--only files` has been read already.
    pub(crate) fn read() -> Self {
        let mut options = Options {
            rows: None,
            rounds: None,
            keep: false,
            remark: String::new(),
            results: None,
        };
        for argument in arguments() {
            let (name, value) = argument.unwrap_or_else(|missing| panic!("{missing}"));
            let number = || value.parse().unwrap_or_else(|_| panic!("{name} is a number"));
            match name.as_str() {
                "--rows" => options.rows = Some(number()),
                "--rounds" => options.rounds = Some(number()),
                "--keep" => options.keep = value == "yes",
                "--remark" => options.remark = value,
                "--results" => options.results = Some(value.into()),
                "--only" => assert_eq!(value, "files", "this bench is the one of files"),
                _ => panic!("{name} is unknown: --rows, --rounds, --keep yes|no, --remark, --results"),
            }
        }
        options
    }

    /// How many rows, and how many rounds over them.
    pub(crate) fn sizes(&self) -> Vec<(usize, usize)> {
        match self.rows {
            Some(rows) => vec![(rows, self.rounds.unwrap_or(5))],
            None => vec![
                (5_000_000, self.rounds.unwrap_or(5)),
                (20_000_000, self.rounds.unwrap_or(3)),
            ],
        }
    }

    pub(crate) fn remark(&self) -> String {
        match self.remark.as_str() {
            "" => "nothing was said of what else ran".to_owned(),
            remark => remark.to_owned(),
        }
    }

    /// The line to type for the same.
    pub(crate) fn command(&self) -> String {
        let mut line = "cargo xtask bench --only files".to_owned();
        for (name, value) in [("--rows", self.rows), ("--rounds", self.rounds)] {
            if let Some(value) = value {
                line.push_str(&format!(" {name} {value}"));
            }
        }
        line
    }
}
