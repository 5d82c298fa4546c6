//! `event-server backup`: the SQLite file as it is now, in another file.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use event_server::config::{Flags, Settings};

use super::{Outcome, open_existing};

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The file to write, which must not be there
    file: PathBuf,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

const AFTER_HELP: &str = "\
It works beside running collectors, and holds all that was answered as stored when it began. Other databases have tools of their own: \
pg_dump, mariadb-dump.

Ends with 0 when the file is on the disk, 1 if it failed, 2 if a setting cannot be used.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open_existing(settings).await?;
        let backed_up = store.back_up(&self.file).await;
        store.close().await?;
        backed_up?;
        let bytes = self.file.metadata()?.len();
        writeln!(io::stdout(), "{bytes} bytes are written to {}", self.file.display())?;
        Ok(ExitCode::SUCCESS)
    }
}
