//! `event-server import`: a file of CSV or NDJSON, or what of it is new.

mod bar;
mod report;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use event_core::{Label, Mapping, Source};
use event_server::config::{Flags, Settings};
use event_store::Origin;
use event_store::import::{
    Changed, Column, Columns, Failure, Format, Header, ImportOptions, Input, Keep, LastRecord, Space, Start,
};

use super::{FAILED, Outcome, UNUSABLE_SETTINGS, fail, open, with_causes};
use bar::Bar;

/// What the program ends with where too many rows were refused.
const TOO_MANY_ERRORS: u8 = 3;

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The file, plain or compressed with gzip or zstd; - for standard input
    file: PathBuf,
    /// What it holds; by its name, if left out: .ndjson and .jsonl are NDJSON
    #[arg(long, value_enum)]
    format: Option<Holds>,
    /// The first record is a row like the others, and not the names of the columns
    #[arg(long)]
    no_header: bool,
    /// What stands between two fields: one character, or `tab`
    #[arg(long, value_name = "CHARACTER", default_value = ",", value_parser = delimiter)]
    delimiter: u8,
    /// What the columns become, in their order: subject,timestamp,data.value:number,-
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with_all = ["map", "mapping"])]
    columns: Vec<Column>,
    /// What the column of a name becomes: customer=subject. The others are fields of their own names, or else data
    #[arg(long, value_name = "NAME=COLUMN", value_parser = named, conflicts_with = "mapping")]
    map: Vec<(String, Column)>,
    /// A file with a mapping, as types have them: how rows or documents become events
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
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
    /// Take away the white space around fields
    #[arg(long)]
    trim: bool,
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
    /// What is told on standard error meanwhile
    #[arg(long, value_enum, default_value_t)]
    progress: bar::Told,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Settings")]
    pub(super) flags: Flags,
}

#[derive(Clone, Copy, ValueEnum)]
enum Holds {
    /// Comma-separated values
    Csv,
    /// A JSON object a line
    Ndjson,
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

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("this is one character of ASCII, or `tab`".to_owned()),
    }
}

fn named(text: &str) -> Result<(String, Column), String> {
    let (name, column) = text.rsplit_once('=').ok_or("this is written as NAME=COLUMN")?;
    let column = column.parse().map_err(|error| format!("{error}"))?;
    Ok((name.to_owned(), column))
}

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
        let header = if self.no_header {
            Header::Absent
        } else {
            Header::Present
        };
        let format = match self.format.unwrap_or_else(|| self.by_name()) {
            Holds::Csv => Format::Csv {
                delimiter: self.delimiter,
                header,
            },
            Holds::Ndjson => Format::Ndjson,
        };
        let mut origin = Origin::new(self.source.clone().unwrap_or_else(|| settings.default_source.clone()));
        origin.zone = settings.timezone;
        let mut options = ImportOptions::new(format, origin);
        options.columns = match self.columns.is_empty() {
            true => Columns::ByName(self.map.clone()),
            false => Columns::InOrder(self.columns.clone()),
        };
        options.mapping = self.mapping.as_deref().map(mapping).transpose()?;
        options.category.clone_from(&self.category);
        options.name.clone_from(&self.name);
        options.version.clone_from(&self.type_version);
        options.space = if self.trim { Space::Trim } else { Space::Keep };
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
        Ok(options)
    }

    fn by_name(&self) -> Holds {
        let name = self.file.to_string_lossy();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        if name.ends_with(".ndjson") || name.ends_with(".jsonl") {
            Holds::Ndjson
        } else {
            Holds::Csv
        }
    }
}

fn mapping(path: &Path) -> Result<Mapping, String> {
    let wrong = |message: String| format!("--mapping: {}: {message}", path.display());
    let text = fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}
