//! What the command line asks for.

use clap::{ArgAction, Parser};
use event_benches::arguments::Run;

/// Counts straight from files.
#[derive(Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,
    /// Rows of one file, instead of both sizes.
    #[arg(long)]
    rows: Option<usize>,
    /// Whether the files stay, for the next run: yes or no.
    #[arg(long, default_value = "no", action = ArgAction::Set, value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) keep: bool,
}

impl Options {
    /// How many rows.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.rows.map_or(vec![5_000_000, 20_000_000], |rows| vec![rows])
    }
}
