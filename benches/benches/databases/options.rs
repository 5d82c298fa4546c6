//! What the command line asks for.

use std::path::PathBuf;

use event_benches::arguments::arguments;

/// How much to measure.
pub(crate) struct Options {
    /// Rows that questions are asked over.
    pub(crate) rows: usize,
    pub(crate) rounds: usize,
    /// `append` or `queries`, alone.
    only: Option<String>,
    /// One database, alone: sqlite, postgresql or mariadb.
    database: Option<String>,
    /// The file to write what was measured to.
    pub(crate) results: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments; `--bench` comes from cargo.
    pub(crate) fn read() -> Self {
        let mut options = Options {
            rows: 200_000,
            rounds: 7,
            only: None,
            database: None,
            results: None,
        };
        for argument in arguments() {
            let (name, value) = argument.unwrap_or_else(|missing| panic!("{missing}"));
            let number = || value.parse().unwrap_or_else(|_| panic!("{name} is a number"));
            match name.as_str() {
                "--rows" => options.rows = number(),
                "--rounds" => options.rounds = number(),
                "--only" => options.only = Some(value),
                "--database" => options.database = Some(value),
                "--results" => options.results = Some(value.into()),
                _ => panic!("{name} is unknown: --rows, --rounds, --only, --database, --results"),
            }
        }
        assert!(options.rounds >= 5, "fewer than five rounds say nothing here");
        options
    }

    pub(crate) fn without(&self, database: &str) -> bool {
        self.database
            .as_ref()
            .is_some_and(|wanted| !database.eq_ignore_ascii_case(wanted))
    }

    pub(crate) fn appends(&self) -> bool {
        self.only.as_deref() != Some("queries")
    }

    pub(crate) fn queries(&self) -> bool {
        self.only.as_deref() != Some("append")
    }

    /// The line to type for the same.
    pub(crate) fn command(&self) -> String {
        let mut line = format!("cargo xtask bench --rows {} --rounds {}", self.rows, self.rounds);
        for (name, value) in [("--only", &self.only), ("--database", &self.database)] {
            line.extend(value.iter().map(|value| format!(" {name} {value}")));
        }
        line
    }
}
