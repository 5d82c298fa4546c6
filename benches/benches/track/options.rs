//! What the command line asks for.

use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use clap::{ArgAction, Parser};
use event_benches::arguments::Run;

/// What a call of track costs the application.
#[derive(Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) run: Run,
    /// Calls of a contender in a round, by all threads together: one in a thousand is asked for, of each of four threads.
    #[arg(long, default_value_t = 20_000, value_parser = RangedU64ValueParser::<usize>::new().range(4_000..))]
    pub(crate) calls: usize,
    /// Whether the clients in Python are measured, too: yes or no.
    #[arg(long, default_value = "yes", action = ArgAction::Set, value_parser = BoolishValueParser::new())]
    pub(crate) python: bool,
}
