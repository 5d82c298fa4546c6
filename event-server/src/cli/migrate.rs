//! `event-server migrate`: the whole store moves to another database.

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_server::config::{DatabaseUrl, Flags, Settings};

use super::progress::ProgressLine;
use super::{FAILED, Outcome, UNUSABLE_SETTINGS, fail, open_existing, with_causes};

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The empty database to copy everything to, by a URL of sqlite:, postgres:, mysql: or mariadb:
    #[arg(long, value_name = "URL", help = concat!(
        "The empty database to copy everything to, by a URL of sqlite:, postgres:, mysql: or mariadb:",
        "\n[environment: EVENT_SERVER_MIGRATE_TO, or EVENT_SERVER_MIGRATE_TO_FILE for a file that holds it]",
    ))]
    to: Option<String>,
    /// What the names of all tables start with there; as here, if left out
    #[arg(long, value_name = "TEXT")]
    to_prefix: Option<String>,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

const AFTER_HELP: &str = "\
Stop every collector of the database first, and let none run on the other one: what is stored meanwhile would be missing, and ends the copy with an error. \
A URL with a password belongs into the environment: whoever sees the list of processes reads flags. \
Every event keeps its place in the log, every receipt, cell, key and refused event stays as it is, and so does the database that is \
copied. Until all is there, no collector starts on the copy; if it was cut off, run the same line again.

Ends with 0 when all is there, 1 if it failed, 2 if a setting cannot be used.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let to = match DatabaseUrl::to_migrate_to(self.to.as_deref()) {
            Ok(to) => to,
            Err(error) => return Ok(fail(&error, UNUSABLE_SETTINGS)),
        };
        let mut options = settings.store();
        if let Some(prefix) = &self.to_prefix {
            options = options.prefix(prefix);
        }
        let store = open_existing(settings).await?;
        let mut line = ProgressLine::new("rows copied");
        let copied = store
            .copy_to(to.expose(), options, |progress| line.show(progress))
            .await;
        drop(line);
        store.close().await?;
        match copied {
            Ok(copied) => {
                let (rows, tables, head) = (copied.rows, copied.tables, copied.head);
                let (from, to) = (&settings.database_url, &to);
                writeln!(
                    io::stdout(),
                    "{rows} rows of {tables} tables are copied from {from} to {to}, up to place {head} of the log"
                )?;
                Ok(ExitCode::SUCCESS)
            }
            // What a driver says of the other URL may be that URL.
            Err(error) => Ok(fail(&to.hide_in(&with_causes(&error)), FAILED)),
        }
    }
}
