//! `event-server prune`: old events of a type go, what is counted of them may stay.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::ValueEnum;
use event_core::{EventType, Label, Timestamp};
use event_server::config::{Flags, Settings};
use event_store::PrunedCells;

use super::progress::ProgressLine;
use super::{Outcome, columns, open};

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The category of the events' type
    #[arg(long)]
    category: Label,
    /// The name of the events' type
    #[arg(long)]
    name: Label,
    /// Events before this date go; a time is cut down to the start of its day in UTC
    #[arg(long, value_name = "DATE")]
    before: Timestamp,
    /// What becomes of the cells that count them
    #[arg(long, value_enum, default_value_t)]
    cells: Cells,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Cells {
    /// The metrics of the type answer as before
    #[default]
    Keep,
    /// They go as well
    Drop,
}

const AFTER_HELP: &str = "\
The ids of events that are gone stay, so that none is stored again. It works in short transactions, beside running \
collectors, and can be interrupted: what is left is for the next time.

Ends with 0 when all are gone, 1 if it failed, 2 if a setting cannot be used.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let event_type = EventType {
            category: self.category.clone(),
            name: self.name.clone(),
        };
        let cells = match self.cells {
            Cells::Keep => PrunedCells::Keep,
            Cells::Drop => PrunedCells::Drop,
        };
        let mut line = ProgressLine::new("events pruned");
        let pruned = store.prune(&event_type, self.before, cells, |progress| line.show(progress));
        let pruned = pruned.await?;
        drop(line);
        store.close().await?;
        let event_type = columns::harmless(&event_type.to_string());
        let (events, before) = (pruned.events, pruned.before);
        writeln!(
            io::stdout(),
            "{events} events of {event_type} from before {before} are gone"
        )?;
        Ok(ExitCode::SUCCESS)
    }
}
