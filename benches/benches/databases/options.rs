//! What the command line asks for.

use clap::{Parser, ValueEnum};
use event_benches::arguments::{Run, wants};
use event_benches::backend::Which;

/// Appends and questions on every database that is there.
#[derive(Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,
    /// Rows that questions are asked over.
    #[arg(long, default_value_t = 5_000_000)]
    pub(crate) rows: usize,
    /// Millions of rows that a file of SQLite grows to, each some 400 MB.
    #[arg(long, default_value_t = 20)]
    pub(crate) millions: usize,
    #[arg(long)]
    part: Option<Part>,
    #[arg(long, ignore_case = true)]
    pub(crate) database: Option<Which>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Append,
    Growth,
    Queries,
}

impl Options {
    pub(crate) fn wants(&self, part: Part) -> bool {
        wants(self.part, part)
    }
}
