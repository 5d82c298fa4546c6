//! `event-server losses`: what clients had to give up, by their own account.

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_core::{Source, Timestamp};
use event_server::config::{Flags, Settings};
use event_store::loss::{LossFilter, ReportedLoss};

use super::{Outcome, columns, open};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// From the hour of this time on
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only hours that start before this time
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Only what this application has lost
    #[arg(long)]
    source: Option<Source>,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let filter = LossFilter {
            from: self.from,
            to: self.to,
            source: self.source.clone(),
        };
        let losses = store.losses(&filter).await?;
        store.close().await?;
        if losses.is_empty() {
            let database = &settings.database_url;
            writeln!(io::stdout(), "no such losses were reported to {database}")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut rows = vec![["hour", "source", "reason", "events"].map(str::to_owned)];
        rows.extend(losses.iter().map(row));
        columns::print(&rows)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn row(loss: &ReportedLoss) -> [String; 4] {
    let row = [
        loss.hour.to_string(),
        loss.source.to_string(),
        loss.reason.to_string(),
        loss.events.to_string(),
    ];
    row.map(|text| columns::harmless(&text))
}
