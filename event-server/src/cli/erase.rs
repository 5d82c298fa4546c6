//! `event-server erase`: all that names a subject goes, and a receipt says what was touched.

use std::io::{self, Write as _};
use std::process::ExitCode;

use event_core::Subject;
use event_server::config::{Flags, Settings};

use super::{FAILED, Outcome, columns, fail, open};

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// Whom to erase
    #[arg(long)]
    subject: Subject,
    /// Only tell what would go; cells are not counted
    #[arg(long)]
    dry_run: bool,
    /// The receipt as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

const AFTER_HELP: &str = "\
It works in short transactions, beside running collectors, and can be interrupted: the next time it goes on. No id \
stays: an event that its sender sends again is a new one, so end what sends first.

Ends with 0 when all is gone, 1 if nothing names the subject, or it failed; 2 if a setting cannot be used.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let erasure = if self.dry_run {
            store.erase_dry(&self.subject).await?
        } else {
            store.erase(&self.subject).await?
        };
        store.close().await?;
        let Some(erasure) = erasure else {
            return Ok(fail(&"nothing names this subject", FAILED));
        };
        if self.json {
            writeln!(io::stdout(), "{}", serde_json::to_string(&erasure)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let touched = &erasure.touched;
        let position = |position: Option<i64>| position.map_or_else(|| "-".to_owned(), |it| it.to_string());
        let mut rows = vec![["what", "gone"].map(str::to_owned)];
        let counts = [
            ("events", touched.events),
            ("sessions of the subject", touched.trails),
            ("quarantine", touched.quarantine),
            ("quarantine history", touched.quarantine_history),
            ("cells", touched.cells_removed),
            ("cells that count less", touched.cells_changed),
            ("groups of cells", touched.groups),
            ("sketches that have fewer values", touched.sketches_changed),
            ("sketches that may still have some", touched.sketches_kept),
        ];
        rows.extend(counts.map(|(what, count)| [what.to_owned(), count.to_string()]));
        rows.push(["first position".to_owned(), position(touched.first_position)]);
        rows.push(["last position".to_owned(), position(touched.last_position)]);
        columns::print(&rows)?;
        let sha256 = &erasure.subject_sha256;
        if self.dry_run {
            writeln!(io::stdout(), "nothing was written; the subject would be {sha256}")?;
        } else {
            writeln!(io::stdout(), "receipt {}, of the subject {sha256}", erasure.number)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
