//! `event-server quarantine`: refused events, found, looked at, mended, replayed and discarded.

mod show;

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use event_core::patch::Patch;
use event_core::upcaster::Target;
use event_core::{Code, EventType, Label, Source, Timestamp};
use event_server::config::{Flags, Settings};
use event_store::quarantine::{QuarantineFilter, Run, Selection, State, Work};
use event_store::{QuarantineEntry, QuarantinePage};

use super::progress::ProgressLine;
use super::{FAILED, Outcome, columns, fail, open};

#[derive(Subcommand)]
pub(super) enum Command {
    /// List refused events
    List(List),
    /// Show one: what came in, the spots that are wrong, and all that was done to it
    Show(Show),
    /// Change the document of one by a JSON Patch, and tell what would become of it
    Edit(Edit),
    /// Judge refused events again by the schemas of now, and store those that are good
    Replay(Replay),
    /// Put refused events away that are of no use
    Discard(Discard),
}

pub(super) const AFTER_HELP: &str = "\
A refused event is replayed under the id, the source and the time that it came in with, and stored once, however often \
that is tried. Try with --dry-run first.";

#[derive(clap::Args)]
struct Filter {
    /// Only those refused for this reason, say schema_violation
    #[arg(long)]
    code: Option<Code>,
    /// Only those from this application
    #[arg(long)]
    source: Option<Source>,
    /// Only those of this type
    #[arg(long, requires = "name")]
    category: Option<Label>,
    /// Only those of this type
    #[arg(long, requires = "category")]
    name: Option<Label>,
    /// Only those that came in at this time or later
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Only those that came in before this time
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
}

impl Filter {
    fn read(&self, state: Option<State>) -> QuarantineFilter {
        let event_type = self.category.clone().zip(self.name.clone());
        QuarantineFilter {
            code: self.code,
            source: self.source.clone(),
            event_type: event_type.map(|(category, name)| EventType { category, name }),
            from: self.from,
            to: self.to,
            state,
        }
    }

    fn is_empty(&self) -> bool {
        self.read(None) == QuarantineFilter::default()
    }
}

#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    filter: Filter,
    /// Only those of which this has become: open, replayed or discarded
    #[arg(long)]
    state: Option<State>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only those behind this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// As JSON, one entry a line
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Show {
    /// What `event-server quarantine list` shows of it
    number: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Edit {
    /// What `event-server quarantine list` shows of it
    number: i64,
    /// The JSON Patch (RFC 6902); - reads it from standard input
    #[arg(long, value_name = "FILE")]
    patch: PathBuf,
    /// Only tell what would become of it
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

/// On which entries.
#[derive(clap::Args)]
struct Chosen {
    /// These entries, by their numbers
    #[arg(conflicts_with = "all")]
    numbers: Vec<i64>,
    /// All that are open
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only tell what would become of them
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Replay {
    #[command(flatten)]
    chosen: Chosen,
    /// Judge and store events that name another version as those of this one; the active one, if none is named
    #[arg(long, value_name = "VERSION", num_args = 0..=1, require_equals = true, default_missing_value = "latest")]
    upcast: Option<Target>,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

#[derive(clap::Args)]
pub(super) struct Discard {
    #[command(flatten)]
    chosen: Chosen,
    /// Why, up to 100 characters
    #[arg(long, value_name = "TEXT")]
    note: Option<Label>,
    #[command(flatten, next_help_heading = "Settings")]
    flags: Flags,
}

const fn run(dry: bool) -> Run {
    if dry { Run::Dry } else { Run::Real }
}

impl Command {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Command::List(list) => &list.flags,
            Command::Show(show) => &show.flags,
            Command::Edit(edit) => &edit.flags,
            Command::Replay(replay) => &replay.flags,
            Command::Discard(discard) => &discard.flags,
        }
    }

    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        match self {
            Command::List(list) => list.run(settings).await,
            Command::Show(show) => show.run(settings).await,
            Command::Edit(edit) => edit.run(settings).await,
            Command::Replay(replay) => replay.run(settings).await,
            Command::Discard(discard) => discard.run(settings).await,
        }
    }
}

impl List {
    async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let mut left = usize::try_from(self.limit)?;
        let mut page = QuarantinePage {
            filter: self.filter.read(self.state),
            after: self.after,
            limit: left.min(1_000),
        };
        let mut entries = Vec::new();
        loop {
            let found = store.quarantine(&page).await?;
            left -= found.entries.len().min(left);
            entries.extend(found.entries);
            (page.after, page.limit) = (found.next, left.min(1_000));
            if page.after.is_none() || left == 0 {
                break;
            }
        }
        store.close().await?;
        if self.json {
            let mut out = io::stdout().lock();
            for entry in &entries {
                writeln!(out, "{}", serde_json::to_string(entry)?)?;
            }
        } else if entries.is_empty() {
            writeln!(io::stdout(), "no such events were refused in {}", settings.database_url)?;
        } else {
            let head = ["number", "received", "source", "type", "code", "times", "state", "id"];
            let mut rows = vec![head.map(str::to_owned)];
            rows.extend(entries.iter().map(row));
            columns::print(&rows)?;
        }
        if let Some(after) = page.after.filter(|_| !self.json) {
            writeln!(io::stderr(), "there are more: --after {after}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(entry: &QuarantineEntry) -> [String; 8] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let row = [
        entry.number.to_string(),
        entry.received_at.to_string(),
        entry.source.to_string(),
        or_none(entry.event_type.as_ref().map(ToString::to_string)),
        entry.code.to_string(),
        entry.occurrences.to_string(),
        entry.state.as_str().to_owned(),
        or_none(entry.id.as_ref().map(ToString::to_string)),
    ];
    row.map(|text| columns::harmless(&text))
}

fn missing() -> ExitCode {
    fail(&"no entry of the quarantine has this number", FAILED)
}

impl Show {
    async fn run(&self, settings: &Settings) -> Outcome {
        let store = open(settings).await?;
        let found = store.quarantined(self.number).await?;
        store.close().await?;
        let Some(found) = found else {
            return Ok(missing());
        };
        if self.json {
            writeln!(io::stdout(), "{}", serde_json::to_string(&found)?)?;
        } else {
            show::print(&found)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Edit {
    async fn run(&self, settings: &Settings) -> Outcome {
        let mut text = Vec::new();
        if self.patch.as_os_str() == "-" {
            io::stdin().lock().read_to_end(&mut text)?;
        } else {
            let shown = self.patch.display();
            text = std::fs::read(&self.patch).map_err(|error| format!("cannot read {shown}: {error}"))?;
        }
        let patch = Patch::from_slice(&text)?;
        let store = open(settings).await?;
        let edited = store
            .edit_quarantined(self.number, &patch, run(self.dry_run), None)
            .await?;
        store.close().await?;
        let Some(edited) = edited else {
            return Ok(missing());
        };
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&edited)?)?;
        } else {
            writeln!(out, "{}", columns::harmless(&edited.document))?;
            writeln!(out, "{}", show::verdict(&edited.verdict))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Chosen {
    fn work(&self) -> Result<Work, String> {
        if !self.numbers.is_empty() && !self.filter.is_empty() {
            return Err("either numbers or a filter: not both".to_owned());
        }
        if self.numbers.is_empty() && self.filter.is_empty() && !self.all {
            return Err("say which: numbers, a filter, or --all".to_owned());
        }
        let selection = if self.numbers.is_empty() {
            Selection::Filter(self.filter.read(None))
        } else {
            Selection::Numbers(self.numbers.clone())
        };
        Ok(Work {
            run: run(self.dry_run),
            ..Work::on(selection)
        })
    }
}

impl Replay {
    async fn run(&self, settings: &Settings) -> Outcome {
        let mut work = self.chosen.work()?;
        work.upcast.clone_from(&self.upcast);
        let store = open(settings).await?;
        let mut line = ProgressLine::new("entries judged");
        let replayed = store.replay(&work, |progress| line.show(progress)).await?;
        drop(line);
        store.close().await?;
        if self.chosen.json {
            writeln!(io::stdout(), "{}", serde_json::to_string(&replayed)?)?;
        } else {
            show::replayed(&replayed)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Discard {
    async fn run(&self, settings: &Settings) -> Outcome {
        let work = self.chosen.work()?;
        let store = open(settings).await?;
        let mut line = ProgressLine::new("entries discarded");
        let discarded = store
            .discard(&work, self.note.as_ref(), |progress| line.show(progress))
            .await?;
        drop(line);
        store.close().await?;
        if self.chosen.json {
            writeln!(io::stdout(), "{}", serde_json::to_string(&discarded)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let (entries, skipped) = (discarded.entries, discarded.skipped);
        let done = if self.chosen.dry_run { "would be" } else { "are" };
        writeln!(io::stdout(), "{entries} entries {done} discarded, {skipped} skipped")?;
        Ok(ExitCode::SUCCESS)
    }
}
