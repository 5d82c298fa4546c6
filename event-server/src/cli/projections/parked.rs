//! Events that a projection could not take.

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_core::Label;
use event_server::config::{Flags, Settings};
use event_store::EventStore;
use event_store::project::{ParkedPage, ParkedPlace, ParkedState};

use super::super::{FAILED, Outcome, fail, open};
use super::show;

/// So many are asked for at once.
const PAGE: usize = 1_000;

#[derive(clap::Args)]
pub(super) struct List {
    /// The name of the projection
    name: String,
    /// Only those in this state: parked, waiting, replay or discard
    #[arg(long)]
    state: Option<ParkedState>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only those behind this place of the log
    #[arg(long, value_name = "POSITION")]
    after: Option<i64>,
    /// As JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Show {
    /// The name of the projection
    name: String,
    /// The place of the event in the log, as `parked` shows it
    position: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Asked {
    /// The name of the projection
    name: String,
    /// These, by their places in the log
    #[arg(conflicts_with = "all", required_unless_present = "all")]
    positions: Vec<i64>,
    /// All that could not be applied
    #[arg(long)]
    all: bool,
    /// Who asks, for the history
    #[arg(long, value_name = "NAME")]
    by: Option<Label>,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

/// Whether a projection is there; says so if it is not.
async fn known(store: &EventStore, name: &str) -> Result<Option<ExitCode>, event_store::Error> {
    if store.projection(name).await?.is_empty() {
        store.close().await?;
        return Ok(Some(fail(&"there is no projection of this name", FAILED)));
    }
    Ok(None)
}

impl List {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        if let Some(failed) = known(&store, &self.name).await? {
            return Ok(failed);
        }
        let mut left = usize::try_from(self.limit)?;
        let mut page = ParkedPage {
            state: self.state,
            // Behind all that is parked there, of whichever tables.
            after: self.after.map(|position| ParkedPlace {
                position,
                generation: i64::MAX,
            }),
            limit: left.min(PAGE),
        };
        let mut events = Vec::new();
        loop {
            let found = store.parked(&self.name, &page).await?;
            left -= found.events.len().min(left);
            events.extend(found.events);
            (page.after, page.limit) = (found.next, left.min(PAGE));
            if page.after.is_none() || left == 0 {
                break;
            }
        }
        store.close().await?;
        if self.json {
            let mut out = io::stdout().lock();
            for event in &events {
                writeln!(out, "{}", serde_json::to_string(event)?)?;
            }
        } else if events.is_empty() {
            writeln!(io::stdout(), "{} has parked no such events", self.name)?;
        } else {
            show::parked(&events)?;
        }
        if let Some(after) = page.after.filter(|_| !self.json) {
            writeln!(io::stderr(), "there are more: --after {}", after.position)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let found = store.parked_event(&self.name, self.position).await?;
        store.close().await?;
        let Some(found) = found else {
            let missing = "this projection has parked no event at this place of the log";
            return Ok(fail(&missing, FAILED));
        };
        if self.json {
            writeln!(io::stdout(), "{}", serde_json::to_string(&found)?)?;
        } else {
            show::inspected(&found)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Asked {
    fn positions(&self) -> Option<&[i64]> {
        (!self.all).then_some(&self.positions)
    }

    pub(super) async fn replay(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        if let Some(failed) = known(&store, &self.name).await? {
            return Ok(failed);
        }
        let asked = store
            .replay_parked(&self.name, self.positions(), self.by.as_ref())
            .await?;
        store.close().await?;
        writeln!(io::stdout(), "{asked} events are to be tried again")?;
        Ok(ExitCode::SUCCESS)
    }

    pub(super) async fn discard(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        if let Some(failed) = known(&store, &self.name).await? {
            return Ok(failed);
        }
        let asked = store
            .discard_parked(&self.name, self.positions(), self.by.as_ref())
            .await?;
        store.close().await?;
        writeln!(io::stdout(), "{asked} events are to be given up")?;
        Ok(ExitCode::SUCCESS)
    }
}
