//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use event_benches::arguments::arguments;

/// How much to measure.
pub(crate) struct Options {
    pub(crate) rounds: usize,
    /// How long each measurement takes.
    pub(crate) duration: Duration,
    /// Which part alone: `contest`, `overload` or `django`.
    part: Option<String>,
    /// Flags for the collector, with commas between them.
    pub(crate) flags: Vec<String>,
    /// Whether the load of too much shares the processors of the server; apart where that is possible.
    pub(crate) shared: bool,
    /// What is to be said of the machine, say that it was busy.
    remark: String,
    /// The file to write what was measured to.
    pub(crate) results: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments; `--bench` comes from cargo, `--only http` has been read already.
    pub(crate) fn read() -> Self {
        let mut options = Options {
            rounds: 5,
            duration: Duration::from_secs(6),
            part: None,
            flags: Vec::new(),
            shared: false,
            remark: String::new(),
            results: None,
        };
        for argument in arguments() {
            let (name, value) = argument.unwrap_or_else(|missing| panic!("{missing}"));
            let number = || value.parse().unwrap_or_else(|_| panic!("{name} is a number"));
            match name.as_str() {
                "--rounds" => options.rounds = number(),
                "--seconds" => options.duration = Duration::from_secs(number() as u64),
                "--part" => options.part = Some(value),
                "--flags" => options.flags = value.split(',').map(str::to_owned).collect(),
                "--processors" => {
                    assert!(
                        ["apart", "shared"].contains(&value.as_str()),
                        "{name} is apart or shared"
                    );
                    options.shared = value == "shared";
                }
                "--remark" => options.remark = value,
                "--results" => options.results = Some(value.into()),
                "--only" => assert_eq!(value, "http", "this bench is the one over HTTP"),
                _ => {
                    panic!("{name} is unknown: --rounds, --seconds, --part, --flags, --processors, --remark, --results")
                }
            }
        }
        options
    }

    /// Whether a part is asked for.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.part.as_deref().is_none_or(|only| only == part)
    }

    pub(crate) fn remark(&self) -> String {
        match self.remark.as_str() {
            "" => "nothing was said of what else ran".to_owned(),
            remark => remark.to_owned(),
        }
    }

    /// The line to type for the same.
    pub(crate) fn command(&self) -> String {
        let mut line = format!(
            "cargo xtask bench --only http --rounds {} --seconds {}",
            self.rounds,
            self.duration.as_secs()
        );
        if let Some(part) = &self.part {
            line.push_str(&format!(" --part {part}"));
        }
        if !self.flags.is_empty() {
            line.push_str(&format!(" --flags {}", self.flags.join(",")));
        }
        if self.shared {
            line.push_str(" --processors shared");
        }
        line
    }
}
