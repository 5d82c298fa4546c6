//! What the command line asks for.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use event_benches::arguments::{Run, wants};

/// The collector over HTTP.
#[derive(Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,
    /// How long each measurement takes.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    #[arg(long)]
    part: Option<Part>,
    /// Flags for the collector, with commas between them.
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) flags: Vec<String>,
    /// Whose processors the load of too much is made on.
    #[arg(long, default_value = "apart")]
    processors: Place,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Contest,
    Django,
    Overload,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    /// On those that are not the server's, where that is possible.
    Apart,
    /// On the server's.
    Shared,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        wants(self.part, part)
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn shared(&self) -> bool {
        self.processors == Place::Shared
    }
}
