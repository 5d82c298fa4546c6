//! What the command line asks for.

use clap::{Parser, ValueEnum};
use event_benches::arguments::{Run, wants};
use event_benches::backend::Which;

/// How soon followers see what is stored, and how fast tables are made of the log.
#[derive(Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,
    /// Events that tables are made of.
    #[arg(long, default_value_t = 50_000)]
    pub(crate) rows: usize,
    /// Events whose ways are timed, one by one.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) events: usize,
    #[arg(long)]
    part: Option<Part>,
    #[arg(long, ignore_case = true)]
    pub(crate) database: Option<Which>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Latency,
    Rebuild,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        wants(self.part, part)
    }
}
