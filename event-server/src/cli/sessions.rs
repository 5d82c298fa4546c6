//! `event-server sessions`: the visits there were.

use std::process::ExitCode;

use event_core::analysis::{SessionRow, Sessions};
use event_server::config::{Flags, Settings};

use super::asked::Asked;
use super::shown::{Shown, Table};
use super::{Outcome, UNUSABLE_SETTINGS, fail, open};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// How many sessions, at the most
    #[arg(long, default_value = "100")]
    limit: String,
    /// ascending: earliest first, or descending
    #[arg(long, default_value = "ascending")]
    order: String,
    /// What an answer in JSON gave as `next`
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    shown: Shown,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let own = [("limit", self.limit.as_str()), ("order", &self.order)];
        let cursor = self.cursor.iter().map(|cursor| ("cursor", cursor.as_str()));
        let sessions = match Sessions::from_pairs(self.asked.pairs(own.into_iter().chain(cursor))) {
            Ok(sessions) => sessions,
            Err(error) => return Ok(fail(&error, UNUSABLE_SETTINGS)),
        };
        let store = open(settings).await?;
        let found = store.analyse(&sessions).await?;
        store.close().await?;
        let mut table = Table::new(["start", "end", "session", "missing", "reordered", "events", "seconds"]);
        found.answer.sessions.iter().map(row).for_each(|row| table.push(row));
        self.shown.print(&found, table)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn row(session: &SessionRow) -> Vec<String> {
    vec![
        session.start.to_string(),
        session.end.to_string(),
        session.session_id.to_string(),
        session.missing.to_string(),
        session.reordered.to_string(),
        session.events.to_string(),
        session.length.to_string(),
    ]
}
