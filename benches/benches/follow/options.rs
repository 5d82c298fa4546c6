//! What the command line asks for.

use std::path::PathBuf;

use event_benches::arguments::arguments;

/// How much to measure.
pub(crate) struct Options {
    /// Events that tables are made of.
    pub(crate) rows: usize,
    pub(crate) rounds: usize,
    /// Events whose ways are timed, one by one.
    pub(crate) events: usize,
    /// `latency` or `rebuild`, alone.
    part: Option<String>,
    /// One database, alone: sqlite, postgresql or mariadb.
    database: Option<String>,
    /// The file to write what was measured to.
    pub(crate) results: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments; `--bench` comes from cargo, `--only follow` has been read already.
    pub(crate) fn read() -> Self {
        let mut options = Options {
            rows: 50_000,
            rounds: 5,
            events: 1_000,
            part: None,
            database: None,
            results: None,
        };
        for argument in arguments() {
            let (name, value) = argument.unwrap_or_else(|missing| panic!("{missing}"));
            let number = || value.parse().unwrap_or_else(|_| panic!("{name} is a number"));
            match name.as_str() {
                "--rows" => options.rows = number(),
                "--rounds" => options.rounds = number(),
                "--events" => options.events = number(),
                "--part" => options.part = Some(value),
                "--database" => options.database = Some(value),
                "--results" => options.results = Some(value.into()),
                "--only" => assert_eq!(value, "follow", "this bench is the one of followers"),
                _ => panic!("{name} is unknown: --rows, --rounds, --events, --part, --database, --results"),
            }
        }
        options
    }

    /// Whether a part is asked for.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.part.as_deref().is_none_or(|only| only == part)
    }

    pub(crate) fn without(&self, database: &str) -> bool {
        self.database
            .as_ref()
            .is_some_and(|wanted| !database.eq_ignore_ascii_case(wanted))
    }

    /// The line to type for the same.
    pub(crate) fn command(&self) -> String {
        let mut line = format!(
            "cargo xtask bench --only follow --rows {} --rounds {} --events {}",
            self.rows, self.rounds, self.events
        );
        for (name, value) in [("--part", &self.part), ("--database", &self.database)] {
            line.extend(value.iter().map(|value| format!(" {name} {value}")));
        }
        line
    }
}
