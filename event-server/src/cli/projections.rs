//! `event-server projections`: tables that applications make of the log; how far they are, and what they could not take.

mod parked;
mod show;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Subcommand;
use event_server::config::{Flags, Settings};

use super::{Outcome, open};

pub(super) const AFTER_HELP: &str = "\
Without a command, tells how far each projection is. What is asked of a projection does the application that runs it, within \
seconds; until then it waits.";

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(Subcommand)]
enum Command {
    /// List events that a projection could not take
    Parked(parked::List),
    /// Show one of them: its reason, the event, and all that was done since it was parked
    Show(parked::Show),
    /// Have parked events tried again
    Replay(parked::Asked),
    /// Give parked events up: those that wait behind them go on
    Discard(parked::Asked),
    /// Have a projection built anew from the start of the log, beside the tables that readers see
    Rebuild(Named),
    /// Give up what is built beside the tables that readers see, and drop it
    Abandon(Named),
    /// Drop tables that were replaced
    DropOld(Named),
}

#[derive(clap::Args)]
struct List {
    /// As JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
struct Named {
    /// The name of the projection
    name: String,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

impl Arguments {
    pub(super) fn flags(&self) -> &Flags {
        match &self.command {
            None => &self.list.flags,
            Some(Command::Parked(list)) => &list.flags,
            Some(Command::Show(show)) => &show.flags,
            Some(Command::Replay(asked) | Command::Discard(asked)) => &asked.flags,
            Some(Command::Rebuild(named) | Command::Abandon(named) | Command::DropOld(named)) => &named.flags,
        }
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        match &self.command {
            None => self.list.run(settings).await,
            Some(Command::Parked(list)) => list.run(settings).await,
            Some(Command::Show(show)) => show.run(settings).await,
            Some(Command::Replay(asked)) => asked.replay(settings).await,
            Some(Command::Discard(asked)) => asked.discard(settings).await,
            Some(Command::Rebuild(named)) => named.rebuild(settings).await,
            Some(Command::Abandon(named)) => named.abandon(settings).await,
            Some(Command::DropOld(named)) => named.drop_old(settings).await,
        }
    }
}

impl List {
    async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let all = store.projections().await?;
        store.close().await?;
        if self.json {
            let mut out = io::stdout().lock();
            for status in &all {
                writeln!(out, "{}", serde_json::to_string(status)?)?;
            }
        } else if all.is_empty() {
            writeln!(io::stdout(), "there are no projections in {}", settings.database_url)?;
        } else {
            show::statuses(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Named {
    async fn rebuild(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let asked = store.rebuild_projection(&self.name).await;
        store.close().await?;
        let said = if asked? {
            "is to be built anew by whoever runs it"
        } else {
            "is being built already"
        };
        writeln!(io::stdout(), "{} {said}", self.name)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn abandon(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let abandoned = store.abandon_rebuild(&self.name).await;
        store.close().await?;
        writeln!(io::stdout(), "{} generations are given up", abandoned?)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn drop_old(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let dropped = store.drop_old_projections(&self.name).await;
        store.close().await?;
        writeln!(io::stdout(), "{} generations are dropped", dropped?)?;
        Ok(ExitCode::SUCCESS)
    }
}
