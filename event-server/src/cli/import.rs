//! `event-server import`: a file of CSV or NDJSON, or what of it is new.

mod report;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use event_core::{Label, Source};
use event_server::config::{Flags, Settings};
use event_store::import::{Changed, Failure, ImportOptions, Input, Keep, LastRecord, Start};

use super::bar::{self, Bar};
use super::layout::Layout;
use super::{FAILED, Outcome, UNUSABLE_SETTINGS, fail, open, with_causes};

/// What the program ends with where too many rows were refused.
const TOO_MANY_ERRORS: u8 = 3;

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The file, plain or compressed with gzip or zstd; - for standard input
    file: PathBuf,
    #[command(flatten)]
    layout: Layout,
    /// The category of events that name none
    #[arg(long)]
    category: Option<Label>,
    /// The name of events that name none
    #[arg(long)]
    name: Option<Label>,
    /// The version of events that name none
    #[arg(long, value_name = "VERSION")]
    type_version: Option<Label>,
    /// The source of events that name none, instead of --default-source
    #[arg(long)]
    source: Option<Source>,
    /// What this import is called, to go on with it later: the path of the file, if left out
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Write line, column, byte and reason of each refused row to this file
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// How many refused rows end the import
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    max_errors: u64,
    /// Begin at the start of the file, also if it was imported before
    #[arg(long)]
    restart: bool,
    /// What happens if the part that was imported before has changed
    #[arg(long, value_enum, default_value_t)]
    changed: IfChanged,
    /// What happens to a last record without line end
    #[arg(long, value_enum, default_value_t)]
    last_record: Last,
    /// Keep only what metrics count of the events, and their ids
    #[arg(long)]
    counts_only: bool,
    /// So many rows are stored at once, while others wait who write: 4096, or 65536 with --counts-only, where many rows
    /// at once cost much less than few
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// What is told on standard error meanwhile
    #[arg(long, value_enum, default_value_t)]
    progress: bar::Told,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum IfChanged {
    /// Nothing is imported
    #[default]
    Refuse,
    /// All of it is imported; what is stored already is not stored again
    Import,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Last {
    /// It is imported
    #[default]
    Import,
    /// It is left for the next time, since somebody may still be writing it
    Leave,
}

const AFTER_HELP: &str = "\
An import goes on where it ended, however it ended, if it is run again with the same file and the same columns; the \
same file again adds nothing, and one that has grown adds what is new. Standard input is read from its start each \
time, and needs a --label to be gone on with. Refused rows are kept in the quarantine.

Ends with 0 if the file was read to its end, 2 if it or what is said of it cannot be used, 3 if too many rows were \
refused, 1 if it failed.";

impl Arguments {
    pub(super) async fn run(&self, settings: &Settings) -> Outcome {
        let options = match self.options(settings) {
            Ok(options) => options,
            Err(message) => return Ok(fail(&message, UNUSABLE_SETTINGS)),
        };
        let stdin = self.file == Path::new("-");
        let input = match stdin {
            true => Input::stream(io::stdin()),
            false => Input::file(&self.file),
        };
        let store = open(settings).await?;
        let mut bar = Bar::new(self.progress);
        let ended = store.import(input, options, |progress| bar.show(progress)).await;
        bar.end();
        store.close().await?;
        let (imported, failure) = match ended {
            Ok(imported) => (Some(imported), None),
            Err(stopped) => (stopped.imported.map(|it| *it), Some(stopped.failure)),
        };
        if self.json {
            report::print_json(imported.as_ref(), failure.as_ref())?;
        } else if let Some(imported) = imported.filter(|it| failure.is_none() || it.rows > 0) {
            report::print(&imported)?;
        }
        let Some(failure) = failure else {
            return Ok(ExitCode::SUCCESS);
        };
        let message = format!("{}: {}: {}", self.file.display(), failure.code(), with_causes(&failure));
        let code = match failure {
            Failure::TooManyErrors { .. } => TOO_MANY_ERRORS,
            failure if failure.is_input() => UNUSABLE_SETTINGS,
            _ => FAILED,
        };
        Ok(fail(&settings.database_url.hide_in(&message), code))
    }

    fn options(&self, settings: &Settings) -> Result<ImportOptions, String> {
        let mut options = self.layout.options(&self.file, self.source.as_ref(), settings)?;
        options.category.clone_from(&self.category);
        options.name.clone_from(&self.name);
        options.version.clone_from(&self.type_version);
        options.label.clone_from(&self.label);
        options.rejects.clone_from(&self.rejects);
        options.max_errors = self.max_errors;
        options.start = if self.restart { Start::Over } else { Start::Resume };
        options.changed = match self.changed {
            IfChanged::Refuse => Changed::Refuse,
            IfChanged::Import => Changed::Import,
        };
        options.last_record = match self.last_record {
            Last::Import => LastRecord::Import,
            Last::Leave => LastRecord::Leave,
        };
        options.keep = if self.counts_only {
            Keep::CountsOnly
        } else {
            Keep::ByType
        };
        options.batch = match self.batch {
            Some(rows) => rows as usize,
            None if self.counts_only => ImportOptions::LARGE_BATCH,
            None => options.batch,
        };
        Ok(options)
    }
}
